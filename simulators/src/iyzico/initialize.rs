//! Opening a payment page: the provider's field rules, then a token.

use std::net::IpAddr;

use serde_json::{Map, Value, json};
use url::{Host, Url};

use super::Iyzico;
use super::amount::{Amount, AmountError};
use super::envelope::{Answer, Failure, Outcome};
use super::ledger::{Change, Checkout, Line};
use crate::world;

const CURRENCIES: &[&str] = &["TRY", "EUR", "USD", "IRR", "GBP", "NOK", "RUB", "CHF"];
const PRICE_MAX: Amount = Amount(10_000_000);

/// Where a text must stand, and the code that its absence is answered with.
const REQUIRED: &[(&str, &str)] = &[
    ("/price", "5001"),
    ("/paidPrice", "5001"),
    ("/currency", "5005"),
    ("/callbackUrl", "23"),
    ("/buyer/id", "24"),
    ("/buyer/name", "24"),
    ("/buyer/surname", "24"),
    ("/buyer/identityNumber", "8"),
    ("/buyer/email", "5"),
    ("/buyer/registrationAddress", "24"),
    ("/buyer/city", "24"),
    ("/buyer/country", "24"),
];
const ADDRESS: &[&str] = &["address", "contactName", "city", "country"];
const ITEM: &[&str] = &["id", "name", "category1", "itemType", "price"];

pub(super) fn initialize(provider: &Iyzico, request: &Value) -> std::io::Result<Outcome> {
    let checkout = match read(provider, request) {
        Ok(checkout) => checkout,
        Err(failure) => return Ok(Err(failure)),
    };
    let answer = opened(provider, &checkout);
    provider.store.commit(|_| (vec![Change::Checkout(Box::new(checkout))], ()))?;
    Ok(Ok(answer))
}

fn opened(provider: &Iyzico, checkout: &Checkout) -> Answer {
    let page = format!("{}/checkout/{}", provider.base_url, checkout.token);
    let mut body = Map::new();
    body.insert("token".into(), json!(checkout.token));
    body.insert(
        "checkoutFormContent".into(),
        json!(format!("<script>location.href={}</script>", json!(page))),
    );
    body.insert("tokenExpireTime".into(), json!((checkout.expires_ms - checkout.created_ms) / 1000));
    body.insert("paymentPageUrl".into(), json!(page));
    body.insert("payWithIyzicoPageUrl".into(), json!(page));
    Answer { body, signed: &["conversationId", "token"] }
}

fn read(provider: &Iyzico, request: &Value) -> Result<Checkout, Failure> {
    for (pointer, code) in REQUIRED {
        required(request, pointer, code)?;
    }
    check_buyer(request)?;
    let price = amount(request, "/price")?;
    let paid_price = amount(request, "/paidPrice")?;
    let currency = required(request, "/currency", "5005")?;
    if !CURRENCIES.contains(&currency) {
        return Err(Failure::field("5005", "/currency"));
    }
    let callback_url = required(request, "/callbackUrl", "23")?;
    if !reachable(callback_url) {
        return Err(Failure::field("23", "/callbackUrl"));
    }
    let lines = lines(request, price, paid_price)?;
    check_addresses(request)?;
    let now_ms = world::now_ms();
    Ok(Checkout {
        token: world::new_uuid().to_string(),
        conversation_id: optional(request, "conversationId"),
        basket_id: optional(request, "basketId"),
        price,
        paid_price,
        currency: currency.to_owned(),
        callback_url: callback_url.to_owned(),
        created_ms: now_ms,
        expires_ms: now_ms + provider.token_life_ms(),
        lines,
        payment: None,
    })
}

fn check_buyer(request: &Value) -> Result<(), Failure> {
    let email = required(request, "/buyer/email", "5")?;
    if !email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.')) {
        return Err(Failure::field("5", "/buyer/email"));
    }
    match request.pointer("/buyer/gsmNumber") {
        None => Ok(()),
        // The provider answers an empty number with a signature error; published, if odd.
        Some(Value::String(number)) if number.is_empty() => Err(Failure::new("1000")),
        Some(Value::String(number)) if is_gsm(number) => Ok(()),
        Some(_) => Err(Failure::field("25", "/buyer/gsmNumber")),
    }
}

fn is_gsm(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or(number);
    (10..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn check_addresses(request: &Value) -> Result<(), Failure> {
    let items = request["basketItems"].as_array();
    let physical = items.is_some_and(|items| items.iter().any(|item| item["itemType"] == "PHYSICAL"));
    for field in ADDRESS {
        required(request, &format!("/billingAddress/{field}"), "24")?;
        if physical {
            required(request, &format!("/shippingAddress/{field}"), "24")?;
        }
    }
    Ok(())
}

fn lines(request: &Value, price: Amount, paid_price: Amount) -> Result<Vec<Line>, Failure> {
    let items = request["basketItems"].as_array().map_or(0, Vec::len);
    if items == 0 {
        return Err(Failure::field("24", "/basketItems"));
    }
    let mut lines = Vec::with_capacity(items);
    for index in 0..items {
        lines.push(line(request, index)?);
    }
    if lines.iter().map(|line| line.price.0).sum::<i64>() != price.0 {
        return Err(Failure::new("5062"));
    }
    spread(&mut lines, price, paid_price);
    Ok(lines)
}

fn line(request: &Value, index: usize) -> Result<Line, Failure> {
    let at = |field: &str| format!("/basketItems/{index}/{field}");
    for field in ITEM {
        required(request, &at(field), "24")?;
    }
    if !matches!(required(request, &at("itemType"), "24")?, "PHYSICAL" | "VIRTUAL") {
        return Err(Failure::field("11", &at("itemType")));
    }
    let price = amount(request, &at("price"))?;
    Ok(Line {
        id: required(request, &at("id"), "24")?.to_owned(),
        name: required(request, &at("name"), "24")?.to_owned(),
        price,
        paid_price: price,
        transaction_id: world::nine_digits(),
        refunds: Vec::new(),
    })
}

/// Each line pays its share of a discount or fee; the last one takes what rounding left.
fn spread(lines: &mut [Line], price: Amount, paid_price: Amount) {
    let mut left = paid_price.0;
    for line in lines.iter_mut() {
        line.paid_price = paid_price.share(line.price, price);
        left -= line.paid_price.0;
    }
    if let Some(last) = lines.last_mut() {
        last.paid_price.0 += left;
    }
}

pub(super) fn required<'a>(request: &'a Value, pointer: &str, code: &str) -> Result<&'a str, Failure> {
    let text = request.pointer(pointer).and_then(Value::as_str).map(str::trim);
    text.filter(|text| !text.is_empty()).ok_or_else(|| Failure::field(code, pointer))
}

fn optional(request: &Value, field: &str) -> Option<String> {
    request[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// An amount above zero and below the provider's bound.
pub(super) fn amount(request: &Value, pointer: &str) -> Result<Amount, Failure> {
    match Amount::parse(required(request, pointer, "5001")?) {
        Ok(Amount(..=0)) | Err(AmountError::Malformed) => Err(Failure::field("5001", pointer)),
        Ok(amount) if amount >= PRICE_MAX => Err(Failure::field("5008", pointer)),
        Ok(amount) => Ok(amount),
        Err(AmountError::TooPrecise) => Err(Failure::new("1000")),
    }
}

/// The provider wants https; a development shop has plain http on its own machine or network.
fn reachable(callback: &str) -> bool {
    let Ok(url) = Url::parse(callback) else { return false };
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Domain(name))) => name == "localhost" || name.ends_with(".localhost"),
        ("http", Some(Host::Ipv4(ip))) => ip.is_private() || IpAddr::V4(ip).is_loopback(),
        ("http", Some(Host::Ipv6(ip))) => ip.is_loopback(),
        _ => false,
    }
}
