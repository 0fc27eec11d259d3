//! The invoice of a paid order: lines with KDV, and the series its number belongs to.

use super::{Line, Placement};
use crate::money::MoneyError;
use crate::{AccountId, Money, PaymentId};
use serde::{Deserialize, Serialize};

/// Unit code of our invoice numbers (three letters, then the year and nine consecutive digits).
pub const SERIES: &str = "PLK";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvoiceLine {
    pub description: String,
    pub quantity: u32,
    pub net: Money,
    pub vat_percent: u32,
    pub vat: Money,
    pub gross: Money,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invoice {
    pub number: String,
    /// Istanbul's date, `YYYY-MM-DD`.
    pub issued_on: String,
    pub customer: AccountId,
    pub payment: PaymentId,
    pub lines: Vec<InvoiceLine>,
    pub net: Money,
    pub vat: Money,
    pub gross: Money,
}

/// `PLK2026000000042`.
pub fn number(year: i16, consecutive: u32) -> String {
    format!("{SERIES}{year:04}{consecutive:09}")
}

impl Invoice {
    pub fn of(
        placement: &Placement,
        payment: PaymentId,
        number: String,
        issued_on: String,
    ) -> Result<Self, MoneyError> {
        let lines = placement.lines.iter().map(InvoiceLine::of).collect::<Result<Vec<_>, _>>()?;
        let net = Money::sum(lines.iter().map(|line| line.net))?;
        let vat = Money::sum(lines.iter().map(|line| line.vat))?;
        let gross = net.plus(vat)?;
        Ok(Self { number, issued_on, customer: placement.customer, payment, lines, net, vat, gross })
    }
}

impl InvoiceLine {
    fn of(line: &Line) -> Result<Self, MoneyError> {
        let gross = line.gross()?;
        let (net, vat) = gross.split_tax(line.vat_percent)?;
        let description = line.description.clone();
        Ok(Self { description, quantity: line.quantity, net, vat_percent: line.vat_percent, vat, gross })
    }
}
