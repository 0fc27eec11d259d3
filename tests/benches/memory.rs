//! M1 to M3: what a rebuild, an idle service and a start cost. Each in a process of its own, or it would be ours.

use crate::Outcome;
use crate::board::Board;
use crate::cluster::Cluster;
use crate::fill;
use crate::machine::memory_kib;
use crate::options::Child;
use crate::output::{answer, progress};
use crate::processes::{Bare, Service};
use crate::replay::LARGEST;
use app::dev::ServerBinaries;
use axum::Router;
use axum::routing::get;
use journal::ConnectOptions;
use std::process::Stdio;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::process::Command;

const STREAM_EVENTS: u32 = 5;
const REBUILD_MAX: Duration = Duration::from_mins(20);
/// What a rebuild may take beyond the idle process.
const REBUILD_KIB_MAX: u64 = 24 * 1024;

pub async fn run(
    board: &mut Board,
    cluster: &Cluster,
    binaries: &ServerBinaries,
    rounds: u16,
) -> Outcome<()> {
    let (name, most) = (cluster.regime.name(), board.options.events_max.min(1_000_000));
    progress(format!("{name}: filling journals with {} and {most} events", most / 10));
    let small = cluster.kept_database("small_journal").await?;
    fill::drafts(&small, most / 10, STREAM_EVENTS).await?;
    let large = cluster.kept_database("large_journal").await?;
    fill::drafts(&large, most, STREAM_EVENTS).await?;
    let empty = cluster.kept_database("empty_journal").await?;
    let program = harness::process::binary();
    // Once to the head, so that a start has nothing to catch up with.
    for url in [&empty, &large] {
        Service::start(program, url, binaries).await?.catch_up(url).await?;
    }
    for round in 1..=rounds {
        progress(format!("{name}: memory, round {round} of {rounds}"));
        rebuilds(board, cluster, &small, &large).await?;
        starts(board, cluster, binaries, (&empty, &large)).await?;
    }
    for database in ["small_journal", "large_journal", "empty_journal"] {
        cluster.postgres.drop_database(database).await?;
    }
    Ok(())
}

/// M1.
#[expect(clippy::cast_precision_loss, reason = "KiB of this machine are far below 2^52")]
async fn rebuilds(board: &mut Board, cluster: &Cluster, small: &str, large: &str) -> Outcome<()> {
    let (_, few) = rebuild_apart(small).await?;
    let (idle, many) = rebuild_apart(large).await?;
    progress(format!("  rebuild: idle {idle} KiB, peak {few} KiB and {many} KiB"));
    let measure = board.of("M1", cluster.regime);
    measure.round(many as f64, few as f64);
    let text = format!("{} KiB above idle ({idle} KiB)", many.saturating_sub(idle));
    if many > idle + REBUILD_KIB_MAX {
        measure.violate(text);
    } else {
        measure.note(text);
    }
    Ok(())
}

/// Idle and peak memory, in KiB, of a process that does nothing else.
async fn rebuild_apart(url: &str) -> Outcome<(u64, u64)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--child", "rebuild", "--url", url]).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(REBUILD_MAX, command.output()).await??;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(idle)), Some(Ok(peak))) => Ok((idle, peak)),
        _ => Err(format!("the rebuild says {text:?} {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// M2 and M3.
#[expect(clippy::cast_precision_loss, reason = "KiB of this machine are far below 2^52")]
async fn starts(
    board: &mut Board,
    cluster: &Cluster,
    binaries: &ServerBinaries,
    (empty, large): (&str, &str),
) -> Outcome<()> {
    let program = harness::process::binary();
    let bare = Bare::start().await?;
    let bare_kib = bare.memory_kib()?;
    bare.stop().await?;
    let service = Service::start(program, empty, binaries).await?;
    let idle_kib = service.idle_memory_kib().await?;
    let on_empty = service.ready_after;
    service.stop().await?;
    let service = Service::start(program, large, binaries).await?;
    let on_large = service.ready_after;
    service.stop().await?;
    progress(format!(
        "  idle {idle_kib} KiB, bare {bare_kib} KiB; ready after {on_empty:.0?}, full {on_large:.0?}"
    ));
    board.of("M2", cluster.regime).round(idle_kib as f64, bare_kib as f64);
    board.of("M3", cluster.regime).round(on_large.as_secs_f64() * 1e3, on_empty.as_secs_f64() * 1e3);
    Ok(())
}

/// What the process of its own does.
pub async fn child(child: Child, url: &str) -> Outcome<()> {
    match child {
        Child::Rebuild => {
            let pool = journal::connect(url, &ConnectOptions::default()).await?;
            let idle = memory_kib("self", "VmRSS").ok_or("no /proc")?;
            projections::rebuild(&pool, LARGEST, |_, _| {}).await?;
            answer(format!("{idle} {}", memory_kib("self", "VmHWM").ok_or("no /proc")?));
        }
        Child::Bare => {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            answer(listener.local_addr()?.to_string());
            axum::serve(listener, Router::new().route("/", get(|| async { "ok" }))).await?;
        }
    }
    Ok(())
}
