use super::{AccountCommand, AccountEvent, AccountRefusal, Proof, Registered, Role, Verification};
use time::OffsetDateTime;
use uuid::Uuid;

type Decision = Result<Vec<AccountEvent>, AccountRefusal>;

pub(super) fn unknown(command: AccountCommand) -> Decision {
    let AccountCommand::Register { role, terms_version, privacy_version, revenue_share, verification } =
        command
    else {
        return Err(AccountRefusal::Unknown);
    };
    if role == Role::Designer && !revenue_share {
        return Err(AccountRefusal::RevenueShareRequired);
    }
    let registered =
        AccountEvent::Registered { role, terms_version, privacy_version, revenue_share, verification };
    Ok(vec![registered])
}

impl Registered {
    pub(super) fn decide(&self, command: AccountCommand) -> Decision {
        use AccountCommand as C;
        match command {
            C::Register { verification, .. } => match &self.email {
                Proof::Pending(first) if *first == verification => Ok(vec![]),
                Proof::Pending(_) | Proof::Proven { .. } => Err(AccountRefusal::AlreadyRegistered),
            },
            C::RequestVerification { verification } => Ok(self.request_verification(verification)),
            C::VerifyEmail { selector, at } => self.verify_email(selector, at),
            C::RequestPhoneVerification { verification } => Ok(match &self.phone {
                Some(known) if known.selector() == verification.selector => vec![],
                Some(_) | None => vec![AccountEvent::PhoneVerificationRequested { verification }],
            }),
            C::VerifyPhone { selector, at } => self.verify_phone(selector, at),
            C::RequestPasswordReset { reset } => {
                let known = reset.selector == self.credential
                    || self.resets.iter().any(|known| known.selector == reset.selector);
                Ok(if known { vec![] } else { vec![AccountEvent::PasswordResetRequested { reset }] })
            }
            C::ResetPassword { selector, at } => self.reset_password(selector, at),
            C::ChangePassword { credential, replaces } => {
                if self.credential == credential {
                    return Ok(vec![]);
                }
                // Who changes it has proven to know the one that counted; another one may count by now.
                if self.credential != replaces {
                    return Err(AccountRefusal::PasswordChangedMeanwhile);
                }
                Ok(vec![AccountEvent::PasswordChanged { credential, replaces }])
            }
            C::GrantRole { role, .. } if self.role == role => Ok(vec![]),
            C::GrantRole { role, reason } => Ok(vec![AccountEvent::RoleGranted { role, reason }]),
            C::ReportStolenSession { session } if self.stolen == Some(session) => Ok(vec![]),
            C::ReportStolenSession { session } => Ok(vec![AccountEvent::SessionStolen { session }]),
        }
    }

    fn request_verification(&self, verification: Verification) -> Vec<AccountEvent> {
        match &self.email {
            Proof::Pending(current) if *current == verification => vec![],
            Proof::Pending(_) => vec![AccountEvent::VerificationRequested { verification }],
            // Nothing to prove any more: the caller sees the same success as everybody else.
            Proof::Proven { .. } => vec![],
        }
    }

    fn verify_email(&self, selector: Uuid, at: OffsetDateTime) -> Decision {
        match &self.email {
            Proof::Pending(pending) if pending.selector != selector => {
                Err(AccountRefusal::InvalidVerification)
            }
            Proof::Pending(pending) if at >= pending.expires_at => Err(AccountRefusal::ExpiredVerification),
            Proof::Pending(_) => Ok(vec![AccountEvent::EmailVerified { selector }]),
            Proof::Proven { selector: used } if *used == selector => Ok(vec![]),
            Proof::Proven { .. } => Err(AccountRefusal::InvalidVerification),
        }
    }

    fn verify_phone(&self, selector: Uuid, at: OffsetDateTime) -> Decision {
        match &self.phone {
            Some(Proof::Pending(pending)) if pending.selector == selector => {
                if at >= pending.expires_at {
                    return Err(AccountRefusal::ExpiredPhoneCode);
                }
                Ok(vec![AccountEvent::PhoneVerified { selector }])
            }
            Some(Proof::Proven { selector: used }) if *used == selector => Ok(vec![]),
            Some(_) | None => Err(AccountRefusal::InvalidPhoneCode),
        }
    }

    fn reset_password(&self, selector: Uuid, at: OffsetDateTime) -> Decision {
        if self.credential == selector {
            return Ok(vec![]);
        }
        let pending = self.resets.iter().find(|reset| reset.selector == selector);
        let pending = pending.ok_or(AccountRefusal::InvalidReset)?;
        if at >= pending.expires_at {
            return Err(AccountRefusal::ExpiredReset);
        }
        Ok(vec![AccountEvent::PasswordReset { selector, replaces: self.credential }])
    }
}

impl Proof {
    fn selector(&self) -> Uuid {
        match self {
            Self::Pending(verification) => verification.selector,
            Self::Proven { selector } => *selector,
        }
    }
}
