//! The hosted payment page: card form, bank page, and the form that brings the buyer back.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::amount::turkish;
use super::cards::CardForm;
use super::flow::{self, Step};
use super::ledger::{Change, Checkout, Payment, Status};
use super::{Iyzico, envelope, webhook};
use crate::html::{Slot, escape, render, text};
use crate::wire;

const STYLE: &str = include_str!("pages/style.css");
const CHECKOUT: &str = include_str!("pages/checkout.html");
const BANK: &str = include_str!("pages/bank.html");
const CALLBACK: &str = include_str!("pages/callback.html");
const NOTICE: &str = include_str!("pages/notice.html");

/// Shown on the card form to be clicked.
const OFFERED: &[(&str, &str)] = &[
    ("5528790000000008", "Ödeme başarılı (Mastercard)"),
    ("4603450000000000", "Ödeme başarılı (Visa)"),
    ("9792030000000000", "Ödeme başarılı (Troy)"),
    ("5406670000000009", "Ödenir, iade edilemez"),
    ("4111111111111129", "Yetersiz bakiye"),
    ("4129111111111111", "Banka onaylamadı"),
    ("4124111111111116", "Güvenlik kodu hatalı"),
    ("4131111111111117", "3-D Secure doğrulanamadı"),
];

#[derive(Deserialize)]
pub(super) struct SmsForm {
    #[serde(default)]
    code: String,
    #[serde(default)]
    action: String,
}

/// `GET /checkout/{token}`
pub(super) async fn show(State(provider): State<Arc<Iyzico>>, Path(token): Path<String>) -> Response {
    match provider.store.read(|ledger| ledger.checkouts.get(&token).cloned()) {
        Some(checkout) => page(&checkout, &flow::current(&checkout)),
        None => unknown(),
    }
}

/// `POST /checkout/{token}`
pub(super) async fn enter_card(
    State(provider): State<Arc<Iyzico>>,
    Path(token): Path<String>,
    Form(form): Form<CardForm>,
) -> Response {
    advance(&provider, &token, |checkout| flow::enter_card(checkout, &form))
}

/// `POST /checkout/{token}/3ds`
pub(super) async fn enter_sms(
    State(provider): State<Arc<Iyzico>>,
    Path(token): Path<String>,
    Form(form): Form<SmsForm>,
) -> Response {
    let code = (form.action != "cancel").then_some(form.code.as_str());
    advance(&provider, &token, |checkout| flow::enter_sms(checkout, code))
}

fn advance(
    provider: &Arc<Iyzico>,
    token: &str,
    decide: impl FnOnce(&Checkout) -> (Option<Checkout>, Step),
) -> Response {
    let committed = provider.store.commit(|ledger| {
        let Some(checkout) = ledger.checkouts.get(token) else { return (Vec::new(), None) };
        let (changed, step) = decide(checkout);
        let now = changed.clone().unwrap_or_else(|| checkout.clone());
        let news = changed.is_some() && step == Step::Callback;
        let log = changed.map(|next| Change::Checkout(Box::new(next))).into_iter().collect();
        (log, Some((now, step, news)))
    });
    match committed {
        Ok(Some((checkout, step, news))) => {
            if news {
                webhook::announce(provider, &checkout);
            }
            page(&checkout, &step)
        }
        Ok(None) => unknown(),
        Err(error) => wire::unwritable(&error),
    }
}

fn page(checkout: &Checkout, step: &Step) -> Response {
    match (step, &checkout.payment) {
        (Step::Bank(again), Some(payment)) => Html(bank(checkout, payment, *again)).into_response(),
        (Step::Callback, Some(payment)) => Html(callback(checkout, payment)).into_response(),
        (Step::Card(error), _) => Html(card(checkout, *error)).into_response(),
        _ => expired(),
    }
}

fn card(checkout: &Checkout, error: Option<&str>) -> String {
    let error = error.map_or(String::new(), |code| {
        format!(
            r#"<p class="error" id="card-error" data-code="{code}">{}</p>"#,
            envelope::message(code, "tr")
        )
    });
    let lines = checkout.lines.iter().fold(String::new(), |rows, line| {
        let price = turkish(line.price, &checkout.currency);
        format!("{rows}<li><span>{}</span><b>{}</b></li>", escape(&line.name), escape(&price))
    });
    let cards = OFFERED.iter().fold(String::new(), |rows, (number, what)| {
        let grouped = grouped(number);
        format!(r#"{rows}<button type="button" data-card="{number}"><code>{grouped}</code>{what}</button>"#)
    });
    let action = format!("/checkout/{}", checkout.token);
    let (order, paid) = (order(checkout), turkish(checkout.paid_price, &checkout.currency));
    let slots = [
        ("style", Slot::Html(STYLE.to_owned())),
        ("merchant", text(merchant(checkout))),
        ("order", text(order)),
        ("amount", text(paid)),
        ("lines", Slot::Html(lines)),
        ("error", Slot::Html(error)),
        ("cards", Slot::Html(cards)),
        ("action", text(action)),
    ];
    render(CHECKOUT, &slots)
}

fn bank(checkout: &Checkout, payment: &Payment, again: bool) -> String {
    let error = if again { r#"<p class="error">Kod hatalı, yeniden deneyin.</p>"# } else { "" };
    let slots = [
        ("style", Slot::Html(STYLE.to_owned())),
        ("bank", text(payment.card.bank.as_str())),
        ("merchant", text(merchant(checkout))),
        ("amount", text(turkish(checkout.paid_price, &checkout.currency))),
        ("digits", text(payment.card.last_four_digits.as_str())),
        ("error", Slot::Html(error.to_owned())),
        ("action", text(format!("/checkout/{}/3ds", checkout.token))),
    ];
    render(BANK, &slots)
}

fn callback(checkout: &Checkout, payment: &Payment) -> String {
    let paid = payment.status == Status::Success;
    let (title, mark, tone) =
        if paid { ("Ödeme alındı", "✓", "good") } else { ("Ödeme alınamadı", "!", "bad") };
    let detail = match &payment.error_code {
        Some(code) => envelope::message(code, "tr").to_owned(),
        None => turkish(checkout.paid_price, &checkout.currency),
    };
    let slots = [
        ("style", Slot::Html(STYLE.to_owned())),
        ("title", text(title)),
        ("mark", text(mark)),
        ("tone", text(tone)),
        ("detail", text(detail)),
        ("status", text(payment.status.name())),
        ("merchant", text(merchant(checkout))),
        ("callback", text(checkout.callback_url.as_str())),
        ("token", text(checkout.token.as_str())),
    ];
    render(CALLBACK, &slots)
}

fn unknown() -> Response {
    notice(StatusCode::NOT_FOUND, "Ödeme sayfası bulunamadı", "Bu bağlantı ile açılmış bir ödeme yok.")
}

fn expired() -> Response {
    let detail = "Ödeme süresi doldu. Mağazaya dönüp ödemeyi yeniden başlatın; kartınızdan para çekilmedi.";
    notice(StatusCode::GONE, "Ödeme süresi doldu", detail)
}

fn notice(status: StatusCode, title: &str, detail: &str) -> Response {
    let slots = [("style", Slot::Html(STYLE.to_owned())), ("title", text(title)), ("detail", text(detail))];
    (status, Html(render(NOTICE, &slots))).into_response()
}

/// The merchant's name is not in the protocol; the buyer knows the shop by its host.
fn merchant(checkout: &Checkout) -> String {
    let host = url::Url::parse(&checkout.callback_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    match host {
        Some(host) if !host.starts_with("127.") && host != "localhost" => host,
        _ => "Polikrami Cover".to_owned(),
    }
}

fn order(checkout: &Checkout) -> &str {
    checkout.basket_id.as_deref().or(checkout.conversation_id.as_deref()).unwrap_or("-")
}

fn grouped(number: &str) -> String {
    let letters = number.chars().enumerate();
    letters.fold(String::new(), |mut text, (index, letter)| {
        if index > 0 && index % 4 == 0 {
            text.push(' ');
        }
        text.push(letter);
        text
    })
}
