//! Success and failure as the provider wraps them; failures are HTTP 200 as well.

use serde_json::{Map, Value, json};

use crate::world;

/// What a call came to.
pub(crate) type Outcome = Result<Answer, Failure>;

/// A success, and which of its fields are signed in which order.
pub(crate) struct Answer {
    pub body: Map<String, Value>,
    pub signed: &'static [&'static str],
}

/// A refusal.
#[derive(Debug)]
pub(crate) struct Failure {
    pub code: String,
    /// Overrides the published text, to name a field.
    pub message: Option<String>,
    /// Further fields, as refund failures carry.
    pub body: Map<String, Value>,
}

impl Failure {
    pub(crate) fn new(code: impl Into<String>) -> Self {
        Self { code: code.into(), message: None, body: Map::new() }
    }

    pub(crate) fn field(code: &str, pointer: &str) -> Self {
        let name = pointer.trim_start_matches('/').replace('/', ".");
        Self { message: Some(format!("{name}: {}", message(code, "tr"))), ..Self::new(code) }
    }

    pub(crate) fn with(mut self, field: &str, value: Value) -> Self {
        self.body.insert(field.to_owned(), value);
        self
    }
}

/// Adds what every answer carries. `conversationId` is the one of the request, or absent.
pub(crate) fn wrap(body: &mut Map<String, Value>, status: &str, request: &Value) {
    let locale = request["locale"].as_str().unwrap_or("tr");
    body.insert("status".to_owned(), json!(status));
    body.insert("locale".to_owned(), json!(locale));
    body.insert("systemTime".to_owned(), json!(world::now_ms()));
    if let Some(id) = request["conversationId"].as_str() {
        body.insert("conversationId".to_owned(), json!(id));
    }
}

pub(crate) fn failure(failure: Failure, request: &Value) -> Map<String, Value> {
    let mut body = failure.body;
    wrap(&mut body, "failure", request);
    let locale = request["locale"].as_str().unwrap_or("tr");
    let text = failure.message.unwrap_or_else(|| message(&failure.code, locale).to_owned());
    body.insert("errorGroup".to_owned(), json!(group(&failure.code)));
    body.insert("errorMessage".to_owned(), json!(text));
    body.insert("errorCode".to_owned(), json!(failure.code));
    body
}

/// code, group, Turkish, English
const CODES: &[(&str, &str, &str, &str)] = &[
    ("5", "VALIDATION_ERROR", "E-posta geçersiz", "Invalid e-mail"),
    ("8", "VALIDATION_ERROR", "Kimlik numarası geçersiz", "Invalid identity number"),
    ("11", "VALIDATION_ERROR", "Geçersiz istek", "Invalid request"),
    ("12", "VALIDATION_ERROR", "Kart numarası geçersizdir", "Invalid card number"),
    ("13", "VALIDATION_ERROR", "Son kullanma ayı geçersizdir", "Invalid expiry month"),
    ("14", "VALIDATION_ERROR", "Son kullanma yılı geçersizdir", "Invalid expiry year"),
    ("15", "VALIDATION_ERROR", "Güvenlik kodu (CVC) geçersizdir", "Invalid cvc"),
    ("16", "VALIDATION_ERROR", "Kart sahibi gönderilmelidir", "Card holder is required"),
    ("17", "VALIDATION_ERROR", "Kartın son kullanma tarihi geçmiş", "Card has expired"),
    ("23", "VALIDATION_ERROR", "callbackUrl geçersiz", "Invalid callbackUrl"),
    ("24", "VALIDATION_ERROR", "Zorunlu alan eksik", "Required field is missing"),
    ("25", "VALIDATION_ERROR", "Cep telefonu geçersiz", "Invalid gsm number"),
    ("1000", "AUTHENTICATION", "Geçersiz imza", "Invalid signature"),
    ("1001", "AUTHENTICATION", "Api bilgileri bulunamadı", "Api credentials not found"),
    ("5001", "VALIDATION_ERROR", "Tutar geçersiz", "Invalid price"),
    ("5005", "VALIDATION_ERROR", "Para birimi geçersiz", "Invalid currency"),
    ("5008", "VALIDATION_ERROR", "Tutar sınırın üzerinde", "Price is too high"),
    (
        "5062",
        "VALIDATION_ERROR",
        "Kırılım tutarları toplamı tutara eşit olmalıdır",
        "Item prices do not add up",
    ),
    ("5087", "NOT_FOUND", "Ödeme kaydı bulunamadı", "Payment not found"),
    ("10005", "DO_NOT_HONOUR", "İşlem onaylanmadı", "Do not honour"),
    ("10012", "INVALID_TRANSACTION", "Geçersiz işlem", "Invalid transaction"),
    ("10034", "FRAUD_SUSPECT", "Dolandırıcılık şüphesi", "Fraud suspect"),
    ("10041", "LOST_CARD", "Kayıp kart, karta el koyunuz", "Lost card"),
    ("10043", "STOLEN_CARD", "Çalıntı kart, karta el koyunuz", "Stolen card"),
    ("10051", "NOT_SUFFICIENT_FUNDS", "Kart limiti yetersiz, yetersiz bakiye", "Not sufficient funds"),
    ("10054", "EXPIRED_CARD", "Vadesi dolmuş kart", "Expired card"),
    ("10057", "NOT_PERMITTED_TO_CARDHOLDER", "Kart sahibi bu işlemi yapamaz", "Not permitted to card holder"),
    ("10058", "NOT_PERMITTED_TO_TERMINAL", "Terminalin yetkisi yok", "Not permitted to terminal"),
    ("10084", "INVALID_CVC2", "Geçersiz CVC", "Invalid cvc"),
    ("10093", "RESTRICTED_BY_LAW", "Kart yasa gereği kapalı", "Restricted by law"),
    ("10202", "UNKNOWN", "Ödeme sırasında bir hata oluştu", "An error occurred"),
    ("10210", "INVALID_CAVV", "3-D Secure doğrulaması başarısız", "3-D Secure verification failed"),
    ("10213", "BIN_NOT_FOUND", "Kartın BIN numarası bulunamadı", "BIN not found"),
    ("10223", "DAY_END", "Gün sonu alınmış, iade yapınız", "Day end was run, use refund"),
    ("10232", "INVALID_AMOUNT", "Geçersiz tutar", "Invalid amount"),
    ("50000", "RATE_LIMIT", "İstek sınırı aşıldı", "Too many requests"),
];

const UNKNOWN: (&str, &str, &str, &str) = ("1", "SYSTEM_ERROR", "Sistem hatası", "System error");

fn entry(code: &str) -> (&'static str, &'static str, &'static str, &'static str) {
    CODES.iter().find(|entry| entry.0 == code).copied().unwrap_or(UNKNOWN)
}

pub(crate) fn message(code: &str, locale: &str) -> &'static str {
    let (_, _, turkish, english) = entry(code);
    if locale == "en" { english } else { turkish }
}

pub(crate) fn group(code: &str) -> &'static str {
    entry(code).1
}
