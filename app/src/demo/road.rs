//! The road itself: register → draft → picture → order → payment → invoice → proof. One function a stretch.

use super::browser::{self, Form, Page};
use super::shop::Shop;
use super::{DemoError, Saved, Steps};
use crate::dev::state::Endpoints;
use api::Chance;
use domain::Envelope;
use journal::leaf;
use reqwest::{Client, Url};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const SOON: Duration = Duration::from_mins(1);
const PICTURES: Duration = Duration::from_mins(2);
const PASSWORD: &str = "Kapak-2026!";
/// A published sandbox card that always succeeds, and the code of the sandbox's 3-D Secure page.
pub const CARD: &str = "5528790000000008";
const SMS_CODE: &str = "123456";

/// A customer who is logged in.
pub struct Person {
    pub email: String,
    pub shop: Shop,
}

pub async fn walk(
    client: &Client,
    endpoints: &Endpoints,
    output: &Path,
    steps: &mut Steps,
) -> Result<Saved, DemoError> {
    let mut person = join(client, endpoints, steps).await?;
    let draft = paint(&mut person.shop, steps).await?;
    let order = order(&mut person.shop, &draft.id, steps).await?;
    pay(client, &mut person.shop, &order, steps).await?;
    let invoice = invoice(client, endpoints, &mut person, &order, steps).await?;
    std::fs::create_dir_all(output)?;
    let saved = Saved {
        picture: output.join("picture.png"),
        invoice: output.join(format!("{}.pdf", invoice.number)),
        history: output.join("history.json"),
    };
    let original = format!("/api/v1/drafts/{}/ai/original/{}", draft.id, draft.image);
    let picture = person.shop.bytes(&original).await?;
    let picture =
        picture.ok_or_else(|| DemoError::unexpected("the clean picture of a paid order is not there"))?;
    std::fs::write(&saved.picture, picture)?;
    std::fs::write(&saved.invoice, invoice.pdf)?;
    steps.held("clean picture and invoice saved (the picture only since the order is paid)");
    let history = prove(&mut person.shop, endpoints, &order, steps).await?;
    std::fs::write(&saved.history, serde_json::to_vec_pretty(&history).unwrap_or_default())?;
    Ok(saved)
}

/// Register, prove the address with the link from the mail, log in, get the welcome credits.
pub async fn join(client: &Client, endpoints: &Endpoints, steps: &mut Steps) -> Result<Person, DemoError> {
    let mut shop = Shop::new(client.clone(), url(&endpoints.api)?);
    let email = format!("ayse.{}@example.com", Chance.id().simple());
    let body = json!({
        "email": email, "password": PASSWORD, "confirmPassword": PASSWORD, "name": "Ayşe Yılmaz",
        "acceptTerms": true, "acceptPrivacy": true,
    });
    shop.post("/api/v1/auth/register", &body).await?;
    steps.held(format!("registered {email}"));
    let mail = mail_for(client, endpoints, &email, |text| text.contains("/verify-email?token=")).await?;
    let token = verification_token(&mail)?;
    shop.post("/api/v1/auth/verify-email", &json!({ "token": token })).await?;
    steps.held("address proven with the link from the mail");
    let login = shop.post("/api/v1/auth/login", &json!({ "email": email, "password": PASSWORD })).await?;
    shop.log_in(text(&login, "/accessToken")?);
    let credits = shop
        .wait_for("the welcome credits", "/api/v1/wallet", SOON, |wallet| {
            wallet["balance"].as_u64().filter(|balance| *balance > 0)
        })
        .await?;
    steps.held(format!("logged in; {credits} welcome credits are there"));
    Ok(Person { email, shop })
}

/// An AI draft and its chosen picture.
pub struct Draft {
    pub id: String,
    pub image: String,
}

/// An AI draft, pictures for it, one chosen.
pub async fn paint(shop: &mut Shop, steps: &mut Steps) -> Result<Draft, DemoError> {
    let draft = shop.post("/api/v1/drafts", &json!({ "method": "ai" })).await?;
    let id = text(&draft, "/data/id")?;
    steps.held(format!("AI draft {id}"));
    let wish = json!({
        "userPrompt": "a quiet harbour at dusk, watercolour, a lighthouse, warm light, storybook cover",
        "count": 2,
    });
    let job = shop.post(&format!("/api/v1/drafts/{id}/ai/generate"), &wish).await?;
    steps.held(format!("pictures asked for: {} credits reserved", job["cost"]));
    let results = format!("/api/v1/drafts/{id}/ai/results");
    let job = shop
        .wait_for("the pictures", &results, PICTURES, |answer| {
            let job = answer["jobs"].as_array()?.first()?;
            (job["status"] == "completed" || job["status"] == "failed").then(|| job.clone())
        })
        .await?;
    if job["status"] == "failed" {
        return Err(DemoError::unexpected(format!("the pictures failed: {}", job["error"])));
    }
    steps.held(format!("{} pictures are there, watermarked", job["images"].as_array().map_or(0, Vec::len)));
    let image = text(&job, "/images/0/id")?;
    shop.post(&format!("/api/v1/drafts/{id}/ai/select"), &json!({ "imageId": image })).await?;
    steps.held("picture chosen");
    Ok(Draft { id, image })
}

/// Message card, address, order.
pub async fn order(shop: &mut Shop, draft: &str, steps: &mut Steps) -> Result<String, DemoError> {
    let cards = shop.get("/api/v1/message-cards").await?;
    let card = text(&cards, "/0/id")?;
    let words =
        json!({ "messageCardId": card, "to": "Elif", "signature": "Ayşe", "content": "İyi okumalar!" });
    shop.post(&format!("/api/v1/drafts/{draft}/message-card"), &words).await?;
    let address = json!({ "shipping": {
        "senderName": "Ayşe Yılmaz", "senderPhone": "05321234567",
        "receiverName": "Elif Şahin", "receiverPhone": "05337654321",
        "city": "İstanbul", "district": "Kadıköy", "address": "Moda Caddesi 12/3",
    }});
    shop.post(&format!("/api/v1/drafts/{draft}/shipping"), &address).await?;
    let order = shop.post(&format!("/api/v1/drafts/{draft}/commit"), &json!({})).await?;
    let id = text(&order, "/data/id")?;
    let total = order["data"]["totalCents"].as_i64().unwrap_or_default();
    let number = text(&order, "/data/orderNumber")?;
    steps.held(format!("ordered: {number}, {},{:02} TL", total / 100, total % 100));
    Ok(id)
}

/// The provider's page, 3-D Secure, the way back, and the provider's word that the money is there.
pub async fn pay(client: &Client, shop: &mut Shop, order: &str, steps: &mut Steps) -> Result<(), DemoError> {
    let payment = begin_payment(shop, order).await?;
    steps.held(format!("payment page opened: {}", payment.page));
    let back = pay_by_card(client, &payment.page, CARD).await?;
    steps.held("card accepted, 3-D Secure passed");
    let shop_page = browser::leave(client, &back).await?;
    steps.held(format!("browser sent back to {shop_page}"));
    paid(shop, order, &payment.id).await?;
    steps.held("provider asked, amount and signature agree: order paid");
    Ok(())
}

/// An opened attempt to pay.
pub struct Attempt {
    pub id: String,
    pub page: Url,
}

pub async fn begin_payment(shop: &mut Shop, order: &str) -> Result<Attempt, DemoError> {
    let wanted = json!({ "orderId": order, "paymentMethod": "credit_card" });
    let payment = shop.post("/api/v1/payments/initiate", &wanted).await?;
    let id = text(&payment, "/paymentId")?;
    let page = if let Ok(page) = text(&payment, "/redirectUrl") {
        page
    } else {
        // The provider takes its time; the page comes later.
        let status = format!("/api/v1/payments/{id}/status");
        shop.wait_for("the payment page", &status, SOON, |payment| text(payment, "/redirectUrl").ok()).await?
    };
    Ok(Attempt { id, page: url(&page)? })
}

/// Waits until the payment is captured and the order paid.
pub async fn paid(shop: &mut Shop, order: &str, payment: &str) -> Result<(), DemoError> {
    let status = format!("/api/v1/payments/{payment}/status");
    shop.wait_for("the capture", &status, SOON, |payment| (payment["status"] == "success").then_some(()))
        .await?;
    let path = format!("/api/v1/orders/{order}");
    shop.wait_for("the paid order", &path, SOON, |order| (order["status"] == "paid").then_some(())).await
}

/// Card and bank code on the provider's pages; answers the form that leads back to the shop.
pub async fn pay_by_card(client: &Client, page: &Url, number: &str) -> Result<Form, DemoError> {
    let bank = to_the_bank(client, page, number).await?;
    let done = browser::submit(client, &bank_code(&bank)?).await?;
    Form::find(&done, "callback-form")
}

/// The card's data on the provider's page; answers the bank's page.
pub async fn to_the_bank(client: &Client, page: &Url, number: &str) -> Result<Page, DemoError> {
    let page = browser::open(client, page.clone()).await?;
    let mut card = Form::find(&page, "payment-form")?;
    for (field, value) in [
        ("cardHolderName", "AYSE YILMAZ"),
        ("cardNumber", number),
        ("expireMonth", "12"),
        ("expireYear", "2030"),
        ("cvc", "123"),
    ] {
        card.set(field, value);
    }
    browser::submit(client, &card).await
}

/// The filled form of the bank's page.
pub fn bank_code(bank: &Page) -> Result<Form, DemoError> {
    let mut code = Form::find(bank, "threeds-form")?;
    code.set("code", SMS_CODE);
    code.set("action", "confirm");
    Ok(code)
}

pub struct Invoice {
    pub number: String,
    pub pdf: Vec<u8>,
}

pub async fn invoice(
    client: &Client,
    endpoints: &Endpoints,
    person: &mut Person,
    order: &str,
    steps: &mut Steps,
) -> Result<Invoice, DemoError> {
    let number = invoice_number(&mut person.shop, order).await?;
    steps.held(format!("invoice {number} issued"));
    let mail = mail_for(client, endpoints, &person.email, |text| text.contains(&number)).await?;
    steps.held(format!("confirmation mail arrived: {}", text(&mail, "/subject")?));
    let pdf = person.shop.bytes(&format!("/api/v1/invoices/{number}/pdf")).await?;
    let pdf = pdf
        .filter(|bytes| bytes.starts_with(b"%PDF"))
        .ok_or_else(|| DemoError::unexpected("the invoice was mailed, but its PDF is not there"))?;
    Ok(Invoice { number, pdf })
}

/// Waits until the order's invoice is listed.
pub async fn invoice_number(shop: &mut Shop, order: &str) -> Result<String, DemoError> {
    shop.wait_for("the invoice", "/api/v1/invoices", SOON, |answer| {
        let mine = answer["items"].as_array()?.iter().find(|invoice| invoice["orderId"] == order)?;
        Some(mine["number"].as_str()?.to_owned())
    })
    .await
}

/// The auditor's view: the order's whole history, each hash recomputed here from what was answered.
pub async fn prove(
    shop: &mut Shop,
    endpoints: &Endpoints,
    order: &str,
    steps: &mut Steps,
) -> Result<Value, DemoError> {
    let auditor = &endpoints.logins.auditor;
    let login = json!({ "email": auditor.email, "password": auditor.password });
    let token = text(&shop.post("/api/v1/auth/login", &login).await?, "/accessToken")?;
    let history = shop.with_token(token).get(&format!("/api/v1/audit/orders/{order}/history")).await?;
    let events = history["events"].as_array().cloned().unwrap_or_default();
    for event in &events {
        let envelope = envelope(event).ok_or_else(|| DemoError::unexpected(format!("no event: {event}")))?;
        let hash = leaf::leaf_hash(&envelope).map_err(|error| DemoError::unexpected(error.to_string()))?;
        if event["leafHash"].as_str() != Some(hex::encode(hash).as_str()) {
            return Err(DemoError::unexpected(format!(
                "the hash of event {} does not fit",
                event["position"]
            )));
        }
    }
    let types: Vec<&str> = events.iter().filter_map(|event| event["eventType"].as_str()).collect();
    for expected in ["placed", "captured", "paid", "invoice_issued"] {
        if !types.contains(&expected) {
            return Err(DemoError::unexpected(format!("the history has no `{expected}`: {types:?}")));
        }
    }
    steps.held(format!("history replayed: {} events, every hash recomputed and right", events.len()));
    Ok(history)
}

/// An event of the audit's answer, as the journal has it.
fn envelope(event: &Value) -> Option<Envelope> {
    let text = |key: &str| event[key].as_str().map(ToOwned::to_owned);
    Some(Envelope {
        position: event["position"].as_i64()?,
        aggregate_type: text("aggregateType")?,
        aggregate_id: text("aggregateId")?,
        sequence: event["sequence"].as_i64()?,
        event_type: text("eventType")?,
        event_version: text("eventVersion")?,
        payload: event["payload"].clone(),
        metadata: serde_json::from_value(event["metadata"].clone()).ok()?,
        recorded_at: OffsetDateTime::parse(&text("recordedAt")?, &Rfc3339).ok()?,
    })
}

pub async fn mail_for(
    client: &Client,
    endpoints: &Endpoints,
    to: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<Value, DemoError> {
    let mut mails = Shop::new(client.clone(), url(&endpoints.mailbox)?);
    let path = format!("/api/mails?to={to}");
    mails
        .wait_for("the mail", &path, SOON, |answer| {
            let found = answer.as_array()?.iter().find(|mail| {
                let part = |key: &str| mail[key].as_str().unwrap_or_default().to_owned();
                wanted(&format!("{}\n{}", part("subject"), part("text")))
            })?;
            Some(found.clone())
        })
        .await
}

fn verification_token(mail: &Value) -> Result<String, DemoError> {
    let body = mail["text"].as_str().unwrap_or_default();
    let link = body.split_whitespace().find(|word| word.contains("/verify-email?token="));
    let link = link.and_then(|link| Url::parse(link).ok());
    let token = link.and_then(|link| {
        link.query_pairs().find(|(name, _)| name == "token").map(|(_, value)| value.into_owned())
    });
    token.ok_or_else(|| DemoError::unexpected("the verification mail has no link"))
}

fn text(value: &Value, pointer: &str) -> Result<String, DemoError> {
    let found = value.pointer(pointer).and_then(Value::as_str).map(ToOwned::to_owned);
    found.ok_or_else(|| DemoError::unexpected(format!("the answer has no {pointer}: {value}")))
}

fn url(text: &str) -> Result<Url, DemoError> {
    Url::parse(text).map_err(|_| DemoError::unexpected(format!("{text} is no address")))
}
