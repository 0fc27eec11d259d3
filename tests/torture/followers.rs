//! Commands that were decided upon each other, in one call, whose connection is cut.

use crate::cut::behind_a_proxy;
use crate::load::{self, Answer, Outcome};
use crate::proxy::Cut;
use crate::{held, oracle};
use harness::door::{Process, context};
use harness::{TestDatabase, eventually};
use tokio::task::JoinSet;
use uuid::Uuid;

/// How many are decided upon the one before them.
const CHAIN: usize = 3;

/// Starts one command on the wallet.
fn start(answers: &mut JoinSet<Answer>, process: &Process, wallet: Uuid, credits: i64) {
    let (commands, command) = (process.commands.clone(), load::command_of(wallet, credits));
    answers.spawn(async move { load::once(&commands, 1, &context(), &command, (wallet, credits)).await });
}

/// One command waits in the database; the others pile up behind it, and theirs is the call that is cut.
async fn chained(database: &TestDatabase, process: &Process, cut: impl FnOnce()) -> Vec<Answer> {
    let (wallet, mut answers) = (Uuid::new_v4(), JoinSet::new());
    let mut owner = held::superuser(&database.pool).await;
    let lock = held::lock(&mut owner).await;
    start(&mut answers, process, wallet, 1);
    eventually("the first waits for the lock", async || {
        (held::waiting(&database.pool).await == 1).then_some(())
    })
    .await;
    cut();
    for number in 1..=CHAIN {
        start(&mut answers, process, wallet, 1);
        eventually("the next one is in the queue", async || {
            (process.commands.writer().stats().queue_depth == number).then_some(())
        })
        .await;
    }
    lock.rollback().await.unwrap();
    answers.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_followers_in_a_call_that_is_cut_is_written_once_and_in_order() {
    for cut in Cut::ALL {
        let database = harness::database().await;
        let (proxy, process, first) = behind_a_proxy(&database).await;
        let answers = chained(&database, &process, || proxy.cut(&[cut])).await;
        assert!(proxy.is_done(), "{cut:?} did not happen");
        for answer in &answers {
            assert!(matches!(answer.outcome, Outcome::Committed { .. }), "{cut:?}: {answer:?}");
        }
        let seen = oracle::check(&database.pool, &answers, &[first]).await;
        let stats = process.commands.writer().stats();
        assert_eq!(stats.conflicts, 0, "{cut:?}: nobody decided twice, {stats:?}");
        // What was written is found for all of them: they were in one call.
        let reached = matches!(cut, Cut::BeforeTheAnswer | Cut::InTheAnswer);
        // A cut behind the answer is noticed by the next call, if at all.
        let noticed = if cut == Cut::AfterTheAnswer { 0..=1 } else { 1..=1 };
        assert!(noticed.contains(&stats.lost), "{cut:?}: {stats:?}");
        assert_eq!(stats.already, if reached { CHAIN as u64 } else { 0 }, "{cut:?}: {stats:?}");
        process.end().await;
        println!("a chain of {CHAIN}, cut {cut:?}: already {}, {seen:?}", stats.already);
    }
}
