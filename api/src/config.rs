//! What the edge is told at start. `app` reads the environment and fills this in; nothing here has a secret default.

use crate::Secret;
use crate::limits::Rules;
use std::time::Duration;
use url::Url;

/// Everything that handlers and middleware are told from outside.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Where this API is reached from outside; its own origin is always allowed.
    pub public_url: Url,
    /// The shop's frontend; browsers are sent back there.
    pub shop_url: Url,
    /// Further origins that may call with credentials, exactly as browsers send them.
    pub allowed_origins: Vec<String>,
    pub cookies: CookieSettings,
    pub tokens: TokenSettings,
    pub passwords: HashingSettings,
    /// Keys e-mail claims and mailed links; changing it locks everybody out.
    pub server_secret: Secret,
    /// Checks the signature of the payment provider's webhooks.
    pub iyzico_secret: Secret,
    /// How long a verification link is good.
    pub verification_life: Duration,
    /// How long a mailed link or code for a new password is good.
    pub reset_life: Duration,
    /// How long a code for a phone number is good.
    pub phone_life: Duration,
    /// Whether somebody sends text messages.
    pub texts: bool,
    pub limits: Limits,
    pub rules: Rules,
    /// Proxies in front, whose words about the client's address are believed.
    pub trusted_proxies: usize,
}

#[derive(Clone, Debug, Default)]
pub struct CookieSettings {
    /// Also switches on HSTS and `upgrade-insecure-requests`.
    pub secure: bool,
    pub domain: Option<String>,
}

#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// Derives the successor of a refresh token.
    pub refresh_secret: Secret,
    pub access_life: Duration,
    /// Also the longest life of a session without any refresh.
    pub refresh_life: Duration,
    pub issuer: String,
}

/// Argon2id; the defaults are the contract's. Only tests take cheaper ones.
#[derive(Clone, Copy, Debug)]
pub struct HashingSettings {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
    /// Hashes computed at once; each holds `memory_kib`.
    pub at_once_max: usize,
}

impl Default for HashingSettings {
    fn default() -> Self {
        Self { memory_kib: 65_536, passes: 3, lanes: 2, at_once_max: 4 }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub body_bytes_max: usize,
    /// From the last byte of a request's body to its answer.
    pub request_time_max: Duration,
    /// From a request's head to the last byte of its body, beside the time that `body_rate_min` allows.
    pub body_time_max: Duration,
    /// Bytes a second. A body that comes at this pace is never too late.
    pub body_rate_min: u32,
    /// Longest wait of a query for `min_position`.
    pub visibility_wait_max: Duration,
    /// Longest wait of a payment start for the provider's page.
    pub checkout_wait_max: Duration,
    /// Addresses that an account can save.
    pub addresses_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 2 * 1024 * 1024,
            request_time_max: Duration::from_secs(30),
            body_time_max: Duration::from_secs(10),
            body_rate_min: 32 * 1024,
            visibility_wait_max: Duration::from_secs(5),
            checkout_wait_max: Duration::from_secs(10),
            addresses_max: 10,
        }
    }
}

impl TokenSettings {
    /// The contract's lives: 15 minutes and 30 days.
    pub fn new(refresh_secret: Secret) -> Self {
        Self {
            refresh_secret,
            access_life: Duration::from_mins(15),
            refresh_life: Duration::from_hours(30 * 24),
            issuer: "polikrami".to_owned(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// For unit tests: insecure on purpose, and cheap.
    pub fn config() -> ApiConfig {
        ApiConfig {
            public_url: "http://localhost:3000".parse().unwrap(),
            shop_url: "http://localhost:5173".parse().unwrap(),
            allowed_origins: vec!["http://localhost:5173".to_owned()],
            cookies: CookieSettings::default(),
            tokens: TokenSettings::new(Secret::new(*b"a refresh secret for tests only!")),
            passwords: HashingSettings { memory_kib: 64, passes: 1, lanes: 1, at_once_max: 2 },
            server_secret: Secret::new(*b"a server secret for tests only!!"),
            iyzico_secret: Secret::new(*b"sandbox-test-secret"),
            verification_life: Duration::from_hours(1),
            reset_life: Duration::from_mins(10),
            phone_life: Duration::from_mins(10),
            texts: true,
            limits: Limits::default(),
            rules: Rules::default(),
            trusted_proxies: 0,
        }
    }
}
