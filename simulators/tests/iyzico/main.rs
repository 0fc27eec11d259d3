//! The payment provider, as a merchant and its buyers meet it.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod checkout;
mod faults;
mod shop;
