//! Mails. The Message-ID is fixed by the event, so that a second copy after an unclear answer is recognisable.

use super::{EffectError, Effects, Origin};
use crate::integrations::CallError;
use crate::integrations::mail::templates::{self, Letter, OrderConfirmation, OrderLine};
use crate::integrations::mail::{Attachment, OutgoingMail, parse_address};
use domain::OrderId;
use journal::tables::accounts;

impl Effects {
    pub(super) async fn mail_order_confirmation(
        &self,
        order: OrderId,
        origin: &Origin,
    ) -> Result<&'static str, EffectError> {
        let invoiced = self.invoiced(order).await?;
        let pdf = self.file_invoice(order).await?;
        let customer = invoiced.placement.customer;
        let Some(person) = accounts::recipient(&self.pool, customer).await? else {
            return Err(EffectError::Missing("the account"));
        };
        let lines = invoiced.invoice.lines.iter().map(|line| OrderLine {
            description: line.description.clone(),
            quantity: line.quantity,
            gross: line.gross,
        });
        let mut order_link = self.settings.shop_url.clone();
        order_link.set_path(&format!("/orders/{order}"));
        let letter = templates::order_confirmation(&OrderConfirmation {
            name: person.name.clone().unwrap_or_default(),
            order_number: invoiced.placement.number.clone(),
            invoice_number: invoiced.invoice.number.clone(),
            lines: lines.collect(),
            net: invoiced.invoice.net,
            vat: invoiced.invoice.vat,
            gross: invoiced.invoice.gross,
            order_link,
        });
        let mail = letter.map_err(|error| EffectError::Document(error.to_string()))?;
        let attachment = Attachment {
            name: format!("{}.pdf", invoiced.invoice.number),
            content_type: "application/pdf".into(),
            bytes: pdf,
        };
        self.send(person.email, person.name, mail, vec![attachment], origin).await
    }

    pub(super) async fn send(
        &self,
        to: String,
        to_name: Option<String>,
        letter: Letter,
        attachments: Vec<Attachment>,
        origin: &Origin,
    ) -> Result<&'static str, EffectError> {
        let Ok(to) = parse_address(&to) else { return Ok("not_an_address") };
        let mail = OutgoingMail {
            to,
            to_name,
            subject: letter.subject,
            text: letter.text,
            html: letter.html,
            message_id: format!("<{}@{}>", origin.key("mail"), self.settings.mail_domain),
            date: origin.recorded_at,
            attachments,
        };
        match self.mailer.send(&mail).await {
            Ok(_) => Ok("accepted"),
            // The address does not take mail: nothing that a retry or an operator could mend.
            Err(CallError::Rejected { code, what }) => {
                tracing::warn!(mail.code = code, mail.reply = what, "the recipient's server refused a mail");
                Ok("refused_by_recipient")
            }
            Err(error) => Err(error.into()),
        }
    }
}
