//! The stock repository of `postgres-es` reads every stream of our table unchanged.

use crate::journal_support::{Process, context};
use cqrs_es::persist::{PersistedEventRepository, PersistedEventStore};
use cqrs_es::{AggregateContext, EventStore};
use domain::wallet::{GrantKind, Wallet};
use domain::{AccountId, AiJobId, Command, WalletCommand};
use journal::Rider;
use postgres_es::PostgresEventRepository;
use uuid::Uuid;

#[tokio::test]
async fn the_stock_repository_and_store_read_our_streams() {
    let database = harness::database().await;
    let process = Process::start(&database.pool);
    let id = AccountId(Uuid::new_v4());
    let grant = WalletCommand::Grant { reference: "welcome".into(), credits: 500, kind: GrantKind::Gift };
    let reserve = WalletCommand::Reserve { job: AiJobId(Uuid::new_v4()), credits: 100 };
    for command in [grant, reserve] {
        let unit = vec![Command::Wallet { id, command }];
        process.commands.execute(unit, &context(), Rider::default()).await.unwrap();
    }

    let repository = PostgresEventRepository::new(database.pool.clone());
    let events = repository.get_events::<Wallet>(&id.to_string()).await.unwrap();
    let read: Vec<_> = events.iter().map(|event| (event.sequence, event.event_type.as_str())).collect();
    assert_eq!(read, [(1, "granted"), (2, "reserved")]);

    let store = PersistedEventStore::<_, Wallet>::new_event_store(repository);
    let mut loaded = store.load_aggregate(&id.to_string()).await.unwrap();
    let ours: Wallet = process.commands.state(&id.to_string()).await.unwrap();
    assert_eq!(*loaded.aggregate(), ours);
    assert_eq!(ours.available, 400);
    process.end().await;
}
