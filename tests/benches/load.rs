//! Clients that wait for each answer before they ask again, and how long they waited.

use crate::Outcome;
use crate::door::{Customer, Door};
use journal::{CommandError, Committed};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

/// What one measurement saw.
#[derive(Debug, Default, Clone)]
pub struct Load {
    /// Of each command, in microseconds; ascending.
    pub micros: Vec<u32>,
    /// When each command ended, in milliseconds since the begin; not in order.
    pub ended_ms: Vec<u32>,
    pub seconds: f64,
}

impl Load {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn rate(&self) -> f64 {
        self.micros.len() as f64 / self.seconds
    }

    /// Nearest rank.
    pub fn quantile_us(&self, share: f64) -> f64 {
        quantile(&self.micros, share)
    }
}

/// Nearest rank in ascending values; 0 without any.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a rank is a small whole number"
)]
pub fn quantile(ascending: &[u32], share: f64) -> f64 {
    let rank = (share * ascending.len() as f64).ceil() as usize;
    ascending.get(rank.saturating_sub(1)).map_or(0.0, |micros| f64::from(*micros))
}

/// How clients come: again at once, or one command in each tick.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    Closed,
    Every(Duration),
}

/// Eight tasks with a command each 20 ms: a shop on a good day.
pub const PACED_TASKS: usize = 8;
pub const PACED: Pace = Pace::Every(Duration::from_millis(20));

/// New customers on warm drafts: they open drafts before the clock starts, and work on those while it runs.
pub async fn warm(door: &Door, tasks: usize, pace: Pace, period: Duration) -> Outcome<Load> {
    let customers = (0..tasks).map(|_| Customer::new(&door.commands)).collect();
    let customers = warmed_up(customers, period).await?;
    run(customers, STREAM, pace, period, |_, _| {}).await
}

const STREAM: u32 = crate::door::STREAM_EVENTS;

/// Opening is one event of a stream's ten; so a fourth of the period opens more than the rest can use up.
pub async fn warmed_up(customers: Vec<Customer>, period: Duration) -> Outcome<Vec<Customer>> {
    let end = Instant::now() + period / 4;
    let mut tasks = JoinSet::new();
    for mut customer in customers {
        tasks.spawn(async move {
            customer.open().await?;
            while Instant::now() < end {
                customer.open().await?;
            }
            Ok::<_, CommandError>(customer)
        });
    }
    let mut warm = Vec::new();
    while let Some(customer) = tasks.join_next().await {
        warm.push(customer??);
    }
    Ok(warm)
}

/// Lets all of them work for the period; `seen` gets the begin and the answer of each command.
pub async fn run(
    customers: Vec<Customer>,
    stream_events: u32,
    pace: Pace,
    period: Duration,
    seen: impl Fn(Instant, &Committed) + Clone + Send + 'static,
) -> Outcome<Load> {
    let start = Instant::now();
    let end = start + period;
    let mut tasks = JoinSet::new();
    for mut customer in customers {
        let seen = seen.clone();
        tasks.spawn(async move {
            let mut own = Vec::new();
            let mut ticks = match pace {
                Pace::Closed => None,
                Pace::Every(tick) => Some(interval(tick)),
            };
            if let Some(ticks) = &mut ticks {
                ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            }
            while Instant::now() < end {
                if let Some(ticks) = &mut ticks {
                    ticks.tick().await;
                }
                let begin = Instant::now();
                let committed = customer.choose_within(stream_events).await?;
                let done = Instant::now();
                if done <= end {
                    own.push((micros(done - begin), millis(done - start)));
                }
                seen(begin, &committed);
            }
            Ok::<_, CommandError>(own)
        });
    }
    collect(tasks, period).await
}

pub type Seen = Vec<(u32, u32)>;

/// Adds up what the tasks saw within the period.
pub async fn collect(mut tasks: JoinSet<Result<Seen, CommandError>>, period: Duration) -> Outcome<Load> {
    let mut load = Load { seconds: period.as_secs_f64(), ..Load::default() };
    while let Some(own) = tasks.join_next().await {
        for (micros, ended) in own?? {
            load.micros.push(micros);
            load.ended_ms.push(ended);
        }
    }
    load.micros.sort_unstable();
    Ok(load)
}

pub fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

pub fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
