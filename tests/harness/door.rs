//! A journal with its writer in this process, for the tests of the journal itself.

use crate::LIMIT;
use domain::wallet::GrantKind;
use domain::{AccountId, AiJobId, Command, WalletCommand};
use journal::{Clock, Commands, Context, Rider, StateCache, writer};
use sqlx::{Connection, PgConnection, PgPool};
use time::macros::datetime;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// One process of the service: its own writer on the shared database.
pub struct Process {
    pub commands: Commands,
    pub clock: Clock,
    pub stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Process {
    pub fn start(pool: &PgPool) -> Self {
        Self::start_with_writer_on(pool, pool)
    }

    /// With another bound for the folded states.
    pub fn start_with_cache(pool: &PgPool, cache: StateCache) -> Self {
        Self::start_with(pool, pool, cache)
    }

    /// Loads from one pool and writes to where another one leads.
    pub fn start_with_writer_on(pool: &PgPool, writer_pool: &PgPool) -> Self {
        Self::start_with(pool, writer_pool, StateCache::default())
    }

    fn start_with(pool: &PgPool, writer_pool: &PgPool, cache: StateCache) -> Self {
        let clock = Clock::manual(datetime!(2026-11-24 09:00 UTC));
        let stop = CancellationToken::new();
        let (writer, task) = writer::new(writer_pool, stop.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(task);
        let commands = Commands::with_cache(pool.clone(), writer, clock.clone(), cache);
        Self { commands, clock, stop, tasks }
    }

    /// Runs something beside the writer until [`Process::end`].
    pub fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Stops everything, and proves that it ends.
    pub async fn end(mut self) {
        self.stop.cancel();
        let all = async {
            while let Some(result) = self.tasks.join_next().await {
                result.unwrap();
            }
        };
        tokio::time::timeout(LIMIT, all).await.expect("it stops in time");
    }
}

pub fn context() -> Context {
    Context {
        command_id: Uuid::new_v4(),
        correlation_id: Uuid::new_v4(),
        causation_position: None,
        actor: "account:test".to_owned(),
        trace: None,
    }
}

pub fn wallet() -> AccountId {
    AccountId(Uuid::new_v4())
}

pub fn grant(id: AccountId, reference: &str, credits: u32) -> Command {
    let command = WalletCommand::Grant { reference: reference.to_owned(), credits, kind: GrantKind::Gift };
    Command::Wallet { id, command }
}

pub fn reserve(id: AccountId, credits: u32) -> Command {
    Command::Wallet { id, command: WalletCommand::Reserve { job: AiJobId(Uuid::new_v4()), credits } }
}

/// Waits for something that other tasks bring about.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    crate::eventually(what, async || condition().await.then_some(())).await;
}

/// So many tasks at once grant one credit to `shared`, `each` times.
pub async fn grant_in_tasks(process: &Process, shared: AccountId, tasks: usize, each: usize) {
    let mut running = JoinSet::new();
    for task in 0..tasks {
        let commands = process.commands.clone();
        running.spawn(async move {
            for n in 0..each {
                let unit = vec![grant(shared, &format!("{task}-{n}"), 1)];
                commands.execute(unit, &context(), Rider::default()).await.unwrap();
            }
        });
    }
    running.join_all().await;
}

/// How many sessions of this database wait for the journal's lock.
pub async fn waiting(pool: &PgPool) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'",
    )
    .fetch_one(&mut superuser(pool).await)
    .await
    .unwrap()
}

/// The first command keeps the writer busy, so that all others wait together.
pub async fn first_waits(pool: &PgPool) {
    eventually("the writer waits for the lock", || async { waiting(pool).await == 1 }).await;
}

pub async fn others_wait(commands: &Commands, count: usize) {
    let gathered = || async { commands.writer().stats().queue_depth == count };
    eventually("all others wait", gathered).await;
}

/// A session with the login's own rights: the service's role may not see what other sessions do.
pub async fn superuser(pool: &PgPool) -> PgConnection {
    PgConnection::connect_with(&pool.connect_options()).await.unwrap()
}
