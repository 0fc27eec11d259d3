//! What the writer does when its connection breaks at the worst moment.

use super::journal_support::{Process, context, eventually, first_waits, grant, others_wait, wallet};
use crate::harness;
use journal::{ConnectOptions, Rider, connect, read};
use sqlx::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Stands between the writer and the database, and can swallow an answer.
struct Proxy {
    url: String,
    swallow: Arc<AtomicBool>,
}

impl Proxy {
    async fn before(url: &str) -> Self {
        let mut proxied = url::Url::parse(url).unwrap();
        let server = format!("{}:{}", proxied.host_str().unwrap(), proxied.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        proxied.set_host(Some("127.0.0.1")).unwrap();
        proxied.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let swallow = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&swallow);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&flag)));
            }
        });
        Self { url: proxied.to_string(), swallow }
    }
}

/// Forwards both ways; when told to swallow, drops the next answer and cuts both ends once.
async fn carry(client: TcpStream, server: TcpStream, swallow: Arc<AtomicBool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async { tokio::io::copy(&mut from_client, &mut to_server).await };
    let down = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let bytes = from_server.read(&mut buffer).await.unwrap_or(0);
            if bytes == 0 || swallow.swap(false, Ordering::SeqCst) {
                return;
            }
            if to_client.write_all(&buffer[..bytes]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! { _ = up => {}, () = down => {} }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_was_lost_is_found_and_not_repeated() {
    let database = harness::database().await;
    let proxy = Proxy::before(&database.url).await;
    let proxied = connect(&proxy.url, &ConnectOptions::default()).await.unwrap();
    let process = Process::start_with_writer_on(&database.pool, &proxied);
    let id = wallet();
    let grant = |reference: &str| vec![grant(id, reference, 1)];
    process.commands.execute(grant("before"), &context(), Rider::default()).await.unwrap();

    proxy.swallow.store(true, Ordering::SeqCst);
    let committed = process.commands.execute(grant("lost"), &context(), Rider::default()).await.unwrap();
    assert_eq!(committed.position, 2);
    assert_eq!(read::range(&database.pool, 2, 2).await.unwrap(), committed.events);
    let stats = process.commands.writer().stats();
    assert_eq!((stats.lost, stats.already, stats.connects), (1, 1, 2));

    process.commands.execute(grant("after"), &context(), Rider::default()).await.unwrap();
    assert_eq!(read::head(&database.pool).await.unwrap(), 3, "each was committed once");
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_killed_before_its_commit_writes_once() {
    let database = harness::database().await;
    let process = Process::start(&database.pool);
    let id = wallet();
    process.commands.execute(vec![grant(id, "a", 1)], &context(), Rider::default()).await.unwrap();

    let mut owner = sqlx::PgConnection::connect(&database.url).await.unwrap();
    let mut holder = owner.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(journal_lock())").execute(&mut *holder).await.unwrap();
    let commands = process.commands.clone();
    let waiting =
        tokio::spawn(
            async move { commands.execute(vec![grant(id, "b", 1)], &context(), Rider::default()).await },
        );
    let killed = || async {
        sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event = 'advisory'",
        )
        .fetch_one(&mut sqlx::PgConnection::connect(&database.url).await.unwrap())
        .await
        .unwrap()
            > 0
    };
    eventually("the writer waits for the lock", killed).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    holder.commit().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().position, 2);
    assert_eq!(process.commands.writer().stats().lost, 1);
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_writer_first_writes_what_waits() {
    let database = harness::database().await;
    let process = Process::start(&database.pool);
    let mut owner = sqlx::PgConnection::connect(&database.url).await.unwrap();
    let mut holder = owner.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(journal_lock())").execute(&mut *holder).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let commands = process.commands.clone();
        tasks.spawn(async move {
            commands.execute(vec![grant(wallet(), "a", 1)], &context(), Rider::default()).await
        });
        if number == 0 {
            first_waits(&database.pool).await;
        }
    }
    others_wait(&process.commands, 19).await;
    let commands = process.commands.clone();
    process.stop.cancel();
    holder.commit().await.unwrap();
    for result in tasks.join_all().await {
        result.unwrap();
    }
    process.end().await;
    let late = commands.execute(vec![grant(wallet(), "late", 1)], &context(), Rider::default()).await;
    assert!(matches!(late, Err(journal::CommandError::Store(journal::writer::WriteError::Stopped))));
    assert_eq!(read::head(&database.pool).await.unwrap(), 20);
}
