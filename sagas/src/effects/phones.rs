//! Phone numbers: the code that proves one, and the proof brought to the profile.

use super::{EffectError, Effects, Origin};
use crate::integrations::CallError;
use crate::integrations::sms::{self, OutgoingText};
use domain::AccountId;
use domain::account::Proof;
use journal::tables::phone_codes::{self, Applied, Proven};
use journal::tables::short_code::{self, Purpose};
use uuid::Uuid;

/// Attempts without a clear answer: each may be a message that is paid for, and the person can ask again.
const UNCLEAR_MAX: u32 = 5;

impl Effects {
    /// Before a code is sent, the account is asked whether it still proves anything.
    pub(super) async fn text_phone_code(
        &self,
        account: AccountId,
        selector: Uuid,
        origin: &Origin,
    ) -> Result<&'static str, EffectError> {
        let pending = match self.person(account).await?.phone {
            Some(Proof::Pending(pending)) if pending.selector == selector => pending,
            Some(Proof::Proven { selector: proven }) if proven == selector => return Ok("phone_proven"),
            Some(_) | None => return Ok("newer_code"),
        };
        let left = pending.expires_at - self.clock.now();
        if !left.is_positive() {
            return Ok("code_expired");
        }
        let Some(texts) = &self.texts else {
            return Err(CallError::misconfigured("SMS_PROVIDER is `none`, and a code is to be sent").into());
        };
        let Some(waiting) = phone_codes::get(&self.pool, account, selector).await? else {
            return Err(EffectError::Missing("the phone number"));
        };
        let code = short_code::code(&self.settings.secret, Purpose::Phone, account, selector);
        let body = sms::phone_code(&code, left.whole_minutes());
        match texts.send(&OutgoingText { to: waiting.phone, body }).await {
            Ok(accepted) => {
                tracing::info!(account.id = %account, sms.id = accepted.id, "a phone code was sent");
                Ok("accepted")
            }
            // The number takes no messages: nothing that a retry or an operator could mend.
            Err(CallError::Rejected { code, .. }) => {
                tracing::warn!(account.id = %account, sms.code = code, "a number takes no text messages");
                Ok("refused_by_recipient")
            }
            Err(error) if error.is_ambiguous() && origin.attempt >= UNCLEAR_MAX => {
                tracing::warn!(account.id = %account, "whether a phone code was sent stays unclear");
                Ok("unclear")
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn put_phone_in_force(
        &self,
        account: AccountId,
        selector: Uuid,
        origin: &Origin,
    ) -> Result<&'static str, EffectError> {
        let proven = Proven { account, selector, position: origin.position, at: origin.recorded_at };
        match phone_codes::apply(&self.pool, proven, origin.source(), self.clock.now()).await? {
            Applied::Now => Ok("in_force"),
            Applied::Before => Ok("in_force_before"),
            Applied::Superseded => Ok("proven_since"),
            Applied::Missing => Err(EffectError::Missing("the phone number")),
        }
    }
}
