//! The whole service in this process, on servers of its own, with impatient retries.

use super::{TestDatabase, TestNats, database, nats};
use api::config::HashingSettings;
use app::config::value::{SecretText, Whole};
use app::demo::{self, Steps, road};
use app::dev::{LocalServers, StateDir, quiet};
use app::stack::{External, Stack};
use app::wiring::Options;
use journal::Clock;
use reqwest::Client;
use sagas::runner::Policy;
use serde_json::{Value, json};
use std::ops::{Deref, DerefMut};
use std::time::Duration;

pub struct TestStack {
    pub stack: Stack,
    pub database: TestDatabase,
    pub nats: TestNats,
    pub client: Client,
    _state: StateDir,
}

/// Production's patience would make tests slow; everything else stays as in production.
pub fn quick(options: &mut Options) {
    options.policy = Policy {
        first: Duration::from_millis(40),
        longest: Duration::from_millis(400),
        attempts_max: 12,
        self_check: Duration::from_millis(400),
        ..Policy::default()
    };
    options.passwords = HashingSettings { memory_kib: 256, passes: 1, lanes: 1, at_once_max: 4 };
    // All clients of a test have one address.
    options.settings.limits.api_points = Whole(100_000);
    options.settings.limits.global_points = Whole(100_000);
    // A machine that is slow for a moment must not look like a provider that keeps silent.
    options.provider_timeout = Duration::from_secs(20);
    options.mail_deadline = Duration::from_secs(20);
    // A check far away: what a test shows must not be the work of the net below it.
    options.timing.payment_checks = vec![Duration::from_hours(1)];
}

impl TestStack {
    pub async fn start() -> Self {
        Self::adjusted(quick).await
    }

    /// For providers that keep silent on purpose.
    pub async fn impatient() -> Self {
        Self::adjusted(|options| {
            quick(options);
            options.provider_timeout = Duration::from_secs(5);
            options.mail_deadline = Duration::from_secs(5);
        })
        .await
    }

    /// With a clock that the test moves.
    pub async fn at(clock: &Clock) -> Self {
        Self::adjusted(|options| {
            quick(options);
            options.clock = clock.clone();
        })
        .await
    }

    pub async fn adjusted(adjust: impl Fn(&mut Options) + Send + Sync) -> Self {
        let (database, nats) = (database().await, nats().await);
        let state = StateDir::disposable().unwrap();
        let external = External {
            database_url: Some(database.url.clone()),
            nats_url: Some(nats.url.clone()),
            ..External::default()
        };
        let servers = LocalServers { postgres: None, nats: None };
        let stack = Stack::on(servers, state.path(), &external, Some(0), &adjust, quiet()).await.unwrap();
        Self { stack, database, nats, client: demo::client().unwrap(), _state: state }
    }

    /// A logged-in customer with credits.
    pub async fn customer(&self) -> road::Person {
        road::join(&self.client, &self.endpoints, &mut Steps::quiet()).await.unwrap()
    }

    /// An order that waits for its payment.
    pub async fn order(&self, person: &mut road::Person) -> String {
        let draft = road::paint(&mut person.shop, &mut Steps::quiet()).await.unwrap();
        road::order(&mut person.shop, &draft.id, &mut Steps::quiet()).await.unwrap()
    }

    /// Here the picture provider does not know our key: a step that fails for good.
    pub async fn with_wrong_picture_key() -> Self {
        Self::adjusted(|options| {
            quick(options);
            options.settings.files.stability_api_key = SecretText::new("sk-wrong");
        })
        .await
    }

    /// A new customer asks for a picture; answers who, and the path and the body of the wish.
    pub async fn picture_asked(&self) -> (road::Person, String, Value) {
        let mut person = self.customer().await;
        let draft = person.shop.post("/api/v1/drafts", &json!({ "method": "ai" })).await.unwrap();
        let generate = format!("/api/v1/drafts/{}/ai/generate", draft["data"]["id"].as_str().unwrap());
        let wish = json!({ "userPrompt": "a quiet harbour", "count": 1 });
        person.shop.post(&generate, &wish).await.unwrap();
        (person, generate, wish)
    }

    pub async fn end(self) {
        self.stack.stop().await.unwrap();
    }
}

impl Deref for TestStack {
    type Target = Stack;
    fn deref(&self) -> &Stack {
        &self.stack
    }
}

impl DerefMut for TestStack {
    fn deref_mut(&mut self) -> &mut Stack {
        &mut self.stack
    }
}
