//! Rows and checkpoint of a read model stand or fall together: the connection is cut between the two, again and
//! again, and the read model still is what its events make it.

use crate::plan;
use domain::wallet::GrantKind;
use domain::{AccountId, Command, WalletCommand};
use journal::{Clock, Commands, Context, Rider, read, writer};
use sqlx::{Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Each takes a second: the runner pauses before it connects again.
const CUTS_MAX: u32 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_is_cut_between_checkpoint_and_rows_keeps_both_or_none() {
    let database = harness::database().await;
    let stop = CancellationToken::new();
    let (writer, writing) = writer::new(&database.pool, stop.clone());
    let writing = tokio::spawn(writing);
    let wake = writer.wake();
    let commands = Commands::new(database.pool.clone(), writer, Clock::system());
    let running = tokio::spawn(projections::run(database.pool.clone(), wake, stop.clone()));
    // The superuser: nobody else may end a connection.
    let mut killer = PgConnection::connect(&database.url).await.unwrap();
    let wallet = AccountId(Uuid::new_v4());
    for cut in 0..plan::rounds().min(CUTS_MAX) {
        grant(&commands, wallet, &format!("seen {cut}")).await;
        caught_up(&database.pool).await;
        let mut locking = PgConnection::connect(&database.url).await.unwrap();
        let mut lock = locking.begin().await.unwrap();
        sqlx::query("LOCK TABLE read.wallets IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
        grant(&commands, wallet, &format!("cut {cut}")).await;
        harness::eventually("the runner waits for its rows and is cut", async || {
            cut_waiting(&mut killer).await.then_some(())
        })
        .await;
        lock.rollback().await.unwrap();
    }
    caught_up(&database.pool).await;
    for model in projections::ALL {
        let verified = projections::verify(&database.pool, model.name, |_, _| {}).await.unwrap();
        assert!(verified.difference.is_none(), "{}: {:?}", model.name, verified.difference);
    }
    stop.cancel();
    running.await.unwrap();
    writing.await.unwrap();
}

async fn grant(commands: &Commands, id: AccountId, reference: &str) {
    let command = WalletCommand::Grant { reference: reference.into(), credits: 1, kind: GrantKind::Gift };
    let context = Context {
        command_id: Uuid::new_v4(),
        correlation_id: Uuid::new_v4(),
        causation_position: None,
        actor: "account:test".into(),
        trace: None,
    };
    commands.execute(vec![Command::Wallet { id, command }], &context, Rider::default()).await.unwrap();
}

async fn cut_waiting(killer: &mut PgConnection) -> bool {
    let cut = "SELECT bool_or(pg_terminate_backend(pid)) FROM pg_locks \
               WHERE NOT granted AND relation = 'read.wallets'::regclass";
    sqlx::query_scalar::<_, Option<bool>>(cut).fetch_one(killer).await.unwrap().unwrap_or(false)
}

async fn caught_up(pool: &PgPool) {
    let head = read::head(pool).await.unwrap();
    harness::eventually("every read model is at the head", async || {
        let status = projections::status(pool).await.ok()?;
        status.iter().all(|one| one.position >= head).then_some(())
    })
    .await;
}
