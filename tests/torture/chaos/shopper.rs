//! A customer: registers, paints, orders and pays, again and again, whatever happens to the shop meanwhile.

use super::client::{Browser, Record};
use crate::plan::{self, Chance};
use app::demo::road::{self, CARD};
use app::demo::{browser, browser::Form};
use harness::{World, eventually_within};
use reqwest::{Client, Url};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_mins(3);
const PASSWORD: &str = "Kapak-2026!";
/// The bank says that there is not enough money.
const DECLINED: &str = "4111111111111129";
/// A customer's credits last for about as many.
const COVERS: u32 = 4;

/// How a customer behaves at the till.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Till {
    Pays,
    /// The card is charged, and the browser never comes back.
    ClosesTheBrowser,
    /// Comes back by two doors at the same time.
    ComesBackTwice,
    /// The first card is declined, the second one is not.
    SecondCard,
    /// Cancels the order while the bank charges the card.
    CancelsMeanwhile,
    /// Never gets past the bank's page.
    Leaves,
}

const TILLS: [Till; 8] = [
    Till::Pays,
    Till::Pays,
    Till::ClosesTheBrowser,
    Till::ClosesTheBrowser,
    Till::ComesBackTwice,
    Till::SecondCard,
    Till::CancelsMeanwhile,
    Till::Leaves,
];

/// The town that the customers live in.
pub struct Town {
    pub http: Client,
    pub api: String,
    pub mailbox: String,
    pub record: Arc<Record>,
    /// Customers go home: they finish nothing that has not begun.
    pub closing: AtomicBool,
    pub tills: Mutex<BTreeMap<Till, u32>>,
    /// What each customer waits for.
    pub waits: Mutex<BTreeMap<usize, String>>,
}

impl Town {
    pub fn of(world: &World) -> Self {
        Self {
            http: world.client.clone(),
            api: world.api(),
            mailbox: world.mailbox.base_url(),
            record: Arc::default(),
            closing: AtomicBool::new(false),
            tills: Mutex::default(),
            waits: Mutex::default(),
        }
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }
}

/// One customer after the other, until the town closes.
pub async fn live(town: Arc<Town>, number: usize) {
    let mut shopper = Shopper { number, chance: plan::chance(&format!("shopper {number}")), town };
    while !shopper.town.is_closing() {
        // Nothing where the town closed meanwhile.
        shopper.customer().await;
    }
}

struct Shopper {
    number: usize,
    town: Arc<Town>,
    chance: Chance,
}

impl Shopper {
    async fn customer(&mut self) -> Option<()> {
        let mut shop = self.join().await?;
        for _ in 0..COVERS {
            let Some(draft) = self.paint(&mut shop).await else { continue };
            let order = self.order(&mut shop, &draft).await?;
            let till = *self.chance.one_of(&TILLS);
            self.pay(&mut shop, &order, till).await?;
            *self.town.tills.lock().unwrap().entry(till).or_default() += 1;
        }
        Some(())
    }

    /// Asks until there is an answer; nothing when the town closes first.
    async fn wait<T>(&self, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
        self.town.waits.lock().unwrap().insert(self.number, what.to_owned());
        eventually_within(PATIENCE, what, async || {
            if self.town.is_closing() { Some(None) } else { ask().await.map(Some) }
        })
        .await
    }

    async fn join(&mut self) -> Option<Browser> {
        let town = Arc::clone(&self.town);
        let mut shop = Browser::new(town.http.clone(), town.api.clone(), Arc::clone(&town.record));
        let email = format!("ayse.{}@example.com", uuid::Uuid::new_v4().simple());
        let wish = json!({
            "email": email, "password": PASSWORD, "confirmPassword": PASSWORD, "name": "Ayşe Yılmaz",
            "acceptTerms": true, "acceptPrivacy": true,
        });
        shop.post("/api/v1/auth/register", &wish).await;
        let mails = format!("{}/api/mails?to={email}", town.mailbox);
        let token = self
            .wait("the verification mail", async || {
                let mails: Value = town.http.get(&mails).send().await.ok()?.json().await.ok()?;
                token_in(mails.get(0)?["text"].as_str()?)
            })
            .await?;
        shop.post("/api/v1/auth/verify-email", &json!({ "token": token })).await;
        let login = shop.post("/api/v1/auth/login", &json!({ "email": email, "password": PASSWORD })).await;
        shop.log_in(login["accessToken"].as_str().unwrap());
        self.wait("the welcome credits", async || {
            shop.get("/api/v1/wallet").await["balance"].as_u64().filter(|balance| *balance > 0)
        })
        .await?;
        Some(shop)
    }

    /// A draft with a chosen picture; nothing when no picture came, which the credits then say.
    async fn paint(&mut self, shop: &mut Browser) -> Option<String> {
        let draft = shop.post("/api/v1/drafts", &json!({ "method": "ai" })).await;
        let draft = text(&draft, "/data/id");
        let wish = json!({ "userPrompt": "a quiet harbour at dusk", "count": 1 + self.chance.below(2) });
        shop.try_post(&format!("/api/v1/drafts/{draft}/ai/generate"), &wish).await.ok()?;
        let results = format!("/api/v1/drafts/{draft}/ai/results");
        let images = self
            .wait("the pictures", async || {
                let job = shop.get(&results).await["jobs"].get(0)?.clone();
                let ended = job["status"] == "completed" || job["status"] == "failed";
                ended.then(|| job["images"].as_array().cloned().unwrap())
            })
            .await?;
        let image = images.first()?["id"].clone();
        shop.post(&format!("/api/v1/drafts/{draft}/ai/select"), &json!({ "imageId": image })).await;
        Some(draft)
    }

    async fn order(&mut self, shop: &mut Browser, draft: &str) -> Option<String> {
        let cards = shop.get("/api/v1/message-cards").await;
        let words = json!({ "messageCardId": text(&cards, "/0/id"), "to": "Elif", "signature": "Ayşe",
            "content": "İyi okumalar!" });
        shop.post(&format!("/api/v1/drafts/{draft}/message-card"), &words).await;
        let address = json!({ "shipping": {
            "senderName": "Ayşe Yılmaz", "senderPhone": "05321234567",
            "receiverName": "Elif Şahin", "receiverPhone": "05337654321",
            "city": "İstanbul", "district": "Kadıköy", "address": "Moda Caddesi 12/3",
        }});
        shop.post(&format!("/api/v1/drafts/{draft}/shipping"), &address).await;
        if self.town.is_closing() {
            return None;
        }
        let order = shop.post(&format!("/api/v1/drafts/{draft}/commit"), &json!({})).await;
        Some(text(&order, "/data/id"))
    }

    async fn pay(&mut self, shop: &mut Browser, order: &str, till: Till) -> Option<()> {
        let page = self.page(shop, order).await?;
        let http = self.town.http.clone();
        match till {
            Till::Pays => self.come_back(&card(&http, &page, CARD).await).await,
            Till::ClosesTheBrowser => {
                card(&http, &page, CARD).await;
            }
            Till::ComesBackTwice => {
                let back = card(&http, &page, CARD).await;
                tokio::join!(self.come_back(&back), self.come_back(&back));
            }
            Till::SecondCard => {
                self.come_back(&card(&http, &page, DECLINED).await).await;
                let path = format!("/api/v1/orders/{order}");
                self.wait("the declined payment", async || {
                    (shop.get(&path).await["paymentStatus"] == "failed").then_some(())
                })
                .await?;
                let page = self.page(shop, order).await?;
                self.come_back(&card(&http, &page, CARD).await).await;
            }
            Till::CancelsMeanwhile => {
                let bank = road::to_the_bank(&http, &page, CARD).await.unwrap();
                let code = road::bank_code(&bank).unwrap();
                let cancel = format!("/api/v1/orders/{order}/cancel");
                // Refused when the money was quicker.
                let nothing = json!({});
                let (charged, _) =
                    tokio::join!(browser::submit(&http, &code), shop.try_post(&cancel, &nothing));
                charged.unwrap();
            }
            Till::Leaves => {
                road::to_the_bank(&http, &page, CARD).await.unwrap();
            }
        }
        Some(())
    }

    /// The provider's page of a new attempt; the order lets go of a failed one a moment after it has failed.
    async fn page(&mut self, shop: &mut Browser, order: &str) -> Option<Url> {
        let wanted = json!({ "orderId": order, "paymentMethod": "credit_card" });
        let mut payment = None;
        self.wait("the payment page", async || {
            if payment.is_none() {
                let begun = shop.post("/api/v1/payments/initiate", &wanted).await;
                payment = Some(text(&begun, "/paymentId"));
            }
            let seen = shop.get(&format!("/api/v1/payments/{}/status", payment.as_ref()?)).await;
            if seen["status"] == "failed" {
                payment = None;
            }
            Url::parse(seen["redirectUrl"].as_str()?).ok()
        })
        .await
    }

    /// Leaves the provider's page for the shop; a browser that finds nobody there tries again.
    async fn come_back(&self, back: &Form) {
        eventually_within(PATIENCE, "the callback is answered", async || {
            browser::leave(&self.town.http, back).await.ok()
        })
        .await;
    }
}

/// Card and bank code; the provider does not fall with the shop.
async fn card(http: &Client, page: &Url, number: &str) -> Form {
    road::pay_by_card(http, page, number).await.unwrap()
}

fn token_in(mail: &str) -> Option<String> {
    let link = mail.split_whitespace().find(|word| word.contains("/verify-email?token="))?;
    let link = Url::parse(link).ok()?;
    link.query_pairs().find(|(name, _)| name == "token").map(|(_, value)| value.into_owned())
}

fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no {pointer}: {value}"))
        .to_owned()
}
