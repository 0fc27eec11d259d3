//! A journal as the shop writes it: whole purchases, from the registration to the paid invoice.
//!
//! Payloads are the goldens of `domain/events`; ids get a prefix of their own in each journey.

use crate::Outcome;
use crate::fill::{analyze, copy, metadata, now};
use crate::machine::checkout;
use domain::{AccountId, Envelope};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::fs;
use uuid::Uuid;

/// What happens, in order.
const STEPS: [(&str, &str); 26] = [
    ("account", "registered"),
    ("account", "email_verified"),
    ("wallet", "granted"),
    ("draft", "created"),
    ("draft", "message_card_chosen"),
    ("draft", "shipping_set"),
    ("draft", "billing_set"),
    ("draft", "generation_begun"),
    ("wallet", "reserved"),
    ("ai_job", "requested"),
    ("ai_job", "picture_begun"),
    ("ai_job", "picture_generated"),
    ("wallet", "captured"),
    ("ai_job", "finished"),
    ("wallet", "released"),
    ("draft", "generation_ended"),
    ("draft", "picture_selected"),
    ("draft", "committed"),
    ("order", "placed"),
    ("order", "payment_begun"),
    ("payment", "requested"),
    ("payment", "checkout_opened"),
    ("payment", "callback_received"),
    ("payment", "captured"),
    ("order", "paid"),
    ("order", "invoice_issued"),
];

/// The goldens' ids begin with this, whatever they are ids of.
const GOLDEN_PREFIX: &str = "0192f7a4-";
/// The part of order and invoice numbers that differs.
const GOLDEN_NUMBER: &str = "7K3M9QXZ";

/// Which id of the goldens an aggregate has; wallets have that of their account.
fn golden_id(aggregate: &str) -> &'static str {
    match aggregate {
        "draft" => "0192f7a4-1c02-7c3e-9b1d-5e8f0a6c61de",
        "order" => "0192f7a4-1c03-7c3e-9b1d-5e8f0a6c80cd",
        "payment" => "0192f7a4-1c04-7c3e-9b1d-5e8f0a6c9fbc",
        "ai_job" => "0192f7a4-1c06-7c3e-9b1d-5e8f0a6cdd9a",
        _ => "0192f7a4-1c01-7c3e-9b1d-5e8f0a6c42ef",
    }
}

/// Fills an empty journal with about as many events as asked for.
pub async fn fill(url: &str, events: i64) -> Outcome<i64> {
    let goldens = goldens()?;
    let journeys = u32::try_from(events / i64::try_from(STEPS.len())?)?.max(1);
    let rows = (0..journeys).flat_map(|journey| (0..STEPS.len()).map(move |step| (journey, step)));
    let rows = (1_i64..).zip(rows).map(|(position, (journey, step))| row(&goldens, position, journey, step));
    let pool = PgPool::connect(url).await?;
    copy(&pool, rows).await?;
    pool.close().await;
    analyze(url).await?;
    Ok(i64::from(journeys) * i64::try_from(STEPS.len())?)
}

fn goldens() -> Outcome<Vec<String>> {
    let text = |(aggregate, event): (&str, &str)| {
        let file = checkout().join(format!("domain/events/{aggregate}.{event}.v1.json"));
        fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()).into())
    };
    STEPS.into_iter().map(text).collect()
}

fn row(goldens: &[String], position: i64, journey: u32, step: usize) -> Outcome<Envelope> {
    let (aggregate, event) = STEPS[step];
    let own = |text: &str| {
        text.replace(GOLDEN_PREFIX, &format!("{journey:08x}-"))
            .replace(GOLDEN_NUMBER, &format!("{journey:08}"))
    };
    let before = STEPS[..step].iter().filter(|(other, _)| *other == aggregate).count();
    let metadata: BTreeMap<String, String> = metadata(AccountId(Uuid::nil()));
    Ok(Envelope {
        position,
        aggregate_type: aggregate.to_owned(),
        aggregate_id: own(golden_id(aggregate)),
        sequence: i64::try_from(before)? + 1,
        event_type: event.to_owned(),
        event_version: "1".to_owned(),
        payload: serde_json::from_str(&own(&goldens[step]))?,
        metadata,
        recorded_at: now(),
    })
}
