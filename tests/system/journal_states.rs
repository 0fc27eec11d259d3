//! Folded states kept in process: the same outcomes as without them, and no command waits for another one's flush.

use super::journal_support::{Process, context, grant, grant_in_tasks, reserve, wallet};
use crate::harness;
use domain::wallet::Delivered;
use domain::{AccountId, AiJobId, Command, WalletCommand};
use journal::{CommandError, Rider, StateCache, read};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn many_commands_on_one_stream_of_one_process_never_lose_a_race() {
    let database = harness::database().await;
    let process = Process::start(&database.pool);
    let shared = wallet();
    grant_in_tasks(&process, shared, 16, 20).await;
    let stats = process.commands.writer().stats();
    assert_eq!((stats.conflicts, stats.checked, stats.events), (0, 0, 320));
    assert!(stats.batches < 320, "nobody decided upon what was still on its way: {stats:?}");
    let stream = read::stream(&database.pool, "wallet", &shared.to_string()).await.unwrap();
    assert_eq!(stream.len(), 320);
    process.end().await;
}

/// What the cache has no room for is loaded, but not before what is on its way is known.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_could_not_be_kept_loses_no_race_either() {
    let database = harness::database().await;
    let process = Process::start_with_cache(&database.pool, StateCache { bytes: 1 });
    let shared = wallet();
    grant_in_tasks(&process, shared, 8, 20).await;
    let stats = process.commands.writer().stats();
    assert_eq!((stats.conflicts, stats.checked, stats.events), (0, 0, 160));
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_rests_on_what_another_process_has_written() {
    let database = harness::database().await;
    let (one, two) = (Process::start(&database.pool), Process::start(&database.pool));
    let id = wallet();
    one.commands.execute(vec![grant(id, "a", 1)], &context(), Rider::default()).await.unwrap();
    // `one` now keeps a wallet with one credit, and does not hear of the ten.
    two.commands.execute(vec![grant(id, "b", 10)], &context(), Rider::default()).await.unwrap();
    one.commands.execute(vec![reserve(id, 8)], &context(), Rider::default()).await.unwrap();
    // A repeat that gets no event is no proof of the state either.
    let again = two.commands.execute(vec![grant(id, "b", 10)], &context(), Rider::default()).await.unwrap();
    assert_eq!(again.events, []);
    let refused = two.commands.execute(vec![reserve(id, 8)], &context(), Rider::default()).await;
    assert!(matches!(refused, Err(CommandError::Refused(_))), "{refused:?}");
    one.end().await;
    two.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_upon_a_refused_append_is_decided_again() {
    let database = harness::database().await;
    let (one, two) = (Process::start(&database.pool), Process::start(&database.pool));
    let id = wallet();
    one.commands.execute(vec![grant(id, "first", 1)], &context(), Rider::default()).await.unwrap();
    for round in 0..60 {
        // Behind the back of `one`: its next command loses, and with it all that were decided upon it.
        let foreign = vec![grant(id, &format!("foreign {round}"), 1)];
        two.commands.execute(foreign, &context(), Rider::default()).await.unwrap();
        let mut tasks = JoinSet::new();
        for n in 0..8 {
            let commands = one.commands.clone();
            let unit = vec![grant(id, &format!("{round}-{n}"), 1)];
            tasks.spawn(async move { commands.execute(unit, &context(), Rider::default()).await.unwrap() });
        }
        tasks.join_all().await;
    }
    let stream = read::stream(&database.pool, "wallet", &id.to_string()).await.unwrap();
    assert_eq!(stream.iter().map(|event| event.sequence).collect::<Vec<_>>(), (1..=541).collect::<Vec<_>>());
    assert!(one.commands.writer().stats().conflicts >= 60, "no race was ever lost");
    one.end().await;
    two.end().await;
}

/// What a wallet is told, by small numbers.
#[derive(Debug, Clone)]
enum Told {
    Grant(u8, u8, u32),
    Reserve(u8, u8, u32),
    Capture(u8, u8, u8, u32),
    Settle(u8, u8, u32),
}

fn told() -> impl Strategy<Value = Told> {
    let (wallet, job) = (0..3_u8, 0..4_u8);
    prop_oneof![
        (wallet.clone(), 0..6_u8, 1..9_u32).prop_map(|(w, r, c)| Told::Grant(w, r, c)),
        (wallet.clone(), job.clone(), 1..9_u32).prop_map(|(w, j, c)| Told::Reserve(w, j, c)),
        (wallet.clone(), job.clone(), 0..2_u8, 1..5_u32).prop_map(|(w, j, i, c)| Told::Capture(w, j, i, c)),
        (wallet, job, 0..5_u32).prop_map(|(w, j, c)| Told::Settle(w, j, c)),
    ]
}

/// The ids are made of the numbers and the run, so that two runs can be compared.
fn command(run: Uuid, told: &Told) -> Command {
    let wallet = |n: u8| AccountId(Uuid::new_v5(&run, &[b'w', n]));
    let job = |n: u8| AiJobId(Uuid::new_v5(&Uuid::nil(), &[b'j', n]));
    let (id, command) = match *told {
        Told::Grant(w, reference, credits) => {
            return grant(wallet(w), &reference.to_string(), credits);
        }
        Told::Reserve(w, j, credits) => (wallet(w), WalletCommand::Reserve { job: job(j), credits }),
        Told::Capture(w, j, index, credits) => {
            (wallet(w), WalletCommand::Capture { job: job(j), index, credits })
        }
        Told::Settle(w, j, credits) => {
            let delivered = if credits == 0 { vec![] } else { vec![Delivered { index: 0, credits }] };
            (wallet(w), WalletCommand::Settle { job: job(j), delivered })
        }
    };
    Command::Wallet { id, command }
}

/// What came of each unit, in words that do not name the run.
async fn outcomes(processes: &[&Process], units: &[(Vec<Told>, u8)]) -> Vec<String> {
    let run = Uuid::new_v4();
    let mut words = Vec::new();
    for (unit, process) in units {
        let commands = unit.iter().map(|told| command(run, told)).collect();
        let process = processes[usize::from(*process) % processes.len()];
        let result = process.commands.execute(commands, &context(), Rider::default()).await;
        words.push(match result {
            Ok(done) => {
                let event = |e: &domain::Envelope| format!("{} {} {}", e.sequence, e.event_type, e.payload);
                done.events.iter().map(event).collect::<Vec<_>>().join("; ")
            }
            Err(error) => error.to_string(),
        });
    }
    words
}

#[tokio::test(flavor = "multi_thread")]
async fn with_states_kept_everything_comes_out_as_without() {
    let database = harness::database().await;
    let process = |cache| Process::start_with_cache(&database.pool, cache);
    let without = process(StateCache::OFF);
    // Some forget nothing, some nearly everything at once.
    let large = Arc::new([process(StateCache::default()), process(StateCache::default())]);
    let small = process(StateCache { bytes: 1_500 });
    let units = prop::collection::vec((prop::collection::vec(told(), 1..4), any::<u8>()), 1..40);
    let handle = tokio::runtime::Handle::current();
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    tokio::task::block_in_place(|| {
        runner
            .run(&units, |units| {
                let expected = handle.block_on(outcomes(&[&without], &units));
                let two = handle.block_on(outcomes(&[&large[0], &large[1]], &units));
                prop_assert_eq!(&two, &expected);
                let forgetful = handle.block_on(outcomes(&[&small, &large[0]], &units));
                prop_assert_eq!(&forgetful, &expected);
                Ok(())
            })
            .unwrap();
    });
}
