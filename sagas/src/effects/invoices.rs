//! Invoice numbers without gaps, and the invoice as a document.

use super::{EffectError, Effects, Origin, basket};
use crate::integrations::invoice_pdf::{self, InvoiceDocument, InvoiceLine, InvoiceTotals};
use crate::integrations::storage::Area;
use bytes::Bytes;
use domain::order::{INVOICE_SERIES, Invoice, Order, Placement, invoice_number};
use domain::personal::{BillingRecord, ShippingRecord};
use domain::{Command, OrderCommand, OrderId};
use jiff::{Timestamp, tz::TimeZone};
use journal::{Claim, CommandError, Rider, read};
use time::OffsetDateTime;

/// Races for the next number that are run before the step is tried again later.
const NUMBER_RACES_MAX: u32 = 20;
const TIME_ZONE: &str = "Europe/Istanbul";

/// A paid order with its invoice.
pub(super) struct Invoiced {
    pub placement: Placement,
    pub invoice: Invoice,
}

impl Effects {
    /// The number is claimed in the commit that issues the invoice: a number without an invoice cannot exist.
    pub(super) async fn issue_invoice(
        &self,
        order: OrderId,
        origin: &Origin,
    ) -> Result<&'static str, EffectError> {
        // The day of the capture, so that a repeat after midnight stays in its year.
        let (year, issued_on) = istanbul_date(origin.recorded_at)?;
        let scope = format!("invoice.{INVOICE_SERIES}{year:04}");
        for _ in 0..NUMBER_RACES_MAX {
            let last = read::last_claim_key(&self.pool, &scope).await?;
            let next = consecutive(last.as_deref()) + 1;
            let number = invoice_number(year, next);
            let command = OrderCommand::IssueInvoice { number: number.clone(), issued_on: issued_on.clone() };
            let claim = Claim { scope: scope.clone(), key: number };
            let rider = Rider { claims: vec![claim], ..Rider::default() };
            let commands = vec![Command::Order { id: order, command }];
            match self.execute(origin, "issue", commands, rider).await {
                Ok(_) => return Ok("issued"),
                Err(CommandError::ClaimTaken { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommandError::Contended { attempts: NUMBER_RACES_MAX }.into())
    }

    /// Renders and stores the PDF once; later calls read it back.
    pub(super) async fn file_invoice(&self, order: OrderId) -> Result<Bytes, EffectError> {
        let invoiced = self.invoiced(order).await?;
        let key = format!("invoices/{}.pdf", invoiced.invoice.number);
        if let Some(bytes) = self.private_file(&key).await? {
            return Ok(bytes);
        }
        let billing: BillingRecord =
            self.personal(&invoiced.placement.billing, "the billing address").await?;
        let shipping: ShippingRecord =
            self.personal(&invoiced.placement.shipping, "the delivery address").await?;
        let document = document(&invoiced, &billing, &shipping);
        let pdf = invoice_pdf::render(&document).map_err(|error| EffectError::Document(error.to_string()))?;
        let bytes = Bytes::from(pdf);
        self.storage.put_new(Area::Private, &key, bytes.clone()).await?;
        Ok(bytes)
    }

    pub(super) async fn invoiced(&self, order: OrderId) -> Result<Invoiced, EffectError> {
        match self.commands.state::<Order>(&order.to_string()).await? {
            Order::Paid { placement, invoice: Some(invoice), .. } => Ok(Invoiced { placement, invoice }),
            Order::Unknown | Order::AwaitingPayment { .. } | Order::Paid { .. } | Order::Closed { .. } => {
                Err(EffectError::Missing("the invoice"))
            }
        }
    }
}

/// (year, `YYYY-MM-DD`) of a moment, as the tax office sees it.
fn istanbul_date(at: OffsetDateTime) -> Result<(i16, String), EffectError> {
    let calendar = |error: jiff::Error| EffectError::Document(error.to_string());
    let zone = TimeZone::get(TIME_ZONE).map_err(calendar)?;
    let date = Timestamp::from_second(at.unix_timestamp()).map_err(calendar)?.to_zoned(zone).date();
    Ok((date.year(), date.to_string()))
}

fn consecutive(last: Option<&str>) -> u32 {
    let digits = last.and_then(|number| number.get(INVOICE_SERIES.len() + 4..));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn document(invoiced: &Invoiced, billing: &BillingRecord, shipping: &ShippingRecord) -> InvoiceDocument {
    let invoice = &invoiced.invoice;
    let address = basket::billing_address(billing, shipping);
    let tax = billing
        .tax_number
        .as_ref()
        .map(|number| format!("VKN {number}, {}", billing.tax_office.as_deref().unwrap_or_default()));
    let buyer = [address.contact_name, address.line, address.city].into_iter().chain(tax);
    let lines = invoice
        .lines
        .iter()
        .map(|line| InvoiceLine {
            description: line.description.clone(),
            quantity: line.quantity,
            net: line.net,
            vat_rate_percent: line.vat_percent,
            vat: line.vat,
            gross: line.gross,
        })
        .collect();
    InvoiceDocument {
        number: invoice.number.clone(),
        issued_on: invoice.issued_on.clone(),
        seller: SELLER.iter().map(ToString::to_string).collect(),
        buyer: buyer.collect(),
        order_number: invoiced.placement.number.clone(),
        lines,
        totals: InvoiceTotals { net: invoice.net, vat: invoice.vat, gross: invoice.gross },
    }
}

const SELLER: [&str; 3] = ["Polikrami Kapak", "Moda Caddesi No: 1, Kadıköy", "İstanbul, Türkiye"];

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn the_day_is_that_of_istanbul() {
        let (year, day) = istanbul_date(datetime!(2026-12-31 21:30 UTC)).unwrap();
        assert_eq!((year, day.as_str()), (2027, "2027-01-01"));
    }

    #[test]
    fn the_next_number_follows_the_last() {
        assert_eq!(consecutive(None), 0);
        assert_eq!(consecutive(Some("PLK2026000000041")), 41);
    }
}
