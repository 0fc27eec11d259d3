//! What we recorded as sent has arrived, and no more copies than there were attempts.

use domain::ids;
use harness::World;
use std::collections::BTreeMap;

pub struct Mails {
    pub delivered: usize,
    pub doubled: usize,
}

pub async fn all_there(world: &World) -> Mails {
    let mut arrived: BTreeMap<String, i32> = BTreeMap::new();
    for mail in &world.mailbox.ledger().mails {
        *arrived.entry(mail.message_id.trim_matches(['<', '>']).to_owned()).or_default() += 1;
    }
    let steps: Vec<(String, i64, i32, i32, String)> = sqlx::query_as(
        "SELECT saga, position, action_index, attempts, outcome ->> 'outcome' FROM inbox \
         WHERE saga IN ('account_mail', 'order_mail') AND outcome ->> 'outcome' <> 'filed'",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    let (delivered, mut doubled) = (arrived.len(), 0);
    for (flow, position, index, attempts, outcome) in steps {
        let key = ids::derived(&[&flow, &position.to_string(), &index.to_string(), "mail"]);
        let copies = arrived.remove(&format!("{key}@127.0.0.1")).unwrap_or(0);
        let step = format!("{flow} at {position}: {outcome}, {attempts} attempts, {copies} copies");
        assert!(outcome != "accepted" || copies > 0, "recorded as sent, and never arrived: {step}");
        // SMTP is at least once: an attempt that was cut off may have delivered.
        assert!(copies <= attempts, "more copies than attempts: {step}");
        doubled += usize::try_from((copies - 1).max(0)).unwrap();
    }
    assert!(arrived.is_empty(), "mails that nobody recorded: {arrived:?}");
    confirmed(world).await;
    Mails { delivered, doubled }
}

/// Every invoice went out with its confirmation.
async fn confirmed(world: &World) {
    let unsent = "SELECT count(*) FROM events e WHERE e.event_type = 'invoice_issued' AND NOT EXISTS ( \
         SELECT FROM inbox i WHERE i.saga = 'order_mail' AND i.position = e.position \
         AND i.outcome ->> 'outcome' = 'accepted')";
    let unsent: i64 = sqlx::query_scalar(unsent).fetch_one(&world.pool).await.unwrap();
    assert_eq!(unsent, 0, "invoices without a confirmation");
}
