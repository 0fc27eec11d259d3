//! A dump restored into a new cluster, and a base backup started as one: the same journal, and it goes on.

use crate::load::{self, Answer, Load};
use crate::readers::Readers;
use crate::{held, oracle, plan};
use harness::cluster::{OwnCluster, Room, program};
use harness::door::{Process, context};
use journal::{leaf, read};
use sqlx::{Connection, PgConnection, PgPool};
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A cluster with a history, read models at its head, and a load that goes on while the backup is taken.
struct Source {
    cluster: OwnCluster,
    pool: PgPool,
    process: Process,
    answers: Arc<Mutex<Vec<Answer>>>,
    /// How far the journal was before the backup began.
    before: i64,
    load: JoinHandle<()>,
}

fn working(process: &Process, number: u32, answers: &Arc<Mutex<Vec<Answer>>>) -> JoinHandle<()> {
    let (commands, kept) = (process.commands.clone(), Arc::clone(answers));
    let load = Load { process: number, shared: vec![Uuid::from_u128(1)], callers: 4, commands: 50 };
    tokio::spawn(async move {
        let chance = |caller| plan::chance(&format!("backup{number}c{caller}"));
        load::run(&commands, &load, chance, move |answer| kept.lock().unwrap().push(answer)).await;
    })
}

impl Source {
    async fn start() -> Self {
        let cluster = OwnCluster::start(true).await;
        let pool = cluster.pool().await;
        let (process, answers) = (Process::start(&pool), Arc::default());
        let readers = Readers::start(&pool).await;
        working(&process, 1, &answers).await.unwrap();
        let before = read::head(&pool).await.unwrap();
        readers.finish(before).await;
        let load = working(&process, 2, &answers);
        Self { cluster, pool, process, answers, before, load }
    }

    /// Ends the load, and compares the copy with what the source had at the same position.
    async fn agrees_with(self, copy: &PgPool) -> i64 {
        self.load.await.unwrap();
        self.process.end().await;
        let answers = self.answers.lock().unwrap().split_off(0);
        oracle::check(&self.pool, &answers, &[]).await;
        let head = read::head(copy).await.unwrap();
        assert!(head >= self.before, "{head} of {}", self.before);
        let theirs = read::stored_page(copy, 0, i64::MAX, usize::MAX).await.unwrap();
        let ours = read::stored_page(&self.pool, 0, head, usize::MAX).await.unwrap();
        assert!(ours == theirs, "the copy has other events");
        let verified = leaf::verify(copy, 0, |_| {}).await.unwrap();
        assert_eq!((verified.up_to, verified.bad), (head, None));
        let checkpoints: Vec<(String, i64)> =
            sqlx::query_as("SELECT reader, position FROM checkpoints").fetch_all(copy).await.unwrap();
        for (reader, position) in checkpoints {
            assert!(position <= head && position >= self.before, "{reader} at {position} of {head}");
        }
        head
    }
}

/// Triggers are on, the writer goes on behind the head, the readers behind their checkpoints.
async fn goes_on(copy: &PgPool, head: i64) {
    let mut owner = held::superuser(copy).await;
    for attempt in ["DELETE FROM events", "UPDATE claims SET key = 'x'", "TRUNCATE events"] {
        let refused = sqlx::query(attempt).execute(&mut owner).await.map_err(|error| error.to_string());
        let empty = attempt.contains("claims") && refused.is_ok();
        assert!(empty || refused.is_err_and(|error| error.contains("insert-only")), "{attempt}");
    }
    let always: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_trigger WHERE tgenabled = 'A' AND tgrelid IN ('events'::regclass, 'claims'::regclass)",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert_eq!(always, 4, "insert-only also in sessions that replay");

    let (readers, process) = (Readers::start(copy).await, Process::start(copy));
    let (origin, wallet) = (context(), Uuid::new_v4());
    let command = load::command_of(wallet, 5);
    let answer = load::once(&process.commands, 1, &origin, &command, (wallet, 5)).await;
    assert_eq!(answer.outcome, load::Outcome::Committed { position: head + 1 });
    readers.finish(head + 1).await;
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_restored_into_a_new_cluster_is_the_same_journal() {
    let source = Source::start().await;
    let target = OwnCluster::start(false).await;
    // Roles belong to a cluster, and are not in a dump of one database.
    let mut superuser = PgConnection::connect(&target.url()).await.unwrap();
    let role = "CREATE ROLE polikrami_service NOLOGIN";
    sqlx::raw_sql(role).execute(&mut superuser).await.unwrap();
    let room = Room::new();
    let file = room.dir.join("journal.dump");
    let from = format!("--dbname={}", source.cluster.url());
    program("pg_dump", &[&"--format=custom", &"--file", &file, &from]).await;
    let into = format!("--dbname={}", target.url());
    program("pg_restore", &[&"--exit-on-error", &into, &file]).await;
    let copy = target.pool().await;
    let (before, head) = (source.before, source.agrees_with(&copy).await);
    goes_on(&copy, head).await;
    println!("dump and restore: {before} events before it began, {head} in the copy, all hashes agree");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_backup_started_anew_is_the_same_journal() {
    let source = Source::start().await;
    let room = Room::new();
    let cluster = room.dir.join("cluster");
    let from = format!("--dbname={}", source.cluster.postgres.url("postgres"));
    let how = ["--checkpoint=fast", "--wal-method=stream", "--no-sync"];
    program("pg_basebackup", &[&from, &how[0], &how[1], &how[2], &"--pgdata", &cluster]).await;
    let target = OwnCluster::start_copy(&source.cluster, room).await;
    let copy = target.pool().await;
    let (before, head) = (source.before, source.agrees_with(&copy).await);
    goes_on(&copy, head).await;
    println!("base backup: {before} events before it began, {head} in the copy, all hashes agree");
}
