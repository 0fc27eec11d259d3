//! Every setting, read once at start. The only place of the service that reads the environment.

use clap::{Args, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use url::Url;

/// Settings of `polikrami serve`. Each has a flag and an environment variable; flags win.
#[derive(Args, Debug, Clone)]
pub struct Settings {
    /// PostgreSQL that holds the journal.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// NATS with JetStream, for the reactions to events.
    #[arg(long, env = "NATS_URL", hide_env_values = true)]
    pub nats_url: String,
    /// Address of the API.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Address of the operators' port (`/health`, `/status`); keep it private.
    #[arg(long, env = "ADMIN_LISTEN", default_value = "127.0.0.1:0")]
    pub admin_listen: SocketAddr,
    /// Where browsers reach the API.
    #[arg(long, env = "PUBLIC_URL", default_value = "http://127.0.0.1:8080")]
    pub public_url: Url,
    /// Where browsers reach the shop's pages.
    #[arg(long, env = "SHOP_URL", default_value = "http://127.0.0.1:3000")]
    pub shop_url: Url,
    /// Origins whose scripts may call the API with cookies, comma separated.
    #[arg(long, env = "ALLOWED_ORIGINS", value_delimiter = ',', default_value = "http://127.0.0.1:3000")]
    pub allowed_origins: Vec<String>,
    /// Send cookies over HTTPS only.
    #[arg(long, env = "COOKIE_SECURE", default_value_t = true, action = clap::ArgAction::Set)]
    pub cookie_secure: bool,
    #[arg(long, env = "COOKIE_DOMAIN")]
    pub cookie_domain: Option<String>,
    /// Signs access tokens; at least 32 characters.
    #[arg(long, env = "JWT_ACCESS_SECRET", hide_env_values = true)]
    pub jwt_access_secret: String,
    /// Key of verification links, refresh tokens and e-mail look-ups; at least 32 characters.
    #[arg(long, env = "SERVER_SECRET", hide_env_values = true)]
    pub server_secret: String,
    /// Life of an access token, in seconds.
    #[arg(long, env = "ACCESS_EXPIRES_IN", default_value_t = 900)]
    pub access_expires_in: u64,
    /// Life of a session without use, in seconds.
    #[arg(long, env = "REFRESH_EXPIRES_IN", default_value_t = 2_592_000)]
    pub refresh_expires_in: u64,
    #[arg(long, env = "IYZICO_BASE_URL", default_value = "https://api.iyzipay.com")]
    pub iyzico_base_url: Url,
    #[arg(long, env = "IYZICO_API_KEY", hide_env_values = true)]
    pub iyzico_api_key: String,
    #[arg(long, env = "IYZICO_SECRET_KEY", hide_env_values = true)]
    pub iyzico_secret_key: String,
    #[arg(long, env = "STABILITY_BASE_URL", default_value = "https://api.stability.ai")]
    pub stability_base_url: Url,
    #[arg(long, env = "STABILITY_API_KEY", hide_env_values = true)]
    pub stability_api_key: String,
    #[arg(long, env = "SMTP_HOST", default_value = "127.0.0.1")]
    pub smtp_host: String,
    #[arg(long, env = "SMTP_PORT", default_value_t = 465)]
    pub smtp_port: u16,
    #[arg(long, env = "SMTP_SECURITY", value_enum, default_value_t = SmtpSecurity::Tls)]
    pub smtp_security: SmtpSecurity,
    #[arg(long, env = "SMTP_USER")]
    pub smtp_user: Option<String>,
    #[arg(long, env = "SMTP_PASS", hide_env_values = true)]
    pub smtp_pass: Option<String>,
    #[arg(long, env = "EMAIL_FROM", default_value = "Polikrami Kapak <no-reply@polikrami.example>")]
    pub email_from: String,
    /// Watermarked pictures, served to everybody.
    #[arg(long, env = "UPLOAD_PUBLIC_DIR", default_value = "uploads")]
    pub upload_public_dir: PathBuf,
    /// Originals and invoices, served to their owners.
    #[arg(long, env = "UPLOAD_PRIVATE_DIR", default_value = "uploads-private")]
    pub upload_private_dir: PathBuf,
    /// Seconds after which the payment provider is asked although no callback came.
    #[arg(long, env = "PAYMENT_CHECK_AFTER", default_value_t = 60)]
    pub payment_check_after: u64,
}

/// How the connection to the mail server is protected.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS from the first byte (port 465).
    Tls,
    /// STARTTLS, required (port 587).
    Starttls,
    /// None; only towards this machine.
    PlainLoopback,
}

/// The work of one process. All of it by default; spread it with `--only`.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Answers HTTP.
    Api,
    /// Journal → JetStream.
    Relay,
    /// Reacts to events: payments, pictures, mail.
    Sagas,
    /// Keeps the read models.
    Projections,
    /// Fires what is due.
    Timers,
    /// Checks the hash of every event as it arrives.
    Seals,
}

impl Role {
    pub const ALL: [Self; 6] =
        [Self::Api, Self::Relay, Self::Sagas, Self::Projections, Self::Timers, Self::Seals];
}

const SECRET_CHARS_MIN: usize = 32;

impl Settings {
    /// Everything that is wrong, together; empty when the service may start.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, secret) in
            [("JWT_ACCESS_SECRET", &self.jwt_access_secret), ("SERVER_SECRET", &self.server_secret)]
        {
            if secret.chars().count() < SECRET_CHARS_MIN {
                problems.push(format!(
                    "{name} has fewer than {SECRET_CHARS_MIN} characters; make one with `openssl rand -hex 32`"
                ));
            }
        }
        if self.jwt_access_secret == self.server_secret {
            problems.push("JWT_ACCESS_SECRET and SERVER_SECRET must differ".into());
        }
        if self.smtp_user.is_some() != self.smtp_pass.is_some() {
            problems.push("SMTP_USER and SMTP_PASS go together; set both or none".into());
        }
        for origin in &self.allowed_origins {
            let parsed = Url::parse(origin);
            if !parsed.is_ok_and(|url| url.origin().ascii_serialization() == *origin) {
                problems
                    .push(format!("ALLOWED_ORIGINS: `{origin}` is no origin; write `https://shop.example`"));
            }
        }
        problems
    }
}
