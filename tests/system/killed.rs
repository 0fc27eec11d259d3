//! SIGKILL in the middle of a checkout, and a start on the same data: the order ends paid, once.

use app::demo::road::{self, CARD};
use app::demo::{self, Steps, browser};
use harness::process::{DevProcess, state};
use serde_json::Value;
use sqlx::{Connection, PgConnection};

/// Where the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    /// The order is placed; the payment page was just asked for.
    PageOpened,
    /// The card is charged, and the browser never comes back.
    ChargedWithoutCallback,
    /// The browser came back; whether the provider was asked nobody knows.
    CallbackReceived,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_that_is_killed_ends_paid_once() {
    let state = state();
    let client = demo::client().unwrap();
    let port = app::dev::port::choose("API", None).unwrap();
    let mut process = DevProcess::start(state.path(), port).await;
    for killed in [Killed::PageOpened, Killed::ChargedWithoutCallback, Killed::CallbackReceived] {
        let mut quiet = Steps::quiet();
        let mut person = road::join(&client, &process.endpoints, &mut quiet).await.unwrap();
        let draft = road::paint(&mut person.shop, &mut quiet).await.unwrap();
        let order = road::order(&mut person.shop, &draft.id, &mut quiet).await.unwrap();
        let attempt = road::begin_payment(&mut person.shop, &order).await.unwrap();
        let mut back = None;
        if killed != Killed::PageOpened {
            back = Some(road::pay_by_card(&client, &attempt.page, CARD).await.unwrap());
        }
        if killed == Killed::CallbackReceived {
            browser::leave(&client, back.as_ref().unwrap()).await.unwrap();
        }
        process.kill();
        process = DevProcess::start(state.path(), port).await;
        if killed == Killed::PageOpened {
            // The page is the provider's: the buyer has it still open, and pays.
            let back = road::pay_by_card(&client, &attempt.page, CARD).await.unwrap();
            browser::leave(&client, &back).await.unwrap();
        }
        road::paid(&mut person.shop, &order, &attempt.id).await.unwrap_or_else(|e| panic!("{killed:?}: {e}"));
        let invoice = road::invoice(&client, &process.endpoints, &mut person, &order, &mut quiet).await;
        invoice.unwrap_or_else(|e| panic!("{killed:?}: {e}"));
        once(&process.endpoints.database_url, &order).await;
    }
    let ledger = format!("{}/_control/ledger", process.endpoints.iyzico);
    let ledger: Value = client.get(ledger).send().await.unwrap().json().await.unwrap();
    let charges: Vec<u64> = ledger["checkouts"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(|checkout| checkout["payment"]["charges"].as_u64())
        .collect();
    assert_eq!(charges, [1, 1, 1], "{ledger}");
    assert!(process.stop().await, "SIGTERM ends it cleanly");
}

/// One capture, one payment, one invoice.
async fn once(database_url: &str, order: &str) {
    let mut connection = PgConnection::connect(database_url).await.unwrap();
    let counts: (i64, i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE event_type = 'captured' AND payload->>'order' = $1), \
           count(*) FILTER (WHERE event_type = 'paid' AND aggregate_id = $1), \
           count(*) FILTER (WHERE event_type = 'invoice_issued' AND aggregate_id = $1) FROM events",
    )
    .bind(order)
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!(counts, (1, 1, 1), "captured, paid, invoiced");
}
