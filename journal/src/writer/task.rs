//! The loop of the writer: its connection, its retries, and how it isolates what cannot be written.

use super::append::{Job, Verdict};
use super::batch::{self, Batch, Limits, Rivalry};
use super::fault::{self, Fault};
use super::stats::Stats;
use super::{WriteError, statements};
use crate::connect::open;
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// One call carries no more than this.
const LIMITS: Limits = Limits { commands: 512, rows: 2_048, bytes: 4 * 1024 * 1024 };
/// How long commands wait for a database that went away; later ones are answered at the first failed try.
const PATIENCE: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_PAUSE_MIN: Duration = Duration::from_millis(50);
const CONNECT_PAUSE_MAX: Duration = Duration::from_secs(1);
/// A call that takes longer counts as a lost connection.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Repeats of a call after a passing error.
const TRANSIENT_REPEATS_MAX: u32 = 4;
/// Connections that one batch may cost.
const LOSSES_MAX: u32 = 3;
const TRANSIENT_PAUSE: Duration = Duration::from_millis(25);

pub(super) struct Task {
    options: Arc<PgConnectOptions>,
    jobs: mpsc::Receiver<Job>,
    head: watch::Sender<i64>,
    stats: Arc<Stats>,
    stop: CancellationToken,
    connection: Option<PgConnection>,
    down_since: Option<Instant>,
}

/// A batch, or a part of one that was split, and what is known of it.
struct Work {
    jobs: Vec<Job>,
    /// The form with checks is needed: a row exists already, or an earlier call may have been committed.
    checked: bool,
    /// A call was sent whose answer never came.
    maybe: bool,
}

impl Task {
    pub fn new(
        options: Arc<PgConnectOptions>,
        jobs: mpsc::Receiver<Job>,
        head: watch::Sender<i64>,
        stats: Arc<Stats>,
        stop: CancellationToken,
    ) -> Self {
        Self { options, jobs, head, stats, stop, connection: None, down_since: None }
    }

    /// Ends when `stop` was cancelled, or all callers are gone, and the queue is empty.
    pub async fn run(mut self) {
        let mut waiting = VecDeque::new();
        while self.fill(&mut waiting).await {
            let batch = batch::take(&mut waiting, LIMITS);
            self.commit(batch, &mut waiting).await;
        }
    }

    /// Takes what is there and never waits for more, except when there is nothing at all.
    async fn fill(&mut self, waiting: &mut VecDeque<Job>) -> bool {
        while waiting.len() < LIMITS.commands {
            match self.jobs.try_recv() {
                Ok(job) => waiting.push_back(job),
                Err(_) => break,
            }
        }
        if !waiting.is_empty() {
            return true;
        }
        let next = tokio::select! {
            biased;
            next = self.jobs.recv() => next,
            () = self.stop.cancelled(), if !self.jobs.is_closed() => {
                self.jobs.close();
                self.jobs.recv().await
            }
        };
        let Some(job) = next else { return false };
        waiting.push_back(job);
        while waiting.len() < LIMITS.commands {
            match self.jobs.try_recv() {
                Ok(job) => waiting.push_back(job),
                Err(_) => break,
            }
        }
        true
    }

    /// Answers every command of the batch, or puts it back into the queue.
    async fn commit(&mut self, batch: Batch, waiting: &mut VecDeque<Job>) {
        let Batch { jobs, rivals } = batch;
        let winners: Vec<_> = jobs.iter().map(|job| job.append.command_id.clone()).collect();
        let mut written = Vec::with_capacity(jobs.len());
        let mut work = vec![Work { jobs, checked: false, maybe: false }];
        while let Some(mut part) = work.pop() {
            match self.attempt(&mut part).await {
                Ok(verdicts) => {
                    self.count(&part.jobs, &verdicts);
                    for (job, verdict) in part.jobs.into_iter().zip(verdicts) {
                        written.push(matches!(verdict, Verdict::Appended { .. } | Verdict::Already { .. }));
                        job.answer(Ok(verdict));
                    }
                }
                Err(WriteError::Refused(_)) if part.jobs.len() > 1 => {
                    // One command's fault is not its neighbours': they are independent, so halve and repeat.
                    Stats::add(&self.stats.splits, 1);
                    let second = part.jobs.split_off(part.jobs.len() / 2);
                    work.push(Work { jobs: second, ..part });
                    work.push(Work { jobs: part.jobs, checked: part.checked, maybe: part.maybe });
                }
                Err(error) => {
                    Stats::add(&self.stats.refused, part.jobs.len());
                    for job in part.jobs {
                        written.push(false);
                        job.answer(Err(error.clone()));
                    }
                }
            }
        }
        for (first, rivalry, job) in rivals.into_iter().rev() {
            let own = winners.get(first) == Some(&job.append.command_id);
            if rivalry == Rivalry::Event && !own && written.get(first) == Some(&true) {
                Stats::add(&self.stats.conflicts, 1);
                Stats::add(&self.stats.commands, 1);
                job.answer(Ok(Verdict::Conflict));
            } else {
                waiting.push_front(job);
            }
        }
    }

    /// One part until it has verdicts or an error that repeating does not mend.
    async fn attempt(&mut self, part: &mut Work) -> Result<Vec<Verdict>, WriteError> {
        let (mut repeats, mut losses) = (0, 0);
        loop {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => self.reconnect(part.maybe).await?,
            };
            let error = match self.call(&mut connection, part).await {
                Ok(verdicts) => {
                    self.connection = Some(connection);
                    return Ok(verdicts);
                }
                Err(error) => error,
            };
            let fault = fault::of(&error);
            if fault == Fault::Lost {
                // The commit may have happened. The form with checks takes the journal's lock behind the lost
                // call, and finds under the command's id what that call had written.
                tracing::warn!(error = &error as &dyn std::error::Error, "the writer lost its connection");
                Stats::add(&self.stats.lost, 1);
                (part.checked, part.maybe) = (true, true);
                losses += 1;
                if losses > LOSSES_MAX {
                    return Err(WriteError::Unknown(Arc::new(error)));
                }
                continue;
            }
            self.connection = Some(connection);
            match fault {
                Fault::Unique if !part.checked => part.checked = true,
                Fault::Unique | Fault::Transient if repeats < TRANSIENT_REPEATS_MAX => {
                    Stats::add(&self.stats.transient, 1);
                    repeats += 1;
                    sleep(TRANSIENT_PAUSE * repeats).await;
                }
                _ => return Err(WriteError::Refused(Arc::new(error))),
            }
        }
    }

    /// One call of the database, bounded in time.
    async fn call(&self, connection: &mut PgConnection, part: &Work) -> Result<Vec<Verdict>, sqlx::Error> {
        let started = Instant::now();
        let call = async {
            if part.checked {
                Stats::add(&self.stats.checked, 1);
                statements::append_checked(connection, &part.jobs).await
            } else {
                statements::append(connection, &part.jobs).await
            }
        };
        let verdicts = timeout(CALL_TIMEOUT, call)
            .await
            .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))?;
        let micros = started.elapsed().as_micros();
        Stats::add(&self.stats.commit_micros, usize::try_from(micros).unwrap_or(usize::MAX));
        Ok(verdicts)
    }

    /// Tries for [`PATIENCE`]; while the database has been away for longer, once.
    async fn reconnect(&mut self, maybe: bool) -> Result<PgConnection, WriteError> {
        let mut pause = CONNECT_PAUSE_MIN;
        loop {
            let result = timeout(CONNECT_TIMEOUT, open(&self.options))
                .await
                .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())));
            let error = match result {
                Ok(connection) => {
                    Stats::add(&self.stats.connects, 1);
                    self.down_since = None;
                    return Ok(connection);
                }
                Err(error) => Arc::new(error),
            };
            let since = *self.down_since.get_or_insert_with(|| {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the writer cannot reach the database"
                );
                Instant::now()
            });
            if since.elapsed() >= PATIENCE {
                return Err(if maybe { WriteError::Unknown(error) } else { WriteError::Unavailable(error) });
            }
            sleep(pause).await;
            pause = (pause * 2).min(CONNECT_PAUSE_MAX);
        }
    }

    /// Counts, and wakes the readers of this process.
    fn count(&self, jobs: &[Job], verdicts: &[Verdict]) {
        let mut head = 0;
        for (job, verdict) in jobs.iter().zip(verdicts) {
            match verdict {
                Verdict::Appended { first } => {
                    let rows = job.append.rows.len();
                    Stats::add(&self.stats.events, rows);
                    let last = first.map_or(0, |first| first - 1 + i64::try_from(rows).unwrap_or(0));
                    head = last.max(head);
                }
                Verdict::Already { .. } => Stats::add(&self.stats.already, 1),
                Verdict::Conflict => Stats::add(&self.stats.conflicts, 1),
                Verdict::ClaimTaken { .. } => Stats::add(&self.stats.claims_taken, 1),
                Verdict::KeyUsed => {}
            }
        }
        Stats::add(&self.stats.batches, 1);
        Stats::add(&self.stats.commands, jobs.len());
        self.stats.largest_batch.fetch_max(jobs.len() as u64, Relaxed);
        self.head.send_if_modified(|known| {
            let newer = head > *known;
            *known = head.max(*known);
            newer
        });
    }
}
