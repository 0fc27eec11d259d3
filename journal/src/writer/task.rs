//! The loop of the writer: its connection, its retries, and how it isolates what cannot be written.

use super::append::{Job, Verdict};
use super::batch::{self, Batch, Limits, Rival, Rivalry};
use super::fault::{self, Fault};
use super::stats::Stats;
use super::{WriteError, statements};
use crate::connect::{open, within};
use crate::gather::gather;
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// One call carries no more than this.
const LIMITS: Limits = Limits { commands: 512, rows: 2_048, bytes: 4 * 1024 * 1024 };
/// How long commands wait for a database that went away; later ones are answered at the first failed try.
const PATIENCE: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_PAUSE_MIN: Duration = Duration::from_millis(10);
const CONNECT_PAUSE_MAX: Duration = Duration::from_millis(50);
/// A call that takes longer counts as a lost connection.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Repeats of a call after a passing error.
const TRANSIENT_REPEATS_MAX: u32 = 4;
/// Connections that one batch may cost.
const LOSSES_MAX: u32 = 3;
/// A batch of so many is sent at once.
const ENOUGH: usize = 64;
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
#[derive(Default)]
struct Work {
    jobs: Vec<Job>,
    /// The form with checks is needed: a row exists already, or an earlier call may have been committed.
    checked: bool,
    /// A call was sent whose answer never came.
    maybe: bool,
    repeats: u32,
    losses: u32,
}

/// Why a part has no verdicts.
enum Setback {
    /// Nothing was written; the same part may be tried again as it now is.
    Repeat,
    /// Repeating does not mend it.
    Final(WriteError),
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
    ///
    /// A batch waits for those whom the last one has answered, if they come at once. Otherwise every second batch
    /// would leave half of the callers behind, and cost a flush more. A lone caller has come already, and a large
    /// crowd is better off if one half decides while the other half is written.
    pub async fn run(mut self) {
        let mut waiting = VecDeque::new();
        let mut answered = 0;
        loop {
            self.take_what_is_there(&mut waiting);
            let expected = (answered + waiting.len()).min(ENOUGH);
            if !self.fill(&mut waiting).await {
                return;
            }
            let count = || {
                self.take_what_is_there(&mut waiting);
                waiting.len()
            };
            gather(expected, count).await;
            let batch = batch::take(&mut waiting, LIMITS);
            answered = batch.jobs.len();
            self.commit(batch, &mut waiting).await;
        }
    }

    /// Waits only when there is nothing at all; `false` when there never will be.
    async fn fill(&mut self, waiting: &mut VecDeque<Job>) -> bool {
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
        true
    }

    fn take_what_is_there(&mut self, waiting: &mut VecDeque<Job>) {
        while waiting.len() < LIMITS.commands {
            match self.jobs.try_recv() {
                Ok(job) => waiting.push_back(job),
                Err(_) => break,
            }
        }
    }

    /// Answers every command of the batch, or puts it back into the queue.
    async fn commit(&mut self, batch: Batch, waiting: &mut VecDeque<Job>) {
        let Batch { jobs, rivals } = batch;
        // A stack: what is on top was waiting for first.
        let mut work = vec![Work { jobs, ..Work::default() }];
        let mut unknown = None;
        while let Some(mut part) = work.pop() {
            self.refuse_orphans(&mut part, unknown.as_ref());
            work.extend(part.split_followers());
            if part.jobs.is_empty() {
                continue;
            }
            match self.attempt(&mut part).await {
                Ok(verdicts) => {
                    self.count(&part.jobs, &verdicts);
                    for (job, verdict) in part.jobs.into_iter().zip(verdicts) {
                        job.answer(Ok(verdict));
                    }
                }
                Err(Setback::Repeat) => work.push(part),
                Err(Setback::Final(WriteError::Refused(_))) if part.jobs.len() > 1 => {
                    // One command's fault is not its neighbours': halve and repeat, what came first before the rest,
                    // so that those who rest upon another one know by then what became of it.
                    Stats::add(&self.stats.splits, 1);
                    let second = part.jobs.split_off(part.jobs.len() / 2);
                    let half =
                        |jobs| Work { jobs, checked: part.checked, maybe: part.maybe, ..Work::default() };
                    work.push(half(second));
                    work.push(half(part.jobs));
                }
                Err(Setback::Final(error)) => {
                    if matches!(error, WriteError::Unknown(_)) {
                        unknown = Some(error.clone());
                    }
                    Stats::add(&self.stats.refused, part.jobs.len());
                    for job in part.jobs {
                        job.answer(Err(error.clone()));
                    }
                }
            }
        }
        for Rival { of, of_command, why, job } in rivals.into_iter().rev() {
            let own = of_command == job.append.command_id;
            if why == Rivalry::Event && !own && !of.is_open() && !of.has_failed() {
                self.refuse(job);
            } else {
                waiting.push_front(job);
            }
        }
    }

    /// What was decided upon events that never came has lost its race with them. If nobody knows whether those came,
    /// nobody knows it of this either: both were in the call that was lost.
    fn refuse_orphans(&self, part: &mut Work, unknown: Option<&WriteError>) {
        // One after the other: an orphan makes orphans of those behind it.
        let mut kept = Vec::with_capacity(part.jobs.len());
        for job in part.jobs.drain(..) {
            match (job.is_orphaned(), unknown) {
                (false, _) => kept.push(job),
                (true, Some(error)) if part.maybe => job.answer(Err(error.clone())),
                (true, _) => self.refuse(job),
            }
        }
        part.jobs = kept;
    }

    fn refuse(&self, job: Job) {
        Stats::add(&self.stats.conflicts, 1);
        Stats::add(&self.stats.commands, 1);
        job.answer(Ok(Verdict::Conflict));
    }

    /// One try. The part says what the next one has to be like.
    async fn attempt(&mut self, part: &mut Work) -> Result<Vec<Verdict>, Setback> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reconnect(part.maybe).await.map_err(Setback::Final)?,
        };
        let epoch = self.stats.epoch();
        if !part.checked && part.jobs.iter().any(|job| job.epoch != epoch) {
            self.connection = Some(connection);
            part.checked = true;
            return Err(Setback::Repeat);
        }
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
            part.losses += 1;
            if part.losses > LOSSES_MAX {
                return Err(Setback::Final(WriteError::Unknown(Arc::new(error))));
            }
            return Err(Setback::Repeat);
        }
        self.connection = Some(connection);
        match fault {
            Fault::Unique if !part.checked => part.checked = true,
            Fault::Unique | Fault::Transient if part.repeats < TRANSIENT_REPEATS_MAX => {
                Stats::add(&self.stats.transient, 1);
                part.repeats += 1;
                sleep(TRANSIENT_PAUSE * part.repeats).await;
            }
            // Repeats are used up, and what the lost call did was never learnt.
            Fault::Unique | Fault::Transient if part.maybe => {
                return Err(Setback::Final(WriteError::Unknown(Arc::new(error))));
            }
            _ => return Err(Setback::Final(WriteError::Refused(Arc::new(error)))),
        }
        Err(Setback::Repeat)
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
        let verdicts = within(CALL_TIMEOUT, call).await?;
        let micros = started.elapsed().as_micros();
        Stats::add(&self.stats.commit_micros, usize::try_from(micros).unwrap_or(usize::MAX));
        Ok(verdicts)
    }

    /// Tries for [`PATIENCE`]; while the database has been away for longer, once.
    async fn reconnect(&mut self, maybe: bool) -> Result<PgConnection, WriteError> {
        let mut pause = CONNECT_PAUSE_MIN;
        loop {
            let error = match within(CONNECT_TIMEOUT, open(&self.options)).await {
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

impl Work {
    /// The form with checks judges each command by itself, so what was decided upon another one of the same call
    /// must wait for that one's verdict. (Without checks they stand or fall together.)
    fn split_followers(&mut self) -> Option<Self> {
        if !self.checked || !self.jobs.iter().any(Job::has_to_wait) {
            return None;
        }
        // The foremost waits for nobody in this call, whatever it says; so there is always one to begin with.
        let foremost = self.jobs.remove(0);
        let (followers, mut first): (Vec<_>, Vec<_>) = self.jobs.drain(..).partition(Job::has_to_wait);
        first.insert(0, foremost);
        self.jobs = first;
        Some(Self { jobs: followers, checked: self.maybe, maybe: self.maybe, ..Self::default() })
    }
}
