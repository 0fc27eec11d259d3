//! What a process of the torture does to the journal: several callers, own and shared wallets, every answer kept.

use crate::plan::Chance;
use domain::wallet::GrantKind;
use domain::{AccountId, AiJobId, Command, WalletCommand};
use harness::door::context;
use journal::writer::WriteError;
use journal::{CommandError, Commands, Context, Rider};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use tokio::task::JoinSet;
use uuid::Uuid;

/// A caller that is told "not written" or "not known" asks again under the same id, this often.
const REPEATS_MAX: u32 = 200;

/// How much is done, and to what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Load {
    /// Tells answers of several processes apart.
    pub process: u32,
    /// Wallets that everybody writes to.
    pub shared: Vec<Uuid>,
    pub callers: u32,
    /// Of each caller.
    pub commands: u32,
}

/// What a caller was told about one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Committed {
        position: i64,
    },
    /// By the domain: it never happened.
    Refused,
    /// By the journal: it was not written.
    NotWritten {
        error: String,
    },
    /// It may have been written.
    Unknown,
}

/// One attempt and its answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    pub process: u32,
    pub command: Uuid,
    pub wallet: Uuid,
    /// What the wallet has more if it was committed.
    pub credits: i64,
    /// Counted in the process: what was answered before another attempt started has the smaller number.
    pub started: u64,
    pub answered: u64,
    pub outcome: Outcome,
}

/// The order of starts and answers in one process.
static COUNTER: AtomicU64 = AtomicU64::new(0);

fn tick() -> u64 {
    COUNTER.fetch_add(1, SeqCst)
}

/// Works off the load; each answer is reported as it comes.
pub async fn run(
    commands: &Commands,
    load: &Load,
    chance: impl Fn(u32) -> Chance,
    report: impl Fn(Answer) + Clone + Send + Sync + 'static,
) {
    let mut callers = JoinSet::new();
    for caller in 0..load.callers {
        let (commands, load, mut chance, report) =
            (commands.clone(), load.clone(), chance(caller), report.clone());
        callers.spawn(async move {
            let own = Uuid::new_v4();
            for n in 0..load.commands {
                let shared = chance.below(3) == 0 && !load.shared.is_empty();
                let wallet = if shared { *chance.one_of(&load.shared) } else { own };
                let credits = i64::try_from(chance.below(9)).unwrap() + 1;
                let credits = if n > 0 && chance.below(4) == 0 { -credits } else { credits };
                until_settled(&commands, load.process, wallet, credits, &report).await;
            }
        });
    }
    callers.join_all().await;
}

/// One command until it is committed or refused for good.
pub async fn until_settled(
    commands: &Commands,
    process: u32,
    wallet: Uuid,
    credits: i64,
    report: &impl Fn(Answer),
) {
    let (context, command) = (context(), command_of(wallet, credits));
    for _ in 0..REPEATS_MAX {
        let answer = once(commands, process, &context, &command, (wallet, credits)).await;
        let settled = matches!(answer.outcome, Outcome::Committed { .. } | Outcome::Refused);
        report(answer);
        if settled {
            return;
        }
    }
    panic!("not settled after {REPEATS_MAX} attempts: {context:?}");
}

/// One attempt.
pub async fn once(
    commands: &Commands,
    process: u32,
    context: &Context,
    command: &Command,
    (wallet, credits): (Uuid, i64),
) -> Answer {
    let started = tick();
    let result = commands.execute(vec![command.clone()], context, Rider::default()).await;
    let outcome = match result {
        Ok(committed) => Outcome::Committed { position: committed.position },
        Err(CommandError::Refused(_)) => Outcome::Refused,
        Err(CommandError::Store(WriteError::Unknown(_))) => Outcome::Unknown,
        Err(error) => Outcome::NotWritten { error: format!("{error:?}") },
    };
    Answer { process, command: context.command_id, wallet, credits, started, answered: tick(), outcome }
}

/// Gives credits, or takes them.
pub fn command_of(wallet: Uuid, credits: i64) -> Command {
    let id = AccountId(wallet);
    let amount = u32::try_from(credits.unsigned_abs()).unwrap();
    let command = if credits > 0 {
        let reference = Uuid::new_v4().to_string();
        WalletCommand::Grant { reference, credits: amount, kind: GrantKind::Gift }
    } else {
        WalletCommand::Reserve { job: AiJobId(Uuid::new_v4()), credits: amount }
    };
    Command::Wallet { id, command }
}
