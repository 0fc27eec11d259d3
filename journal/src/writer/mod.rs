//! The writer: one task per process appends what many callers want, in one call and one flush per batch.
//!
//! | file | what it is |
//! |---|---|
//! | `append.rs` | what one command wants written, and the verdict on it |
//! | `batch.rs` | which waiting commands go together |
//! | `statements.rs` | the two calls of the database |
//! | `fate.rs` | what becomes of an append, for those who decide upon it before it is known |
//! | `fault.rs` | what an error of the database means for a batch |
//! | `task.rs` | the loop, the connection, retries and splitting |
//! | `stats.rs` | counters for metrics |

mod append;
mod batch;
mod fate;
mod fault;
mod statements;
mod stats;
mod task;

pub(crate) use append::{AnswerRow, Append, ClaimRow, EventRow, Verdict};
pub(crate) use fate::Fate;
pub use fault::may_pass;
pub use stats::Snapshot;

use crate::read::Wake;
use append::Job;
use sqlx::PgPool;
use stats::Stats;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// Commands that may wait for the writer.
const QUEUE_COMMANDS: usize = 4_096;
/// How long a caller waits for a place in the queue.
const QUEUE_WAIT: Duration = Duration::from_secs(2);

/// Why the writer could not answer with a verdict.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The database refused this command; nothing of it was written.
    #[error("the database refused the events")]
    Refused(#[source] Arc<sqlx::Error>),
    /// The database cannot be reached; nothing was written.
    #[error("the database cannot be reached")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// The connection broke during the commit and the outcome could not be looked up: it may have been written.
    #[error("the connection broke during the commit, and its outcome is not known")]
    Unknown(#[source] Arc<sqlx::Error>),
    /// The queue stayed full.
    #[error("too many commands are waiting")]
    Busy,
    /// The writer was stopped.
    #[error("the writer has ended")]
    Stopped,
}

/// The callers' end of the queue.
#[derive(Clone)]
pub struct Writer {
    queue: mpsc::Sender<Job>,
    head: watch::Receiver<i64>,
    stats: Arc<Stats>,
}

/// Everything that the writer asks has its index. On a table that vacuum has seen empty the planner would rather read
/// all of it, and a prepared plan stays.
const PLANS: [(&str, &str); 1] = [("enable_seqscan", "off")];

/// Makes the writer and the future that is its task; the caller spawns it and awaits its end after `stop`.
///
/// When `stop` is cancelled no more commands are taken, those that wait are still written, and the task ends.
pub fn new(pool: &PgPool, stop: CancellationToken) -> (Writer, impl Future<Output = ()> + Send + use<>) {
    let (queue, jobs) = mpsc::channel(QUEUE_COMMANDS);
    let (head_sender, head) = watch::channel(0);
    let stats = Arc::new(Stats::default());
    let options = pool.connect_options().as_ref().clone().options(PLANS);
    let task = task::Task::new(Arc::new(options), jobs, head_sender, Arc::clone(&stats), stop);
    (Writer { queue, head, stats }, task.run())
}

/// A command that is in the queue.
pub(crate) struct Queued {
    pub fate: Fate,
    verdict: oneshot::Receiver<Result<Verdict, WriteError>>,
}

impl Queued {
    /// Waits for the verdict. Dropping the future does not take the command back.
    pub async fn verdict(self) -> Result<Verdict, WriteError> {
        self.verdict.await.unwrap_or(Err(WriteError::Stopped))
    }
}

impl Writer {
    /// Puts a command behind all others; `after` is what it was decided upon and is not known to be written.
    pub(crate) async fn queue(
        &self,
        append: Append,
        after: Vec<Fate>,
        epoch: u64,
    ) -> Result<Queued, WriteError> {
        let (reply, verdict) = oneshot::channel();
        let (fate, setter) = Fate::new();
        let job = Job { append, after, epoch, fate: setter, reply };
        self.queue.send_timeout(job, QUEUE_WAIT).await.map_err(|error| match error {
            mpsc::error::SendTimeoutError::Timeout(_) => WriteError::Busy,
            mpsc::error::SendTimeoutError::Closed(_) => WriteError::Stopped,
        })?;
        Ok(Queued { fate, verdict })
    }

    /// Wakes readers of this process when something was committed by it.
    pub fn wake(&self) -> Wake {
        Wake::local(self.head.clone())
    }

    /// The number of its connection. Behind a new one the database may be another: restored, or a standby that
    /// was promoted. So states of an earlier one are no basis, and what was decided upon them is checked.
    pub(crate) fn epoch(&self) -> u64 {
        self.stats.epoch()
    }

    /// Counters since the start, and the present depth of the queue.
    pub fn stats(&self) -> Snapshot {
        self.stats.snapshot(self.queue.max_capacity() - self.queue.capacity())
    }
}
