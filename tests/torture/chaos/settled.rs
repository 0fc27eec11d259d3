//! Nothing is stuck: everything begun has ended, every reader is at the head, and the read models are right.

use harness::{World, eventually_within};
use sagas::flows;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Retries back off; this is longer than the longest pause that a run can cause.
const LIMIT: Duration = Duration::from_mins(5);

const TELL_EVERY: Duration = Duration::from_secs(20);

/// What must be zero, and how it is asked for.
const OPEN: [(&str, &str); 8] = [
    ("steps begun and not ended", "SELECT count(*) FROM inbox WHERE finished_at IS NULL"),
    (
        "timers that nobody fired",
        "SELECT count(*) FROM timers WHERE fired_at IS NULL AND next_attempt_at < now() - interval '2 s'",
    ),
    (
        "picture jobs that did not end",
        "SELECT count(*) FILTER (WHERE event_type = 'requested') \
           - count(*) FILTER (WHERE event_type = 'finished') FROM events WHERE aggregate_type = 'ai_job'",
    ),
    (
        "generations that keep their draft busy",
        "SELECT count(*) FILTER (WHERE event_type = 'generation_begun') \
           - count(*) FILTER (WHERE event_type = 'generation_ended') FROM events WHERE aggregate_type = 'draft'",
    ),
    (
        "captured payments that reached no order",
        "SELECT count(*) FILTER (WHERE aggregate_type = 'payment' AND event_type = 'captured') \
           - count(*) FILTER (WHERE event_type IN ('paid', 'surplus_received')) FROM events",
    ),
    (
        "paid orders without an invoice",
        "SELECT count(*) FILTER (WHERE event_type = 'paid') \
           - count(*) FILTER (WHERE event_type = 'invoice_issued') FROM events",
    ),
    (
        "surpluses that did not go back",
        "SELECT count(*) FILTER (WHERE event_type = 'surplus_received') \
           - count(*) FILTER (WHERE event_type = 'refunded') FROM events",
    ),
    (
        "readers behind the head",
        "SELECT count(*) FROM checkpoints WHERE position < (SELECT max(position) FROM events)",
    ),
];

/// Waits until nothing is open any more.
pub async fn wait(world: &World) {
    let mut told = None;
    eventually_within(LIMIT, "everything that was begun ends", async || {
        // The last kill may have left dead connections in the pool.
        let open = open(world).await.ok()?;
        // Not each change: what is still open after a while is what one wants to know.
        if !open.is_empty() && told.is_none_or(|told: Instant| told.elapsed() > TELL_EVERY) {
            println!("chaos: settling: {open:?}");
            told = Some(Instant::now());
        }
        open.is_empty().then_some(())
    })
    .await;
}

async fn open(world: &World) -> Result<Vec<String>, sqlx::Error> {
    let mut open = Vec::new();
    for (what, statement) in OPEN {
        let count: i64 = sqlx::query_scalar(statement).fetch_one(&world.pool).await?;
        if count != 0 {
            open.push(format!("{count} {what}"));
        }
    }
    let head = journal::read::head(&world.pool).await?;
    for flow in flows::ALL {
        let missing = journal::progress::missing_positions(&world.pool, flow.name, flow.interests, head, 10);
        let missing = missing.await?;
        if !missing.is_empty() {
            open.push(format!("{} has not handled {missing:?}", flow.name));
        }
    }
    let forgotten = remind(world).await?;
    if forgotten > 0 {
        open.push(format!("{forgotten} charges that nobody captured"));
    }
    Ok(open)
}

/// The next question to the provider comes after minutes, then hours; here the clock of those timers is put forward
/// for payments whose money the provider has and we do not know of. Answers how many there are.
pub async fn remind(world: &World) -> Result<usize, sqlx::Error> {
    let captured =
        "SELECT aggregate_id FROM events WHERE aggregate_type = 'payment' AND event_type = 'captured'";
    let captured: Vec<String> = sqlx::query_scalar(captured).fetch_all(&world.pool).await?;
    let captured: BTreeSet<String> = captured.into_iter().collect();
    let ledger = world.iyzico.ledger();
    let charged =
        ledger.checkouts.values().filter(|one| one.payment.as_ref().is_some_and(|paid| paid.charges > 0));
    let forgotten: Vec<String> =
        charged.filter_map(|one| one.conversation_id.clone()).filter(|id| !captured.contains(id)).collect();
    sqlx::query(
        "UPDATE timers SET next_attempt_at = now() WHERE fired_at IS NULL AND attempts = 0 \
         AND next_attempt_at > now() AND command ->> 'aggregate' = 'payment' AND command ->> 'id' = ANY ($1)",
    )
    .bind(&forgotten)
    .execute(&world.pool)
    .await?;
    Ok(forgotten.len())
}

/// What the run came to.
pub struct Books {
    pub events: i64,
    pub refunded: i64,
    pub pictures: i64,
}

/// The journal is whole, credits and refunds add up, nothing went to the dead letters, read models are right.
pub async fn books(world: &World) -> Books {
    let pool = &world.pool;
    let (events, first, last): (i64, i64, i64) =
        sqlx::query_as("SELECT count(*), min(position), max(position) FROM events")
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!((first, last), (1, events), "positions have a gap");
    let dead: Vec<(String, Option<i64>, String)> =
        sqlx::query_as("SELECT flow, position, error FROM dead_letters ORDER BY first_at")
            .fetch_all(pool)
            .await
            .unwrap();
    assert!(dead.is_empty(), "steps failed for good: {dead:#?}");
    let unsettled: Vec<(String, i64)> = sqlx::query_as(
        "SELECT aggregate_id, sum(CASE event_type WHEN 'reserved' THEN 1 ELSE -1 END \
           * (payload ->> 'credits')::bigint)::bigint FROM events \
         WHERE aggregate_type = 'wallet' AND event_type IN ('reserved', 'captured', 'released') \
         GROUP BY aggregate_id HAVING sum(CASE event_type WHEN 'reserved' THEN 1 ELSE -1 END \
           * (payload ->> 'credits')::bigint) <> 0",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert!(unsettled.is_empty(), "credits stay reserved although every job has ended: {unsettled:?}");
    let refunded = refunds(world).await;
    let pictures = pictures(world).await;
    for model in projections::ALL {
        let verified = projections::verify(pool, model.name, |_, _| {}).await.unwrap();
        assert!(verified.difference.is_none(), "{}: {:?}", model.name, verified.difference);
    }
    Books { events, refunded, pictures }
}

/// What we gave back, the provider gave back, and nothing else.
async fn refunds(world: &World) -> i64 {
    let ours = "SELECT aggregate_id FROM events WHERE aggregate_type = 'payment' AND event_type = 'refunded'";
    let mut ours: Vec<String> = sqlx::query_scalar(ours).fetch_all(&world.pool).await.unwrap();
    let ledger = world.iyzico.ledger();
    let cancelled = |one: &&simulators::iyzico::ledger::Checkout| {
        one.payment.as_ref().is_some_and(|payment| payment.cancelled_ms.is_some())
    };
    let theirs = ledger.checkouts.values().filter(cancelled);
    let mut theirs: Vec<String> = theirs.filter_map(|one| one.conversation_id.clone()).collect();
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs, "payments given back: ours, and the provider's");
    i64::try_from(ours.len()).unwrap()
}

/// Each charge of the picture provider was begun in the journal before it was asked for.
async fn pictures(world: &World) -> i64 {
    let count = "SELECT count(*) FROM events WHERE aggregate_type = 'ai_job' AND event_type = $1";
    let counted = async |event: &str| -> i64 {
        sqlx::query_scalar(count).bind(event).fetch_one(&world.pool).await.unwrap()
    };
    let charges = i64::try_from(world.stability.ledger().charges.len()).unwrap();
    let (begun, generated) = (counted("picture_begun").await, counted("picture_generated").await);
    assert!(charges <= begun, "{charges} pictures charged, {begun} begun");
    assert!(generated <= charges, "{generated} pictures delivered, {charges} charged");
    generated
}
