//! Everything that speaks to the world outside: one folder or file per job, one error for all.
//!
//! - `http`        the only place that builds HTTP clients and reads HTTP failures
//! - `payment`     the payment page and its answers; `payment::iyzico` is the provider
//! - `images`      picture generation (`images::stability`) and previews (`images::rendition`)
//! - `mail`        outgoing mail over SMTP, and its Turkish texts
//! - `sms`         text messages; `sms::twilio` is the provider
//! - `storage`     picture and document files, private and public
//! - `invoice_pdf` the invoice as a PDF
//! - `lira`        how amounts are written for Turkish readers
//!
//! Nothing here knows the journal: callers write the intent before and the outcome after a call.

use std::time::Duration;

pub mod http;
pub mod images;
pub mod invoice_pdf;
pub mod lira;
pub mod mail;
pub mod payment;
pub mod sms;
pub mod storage;

pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Every outbound failure chooses one of these; there is no fourth and no default.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Safe or sensible to ask again after this long. `ambiguous`: the provider may have acted.
    #[error("{what}; ask again after {} s{}", after.as_secs(), if *ambiguous { ", it may have happened" } else { "" })]
    Retry { after: Duration, ambiguous: bool, what: String, source: Option<BoxError> },
    /// The provider (or the recipient's server) said no for good; `code` is stable and goes into an event.
    #[error("refused ({code}): {what}")]
    Rejected { code: String, what: String },
    /// Wrong key, wrong sender, our own malformed request: dead letter at once, alert.
    #[error("misconfigured: {what}")]
    Misconfigured { what: String },
}

impl CallError {
    /// Certainly nothing happened there.
    pub fn retry(after: Duration, what: impl Into<String>) -> Self {
        Self::Retry { after, ambiguous: false, what: what.into(), source: None }
    }

    /// It may have happened there.
    pub fn ambiguous(after: Duration, what: impl Into<String>) -> Self {
        Self::Retry { after, ambiguous: true, what: what.into(), source: None }
    }

    pub fn rejected(code: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Rejected { code: code.into(), what: what.into() }
    }

    pub fn misconfigured(what: impl Into<String>) -> Self {
        Self::Misconfigured { what: what.into() }
    }

    #[must_use]
    pub fn because(self, cause: impl Into<BoxError>) -> Self {
        match self {
            Self::Retry { after, ambiguous, what, .. } => {
                Self::Retry { after, ambiguous, what, source: Some(cause.into()) }
            }
            other @ (Self::Rejected { .. } | Self::Misconfigured { .. }) => other,
        }
    }

    /// A call that only reads changes nothing there, however it ends.
    #[must_use]
    pub fn of_a_read(self) -> Self {
        match self {
            Self::Retry { after, what, source, .. } => Self::Retry { after, ambiguous: false, what, source },
            other @ (Self::Rejected { .. } | Self::Misconfigured { .. }) => other,
        }
    }

    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Retry { ambiguous: true, .. })
    }
}
