//! Who may do what: one row for each route, written by hand. The things in the paths are one customer's.

/// What a caller meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meets {
    /// A handler that works for this caller; it may find fault with what was sent.
    Open,
    /// The door: this status, whatever was sent.
    Shut(u16),
}

pub const CALLERS: [&str; 6] = ["nobody", "customer", "other customer", "designer", "admin", "auditor"];

/// By [`CALLERS`].
pub type Access = [Meets; 6];

const OPEN: Meets = Meets::Open;
const LOGIN: Meets = Meets::Shut(401);
const ROLE: Meets = Meets::Shut(403);
const ABSENT: Meets = Meets::Shut(404);

const PUBLIC: Access = [OPEN; 6];
/// Everybody who is logged in, for what is his own.
const LOGGED_IN: Access = [LOGIN, OPEN, OPEN, OPEN, OPEN, OPEN];
/// The customer whose thing is in the path; for all others it does not exist.
const OWNER: Access = [LOGIN, OPEN, ABSENT, ABSENT, ABSENT, ABSENT];
const AUDIT: Access = [LOGIN, ROLE, ROLE, ROLE, OPEN, OPEN];
/// The token in the body decides, not who sends it.
const NO_SUCH_LOGIN: Access = [LOGIN; 6];
const NO_SUCH_THING: Access = [ABSENT; 6];

const SHIPPING: &str = r#"{"shipping":{"senderName":"A B","senderPhone":"05321234567","receiverName":"C D",
    "receiverPhone":"05337654321","city":"İzmir","district":"Konak","address":"Kordon 1"}}"#;
const PAYMENT: &str = r#"{"orderId":"{order}","paymentMethod":"credit_card"}"#;

/// Method, path, who meets what, and a body that fits as far as the lookup of what it is about. In path and body,
/// `{draft}` and the like stand for the customer's; `tests/system/http_access.rs` makes them.
pub type Row = (&'static str, &'static str, Access, &'static str);

pub const TABLE: &[Row] = &[
    // Sessions and accounts.
    ("GET", "/csrf", PUBLIC, ""),
    ("POST", "/api/v1/auth/register", PUBLIC, "{}"),
    ("POST", "/api/v1/auth/login", PUBLIC, "{}"),
    ("POST", "/api/v1/auth/refresh", NO_SUCH_LOGIN, r#"{"refreshToken":"made up"}"#),
    ("POST", "/api/v1/auth/logout", PUBLIC, "{}"),
    ("POST", "/api/v1/auth/logout-all", LOGGED_IN, ""),
    ("GET", "/api/v1/auth/sessions", LOGGED_IN, ""),
    ("DELETE", "/api/v1/auth/sessions/{session}", OWNER, ""),
    ("POST", "/api/v1/auth/verify-email", PUBLIC, r#"{"token":"made up"}"#),
    ("POST", "/api/v1/auth/resend-verification", PUBLIC, "{}"),
    ("POST", "/api/v1/auth/forgot-password", PUBLIC, "{}"),
    ("POST", "/api/v1/auth/verify-reset-code", PUBLIC, "{}"),
    ("POST", "/api/v1/auth/reset-password", PUBLIC, "{}"),
    ("GET", "/api/v1/auth/me", LOGGED_IN, ""),
    ("GET", "/api/v1/users/me", LOGGED_IN, ""),
    ("PUT", "/api/v1/users/me", LOGGED_IN, "{}"),
    ("PUT", "/api/v1/users/profile", LOGGED_IN, "{}"),
    ("GET", "/api/v1/users/privacy-settings", LOGGED_IN, ""),
    ("PUT", "/api/v1/users/privacy-settings", LOGGED_IN, "{}"),
    ("PUT", "/api/v1/users/me/privacy", LOGGED_IN, "{}"),
    ("POST", "/api/v1/users/me/avatar", LOGGED_IN, "{}"),
    ("DELETE", "/api/v1/users/me/avatar", LOGGED_IN, ""),
    ("POST", "/api/v1/users/phone/send-code", LOGGED_IN, "{}"),
    ("POST", "/api/v1/users/phone/verify", LOGGED_IN, "{}"),
    ("POST", "/api/v1/users/phone/firebase-verify", LOGGED_IN, "{}"),
    ("POST", "/api/v1/users/me/change-password", LOGGED_IN, "{}"),
    ("PUT", "/api/v1/users/password", LOGGED_IN, "{}"),
    ("GET", "/verify-email", PUBLIC, ""),
    // A form shows the CSRF token itself; `nobody` alone comes with the cookie that it repeats.
    ("POST", "/verify-email", [OPEN, ROLE, ROLE, ROLE, ROLE, ROLE], "token=x&csrf={csrf}"),
    // Address book; the customer alone has saved an address.
    ("GET", "/api/v1/addresses", LOGGED_IN, ""),
    ("POST", "/api/v1/addresses", LOGGED_IN, "{}"),
    ("GET", "/api/v1/addresses/default", OWNER, ""),
    ("GET", "/api/v1/addresses/{address}", OWNER, ""),
    ("PUT", "/api/v1/addresses/{address}", OWNER, "{}"),
    ("POST", "/api/v1/addresses/{address}/default", OWNER, ""),
    ("DELETE", "/api/v1/addresses/{address}", OWNER, ""),
    // Drafts and pictures.
    ("GET", "/api/v1/message-cards", PUBLIC, ""),
    ("GET", "/api/v1/drafts", LOGGED_IN, ""),
    ("POST", "/api/v1/drafts", LOGGED_IN, r#"{"method":"ai"}"#),
    ("GET", "/api/v1/drafts/{draft}", OWNER, ""),
    ("POST", "/api/v1/drafts/{draft}/message-card", OWNER, r#"{"messageCardId":"{image}"}"#),
    ("POST", "/api/v1/drafts/{draft}/shipping", OWNER, SHIPPING),
    ("POST", "/api/v1/drafts/{draft}/shipping/address", OWNER, r#"{"addressId":"{address}"}"#),
    ("POST", "/api/v1/drafts/{draft}/billing", OWNER, r#"{"sameAsShipping":true}"#),
    ("POST", "/api/v1/drafts/{draft}/commit", OWNER, ""),
    ("POST", "/api/v1/drafts/{draft}/ai/generate", OWNER, r#"{"userPrompt":"a harbour"}"#),
    ("POST", "/api/v1/drafts/{draft}/ai/regen", OWNER, "{}"),
    ("GET", "/api/v1/drafts/{draft}/ai/results", OWNER, ""),
    ("POST", "/api/v1/drafts/{draft}/ai/select", OWNER, r#"{"imageId":"{image}"}"#),
    ("GET", "/api/v1/drafts/{draft}/ai/original/{image}", OWNER, ""),
    ("GET", "/uploads/{upload}", PUBLIC, ""),
    // Orders, payments, invoices, credits.
    ("GET", "/api/v1/orders", LOGGED_IN, ""),
    ("GET", "/api/v1/orders/{order}", OWNER, ""),
    ("POST", "/api/v1/orders/{order}/cancel", OWNER, "{}"),
    ("POST", "/api/v1/payments/initiate", OWNER, PAYMENT),
    ("GET", "/api/v1/payments/{payment}/status", OWNER, ""),
    ("POST", "/api/v1/payments/callback", NO_SUCH_THING, "token=made-up"),
    ("POST", "/api/v1/payments/webhooks/iyzico", NO_SUCH_THING, r#"{"token":"made up"}"#),
    ("GET", "/api/v1/invoices", LOGGED_IN, ""),
    ("GET", "/api/v1/invoices/{invoice}", OWNER, ""),
    ("GET", "/api/v1/invoices/{invoice}/pdf", OWNER, ""),
    ("GET", "/api/v1/wallet", LOGGED_IN, ""),
    ("GET", "/api/v1/wallet/history", LOGGED_IN, ""),
    ("GET", "/api/v1/wallet/stats", LOGGED_IN, ""),
    // Places.
    ("GET", "/api/v1/locations/provinces", PUBLIC, ""),
    ("GET", "/api/v1/locations/towns", PUBLIC, ""),
    ("GET", "/api/v1/locations/districts", PUBLIC, ""),
    ("GET", "/api/v1/locations/quarters", PUBLIC, ""),
    // For the record, and for whoever runs it.
    ("GET", "/api/v1/audit/orders/{order}/history", AUDIT, ""),
    ("GET", "/api/v1/audit/accounts/{account}/history", AUDIT, ""),
    ("GET", "/api/v1/audit/security-events", AUDIT, ""),
    ("GET", "/health", PUBLIC, ""),
    ("GET", "/ready", PUBLIC, ""),
];
