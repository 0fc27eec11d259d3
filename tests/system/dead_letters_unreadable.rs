//! Dead letters that a release cannot read: actions and timers of another one, and events that were unreadable.

use super::dead_letters_support::*;
use harness::{TestStack, eventually};
use journal::dead_letters::{self, ReplayTerms, State};
use sagas::action::Action;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn an_action_of_another_release_stays_open_until_it_is_spelled_as_its_event_says() {
    let stack = without_patience().await;
    let seen = unmailed(&stack, mail("rcpt", "reply:450")).await;
    let known = seen.action.clone();
    let old =
        json!({ "action": "call", "call": { "call": "send_pigeon", "account": known["call"]["account"] } });
    let forged = forged(&stack, &seen.flow, seen.position.unwrap(), 0, &old).await;
    assert!(run(replay(&stack, Some(forged.id))).await.is_err());
    let mut connection = stack.database.pool.acquire().await.unwrap();
    let asked = dead_letters::request_replay(&mut connection, &forged, author(), ReplayTerms::default());
    asked.await.unwrap();
    all_ended(&stack).await;
    assert_eq!(letter(&stack, forged.id).await, forged, "open, with its own error");

    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("action.json");
    let mut other = known.clone();
    other["call"]["account"] = json!(Uuid::nil());
    std::fs::write(&path, other.to_string()).unwrap();
    assert!(
        correct(&stack, forged.id, &[], Some(path.clone())).await.is_err(),
        "an id is fixed by the event"
    );
    assert!(correct(&stack, forged.id, &["call.nobody=1"], None).await.is_err());
    std::fs::write(&path, known.to_string()).unwrap();
    correct(&stack, forged.id, &[], Some(path)).await.unwrap();
    run(replay(&stack, Some(forged.id))).await.unwrap();
    assert_eq!((letter(&stack, forged.id).await.state, mails(&stack)), (State::Replayed, 1));
    let acts = dead_letters::acts(&stack.database.pool, forged.id).await.unwrap();
    let corrected = acts.iter().find(|act| act.act == "corrected").unwrap();
    assert_eq!((corrected.before.as_ref(), corrected.after.as_ref()), (Some(&old), Some(&known)));
    assert!(serde_json::from_value::<Action>(known).is_ok());
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_could_not_be_read_is_corrected_and_fires() {
    let stack = TestStack::start().await;
    let mut person = stack.customer().await;
    stack.order(&mut person).await;
    let (id, command, context): (Uuid, Value, Value) = eventually("the order's timer", async || {
        sqlx::query_as("SELECT id, command, context FROM timers LIMIT 1")
            .fetch_optional(&stack.database.pool)
            .await
            .unwrap()
    })
    .await;
    let spoil =
        "UPDATE timers SET command = '{\"aggregate\": \"pigeon\"}', due_at = now(), next_attempt_at = now()";
    sqlx::query(spoil).execute(&mut owner(&stack).await).await.unwrap();
    let found = eventually("the dead letter", async || open(&stack).await.first().cloned()).await;
    assert_eq!((found.id, found.flow.as_str()), (id, "timers"));
    assert!(run(replay(&stack, Some(id))).await.is_err());
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("action.json");
    std::fs::write(&path, json!({ "command": command, "context": context }).to_string()).unwrap();
    correct(&stack, id, &[], Some(path)).await.unwrap();
    show(&stack, id).await.unwrap();
    run(replay(&stack, Some(id))).await.unwrap();
    let outcome = eventually("it fires", async || {
        journal::timers::get(&stack.database.pool, id).await.unwrap().unwrap().outcome
    })
    .await;
    assert_eq!((outcome.as_str(), letter(&stack, id).await.state), ("committed", State::Replayed));
    stack.end().await;
}

/// What an event asks for can be known once it can be read: its steps are done then, each once.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_could_not_be_read_is_handled_anew() {
    let stack = without_patience().await;
    let seen = unmailed(&stack, mail("rcpt", "reply:450")).await;
    // None of its steps was ever begun.
    let forget = sqlx::query("DELETE FROM inbox WHERE saga = $1 AND position = $2");
    let forget = forget.bind(&seen.flow).bind(seen.position);
    forget.execute(&mut owner(&stack).await).await.unwrap();
    let unread = forged(&stack, &seen.flow, seen.position.unwrap(), 0, &Value::Null).await;
    let again = mail("rcpt", "reply:450");
    again.order(&stack).await;
    assert!(run(replay(&stack, Some(unread.id))).await.is_err(), "its first step fails");
    again.assert_fired(&stack).await;
    let failed = letter(&stack, unread.id).await;
    assert_eq!(
        (failed.state, &failed.action),
        (State::Open, &seen.action),
        "the letter is about the step now"
    );

    let forget = sqlx::query("DELETE FROM inbox WHERE saga = $1 AND position = $2");
    let forget = forget.bind(&seen.flow).bind(seen.position);
    forget.execute(&mut owner(&stack).await).await.unwrap();
    forged(&stack, &seen.flow, seen.position.unwrap(), 0, &Value::Null).await;
    run(replay(&stack, Some(unread.id))).await.unwrap();
    assert_eq!((letter(&stack, unread.id).await.state, mails(&stack)), (State::Replayed, 1));
    stack.end().await;
}
