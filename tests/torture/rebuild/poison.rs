//! One event that cannot be read stops one read model; what an operator can do about it.

use super::harness::{self, eventually};
use super::shop::Shop;
use projections::{RebuildError, SkipError, State};
use sqlx::{Connection, PgConnection, PgPool};

const POISONED: &str = "drafts";

/// An event that no release can read, behind the last one.
async fn poison(owner: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, \
         position, recorded_at, leaf_hash) \
         SELECT 'draft', gen_random_uuid()::text, 1, 'created', '1.0', '{\"type\":\"unheard_of\"}', '{}', \
         max(position) + 1, now(), sha256('') FROM events RETURNING position",
    )
    .fetch_one(owner)
    .await
    .unwrap()
}

async fn stopped_at(pool: &PgPool, position: i64) {
    eventually("it stops there", async || {
        let all = projections::status(pool).await.unwrap();
        let one = all.into_iter().find(|status| status.name == POISONED).unwrap();
        let stopped = matches!(&one.state, State::Stopped { position: at, cause } if *at == position
            && cause.contains("unheard_of"));
        (stopped && one.position == position - 1).then_some(())
    })
    .await;
}

async fn live_at_the_head(pool: &PgPool, name: &str) {
    let head = journal::read::head(pool).await.unwrap();
    eventually("it reaches the head", async || {
        let all = projections::status(pool).await.unwrap();
        let one = all.into_iter().find(|status| status.name == name).unwrap();
        (one.state == State::Live && one.position >= head).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_event_stops_one_read_model_until_it_is_skipped_on_record() {
    let database = harness::database().await;
    let (pool, shop) = (&database.pool, Shop::open(&database.pool));
    let mut owner = PgConnection::connect(&database.url).await.unwrap();
    shop.fill(100).await;
    let position = poison(&mut owner).await;
    shop_goes_on(&shop, pool, position).await;

    // Trying again without a cure stops at the same place; so does a rebuild.
    assert!(projections::resume(pool, POISONED).await.unwrap());
    stopped_at(pool, position).await;
    let error = projections::rebuild(pool, POISONED, |_, _| {}).await.unwrap_err();
    assert!(matches!(error, RebuildError::Event { position: at, .. } if at == position), "{error:?}");

    let skip = async |name: &str, at: i64, reason: &str, by: &str| {
        projections::skip(pool, name, at, reason, by).await.map_err(|error| format!("{error:?}"))
    };
    for (at, reason, by, refusal) in [
        (position - 1, "no matter", "ayşe", "Elsewhere"),
        (position + 1, "no matter", "ayşe", "Elsewhere"),
        (position, " ", "ayşe", "Unexplained"),
        (position, "no matter", "", "Unexplained"),
    ] {
        let error = skip(POISONED, at, reason, by).await.unwrap_err();
        assert!(error.contains(refusal), "{at} {reason:?} {by:?}: {error}");
    }
    assert!(skip("orders", position, "no matter", "ayşe").await.unwrap_err().contains("NotStopped"));
    skip(POISONED, position, "a test wrote it", "ayşe").await.unwrap();
    live_at_the_head(pool, POISONED).await;
    let error = projections::skip(pool, POISONED, position, "again", "ayşe").await.unwrap_err();
    assert!(matches!(error, SkipError::NotStopped(_)), "{error:?}");

    // The rest obeys as well, and the record stays.
    assert_eq!(projections::verify(pool, POISONED, |_, _| {}).await.unwrap().differing, 0);
    projections::rebuild(pool, POISONED, |_, _| {}).await.unwrap();
    live_at_the_head(pool, POISONED).await;
    let skips = projections::skips(pool, POISONED).await.unwrap();
    assert_eq!((skips.len(), skips[0].position, skips[0].skipped_by.as_str()), (1, position, "ayşe"));
    for attempt in ["UPDATE projection_skips SET reason = 'x'", "DELETE FROM projection_skips"] {
        let error = sqlx::query(attempt).execute(&mut owner).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "23001", "{attempt}: {error}");
    }
    shop.close().await;
}

/// The others pass the event and go on; the poisoned one stands before it, and says why.
async fn shop_goes_on(shop: &Shop, pool: &PgPool, position: i64) {
    shop.sell_unseen().await;
    stopped_at(pool, position).await;
    for name in projections::ALL.iter().map(|model| model.name).filter(|name| *name != POISONED) {
        live_at_the_head(pool, name).await;
        assert_eq!(projections::verify(pool, name, |_, _| {}).await.unwrap().differing, 0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mended_cause_and_a_resume_need_no_skip() {
    let database = harness::database().await;
    let (pool, shop) = (&database.pool, Shop::open(&database.pool));
    let mut owner = PgConnection::connect(&database.url).await.unwrap();
    shop.fill(60).await;
    // A table that refuses what the fold makes; the next sale is poison.
    sqlx::query("ALTER TABLE read.invoices ADD CONSTRAINT broken CHECK (gross_cents < 0) NOT VALID")
        .execute(&mut owner)
        .await
        .unwrap();
    shop.sell_unseen().await;
    let head = shop.head().await;
    eventually("the invoices stop", async || {
        let all = projections::status(pool).await.unwrap();
        let one = all.into_iter().find(|status| status.name == "invoices").unwrap();
        matches!(&one.state, State::Stopped { position, cause } if *position == head && cause.contains("broken"))
            .then_some(())
    })
    .await;
    sqlx::query("ALTER TABLE read.invoices DROP CONSTRAINT broken").execute(&mut owner).await.unwrap();
    assert!(projections::resume(pool, "invoices").await.unwrap());
    live_at_the_head(pool, "invoices").await;
    assert_eq!(projections::verify(pool, "invoices", |_, _| {}).await.unwrap().differing, 0);
    assert!(projections::skips(pool, "invoices").await.unwrap().is_empty());
    assert!(!projections::resume(pool, "invoices").await.unwrap(), "it is not stopped any more");
    shop.close().await;
}
