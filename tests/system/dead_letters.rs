//! Dead letters: shown, corrected, replayed and discarded; and whatever is replayed, no effect happens twice.

use super::dead_letters_support::*;
use app::demo::{Steps, browser, road};
use harness::{Doubler, Fault, LIMIT, TestStack, assert_sound, eventually};
use journal::dead_letters::{self, ReplayTerms, RequestError, State};
use journal::read;
use sagas::flows::{self, Heard, Timing};
use serde_json::{Value, json};
use uuid::Uuid;

async fn acts(stack: &TestStack, id: Uuid) -> Vec<String> {
    let acts = dead_letters::acts(&stack.database.pool, id).await.unwrap();
    acts.into_iter().map(|act| act.act).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_failed_is_shown_previewed_and_replayed_once() {
    let stack = without_patience().await;
    let doubler = Doubler::start(&stack.nats.url).await;
    let letter_of = unmailed(&stack, mail("mail", "reply:421")).await;
    let id = letter_of.id;
    list(&stack).await.unwrap();
    show(&stack, id).await.unwrap();

    let preview = app::cli::ReplayLettersArgs { yes: false, preview: true, ..replay(&stack, Some(id)) };
    run(preview).await.unwrap();
    assert_eq!((letter(&stack, id).await, mails(&stack)), (letter_of, 0), "a preview changes nothing");

    run(replay(&stack, Some(id))).await.unwrap();
    assert_eq!((letter(&stack, id).await.state, mails(&stack)), (State::Replayed, 1));
    assert!(run(replay(&stack, Some(id))).await.is_err(), "it is replayed already");
    run(replay(&stack, None)).await.unwrap();
    assert_eq!(mails(&stack), 1);
    assert_eq!(acts(&stack, id).await, ["replay_requested", "replayed"]);
    show(&stack, id).await.unwrap();
    assert!(doubler.count() > 0);

    for change in ["UPDATE dead_letter_acts SET by = 'nobody'", "DELETE FROM dead_letter_acts"] {
        assert!(sqlx::query(change).execute(&mut owner(&stack).await).await.is_err(), "{change}");
    }
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_may_have_gone_out_is_not_sent_again_without_an_operators_word() {
    let stack = without_patience().await;
    let went_out = unmailed(&stack, mail("dot", "close_after_dot")).await.id;
    assert_eq!(mails(&stack), 1, "the server took it before it hung up");
    assert!(run(replay(&stack, Some(went_out))).await.is_err());
    run(replay(&stack, None)).await.unwrap();
    // Past the command line, too.
    let mut connection = stack.database.pool.acquire().await.unwrap();
    let seen = letter(&stack, went_out).await;
    let asked = dead_letters::request_replay(&mut connection, &seen, author(), ReplayTerms::default());
    asked.await.unwrap();
    all_ended(&stack).await;
    assert_eq!((letter(&stack, went_out).await, mails(&stack)), (seen, 1), "open, as it was");
    discard(&stack, went_out).await.unwrap();
    assert!(discard(&stack, went_out).await.is_err());
    assert_eq!(letter(&stack, went_out).await.state, State::Discarded);

    let lost = unmailed(&stack, mail("dot", "close")).await.id;
    let word = app::cli::ReplayLettersArgs { it_did_not_happen: true, ..replay(&stack, Some(lost)) };
    run(word).await.unwrap();
    assert_eq!((letter(&stack, lost).await.state, mails(&stack)), (State::Replayed, 2));
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_outlives_a_restart_and_two_operators_get_one_attempt() {
    let mut stack = without_patience().await;
    let seen = unmailed(&stack, mail("rcpt", "reply:450")).await;
    stack.stop_service().await;
    let pool = journal::connect(&stack.database.url, &journal::ConnectOptions::default()).await.unwrap();
    let ask = async || {
        let mut connection = pool.acquire().await.unwrap();
        dead_letters::request_replay(&mut connection, &seen, author(), ReplayTerms::default()).await
    };
    let both = tokio::join!(ask(), ask());
    let refused = match both {
        (Ok(1), Err(refused)) | (Err(refused), Ok(1)) => refused,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused, RequestError::ReplayWaiting), "{refused:?}");
    let discarded = dead_letters::discard(&mut pool.acquire().await.unwrap(), &seen, author()).await;
    assert!(matches!(discarded, Err(RequestError::ReplayWaiting)), "{discarded:?}");
    assert_eq!(mails(&stack), 0);
    stack.start_service().await.unwrap();
    all_ended(&stack).await;
    assert_eq!((letter(&stack, seen.id).await.state, mails(&stack)), (State::Replayed, 1));
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_in_whose_replay_the_process_died_is_not_sent_blindly() {
    let mut stack = without_patience().await;
    let seen = unmailed(&stack, mail("rcpt", "reply:450")).await;
    stack.stop_service().await;
    let mut connection = owner(&stack).await;
    let terms = ReplayTerms { it_did_not_happen: true, ..ReplayTerms::default() };
    dead_letters::request_replay(&mut connection, &seen, author(), terms).await.unwrap();
    let waiting = dead_letters::waiting(&mut connection, &seen.flow, 10).await.unwrap();
    assert_eq!(dead_letters::begin(&mut connection, &waiting[0], author().at).await.unwrap(), Some(1));
    stack.start_service().await.unwrap();
    all_ended(&stack).await;
    assert_eq!((letter(&stack, seen.id).await.state, mails(&stack)), (State::Open, 0));
    assert_eq!(acts(&stack, seen.id).await, ["replay_requested", "replay_failed"]);
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_stops_at_its_failures_and_takes_nothing_that_came_later() {
    let stack = without_patience().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(unmailed(&stack, mail("rcpt", "reply:450")).await);
    }
    let newest = ids[1].last_at.format(&time::format_description::well_known::Rfc3339).unwrap();
    let first_two =
        || app::cli::ReplayLettersArgs { as_of: Some(newest.clone()), stop_after: 1, ..replay(&stack, None) };
    let again = mail("rcpt", "reply:450");
    again.order(&stack).await;
    assert!(run(first_two()).await.is_err(), "one failed, one was withdrawn");
    again.assert_fired(&stack).await;
    let failed = letter(&stack, ids[0].id).await;
    assert_eq!((failed.state, failed.attempts), (State::Open, 2));
    assert_eq!(acts(&stack, ids[0].id).await, ["replay_requested", "replay_failed"]);
    assert_eq!(acts(&stack, ids[1].id).await, ["replay_requested", "replay_withdrawn"]);
    assert_eq!(acts(&stack, ids[2].id).await, [""; 0]);
    assert_eq!(mails(&stack), 0);

    // The first has failed anew since: it is as late as the third.
    run(first_two()).await.unwrap();
    assert_eq!((open(&stack).await.len(), mails(&stack)), (2, 1));
    run(replay(&stack, None)).await.unwrap();
    assert_eq!((open(&stack).await.len(), mails(&stack)), (0, 3));
    assert_eq!(
        acts(&stack, ids[0].id).await,
        ["replay_requested", "replay_failed", "replay_requested", "replayed"]
    );
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_could_not_be_asked_for_is_captured_by_its_replay_once() {
    let stack = without_patience().await;
    let mut person = stack.customer().await;
    let order = stack.order(&mut person).await;
    let attempt = road::begin_payment(&mut person.shop, &order).await.unwrap();
    let back = road::pay_by_card(&stack.client, &attempt.page, road::CARD).await.unwrap();
    let fault = Fault::Payment { call: "retrieve", fault: "http_502_html" };
    fault.order(&stack).await;
    browser::leave(&stack.client, &back).await.unwrap();
    let found = eventually("the dead letter", async || open(&stack).await.first().cloned()).await;
    ended(&stack, &found).await;
    fault.assert_fired(&stack).await;
    assert_eq!(assert_charged(&stack), 1);

    run(replay(&stack, Some(found.id))).await.unwrap();
    road::paid(&mut person.shop, &order, &attempt.id).await.unwrap();
    let sound = assert_sound(&stack).await;
    assert_eq!((sound.captured, sound.charged), (1, 1));
    stack.end().await;
}

fn assert_charged(stack: &TestStack) -> usize {
    let ledger = stack.providers.iyzico.as_ref().unwrap().ledger();
    ledger.checkouts.values().filter(|one| one.payment.as_ref().is_some_and(|it| it.charges == 1)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_went_back_unheard_is_found_by_the_replay_and_not_sent_again() {
    let stack = without_patience().await;
    let mut person = stack.customer().await;
    let order = stack.order(&mut person).await;
    let attempt = road::begin_payment(&mut person.shop, &order).await.unwrap();
    person.shop.post(&format!("/api/v1/orders/{order}/cancel"), &json!({})).await.unwrap();
    let fault = |call, fault| Fault::Payment { call, fault };
    // The report before, the cancellation, the report after.
    for one in
        [fault("report", "error_500"), fault("cancel", "timeout_after:12000"), fault("report", "error_500")]
    {
        one.order(&stack).await;
    }
    let back = road::pay_by_card(&stack.client, &attempt.page, road::CARD).await.unwrap();
    browser::leave(&stack.client, &back).await.unwrap();
    let found = eventually("the dead letter", async || open(&stack).await.first().cloned()).await;
    ended(&stack, &found).await;
    let calls = || serde_json::to_value(stack.providers.iyzico.as_ref().unwrap().ledger().calls).unwrap();
    let before = calls();
    assert_eq!(before["cancel"], 1);

    run(replay(&stack, Some(found.id))).await.unwrap();
    let path = format!("/api/v1/payments/{}/status", attempt.id);
    let refunded = person
        .shop
        .wait_for("the refund", &path, LIMIT, |payment| (payment["status"] == "refunded").then_some(()));
    refunded.await.unwrap();
    assert_eq!(calls()["cancel"], 1, "it was asked for, not done again");
    assert!(calls()["report"].as_u64() > before["report"].as_u64());
    stack.end().await;
}

/// What was answered to the customer when the step was given up stands: credits are back, the order is free.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_up_for_the_customer_is_not_contradicted_by_a_replay() {
    let stack = TestStack::with_wrong_picture_key().await;
    let (mut person, _, _) = stack.picture_asked().await;
    let back = person
        .shop
        .wait_for("the credits", "/api/v1/wallet", LIMIT, |wallet| (wallet["balance"] == 500).then_some(()));
    back.await.unwrap();
    let found = eventually("the dead letter", async || open(&stack).await.first().cloned()).await;
    ended(&stack, &found).await;
    let calls = || stack.providers.stability.as_ref().unwrap().ledger().calls.clone();
    let (before, head) = (calls(), read::head(&stack.database.pool).await.unwrap());
    run(replay(&stack, Some(found.id))).await.unwrap();
    let replayed = letter(&stack, found.id).await;
    assert_eq!(replayed.state, State::Replayed);
    assert!(replayed.resolution.unwrap().starts_with("nothing to do"));
    assert_eq!((calls(), read::head(&stack.database.pool).await.unwrap()), (before, head));
    assert_sound(&stack).await;
    stack.end().await;
}

/// Every step of the road as its flow answers it: (flow, position, index, action).
async fn every_step(stack: &TestStack) -> Vec<(&'static str, i64, i32, Value)> {
    let mut steps = Vec::new();
    for position in 1..=read::head(&stack.database.pool).await.unwrap() {
        let envelope = read::event(&stack.database.pool, position).await.unwrap().unwrap();
        let (aggregate, event) = (envelope.aggregate_id.parse().unwrap(), envelope.decode().unwrap());
        for flow in flows::ALL {
            let listens = flow.interests.iter().any(|it| {
                (it.aggregate_type, it.event_type)
                    == (envelope.aggregate_type.as_str(), envelope.event_type.as_str())
            });
            let heard = Heard { aggregate, event: &event };
            let actions = if listens { (flow.react)(heard, &Timing::default()) } else { vec![] };
            for (index, action) in (0..).zip(actions) {
                steps.push((flow.name, position, index, serde_json::to_value(action).unwrap()));
            }
        }
    }
    steps
}

/// The books of all providers, and ours.
async fn books(stack: &TestStack) -> Value {
    let providers = &stack.providers;
    let pictures = providers.stability.as_ref().unwrap().ledger();
    let payments = providers.iyzico.as_ref().unwrap().ledger();
    let timers: i64 =
        sqlx::query_scalar("SELECT count(*) FROM timers").fetch_one(&stack.database.pool).await.unwrap();
    json!({
        "mails": mails(stack),
        "pictures": pictures.charges_by_picture,
        "pages": payments.checkouts.len(),
        "charged": assert_charged(stack),
        "head": read::head(&stack.database.pool).await.unwrap(),
        "timers": timers,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_of_every_step_that_had_happened_repeats_nothing() {
    let stack = TestStack::start().await;
    let mut person = stack.customer().await;
    let order = stack.order(&mut person).await;
    road::pay(&stack.client, &mut person.shop, &order, &mut Steps::quiet()).await.unwrap();
    let done = road::invoice(&stack.client, &stack.endpoints, &mut person, &order, &mut Steps::quiet()).await;
    done.unwrap();
    let steps = every_step(&stack).await;
    for (flow, position, ..) in &steps {
        eventually("the road is settled", async || {
            let pool = &stack.database.pool;
            journal::progress::is_handled(pool, flow, *position).await.unwrap().then_some(())
        })
        .await;
    }
    let kinds: std::collections::BTreeSet<String> =
        steps.iter().map(|(.., action)| format!("{}{}", action["action"], action["call"]["call"])).collect();
    // Do, After and every call but the cancellation, which has a test of its own.
    assert_eq!(kinds.len(), 9, "{kinds:?}");
    let before = books(&stack).await;

    // First as the inbox knows it, then as if nobody had heard that the effect was there.
    for unheard in [false, true] {
        if unheard {
            let forget = "UPDATE inbox SET outcome = '{\"dead_letter\": true}', failures = attempts - 1";
            sqlx::query(forget).execute(&mut owner(&stack).await).await.unwrap();
        }
        for (flow, position, index, action) in &steps {
            forged(&stack, flow, *position, *index, action).await;
        }
        run(replay(&stack, None)).await.unwrap();
        all_ended(&stack).await;
        assert_eq!(books(&stack).await, before, "unheard: {unheard}");
        let left: Vec<String> =
            open(&stack).await.iter().map(|one| one.action["call"]["call"].to_string()).collect();
        // Nobody can be asked whether the confirmation went out; the link is not needed any more.
        let expected: &[&str] = if unheard { &["\"mail_order_confirmation\""] } else { &[] };
        assert_eq!(left, expected, "unheard: {unheard}");
    }
    assert_sound(&stack).await;
    stack.end().await;
}
