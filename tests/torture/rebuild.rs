//! Read models rebuilt while commands go on, by a process that is killed on the way; compared, switched, and back.

mod poison;
mod shop;

use super::harness;
use super::plan;
use harness::{eventually, eventually_within};
use projections::{Differences, Options, Pace, Stage};
use shop::Shop;
use sqlx::PgPool;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use time::OffsetDateTime;

const CHILD_URL: &str = "TORTURE_REBUILD_URL";
const CHILD_PACE: &str = "TORTURE_REBUILD_PACE";
/// Debug builds on a shared machine take their time.
const LONG: Duration = Duration::from_mins(3);
const KILLS: usize = 2;

fn names() -> Vec<&'static str> {
    projections::ALL.iter().map(|model| model.name).collect()
}

/// The body of the process that is killed; does nothing in an ordinary run.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_in_a_process_of_its_own() {
    let Ok(url) = std::env::var(CHILD_URL) else { return };
    let pace = if std::env::var(CHILD_PACE).is_ok() { Pace::Full } else { Pace::Considerate };
    let pool = journal::connect(&url, &journal::ConnectOptions::default()).await.unwrap();
    let options = Options { pace, differences: Differences::Refuse, switch: false };
    let outcomes = projections::rebuild_with(&pool, &names(), &options, |_, _| {}).await.unwrap();
    for outcome in outcomes {
        let rebuilt = outcome.result.unwrap_or_else(|error| panic!("{}: {error:?}", outcome.name));
        assert!(!rebuilt.switched && rebuilt.comparison.unwrap().differing == 0, "{}", outcome.name);
    }
}

fn rebuilding(url: &str, full_speed: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["rebuild::a_rebuild_in_a_process_of_its_own", "--exact", "--nocapture"])
        .env(CHILD_URL, url)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    if full_speed {
        command.env(CHILD_PACE, "full");
    }
    command.spawn().unwrap()
}

/// How far the slowest second generation has come, and when the first was begun.
async fn second_generations(pool: &PgPool) -> Option<(i64, OffsetDateTime)> {
    let found: (i64, Option<i64>, Option<OffsetDateTime>) =
        sqlx::query_as("SELECT count(*), min(position), min(started_at) FROM projection_generations")
            .fetch_one(pool)
            .await
            .unwrap();
    let (count, position, begun) = found;
    (count == i64::try_from(projections::ALL.len()).unwrap()).then(|| (position.unwrap(), begun.unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn read_models_are_rebuilt_under_load_killed_twice_switched_and_switched_back() {
    let mut chance = plan::chance("rebuild");
    let database = harness::database().await;
    let mut shop = Shop::open(&database.pool);
    shop.fill(4_000).await;
    shop.begin_selling(4);
    shop.begin_reading();

    let mut reached = 0;
    let mut begun = None;
    for kill in 0..KILLS {
        let mut child = rebuilding(&database.url, false);
        let wanted = reached + 1 + i64::try_from(chance.below(1_000)).unwrap();
        let (_, started) = eventually_within(LONG, "the rebuild comes further", async || {
            assert!(child.try_wait().unwrap().is_none(), "it ended before kill {kill}");
            second_generations(&database.pool).await.filter(|(position, _)| *position >= wanted)
        })
        .await;
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(*begun.get_or_insert(started), started, "kill {kill}: it began anew");
        reached = second_generations(&database.pool).await.unwrap().0;
        println!("rebuild: killed at position {reached}, head {}", shop.head().await);
    }
    let mut child = rebuilding(&database.url, true);
    let exit = eventually_within(LONG, "the rebuild ends", async || child.try_wait().unwrap()).await;
    assert!(exit.success(), "the rebuild, or its comparison, failed");
    assert_eq!(second_generations(&database.pool).await.unwrap().1, begun.unwrap(), "it was taken up");

    compared_and_switched(&database.pool).await;
    assert_as_the_journal_says(&database.pool).await;
    for name in names() {
        projections::switch_back(&database.pool, name, |_, _| {}).await.unwrap();
    }
    assert_as_the_journal_says(&database.pool).await;

    let (sold, read) = shop.end_of_day().await;
    assert!(sold > 20 && read > 20, "{sold} sold, {read} read: nothing went on meanwhile");
    for name in names() {
        let compared = projections::compare(&database.pool, name, |_, _| {}).await.unwrap();
        assert_eq!(compared.differing, 0, "{name}: the generation that was put aside last, {compared:?}");
    }
    assert_as_the_journal_says(&database.pool).await;
    println!("rebuild: {KILLS} kills, {sold} units sold, {read} reads, head {}", shop.head().await);
    shop.close().await;
}

async fn compared_and_switched(pool: &PgPool) {
    for name in names() {
        let compared = projections::compare(pool, name, |_, _| {}).await.unwrap();
        assert!(compared.rows > 0 && compared.differing == 0, "{name}: {compared:?}");
        projections::switch(pool, name, Differences::Refuse, |_, _| {}).await.unwrap();
    }
    for status in projections::status(pool).await.unwrap() {
        assert_eq!(status.state, projections::State::Live, "{}", status.name);
        assert_eq!(status.second.unwrap().stage, Stage::Kept, "{}", status.name);
    }
}

/// While commands go on; and the live ones follow the journal.
async fn assert_as_the_journal_says(pool: &PgPool) {
    let head = journal::read::head(pool).await.unwrap();
    eventually("the read models reach the head", async || {
        let all = projections::status(pool).await.unwrap();
        all.iter().all(|status| status.position >= head).then_some(())
    })
    .await;
    for name in names() {
        let verified = projections::verify(pool, name, |_, _| {}).await.unwrap();
        assert!(verified.rows > 0, "{name} is empty");
        assert_eq!(verified.differing, 0, "{name}: {:?}", verified.difference);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_differ_are_put_in_place_only_by_consent_and_the_old_ones_come_back() {
    let database = harness::database().await;
    let (pool, name) = (&database.pool, "wallets");
    let shop = Shop::open(pool);
    shop.fill(200).await;
    sqlx::query("UPDATE read.wallets SET available = available + 1").execute(pool).await.unwrap();

    let options = Options { pace: Pace::Full, ..Options::default() };
    let outcome = projections::rebuild_with(pool, &[name], &options, |_, _| {}).await.unwrap().pop().unwrap();
    let error = outcome.result.unwrap_err();
    let projections::RebuildError::Differs { comparison, .. } = error else { panic!("{error:?}") };
    assert_eq!(comparison.differing, comparison.rows);
    let shown = &comparison.differences[0];
    assert_ne!(shown.live, shown.rebuilt);
    let refused = projections::switch(pool, name, Differences::Refuse, |_, _| {}).await.unwrap_err();
    assert!(matches!(refused, projections::RebuildError::Differs { .. }), "{refused:?}");

    let available = async || -> i64 {
        let sum = sqlx::query_scalar("SELECT sum(available)::bigint FROM read.wallets");
        sum.fetch_one(pool).await.unwrap()
    };
    let wrong = available().await;
    projections::switch(pool, name, Differences::Accept, |_, _| {}).await.unwrap();
    assert_eq!(available().await, wrong - comparison.rows);
    assert_eq!(projections::verify(pool, name, |_, _| {}).await.unwrap().differing, 0);
    // What came since the switch is not missing when the old rows come back.
    shop.fill(50).await;
    projections::switch_back(pool, name, |_, _| {}).await.unwrap();
    let verified = projections::verify(pool, name, |_, _| {}).await.unwrap();
    assert_eq!((verified.differing, comparison.rows < verified.rows), (comparison.rows, true));
    assert!(projections::discard(pool, name).await.unwrap());
    let gone = projections::switch_back(pool, name, |_, _| {}).await.unwrap_err();
    assert!(matches!(gone, projections::RebuildError::NoGeneration { .. }), "{gone:?}");
    shop.close().await;
}
