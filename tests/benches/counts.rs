//! D9: not how long, but how often. Statements and flushes of one client's commands, with everything on.

use crate::Outcome;
use crate::board::Board;
use crate::cluster::Cluster;
use crate::door::{Customer, Door, STREAM_EVENTS};
use crate::load::{self, Pace};
use crate::output::progress;
use crate::queue::{Queue, Sync};
use app::dev::ServerBinaries;
use sqlx::PgPool;
use std::time::Duration;

/// What a command may send: a call that appends, or a look into a stream. Readers ask by position.
const DOOR_STATEMENTS: &str = "(query ILIKE '%journal_append%' OR query ILIKE '%aggregate_id = $%' \
                                OR query ILIKE '%aggregate_id = r.aggregate_id%') AND query ILIKE 'select%'";

const REPORT_EVERY: Duration = Duration::from_millis(1_100);

pub async fn run(
    board: &mut Board,
    cluster: &Cluster,
    binaries: &ServerBinaries,
    rounds: u16,
) -> Outcome<()> {
    for _ in 0..rounds {
        one_round(board, cluster, binaries).await?;
    }
    Ok(())
}

async fn one_round(board: &mut Board, cluster: &Cluster, binaries: &ServerBinaries) -> Outcome<()> {
    let (regime, period) = (cluster.regime, board.options.period());
    let url = cluster.database().await?;
    let queue = Queue::start(&binaries.nats_server, Sync::Always).await?;
    let door = Door::open(&url).await?.with_projections().with_timers();
    let door = door.with_relay(queue.client.clone());
    let owner = PgPool::connect(&url).await?;
    sqlx::query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").execute(&owner).await?;
    let customers = load::warmed_up(vec![Customer::new(&door.commands)], period).await?;
    reported(&door).await?;
    let before = Counts::now(&owner, &door).await?;
    load::run(customers, STREAM_EVENTS, Pace::Closed, period, |_, _| {}).await?;
    reported(&door).await?;
    let after = Counts::now(&owner, &door).await?;
    door.close().await;
    owner.close().await;
    queue.stop().await?;
    let batches = after.batches - before.batches;
    let statements = (after.statements - before.statements) / batches;
    let flushes = (after.flushes - before.flushes) / batches;
    let background = (after.background - before.background) / batches;
    progress(format!("  for each of {batches:.0} batches: {statements:.2} statements, {flushes:.2} flushes"));
    let measure = board.of("D9", regime);
    measure.round(statements.max(flushes), 1.0);
    measure.note(format!(
        "{statements:.2} statements, {flushes:.2} flushes, and {background:.2} of the background writer"
    ));
    Ok(())
}

/// A session reports what it has counted at the end of a statement, but not twice within a second. So each side
/// of the period ends with a pause, one more command, and a moment for its report.
async fn reported(door: &Door) -> Outcome<()> {
    tokio::time::sleep(REPORT_EVERY).await;
    Customer::new(&door.commands).open().await?;
    tokio::time::sleep(REPORT_EVERY / 10).await;
    Ok(())
}

/// Since the server began.
struct Counts {
    batches: f64,
    statements: f64,
    /// Of all sessions.
    flushes: f64,
    /// Of the WAL writer: what commits lazily is flushed by it, several times a second at most.
    background: f64,
}

impl Counts {
    #[expect(clippy::cast_precision_loss, reason = "counts of seconds are far below 2^52")]
    async fn now(owner: &PgPool, door: &Door) -> Outcome<Self> {
        let statements: i64 = sqlx::query_scalar(&format!(
            "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements s \
             JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = current_database() AND {DOOR_STATEMENTS}"
        ))
        .fetch_one(owner)
        .await?;
        let (flushes, background): (i64, i64) = sqlx::query_as(
            "SELECT coalesce(sum(fsyncs) FILTER (WHERE backend_type = 'client backend'), 0)::bigint, \
               coalesce(sum(fsyncs) FILTER (WHERE backend_type = 'walwriter'), 0)::bigint \
             FROM pg_stat_io WHERE object = 'wal'",
        )
        .fetch_one(owner)
        .await?;
        let batches = door.commands.writer().stats().batches as f64;
        let (statements, flushes) = (statements as f64, flushes as f64);
        Ok(Self { batches, statements, flushes, background: background as f64 })
    }
}
