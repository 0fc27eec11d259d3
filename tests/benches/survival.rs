//! S1 and S2: the server killed under load, and a session that holds on to an old snapshot.

use crate::Outcome;
use crate::board::Board;
use crate::cluster::Cluster;
use crate::door::{Customer, Door};
use crate::load::{self, Load, Pace};
use crate::output::progress;
use crate::writes::{ALL_KEPT, say, warm};
use journal::ConnectOptions;
use sqlx::{Connection, PgConnection, PgPool};
use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

const CROWD: usize = 32;
const FIRST_COMMAND_MAX: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(5);
/// The last third of a period may be this much slower than the first; and as much slower as without a snapshot, where
/// the journal grows as well.
const TREND_MIN: f64 = 0.9;

pub async fn killed(board: &mut Board, cluster: &mut Cluster, rounds: u16) -> Outcome<()> {
    let (regime, period) = (cluster.regime, board.options.period());
    for round in 1..=rounds {
        progress(format!("{}: kill -9 under load, round {round} of {rounds}", regime.name()));
        let url = cluster.database().await?;
        let door = Door::open(&url).await?;
        let (stop, stopped) = watch::channel(false);
        let clients = clients(&door, &stopped);
        tokio::time::sleep(period).await;
        cluster.postgres.kill()?;
        let crashed = first_command(cluster, &door).await?;
        stop.send_replace(true);
        let acknowledged = acknowledged(clients).await?;
        door.close().await;
        let faults = faults(&url, &acknowledged).await?;
        // The clean start has the same journal, and a process of its own that knows as little.
        let door = Door::open(&url).await?;
        cluster.postgres.stop().await?;
        let clean = first_command(cluster, &door).await?;
        door.close().await;
        let text =
            format!("after the kill {crashed}; clean {clean}; {} events acknowledged", acknowledged.len());
        progress(format!("  {text}"));
        let measure = board.of("S1", regime);
        measure.round(crashed.first_command.as_secs_f64() * 1e3, clean.first_command.as_secs_f64() * 1e3);
        measure.note(text);
        for fault in faults {
            measure.violate(fault);
        }
    }
    Ok(())
}

/// (command, position): what the door has answered for.
type Acknowledged = Vec<(String, i64)>;

/// Clients that go on whatever happens, as people do, and remember what they were promised.
fn clients(door: &Door, stopped: &watch::Receiver<bool>) -> JoinSet<Acknowledged> {
    let mut clients = JoinSet::new();
    for _ in 0..CROWD {
        let (mut customer, stopped) = (Customer::new(&door.commands), stopped.clone());
        clients.spawn(async move {
            let mut promised = Vec::new();
            while !*stopped.borrow() {
                match customer.choose().await {
                    Ok(committed) => promised.extend(
                        committed.events.iter().map(|event| (command_id(&event.metadata), event.position)),
                    ),
                    // The server is away; what became of the command is what is measured here.
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            }
            promised
        });
    }
    clients
}

fn command_id(metadata: &std::collections::BTreeMap<String, String>) -> String {
    metadata.get("command_id").cloned().unwrap_or_default()
}

async fn acknowledged(mut clients: JoinSet<Acknowledged>) -> Outcome<Acknowledged> {
    let mut all = Vec::new();
    while let Some(promised) = clients.join_next().await {
        all.extend(promised?);
    }
    Ok(all)
}

/// Since the start of the server.
struct Started {
    /// It has recovered, and takes connections.
    ready: Duration,
    first_command: Duration,
}

impl fmt::Display for Started {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ready, first_command } = self;
        write!(
            formatter,
            "PostgreSQL ready in {ready:.0?}, first command {:.0?} later",
            first_command.saturating_sub(*ready)
        )
    }
}

async fn first_command(cluster: &mut Cluster, door: &Door) -> Outcome<Started> {
    let start = Instant::now();
    cluster.postgres.start_again().await?;
    let ready = start.elapsed();
    let mut customer = Customer::new(&door.commands);
    while let Err(error) = customer.open().await {
        if start.elapsed() > FIRST_COMMAND_MAX {
            return Err(error.into());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(Started { ready, first_command: start.elapsed() })
}

/// What must not be: promised and missing, done twice, a gap.
async fn faults(url: &str, acknowledged: &Acknowledged) -> Outcome<Vec<String>> {
    let pool: PgPool = journal::connect(url, &ConnectOptions::default()).await?;
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT metadata ->> 'command_id', position FROM events").fetch_all(&pool).await?;
    pool.close().await;
    let mut faults = Vec::new();
    let there: HashSet<&(String, i64)> = rows.iter().collect();
    let missing = acknowledged.iter().filter(|promised| !there.contains(promised)).count();
    if missing > 0 {
        faults.push(format!("{missing} events were acknowledged and are missing"));
    }
    let commands: HashSet<&String> = rows.iter().map(|(command, _)| command).collect();
    if commands.len() != rows.len() {
        faults.push(format!("{} commands were done twice", rows.len() - commands.len()));
    }
    let last = rows.iter().map(|(_, position)| *position).max().unwrap_or(0);
    if i64::try_from(rows.len())? != last {
        faults.push(format!("{} events up to position {last}", rows.len()));
    }
    Ok(faults)
}

/// S2: nothing on the hot path may depend on old rows being swept away.
pub async fn snapshot(board: &mut Board, cluster: &Cluster) -> Outcome<()> {
    let (rounds, period) = board.options.long();
    let regime = cluster.regime;
    for round in 1..=rounds {
        progress(format!("{}: a foreign snapshot, round {round} of {rounds}", regime.name()));
        let alone = warm(cluster, CROWD, period).await?;
        let url = cluster.database().await?;
        let mut foreign = PgConnection::connect(&url).await?;
        sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM events")
            .execute(&mut foreign)
            .await?;
        let door = Door::open_with(&url, ALL_KEPT).await?;
        let held = load::warm(&door, CROWD, Pace::Closed, period).await?;
        door.close().await;
        sqlx::query("ROLLBACK").execute(&mut foreign).await?;
        foreign.close().await?;
        say("door at 32 under a snapshot", &held);
        let (with, without) = (trend(&held), trend(&alone));
        let measure = board.of("S2", regime);
        measure.round(held.rate(), alone.rate());
        measure.latency(&held);
        let text = format!(
            "last third ÷ first third of {} s: {with:.2}, without the snapshot {without:.2}",
            period.as_secs()
        );
        if with < TREND_MIN * without.min(1.0) { measure.violate(text) } else { measure.note(text) }
    }
    Ok(())
}

/// Commands in the last third of the period ÷ in the first.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn trend(load: &Load) -> f64 {
    let third = load.seconds * 1e3 / 3.0;
    let first = load.ended_ms.iter().filter(|ended| f64::from(**ended) < third).count();
    let last = load.ended_ms.iter().filter(|ended| f64::from(**ended) >= 2.0 * third).count();
    last as f64 / first.max(1) as f64
}
