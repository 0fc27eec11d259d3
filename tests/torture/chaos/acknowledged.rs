//! What a customer was told is so, once: every acknowledged command is in the journal, and no repeat made a second.

use super::client::{Acknowledged, Record};
use harness::World;
use std::collections::BTreeSet;

/// Answers how many there are.
pub async fn all_there(world: &World, record: &Record) -> usize {
    let told = record.acknowledged.lock().unwrap().clone();
    let head = journal::read::head(&world.pool).await.unwrap();
    let streams: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT aggregate_id FROM events").fetch_all(&world.pool).await.unwrap();
    let streams: BTreeSet<String> = streams.into_iter().collect();
    for one in &told {
        assert!((1..=head).contains(&one.position), "answered, and not there: {one:?}, head {head}");
        let known = one.id.as_ref().is_none_or(|id| streams.contains(id));
        assert!(known, "answered, and not there: {one:?}");
    }
    // As many as were answered, though most were asked for more than once: customers ask until they have an answer.
    for (aggregate, event, route) in [
        ("account", "registered", "/auth/register"),
        ("draft", "created", "/v1/drafts"),
        ("ai_job", "requested", "/ai/generate"),
        ("draft", "picture_selected", "/ai/select"),
        ("order", "placed", "/commit"),
        ("payment", "requested", "/payments/initiate"),
    ] {
        let count = "SELECT count(*) FROM events WHERE aggregate_type = $1 AND event_type = $2";
        let found: i64 =
            sqlx::query_scalar(count).bind(aggregate).bind(event).fetch_one(&world.pool).await.unwrap();
        let answered = told.iter().filter(|one| one.path.ends_with(route)).count();
        assert_eq!(
            found,
            i64::try_from(answered).unwrap(),
            "{aggregate}.{event}: in the journal, and answered"
        );
    }
    once(&told);
    told.len()
}

/// Two requests never got the same thing.
fn once(told: &[Acknowledged]) {
    let created: Vec<&String> = told
        .iter()
        .filter(|one| one.path.ends_with("/v1/drafts") || one.path.ends_with("/commit"))
        .filter_map(|one| one.id.as_ref())
        .collect();
    let distinct: BTreeSet<_> = created.iter().collect();
    assert_eq!(distinct.len(), created.len(), "two requests were given the same draft or order");
}
