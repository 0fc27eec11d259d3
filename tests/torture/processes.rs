//! Two and four processes, each with its own door and writer, on the same and on different streams.

use crate::child::{Child, Task};
use crate::load::Load;
use crate::readers::Readers;
use crate::{oracle, plan};
use journal::read;
use uuid::Uuid;

async fn all_append(processes: u32) {
    let database = harness::database().await;
    let readers = Readers::start(&database.pool).await;
    let shared: Vec<Uuid> = (0..3).map(|_| Uuid::new_v4()).collect();
    let commands = 15 * plan::rounds();
    let mut children = Vec::new();
    for process in 0..processes {
        let load = Load { process, shared: shared.clone(), callers: 4, commands };
        let (url, statement_timeout_ms) = (database.url.clone(), 30_000);
        children.push(Child::start(&Task::Appends { url, statement_timeout_ms, load }).await);
    }
    let mut answers = Vec::new();
    for child in children {
        answers.extend(child.finish().await);
    }
    let seen = oracle::check(&database.pool, &answers, &[]).await;
    // A race that is lost too often is told as such, and the repeat gets through; nothing else may fail here.
    assert_eq!(seen.unknown, 0);
    assert_eq!(seen.committed + seen.refused, usize::try_from(processes * 4 * commands).unwrap());
    for wallet in shared {
        let stream = read::stream(&database.pool, "wallet", &wallet.to_string()).await.unwrap();
        assert!(stream.len() > 1, "a shared stream is written to");
    }
    readers.finish(read::head(&database.pool).await.unwrap()).await;
    println!("{processes} processes: {} callers, {seen:?}", processes * 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_make_one_order() {
    all_append(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_processes_make_one_order() {
    all_append(4).await;
}
