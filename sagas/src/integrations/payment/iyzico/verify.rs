//! Compares what Iyzico says of a payment with what we asked for. Pure: answers in, a verdict out.

use domain::Money;

use super::super::{CardSummary, Difference, Expected, FailureGroup, LineTransaction, Verification};
use super::amount::Amount;
use super::errors::{for_the_buyer, group};
use super::signature::SecretKey;
use super::wire::{Answer, text};

/// Which call the answer is from; they sign different fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The page's token.
    Retrieve,
    /// Our own conversation id.
    Detail,
}

/// Reads an answer with `status: success`, which by itself says only that the question was understood.
/// `None`: it says nothing about a payment.
pub fn judge(
    secret: &SecretKey,
    answer: &Answer,
    expected: &Expected,
    source: Source,
) -> Option<Verification> {
    let status = text(answer.payment_status.as_ref());
    match status {
        "" => None,
        "SUCCESS" => Some(paid(secret, answer, expected, source)),
        "FAILURE" if answer.signature.is_some() && !signed(secret, answer, source) => {
            Some(mismatch(answer, vec![signature_difference(answer)]))
        }
        "FAILURE" => Some(failed(answer.code())),
        // The page exists, but no card was ever put in: there is nothing that could be charged.
        "INIT_THREEDS" if text(answer.payment_id.as_ref()).is_empty() => Some(Verification::NotStarted),
        open => Some(Verification::Open { status: open.to_owned() }),
    }
}

pub fn failed(code: &str) -> Verification {
    let code = if code.is_empty() { "payment_failed" } else { code };
    Verification::Failed { code: code.to_owned(), group: for_the_buyer(group(code)) }
}

fn paid(secret: &SecretKey, answer: &Answer, expected: &Expected, source: Source) -> Verification {
    let mut differences = differences(answer, expected, source);
    if !signed(secret, answer, source) {
        differences.insert(0, signature_difference(answer));
    }
    let lines = lines(answer);
    if lines.is_none() {
        differences.push(difference("itemTransactions", "readable", "unreadable"));
    }
    let fraud = text(answer.fraud_status.as_ref());
    if !matches!(fraud, "1" | "0" | "-1") {
        differences.push(difference("fraudStatus", "1", fraud));
    }
    if !differences.is_empty() {
        return mismatch(answer, differences);
    }
    let provider_payment_id = text(answer.payment_id.as_ref()).to_owned();
    match fraud {
        "1" => Verification::Paid {
            provider_payment_id,
            paid: expected.amount,
            price: expected.amount,
            lines: lines.unwrap_or_default(),
            card: card(answer),
            installment: text(answer.installment.as_ref()).parse().unwrap_or(1),
        },
        "0" => Verification::InReview { provider_payment_id, paid: expected.amount },
        _ => Verification::Failed { code: "fraud_rejected".to_owned(), group: FailureGroup::SayNothing },
    }
}

fn differences(answer: &Answer, expected: &Expected, source: Source) -> Vec<Difference> {
    let ours = Amount::of(expected.amount);
    let mut found = Vec::new();
    let mut compare = |field: &'static str, expected: &str, got: &str| {
        if expected != got {
            found.push(difference(field, expected, got));
        }
    };
    compare("currency", expected.amount.currency.code(), text(answer.currency.as_ref()));
    compare("basketId", &expected.order_id.to_string(), text(answer.basket_id.as_ref()));
    compare("conversationId", &expected.payment_id.to_string(), text(answer.conversation_id.as_ref()));
    if source == Source::Retrieve {
        compare("token", &expected.token, answer.token.as_deref().unwrap_or_default());
    }
    for (field, amount) in [("paidPrice", &answer.paid_price), ("price", &answer.price)] {
        let amount = text(amount.as_ref());
        if ours.is_none() || Amount::parse(amount) != ours {
            let asked = ours.as_ref().map(Amount::in_request).unwrap_or_default();
            found.push(difference(field, &asked, amount));
        }
    }
    if text(answer.payment_id.as_ref()).is_empty() {
        found.push(difference("paymentId", "present", ""));
    }
    found
}

fn signed(secret: &SecretKey, answer: &Answer, source: Source) -> bool {
    let amount = |field: Option<&_>| Amount::parse(text(field)).map(|amount| amount.in_signature());
    let paid_price = amount(answer.paid_price.as_ref()).unwrap_or_default();
    let price = amount(answer.price.as_ref()).unwrap_or_default();
    let core = [
        text(answer.payment_id.as_ref()),
        text(answer.currency.as_ref()),
        text(answer.basket_id.as_ref()),
        text(answer.conversation_id.as_ref()),
        &paid_price,
        &price,
    ];
    let fields = match source {
        Source::Detail => core.to_vec(),
        Source::Retrieve => {
            let token = answer.token.as_deref().unwrap_or_default();
            [&[text(answer.payment_status.as_ref())], &core[..], &[token]].concat()
        }
    };
    answer.signature.as_deref().is_some_and(|signature| secret.has_signed(&fields, signature))
}

/// No list at all is a poorer answer, not a wrong one: the payment can still be cancelled as a whole.
fn lines(answer: &Answer) -> Option<Vec<LineTransaction>> {
    let rows = answer.item_transactions.iter().flatten();
    rows.map(|row| {
        let transaction_id = text(row.payment_transaction_id.as_ref());
        let minor = Amount::parse(text(row.paid_price.as_ref()))?.minor()?;
        (!transaction_id.is_empty()).then(|| LineTransaction {
            line_id: text(row.item_id.as_ref()).to_owned(),
            transaction_id: transaction_id.to_owned(),
            paid: Money::lira(minor),
        })
    })
    .collect()
}

fn card(answer: &Answer) -> Option<CardSummary> {
    let last_four = answer.last_four_digits.as_deref().filter(|digits| digits.len() == 4)?;
    Some(CardSummary {
        association: answer.card_association.clone()?,
        family: answer.card_family.clone().filter(|family| !family.is_empty()),
        last_four: last_four.to_owned(),
    })
}

fn mismatch(answer: &Answer, differences: Vec<Difference>) -> Verification {
    let id = answer.payment_id.as_ref().map(|id| id.0.clone());
    Verification::Mismatch { provider_payment_id: id, differences }
}

fn difference(field: &'static str, expected: &str, found: &str) -> Difference {
    Difference { field, expected: expected.to_owned(), found: found.to_owned() }
}

/// The signature itself is not repeated: it goes into events and logs.
fn signature_difference(answer: &Answer) -> Difference {
    let found = if answer.signature.is_some() { "another" } else { "none" };
    difference("signature", "ours", found)
}

#[cfg(test)]
mod tests;
