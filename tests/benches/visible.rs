//! V1 to V4: from a command to the row that shows it, and what the read models cost.

use crate::Outcome;
use crate::board::Board;
use crate::cluster::Cluster;
use crate::door::{Customer, Door, STREAM_EVENTS};
use crate::load::{self, Load, PACED, PACED_TASKS, Pace};
use crate::output::progress;
use crate::writes::{say, warm};
use journal::read;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

const CROWD: usize = 32;
/// How long the last rows may take to appear before the measurement fails.
const VISIBLE_MAX: Duration = Duration::from_secs(30);
/// Two pages of the runner.
const LAG_EVENTS_MAX: i64 = 2_000;
const PAGE_BYTES: usize = 16 * 1024 * 1024;

pub async fn run(board: &mut Board, cluster: &Cluster, rounds: u16) -> Outcome<()> {
    let (regime, period) = (cluster.regime, board.options.period());
    for round in 1..=rounds {
        progress(format!("{}: visible, round {round} of {rounds}", regime.name()));
        for (id, tasks, pace) in [("V1", PACED_TASKS, PACED), ("V2", CROWD, Pace::Closed)] {
            let (commit, visible) = seen(cluster, tasks, pace, period).await?;
            say(&format!("commit, {tasks} tasks"), &commit);
            say(&format!("visible, {tasks} tasks"), &visible);
            board.of(id, regime).round(visible.quantile_us(0.99), commit.quantile_us(0.5));
            board.of(id, regime).latency(&visible);
            board.curve(&format!("visible, {tasks} tasks"), regime, &visible);
        }
        unplaced(board, cluster, period).await?;
        let alone = warm(cluster, CROWD, period).await?;
        let (shown, _) = projected(cluster, period).await?;
        board.of("V4", regime).round(shown.rate(), alone.rate());
        board.of("V4", regime).latency(&shown);
    }
    let (_, period) = board.options.long();
    let (_, lag) = projected(cluster, period).await?;
    let text = format!("{lag} events behind after {} s at full speed", period.as_secs());
    if lag > LAG_EVENTS_MAX {
        board.of("V4", regime).violate(text);
    } else {
        board.of("V4", regime).note(text);
    }
    Ok(())
}

/// The latencies of the commits, and of the rows that show them.
async fn seen(cluster: &Cluster, tasks: usize, pace: Pace, period: Duration) -> Outcome<(Load, Load)> {
    let door = Door::open(&cluster.database().await?).await?.with_projections();
    let customers = (0..tasks).map(|_| Customer::new(&door.commands)).collect();
    let customers = load::warmed_up(customers, period).await?;
    let (committed, commits) = mpsc::unbounded_channel();
    let watching = tokio::spawn(watch_rows(door.visible.clone(), commits));
    let commit = load::run(customers, STREAM_EVENTS, pace, period, move |begin, answer| {
        // The watcher ends after this sender, or with an error that is seen below.
        committed.send((answer.position, begin)).ok();
    })
    .await?;
    let mut micros = tokio::time::timeout(VISIBLE_MAX, watching).await???;
    micros.sort_unstable();
    door.close().await;
    let visible = Load { micros, ended_ms: Vec::new(), seconds: commit.seconds };
    Ok((commit, visible))
}

type Commit = (i64, Instant);

/// Until every commit is shown.
async fn watch_rows(
    mut visible: watch::Receiver<i64>,
    mut commits: mpsc::UnboundedReceiver<Commit>,
) -> Outcome<Vec<u32>> {
    let mut waiting: BinaryHeap<Reverse<Commit>> = BinaryHeap::new();
    let (mut micros, mut more) = (Vec::new(), true);
    while more || !waiting.is_empty() {
        tokio::select! {
            commit = commits.recv(), if more => match commit {
                Some(commit) => waiting.push(Reverse(commit)),
                None => more = false,
            },
            changed = visible.changed() => changed?,
        }
        let shown = *visible.borrow_and_update();
        let now = Instant::now();
        while let Some((_, begin)) = pop_shown(&mut waiting, shown) {
            micros.push(load::micros(now - begin));
        }
    }
    Ok(micros)
}

/// The earliest commit, if it is shown.
fn pop_shown(waiting: &mut BinaryHeap<Reverse<Commit>>, shown: i64) -> Option<Commit> {
    let Reverse((position, _)) = waiting.peek()?;
    if *position > shown {
        return None;
    }
    waiting.pop().map(|Reverse(commit)| commit)
}

/// V3: what was acknowledged has its place and can be read, in order, at any moment.
async fn unplaced(board: &mut Board, cluster: &Cluster, period: Duration) -> Outcome<()> {
    let door = Door::open(&cluster.database().await?).await?.with_projections();
    let customers = (0..CROWD).map(|_| Customer::new(&door.commands)).collect();
    let customers = load::warmed_up(customers, period).await?;
    let acknowledged = Arc::new(AtomicI64::new(0));
    let own = Arc::clone(&acknowledged);
    let work = load::run(customers, STREAM_EVENTS, Pace::Closed, period, move |_, answer| {
        own.fetch_max(answer.position, Ordering::Release);
    });
    let pool = door.pool.clone();
    let watching = async {
        let (end, mut after, mut backlog) = (Instant::now() + period, 0, 0);
        while Instant::now() < end {
            let acknowledged = acknowledged.load(Ordering::Acquire);
            backlog = backlog.max(acknowledged - read::head(&pool).await?);
            // A gap is an error of the page, and so of the whole measurement.
            let page = read::page(&pool, after, 5_000, PAGE_BYTES).await?;
            after = page.last().map_or(after, |event| event.position);
        }
        Outcome::Ok(backlog)
    };
    let (_, backlog) = tokio::try_join!(work, watching)?;
    let missing: i64 = sqlx::query_scalar("SELECT coalesce(max(position), 0) - count(*) FROM events")
        .fetch_one(&door.pool)
        .await?;
    door.close().await;
    let measure = board.of("V3", cluster.regime);
    if missing != 0 {
        measure.violate(format!("{missing} positions without an event"));
    }
    #[expect(clippy::cast_precision_loss, reason = "a backlog is far below 2^52")]
    measure.round(backlog as f64, 0.0);
    Ok(())
}

/// The door at 32 with every read model on, and how many events the last of them is behind at the end.
async fn projected(cluster: &Cluster, period: Duration) -> Outcome<(Load, i64)> {
    let door = Door::open(&cluster.database().await?).await?.with_projections();
    let load = load::warm(&door, CROWD, Pace::Closed, period).await?;
    let lag = projections::status(&door.pool).await?.iter().map(|status| status.lag_events).max();
    door.close().await;
    say("door at 32 with projections", &load);
    Ok((load, lag.unwrap_or(0)))
}
