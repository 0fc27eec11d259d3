//! What settings must be together, and what production refuses.

use super::groups::Environment;
use super::schema::{Problem, Setting};
use super::value::SecretText;
use super::{GROUPS, Settings, SmsProvider, SmtpSecurity};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;
use url::Url;

const SECRET_CHARS_MIN: usize = 32;
/// A secret with fewer different characters was typed, not drawn.
const SECRET_VARIETY_MIN: usize = 10;
/// What stands in secrets that are not: ours for development, and what people leave behind.
const TELLTALES: [&str; 8] =
    ["development", "demo", "change", "example", "secret", "password", "sandbox", "placeholder"];

/// An access token cannot be taken back.
const ACCESS_LIFE_MAX: Duration = Duration::from_hours(24);

impl Settings {
    /// What is wrong although each setting is right by itself.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Problems(Vec::new());
        self.together(&mut problems);
        if self.server.environment == Environment::Production {
            self.in_production(&mut problems);
        }
        problems.0
    }

    fn keys(&self) -> [(&'static str, &SecretText); 3] {
        let sessions = &self.sessions;
        [
            ("JWT_ACCESS_SECRET", &sessions.access_secret),
            ("JWT_REFRESH_SECRET", &sessions.refresh_secret),
            ("SERVER_SECRET", &sessions.server_secret),
        ]
    }

    fn together(&self, problems: &mut Problems) {
        let keys = self.keys();
        for (index, (name, key)) in keys.iter().enumerate() {
            if key.expose().chars().count() < SECRET_CHARS_MIN {
                problems.add(name, format!("has fewer than {SECRET_CHARS_MIN} characters"));
            }
            if let Some((other, _)) = keys.iter().take(index).find(|(_, other)| other == key) {
                problems.add(name, format!("is the same as {other}"));
            }
        }
        let mail = &self.mail;
        if mail.user.is_some() != mail.pass.is_some() {
            problems.add("SMTP_USER", "and SMTP_PASS go together; set both or none");
        }
        if mail.security == SmtpSecurity::PlainLoopback && !is_loopback(&mail.host) {
            problems.add("SMTP_SECURITY", "is `plain-loopback`, but SMTP_HOST is not this machine");
        }
        if self.texts.provider == SmsProvider::Twilio {
            self.twilio(problems);
        }
    }

    fn twilio(&self, problems: &mut Problems) {
        let texts = &self.texts;
        let given = [
            ("TWILIO_ACCOUNT_SID", texts.twilio_account_sid.is_some()),
            ("TWILIO_AUTH_TOKEN", texts.twilio_auth_token.is_some()),
            ("TWILIO_FROM", texts.twilio_from.is_some()),
        ];
        for (name, _) in given.iter().filter(|(_, given)| !given) {
            problems.add(name, "is not set, and SMS_PROVIDER is `twilio`");
        }
        if texts.twilio_account_sid.as_deref().is_some_and(|sid| !is_account_sid(sid)) {
            problems.add("TWILIO_ACCOUNT_SID", "is not `AC` and 32 hexadecimal digits");
        }
    }

    fn in_production(&self, problems: &mut Problems) {
        let (sessions, payments) = (&self.sessions, &self.payments);
        for (name, key) in self.keys() {
            problems.weak(name, key);
        }
        for (name, key) in
            [("IYZICO_API_KEY", &payments.iyzico_api_key), ("IYZICO_SECRET_KEY", &payments.iyzico_secret_key)]
        {
            if key.expose().starts_with("sandbox-") {
                problems.add(name, "belongs to the provider's sandbox, and POLIKRAMI_ENV is `production`");
            }
        }
        if !sessions.cookie_secure {
            problems.add(
                "COOKIE_SECURE",
                "is `false`, and POLIKRAMI_ENV is `production`: logins would cross the network readable",
            );
        }
        if sessions.access_life.0 > ACCESS_LIFE_MAX {
            problems.add(
                "ACCESS_EXPIRES_IN",
                "is more than a day: so long a role that was taken away, or a device that was logged out, would go on",
            );
        }
        if self.server.trusted_proxies.0 == 0 {
            problems.add(
                "TRUSTED_PROXIES",
                "is 0, but in production a proxy ends TLS: all clients would look like one",
            );
        }
        if self.mail.from.0.address.as_str().ends_with("@polikrami.example") {
            problems.add("EMAIL_FROM", "is a placeholder that nobody can answer");
        }
        self.over_tls(problems);
    }

    fn over_tls(&self, problems: &mut Problems) {
        if plain_on_purpose(self.servers.database.expose()) {
            problems
                .add("DATABASE_URL", "has `sslmode=disable` or `allow`, and the server is another machine");
        }
        let urls = [
            ("APP_URL", &self.server.app_url),
            ("SHOP_URL", &self.server.shop_url),
            ("IYZICO_BASE_URL", &self.payments.iyzico_base_url),
            ("STABILITY_BASE_URL", &self.files.stability_base_url),
            ("TWILIO_BASE_URL", &self.texts.twilio_base_url),
        ];
        for (name, url) in urls {
            if url.scheme() != "https" {
                problems.add(
                    name,
                    format!("is `{url}`, which is not protected by TLS; it must begin with https://"),
                );
            }
        }
        for origin in &self.sessions.allowed_origins.0 {
            if Url::parse(origin).is_ok_and(|url| url.scheme() != "https") {
                problems.add("ALLOWED_ORIGINS", format!("has `{origin}`, which is not protected by TLS"));
            }
        }
    }
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, name: &str, wrong: impl Into<String>) {
        let example = setting(name).map_or("", |setting| setting.example);
        self.0.push(Problem { name: name.into(), wrong: wrong.into(), example: example.into() });
    }

    fn weak(&mut self, name: &str, key: &SecretText) {
        let text = key.expose().to_lowercase();
        let variety = text.chars().collect::<std::collections::BTreeSet<_>>().len();
        if TELLTALES.iter().any(|word| text.contains(word)) {
            self.add(name, "is made for development or an example");
        } else if variety < SECRET_VARIETY_MIN && text.chars().count() >= SECRET_CHARS_MIN {
            self.add(name, format!("has only {variety} different characters"));
        }
    }
}

/// The connection to another machine is said to need no protection.
fn plain_on_purpose(database: &str) -> bool {
    PgConnectOptions::from_str(database).is_ok_and(|options| {
        let host = options.get_host().trim_matches(['[', ']']);
        let here = options.get_socket().is_some() || host.starts_with('/') || is_loopback(host);
        !here && matches!(options.get_ssl_mode(), PgSslMode::Disable | PgSslMode::Allow)
    })
}

/// Whether a host's name or address is that of this machine.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// It becomes a part of an address.
fn is_account_sid(sid: &str) -> bool {
    sid.len() == 34
        && sid.strip_prefix("AC").is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn setting(name: &str) -> Option<&'static Setting> {
    GROUPS.iter().flat_map(|group| group.settings).find(|setting| setting.name == name)
}
