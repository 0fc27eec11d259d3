//! Calls to the payment provider, and the commands that record what it said.

use super::{EffectError, Effects, Origin, basket, refused_with};
use crate::integrations::CallError;
use crate::integrations::payment::{CheckoutRequest, Expected, Locale, Verification};
use domain::payment::{Captured, CapturedLine, Payment, Request};
use domain::personal::{BillingRecord, BuyerRecord, ShippingRecord};
use domain::{Command, PaymentCommand, PaymentId, PersonalRef};
use journal::tables::callback_log::token_digest;
use journal::tables::checkouts::{self, Checkout, TOKEN_SCOPE};
use journal::tables::personal;
use journal::{Claim, Rider};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Nobody types a bank's code for longer than this after the page has run out.
const ABANDONED_AFTER: Duration = Duration::from_mins(15);

impl Effects {
    pub(super) async fn open_checkout(
        &self,
        payment: PaymentId,
        origin: &Origin,
    ) -> Result<&'static str, EffectError> {
        let Payment::Open { request, checkout: None, .. } = self.payment(payment).await? else {
            return Ok("opened_before");
        };
        // An earlier try got as far as the page: a second one would only confuse.
        if let Some(kept) = checkouts::get(&self.pool, payment).await? {
            return self.record_checkout(payment, kept, origin).await;
        }
        let question = self.checkout_request(payment, &request).await?;
        match self.payments.open_checkout(&question).await {
            Ok(opened) => {
                let opened = Checkout {
                    token: opened.token,
                    page_url: opened.page_url.to_string(),
                    expires_at: self.clock.now() + opened.expires_in,
                };
                let kept = checkouts::store(&self.pool, payment, &opened).await?;
                self.record_checkout(payment, kept, origin).await
            }
            Err(CallError::Rejected { code, .. }) => {
                let command = PaymentCommand::Fail { code };
                self.record(payment, command, origin, "fail").await?;
                Ok("rejected")
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn record_checkout(
        &self,
        payment: PaymentId,
        kept: Checkout,
        origin: &Origin,
    ) -> Result<&'static str, EffectError> {
        let token_digest = token_digest(&kept.token);
        let claim = Claim { scope: TOKEN_SCOPE.into(), key: token_digest.clone() };
        let rider = Rider { claims: vec![claim], ..Rider::default() };
        let command = PaymentCommand::RecordCheckout { token_digest, expires_at: kept.expires_at };
        let commands = vec![Command::Payment { id: payment, command }];
        match self.execute(origin, "record-checkout", commands, rider).await {
            Ok(_) => Ok("opened"),
            // Closed meanwhile: nobody was shown this page, and it runs out by itself.
            Err(error) if refused_with(&error, "payment_closed") => Ok("closed_meanwhile"),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn verify_payment(
        &self,
        payment: PaymentId,
        origin: &Origin,
    ) -> Result<&'static str, EffectError> {
        let (request, checkout) = match self.payment(payment).await? {
            Payment::Open { request, checkout, .. } | Payment::Closed { request, checkout, .. } => {
                (request, checkout)
            }
            Payment::Unknown => return Err(EffectError::Missing("the payment")),
            Payment::Captured { .. } | Payment::RefundRequested { .. } | Payment::Refunded { .. } => {
                return Ok("settled_before");
            }
        };
        // No page yet: there is nothing that could have been paid.
        if checkout.is_none() {
            return Ok("not_opened_yet");
        }
        let checkout = checkouts::get(&self.pool, payment).await?;
        let checkout = checkout.ok_or(EffectError::Missing("the payment's page"))?;
        let expected = Expected {
            payment_id: payment.0,
            order_id: request.order.0,
            amount: request.amount,
            token: checkout.token.clone(),
        };
        let answer = self.payments.verify(&expected).await?;
        let Some((command, outcome)) = self.conclusion(answer, &checkout) else { return Ok("still_open") };
        self.record(payment, command, origin, outcome).await?;
        Ok(outcome)
    }

    /// What the provider's answer means for us; nothing while it can still go either way.
    fn conclusion(
        &self,
        answer: Verification,
        checkout: &Checkout,
    ) -> Option<(PaymentCommand, &'static str)> {
        match answer {
            Verification::Paid { provider_payment_id, paid, lines, card, .. } => {
                let lines = lines
                    .into_iter()
                    .map(|line| CapturedLine {
                        line: line.line_id,
                        transaction_id: line.transaction_id,
                        paid: line.paid,
                    })
                    .collect();
                let card = card.map(|card| format!("{} **** {}", card.association, card.last_four));
                let captured = Captured { provider_payment_id, amount: paid, lines, card };
                Some((PaymentCommand::Capture(captured), "captured"))
            }
            Verification::Failed { code, .. } => Some((PaymentCommand::Fail { code }, "failed")),
            Verification::InReview { provider_payment_id, .. } => {
                Some((hold("provider_review".into(), Some(provider_payment_id)), "held"))
            }
            Verification::Mismatch { provider_payment_id, differences } => {
                let fields: Vec<&str> = differences.iter().map(|one| one.field).collect();
                tracing::error!(payment.differences = ?differences, "the provider's answer does not fit the payment");
                Some((hold(format!("mismatch:{}", fields.join(",")), provider_payment_id), "held"))
            }
            Verification::NotStarted if self.clock.now() >= checkout.expires_at => {
                Some((PaymentCommand::Expire, "expired"))
            }
            // Left at the bank's page. The order is free again; we keep asking, and late money is still taken.
            Verification::Open { .. } if self.clock.now() >= checkout.expires_at + ABANDONED_AFTER => {
                Some((PaymentCommand::Expire, "abandoned"))
            }
            Verification::NotStarted | Verification::Open { .. } => None,
        }
    }

    pub(super) async fn cancel_payment(
        &self,
        payment: PaymentId,
        origin: &Origin,
    ) -> Result<&'static str, EffectError> {
        let Payment::RefundRequested { captured, .. } = self.payment(payment).await? else {
            return Ok("not_wanted_any_more");
        };
        let outcome = self.payments.cancel(&captured.provider_payment_id, payment.0).await?;
        let command = PaymentCommand::RecordRefund { reference: outcome.reference };
        self.record(payment, command, origin, "refunded").await?;
        Ok("refunded")
    }

    async fn payment(&self, payment: PaymentId) -> Result<Payment, EffectError> {
        Ok(self.commands.state::<Payment>(&payment.to_string()).await?)
    }

    async fn record(
        &self,
        id: PaymentId,
        command: PaymentCommand,
        origin: &Origin,
        step: &str,
    ) -> Result<(), EffectError> {
        let commands = vec![Command::Payment { id, command }];
        self.execute(origin, step, commands, Rider::default()).await?;
        Ok(())
    }

    async fn checkout_request(
        &self,
        payment: PaymentId,
        request: &Request,
    ) -> Result<CheckoutRequest, EffectError> {
        let buyer: BuyerRecord = self.personal(&request.buyer, "the buyer's record").await?;
        let shipping: ShippingRecord = self.personal(&request.shipping, "the delivery address").await?;
        let billing: BillingRecord = self.personal(&request.billing, "the billing address").await?;
        let billing_address = basket::billing_address(&billing, &shipping);
        Ok(CheckoutRequest {
            payment_id: payment.0,
            order_id: request.order.0,
            amount: request.amount,
            lines: request.lines.iter().enumerate().map(basket::line).collect::<Result<_, _>>()?,
            buyer: basket::buyer(request.customer, &buyer, &billing_address)?,
            shipping_address: Some(basket::shipping_address(&shipping)),
            billing_address,
            callback_url: self.settings.callback_url.clone(),
            locale: Locale::Tr,
        })
    }

    pub(super) async fn personal<T: DeserializeOwned>(
        &self,
        reference: &PersonalRef,
        what: &'static str,
    ) -> Result<T, EffectError> {
        let body = personal::get(&self.pool, reference.id).await?.ok_or(EffectError::Missing(what))?;
        serde_json::from_value(body).map_err(|_| EffectError::Missing(what))
    }
}

fn hold(reason: String, provider_payment_id: Option<String>) -> PaymentCommand {
    PaymentCommand::HoldForReview { reason, provider_payment_id }
}
