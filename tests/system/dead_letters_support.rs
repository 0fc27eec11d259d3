//! How the tests of dead letters make one, and speak to the command line about it.

use app::cli::{
    AuthorArgs, Cli, Command, CorrectLetterArgs, DatabaseArgs, DeadLettersCommand, ListLettersArgs,
    ReplayLettersArgs,
};
use app::commands::BoxError;
use app::demo::shop::Shop;
use harness::{Fault, TestStack, eventually};
use journal::dead_letters::{self, Author, DeadLetter, Failure, State};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;
use uuid::Uuid;

/// Each step has one attempt: what fails once has failed for good.
pub async fn without_patience() -> TestStack {
    TestStack::adjusted(|options| {
        harness::quick(options);
        options.policy.attempts_max = 1;
        options.provider_timeout = Duration::from_secs(8);
    })
    .await
}

pub fn mail(call: &'static str, fault: &'static str) -> Fault {
    Fault::Mail { call, fault }
}

/// A registration whose mail fails; answers the letter that comes of it.
pub async fn unmailed(stack: &TestStack, fault: Fault) -> DeadLetter {
    let before = open(stack).await.len();
    fault.order(stack).await;
    register(stack).await;
    let letter = eventually("the dead letter", async || {
        let letters = open(stack).await;
        (letters.len() > before).then(|| letters[0].clone())
    })
    .await;
    fault.assert_fired(stack).await;
    ended(stack, &letter).await;
    letter
}

/// The letter is written a moment before its step ends.
pub async fn ended(stack: &TestStack, letter: &DeadLetter) {
    let position = letter.position.unwrap();
    eventually("the event is handled", async || {
        let handled = journal::progress::is_handled(&stack.database.pool, &letter.flow, position);
        handled.await.unwrap().then_some(())
    })
    .await;
}

pub async fn register(stack: &TestStack) {
    let mut shop = Shop::new(stack.client.clone(), Url::parse(&stack.endpoints.api).unwrap());
    let body = json!({
        "email": format!("ayse.{}@example.com", api::Chance.id().simple()),
        "password": "Kapak-2026!", "confirmPassword": "Kapak-2026!", "name": "Ayşe Yılmaz",
        "acceptTerms": true, "acceptPrivacy": true,
    });
    shop.post("/api/v1/auth/register", &body).await.unwrap();
}

/// Newest first.
pub async fn open(stack: &TestStack) -> Vec<DeadLetter> {
    dead_letters::list(&stack.database.pool, None, Some(State::Open), 100).await.unwrap()
}

pub async fn letter(stack: &TestStack, id: Uuid) -> DeadLetter {
    dead_letters::get(&stack.database.pool, id).await.unwrap().unwrap()
}

/// Waits until nothing is to be replayed any more.
pub async fn all_ended(stack: &TestStack) {
    eventually("every replay has ended", async || {
        let waiting: i64 =
            sqlx::query_scalar("SELECT count(*) FROM dead_letter_replays WHERE finished_at IS NULL")
                .fetch_one(&stack.database.pool)
                .await
                .unwrap();
        (waiting == 0).then_some(())
    })
    .await;
}

pub fn mails(stack: &TestStack) -> u32 {
    stack.providers.mailbox.as_ref().unwrap().ledger().counts.values().sum()
}

pub fn author() -> Author<'static> {
    Author { by: "ayşe", reason: "the provider is back", at: journal::Clock::system().now() }
}

/// A letter for a step that has ended, as an earlier release may have left it.
pub async fn forged(stack: &TestStack, flow: &str, position: i64, index: i32, action: &Value) -> DeadLetter {
    let failure = Failure {
        id: dead_letters::id_of(flow, position, index),
        flow,
        position: Some(position),
        action_index: index,
        action,
        error: "the provider answered 500",
        attempts: 1,
        at: journal::Clock::system().now(),
    };
    dead_letters::record(&stack.database.pool, &failure).await.unwrap();
    letter(stack, failure.id).await
}

/// As the owner of the tables.
pub async fn owner(stack: &TestStack) -> PgConnection {
    PgConnection::connect(&stack.database.url).await.unwrap()
}

fn database(stack: &TestStack) -> DatabaseArgs {
    DatabaseArgs { database_url: Some(stack.database.url.clone()), state: PathBuf::new() }
}

fn said() -> AuthorArgs {
    AuthorArgs { reason: "the provider is back".into(), by: "ayşe".into() }
}

/// `polikrami dead-letters …`
pub async fn polikrami(command: DeadLettersCommand) -> Result<(), BoxError> {
    app::commands::run(Cli { log: None, command: Command::DeadLetters(command) }).await.map(drop)
}

pub async fn list(stack: &TestStack) -> Result<(), BoxError> {
    let args = ListLettersArgs { flow: None, state: None, limit: 50, json: true, database: database(stack) };
    polikrami(DeadLettersCommand::List(args)).await
}

pub async fn show(stack: &TestStack, id: Uuid) -> Result<(), BoxError> {
    polikrami(DeadLettersCommand::Show { id, database: database(stack) }).await
}

pub async fn discard(stack: &TestStack, id: Uuid) -> Result<(), BoxError> {
    polikrami(DeadLettersCommand::Discard { id, author: said(), database: database(stack) }).await
}

pub async fn correct(
    stack: &TestStack,
    id: Uuid,
    set: &[&str],
    action: Option<PathBuf>,
) -> Result<(), BoxError> {
    let set = set.iter().map(ToString::to_string).collect();
    let args = CorrectLetterArgs { id, set, action, author: said(), database: database(stack) };
    polikrami(DeadLettersCommand::Correct(args)).await
}

/// `replay`: of one, or of all.
pub fn replay(stack: &TestStack, id: Option<Uuid>) -> ReplayLettersArgs {
    ReplayLettersArgs {
        id,
        all: id.is_none(),
        flow: None,
        as_of: None,
        limit: 500,
        stop_after: 5,
        preview: false,
        yes: true,
        it_did_not_happen: false,
        reason: Some(said().reason),
        by: Some(said().by),
        wait: 60,
        database: database(stack),
    }
}

pub async fn run(args: ReplayLettersArgs) -> Result<(), BoxError> {
    polikrami(DeadLettersCommand::Replay(args)).await
}
