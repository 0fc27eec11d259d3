//! Late and slow committers: a client that is stopped while its transaction holds the journal's lock, and one that
//! is stopped anywhere.
//!
//! What the others do meanwhile: they wait for the lock, for as long as a statement may take. Readers stand at the
//! last committed position and see nothing of what is to come.

use crate::child::{Child, Line, Task};
use crate::load::{self, Answer, Load, Outcome};
use crate::readers::Readers;
use crate::{held, oracle, plan};
use harness::door::{Process, context};
use harness::{TestDatabase, eventually};
use journal::{ConnectOptions, connect, read};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use uuid::Uuid;

const PATIENT: u64 = 60_000;

/// A child that holds the lock with its row inserted, and stands still.
async fn stopped_holder(database: &TestDatabase, idle_timeout_ms: u64) -> (Child, i64, Uuid) {
    let mut holder = Child::start(&Task::Holds { url: database.url.clone(), idle_timeout_ms }).await;
    let held = holder.hears("the row is inserted", |line| match line {
        Line::Held { position, command } => Some((*position, *command)),
        _ => None,
    });
    let (position, command) = held.await;
    holder.stop().await;
    (holder, position, command)
}

/// Lets it end its transaction; answers what the server said about it.
async fn released(holder: &mut Child) -> Option<String> {
    holder.go_on().await;
    holder.tell("commit").await;
    let released = |line: &Line| match line {
        Line::Released { error } => Some(error.clone()),
        _ => None,
    };
    holder.hears("the transaction ended", released).await
}

fn load(process: u32, shared: &[Uuid], callers: u32, commands: u32) -> Load {
    Load { process, shared: shared.to_vec(), callers, commands }
}

async fn appending(database: &TestDatabase, load: Load) -> Child {
    Child::start(&Task::Appends { url: database.url.clone(), statement_timeout_ms: PATIENT, load }).await
}

type Answers = Arc<Mutex<Vec<Answer>>>;

/// A load in this process, beside everything else.
fn locally(process: &Process, load: Load) -> (Answers, JoinHandle<()>) {
    let (answers, commands) = (Answers::default(), process.commands.clone());
    let kept = Arc::clone(&answers);
    let task = tokio::spawn(async move {
        let chance = |caller| plan::chance(&format!("l{}c{caller}", load.process));
        load::run(&commands, &load, chance, move |answer| kept.lock().unwrap().push(answer)).await;
    });
    (answers, task)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_held_open_is_waited_for_and_nobody_is_skipped() {
    let database = harness::database().await;
    let pool = &database.pool;
    let (readers, process) = (Readers::start(pool).await, Process::start(pool));
    let shared = [Uuid::new_v4(), Uuid::new_v4()];
    let (before, work) = locally(&process, load(1, &shared, 4, 10));
    work.await.unwrap();
    let (mut holder, position, held) = stopped_holder(&database, PATIENT).await;

    let (meanwhile, work) = locally(&process, load(1, &shared, 4, 40));
    let other = appending(&database, load(2, &shared, 4, 40)).await;
    eventually("both writers wait for the lock", async || (held::waiting(pool).await >= 2).then_some(()))
        .await;
    assert_eq!(read::head(pool).await.unwrap(), position - 1, "nobody has overtaken it");
    readers.at(position - 1).await;
    assert_eq!(meanwhile.lock().unwrap().iter().filter(|answer| is_committed(answer)).count(), 0);

    assert_eq!(released(&mut holder).await, None);
    holder.finish().await;
    work.await.unwrap();
    let mut answers = other.finish().await;
    answers.extend(before.lock().unwrap().drain(..).chain(meanwhile.lock().unwrap().drain(..)));
    let late = read::range(pool, position, position).await.unwrap().remove(0);
    assert_eq!(late.metadata["command_id"], held.to_string(), "it has the position that it was given");
    let seen = oracle::check(pool, &answers, &[held]).await;
    readers.finish(read::head(pool).await.unwrap()).await;
    process.end().await;
    println!("late committer: 3 writers, held at {position}, {seen:?}");
}

fn is_committed(answer: &Answer) -> bool {
    matches!(answer.outcome, Outcome::Committed { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_never_comes_is_ended_by_the_server_and_leaves_no_hole() {
    let database = harness::database().await;
    let pool = &database.pool;
    let (readers, process) = (Readers::start(pool).await, Process::start(pool));
    let (mut holder, position, held) = stopped_holder(&database, 10_000).await;
    let (answers, work) = locally(&process, load(1, &[], 4, 25));
    eventually("the writer waits", async || (held::waiting(pool).await >= 1).then_some(())).await;

    // Nobody lets go of it: the server's limit for idle transactions does.
    work.await.unwrap();
    let taken = read::range(pool, position, position).await.unwrap().remove(0);
    assert_ne!(taken.metadata["command_id"], held.to_string(), "its position was given again");
    assert!(released(&mut holder).await.is_some(), "it is told that nothing was committed");
    holder.finish().await;
    let answers = answers.lock().unwrap().split_off(0);
    let seen = oracle::check(pool, &answers, &[]).await;
    readers.finish(read::head(pool).await.unwrap()).await;
    process.end().await;
    println!("abandoned committer: 2 writers, {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_longer_than_a_statement_may_is_told_and_loses_nothing() {
    let database = harness::database().await;
    let pool = &database.pool;
    let options = ConnectOptions { statement_timeout: Duration::from_secs(1), ..ConnectOptions::default() };
    let impatient = connect(&database.url, &options).await.unwrap();
    let process = Process::start_with_writer_on(pool, &impatient);
    let (mut holder, position, held) = stopped_holder(&database, PATIENT).await;

    let (context, wallet) = (context(), Uuid::new_v4());
    let command = load::command_of(wallet, 5);
    let refused = load::once(&process.commands, 1, &context, &command, (wallet, 5)).await;
    let Outcome::NotWritten { error } = &refused.outcome else { panic!("{refused:?}") };
    assert!(error.contains("57014"), "cancelled by the server: {error}");
    let (answers, work) = locally(&process, load(1, &[], 4, 10));
    eventually("all callers were told", async || (answers.lock().unwrap().len() >= 4).then_some(())).await;
    assert_eq!(read::head(pool).await.unwrap(), position - 1, "told the truth");

    assert_eq!(released(&mut holder).await, None);
    holder.finish().await;
    work.await.unwrap();
    let repeated = load::once(&process.commands, 1, &context, &command, (wallet, 5)).await;
    assert!(is_committed(&repeated), "{repeated:?}");
    let mut answers = answers.lock().unwrap().split_off(0);
    answers.extend([refused, repeated]);
    let seen = oracle::check(pool, &answers, &[held]).await;
    assert!(seen.not_written >= 5, "{seen:?}");
    process.end().await;
    println!("impatient writer: 2 writers, {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_stopped_in_the_middle_of_its_load_holds_nobody_up() {
    const CALLERS: u32 = 4;
    let database = harness::database().await;
    let pool = &database.pool;
    let (readers, rounds) = (Readers::start(pool).await, plan::rounds());
    let (mut chance, shared) = (plan::chance("stopped"), [Uuid::new_v4(), Uuid::new_v4()]);
    let commands = 15 * (rounds + 2);
    let total = usize::try_from(CALLERS * commands).unwrap();
    let mut children = Vec::new();
    for process in 0..3 {
        children.push(appending(&database, load(process, &shared, CALLERS, commands)).await);
    }
    for round in 1..=rounds {
        let victim = &children[usize::try_from(chance.below(3)).unwrap()];
        victim.reaches(total * usize::try_from(round).unwrap() / usize::try_from(rounds + 2).unwrap()).await;
        victim.stop().await;
        for other in children.iter().filter(|other| !std::ptr::eq(*other, victim)) {
            other.reaches(total.min(other.answered() + 20)).await;
        }
        victim.go_on().await;
    }
    let mut answers = Vec::new();
    for child in children {
        answers.extend(child.finish().await);
    }
    let seen = oracle::check(pool, &answers, &[]).await;
    readers.finish(read::head(pool).await.unwrap()).await;
    println!("stopped under load: 3 processes, {rounds} stops, {seen:?}");
}
