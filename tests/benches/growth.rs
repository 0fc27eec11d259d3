//! The same figures at growing sizes of the journal: ten thousand events, a million, ten million.

use crate::Outcome;
use crate::board::Board;
use crate::cluster::Cluster;
use crate::door::{Door, STREAM_EVENTS};
use crate::fill;
use crate::load::{self, Load, Pace};
use crate::output::progress;
use crate::replay::{per_second, rebuild_rate};
use crate::writes::say;
use sqlx::PgPool;
use std::time::{Duration, Instant};

const SIZES: [i64; 3] = [10_000, 1_000_000, 10_000_000];
const CROWD: usize = 32;

struct Size {
    filled_per_second: f64,
    door: Load,
    rebuilt_per_second: f64,
}

pub async fn run(board: &mut Board, cluster: &Cluster) -> Outcome<()> {
    let (regime, most, period) = (cluster.regime, board.options.events_max, board.options.period());
    let url = cluster.kept_database("growing_journal").await?;
    let mut small: Option<Size> = None;
    for events in SIZES.into_iter().filter(|events| *events <= most) {
        let size = at_size(cluster, &url, events, period).await?;
        board.curve(&format!("door at 32, {events} events before"), regime, &size.door);
        let base = small.get_or_insert_with(|| Size { door: size.door.clone(), ..size });
        let rows = [
            ("G1", size.door.rate(), base.door.rate()),
            ("G2", size.door.quantile_us(0.5), base.door.quantile_us(0.5)),
            ("G3", size.door.quantile_us(0.99), base.door.quantile_us(0.99)),
            ("G4", size.rebuilt_per_second, base.rebuilt_per_second),
            ("G5", size.filled_per_second, base.filled_per_second),
        ];
        for (id, value, first) in rows {
            let measure = board.of(id, regime);
            measure.round(value, first);
            measure.note(format!("at {events} events: {value:.0}"));
        }
    }
    Ok(cluster.postgres.drop_database("growing_journal").await?)
}

async fn at_size(cluster: &Cluster, url: &str, events: i64, period: Duration) -> Outcome<Size> {
    let pool = PgPool::connect(url).await?;
    let there = journal::read::head(&pool).await?;
    pool.close().await;
    let start = Instant::now();
    fill::drafts(url, events - there, STREAM_EVENTS).await?;
    let filled_per_second = per_second(events - there, start.elapsed());
    cluster.checkpoint().await?;
    let rebuilt_per_second = rebuild_rate(url).await?;
    cluster.checkpoint().await?;
    let door = Door::open(url).await?;
    let load = load::warm(&door, CROWD, Pace::Closed, period).await?;
    door.close().await;
    progress(format!(
        "{}: {events} events: filled {filled_per_second:.0}/s, rebuilt {rebuilt_per_second:.0}/s",
        cluster.regime.name()
    ));
    say("door at 32", &load);
    Ok(Size { filled_per_second, door: load, rebuilt_per_second })
}
