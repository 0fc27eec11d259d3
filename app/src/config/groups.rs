//! Every setting of the service.

use super::schema::settings;
use super::value::{From, NATS, Origins, POSTGRES, SecretText, ServerUrl, Span, Whole, words};
use api::limits::{Rule, Rules};
use journal::tables::addresses::ADDRESSES_MAX;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// Where the service is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    Development,
    Production,
}
words!(Environment: "development" => Development, "production" => Production);

/// Who takes the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentProvider {
    Iyzico,
}
words!(PaymentProvider: "iyzico" => Iyzico);

/// Who sends text messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsProvider {
    Twilio,
    /// Nobody: phone numbers cannot be proven.
    None,
}
words!(SmsProvider: "twilio" => Twilio, "none" => None);

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS from the first byte (port 465).
    Tls,
    /// STARTTLS, required (port 587).
    Starttls,
    /// None; only towards this machine.
    PlainLoopback,
}
words!(SmtpSecurity: "tls" => Tls, "starttls" => Starttls, "plain-loopback" => PlainLoopback);

settings! {
    /// What the process listens to, and how it is reached.
    Server, "The service";
    /// Where the service is used. In production it refuses settings that are safe on a developer's machine only.
    environment: Environment = "POLIKRAMI_ENV", "production", "production";
    /// Address that the API listens on.
    host: IpAddr = "HOST", "127.0.0.1", "0.0.0.0";
    /// Port of the API; 0 takes a free one and logs it.
    port: u16 = "PORT", "3000", "3000";
    /// Address of the operators' port; keep it private. Port 0 takes a free one and logs it.
    admin_listen: SocketAddr = "ADMIN_LISTEN", "127.0.0.1:0", "127.0.0.1:9090";
    /// Where browsers reach the API: links in mails and the payment provider's way back begin with it.
    app_url: Url = "APP_URL", "http://localhost:3000", "https://api.shop.example";
    /// Where browsers reach the shop's pages; buyers are sent there after they paid.
    shop_url: Url = "SHOP_URL", "http://localhost:8080", "https://shop.example";
    /// Connections that callers may hold at once; beyond, the one that has been idle for longest is closed. Each needs a file descriptor.
    connections_max: Whole<16, 100_000> = "HTTP_CONNECTIONS_MAX", "4096", "4096";
    /// Proxies in front of the service. The client's address is so many entries from the end of `X-Forwarded-For`; with 0 that header is not believed at all.
    trusted_proxies: Whole<0, 10> = "TRUSTED_PROXIES", "0", "1";
}

settings! {
    /// Servers that the service stands on.
    Servers, "Database and queue";
    /// PostgreSQL that holds the journal; reached directly, not through a transaction pooler.
    [secret] database: ServerUrl<POSTGRES> = "DATABASE_URL", required, "postgres://polikrami:PASSWORD@127.0.0.1:5432/polikrami";
    /// NATS with JetStream, for the reactions to events.
    [secret] nats: ServerUrl<NATS> = "NATS_URL", required, "nats://127.0.0.1:4222";
}

settings! {
    /// Secrets, tokens, cookies, and who may call with them.
    Sessions, "Sessions";
    /// Protects the keys that sign access tokens; at least 32 characters. Another one voids all access tokens; to change the keys alone: `polikrami keys rotate`.
    [secret] access_secret: SecretText = "JWT_ACCESS_SECRET", required, "<output of openssl rand -hex 32>";
    /// Makes refresh tokens; at least 32 characters. Another one ends the sessions that are being refreshed at that moment.
    [secret] refresh_secret: SecretText = "JWT_REFRESH_SECRET", required, "<another output of openssl rand -hex 32>";
    /// Key of e-mail look-ups, mailed links and codes; at least 32 characters. Keep it with the backups: under another one no account is found by its address.
    [secret] server_secret: SecretText = "SERVER_SECRET", required, "<a third output of openssl rand -hex 32>";
    /// Life of an access token.
    access_life: Span = "ACCESS_EXPIRES_IN", "900s", "15m";
    /// Life of a session without use.
    refresh_life: Span = "REFRESH_EXPIRES_IN", "30d", "30d";
    /// Minutes that a mailed verification link is good.
    verification_minutes: Whole<5, 10_080> = "EMAIL_VERIFY_CODE_EXPIRE_MINUTES", "60", "60";
    /// Minutes that a mailed link or code for a new password is good.
    reset_minutes: Whole<5, 60> = "PASSWORD_RESET_CODE_EXPIRE_MINUTES", "10", "10";
    /// Minutes that a code for a phone number is good.
    phone_minutes: Whole<5, 60> = "PHONE_VERIFY_CODE_EXPIRE_MINUTES", "10", "10";
    /// Send cookies over HTTPS only.
    cookie_secure: bool = "COOKIE_SECURE", "true", "true";
    /// Domain of the cookies, if shop and API live on different hosts of it.
    cookie_domain: String = "COOKIE_DOMAIN", optional, "shop.example";
    /// Origins whose pages may call the API with cookies, comma separated.
    allowed_origins: Origins = "ALLOWED_ORIGINS", "http://localhost:5173,http://127.0.0.1:5173,http://localhost:8080,http://127.0.0.1:8080,http://localhost:3001,http://127.0.0.1:3001", "https://shop.example";
}

settings! {
    /// Pay.
    Payments, "Payments";
    /// Who takes the money.
    provider: PaymentProvider = "PAYMENT_PROVIDER", "iyzico", "iyzico";
    /// The provider's address; its sandbox has another one.
    iyzico_base_url: Url = "IYZICO_BASE_URL", "https://api.iyzipay.com", "https://sandbox-api.iyzipay.com";
    /// The merchant's key.
    [secret] iyzico_api_key: SecretText = "IYZICO_API_KEY", required, "<from the merchant panel>";
    /// The merchant's secret; signs and checks what is exchanged.
    [secret] iyzico_secret_key: SecretText = "IYZICO_SECRET_KEY", required, "<from the merchant panel>";
    /// Time after which the provider is asked although no callback came.
    check_after: Span = "PAYMENT_CHECK_AFTER", "60s", "60s";
}

settings! {
    /// Pictures and files.
    Files, "Pictures and files";
    /// The picture provider's address.
    stability_base_url: Url = "STABILITY_BASE_URL", "https://api.stability.ai", "https://api.stability.ai";
    /// The picture provider's key.
    [secret] stability_api_key: SecretText = "STABILITY_API_KEY", required, "<from the account page>";
    /// Folder of watermarked pictures, served to everybody.
    public_dir: PathBuf = "UPLOAD_PUBLIC_DIR", "uploads", "/var/lib/polikrami/public";
    /// Folder of originals and invoices, served to their owners.
    private_dir: PathBuf = "UPLOAD_PRIVATE_DIR", "uploads-private", "/var/lib/polikrami/private";
}

settings! {
    /// Mail.
    Mail, "Mail";
    /// The mail server.
    host: String = "SMTP_HOST", "127.0.0.1", "smtp.shop.example";
    /// Its port.
    port: u16 = "SMTP_PORT", "465", "465";
    /// How the connection is protected: `tls` from the first byte, `starttls` (required), or `plain-loopback` towards this machine. Certificates are always checked.
    security: SmtpSecurity = "SMTP_SECURITY", "tls", "starttls";
    /// Login at the mail server; together with `SMTP_PASS` or not at all.
    user: String = "SMTP_USER", optional, "polikrami";
    /// Password of that login.
    [secret] pass: SecretText = "SMTP_PASS", optional, "<password>";
    /// Sender of all mails.
    from: From = "EMAIL_FROM", "Polikrami Kapak <no-reply@polikrami.example>", "Polikrami Kapak <no-reply@shop.example>";
}

settings! {
    /// Text messages.
    Texts, "Text messages";
    /// Who sends them: `twilio`, or `none`; then phone numbers cannot be proven.
    provider: SmsProvider = "SMS_PROVIDER", "none", "twilio";
    /// The account at Twilio; required with `SMS_PROVIDER=twilio`, as are the next two.
    twilio_account_sid: String = "TWILIO_ACCOUNT_SID", optional, "AC00000000000000000000000000000000";
    /// Its token.
    [secret] twilio_auth_token: SecretText = "TWILIO_AUTH_TOKEN", optional, "<from the console>";
    /// Sender of all messages: a number of that account in international form, or a registered sender's name.
    twilio_from: String = "TWILIO_FROM", optional, "+15005550006";
    /// The provider's address.
    twilio_base_url: Url = "TWILIO_BASE_URL", "https://api.twilio.com", "https://api.twilio.com";
}

settings! {
    /// How often somebody may do something.
    Limits, "Limits";
    /// Requests of an account, or of an address where nobody is logged in, in `RATE_LIMIT_API_DURATION` seconds.
    api_points: Whole<20, 1_000_000> = "RATE_LIMIT_API_POINTS", "600", "600";
    /// Seconds.
    api_seconds: Whole<1, 86_400> = "RATE_LIMIT_API_DURATION", "60", "60";
    /// Requests below /auth from an address, in `RATE_LIMIT_GLOBAL_DURATION` seconds.
    global_points: Whole<1, 1_000_000> = "RATE_LIMIT_GLOBAL_POINTS", "60", "60";
    /// Seconds.
    global_seconds: Whole<1, 86_400> = "RATE_LIMIT_GLOBAL_DURATION", "60", "60";
    /// Verification mails that an address can be sent from one client.
    email_verification_points: Whole<1, 1_000_000> = "RATE_LIMIT_EMAIL_VERIFICATION_POINTS", "3", "3";
    /// Seconds.
    email_verification_seconds: Whole<1, 86_400> = "RATE_LIMIT_EMAIL_VERIFICATION_DURATION", "60", "60";
    /// Requests for a new password for one e-mail address from one client.
    password_reset_points: Whole<1, 1_000_000> = "RATE_LIMIT_PASSWORD_RESET_POINTS", "3", "3";
    /// Seconds.
    password_reset_seconds: Whole<1, 86_400> = "RATE_LIMIT_PASSWORD_RESET_DURATION", "60", "60";
    /// Codes for phone numbers that an account can ask for.
    phone_verification_points: Whole<1, 1_000_000> = "RATE_LIMIT_PHONE_VERIFICATION_POINTS", "5", "5";
    /// Seconds.
    phone_verification_seconds: Whole<1, 86_400> = "RATE_LIMIT_PHONE_VERIFICATION_DURATION", "60", "60";
    /// Mails that everybody together can have sent to an address in an hour (or in the life of a link, if that is shorter), but for resets.
    mails_points: Whole<1, 1_000_000> = "RATE_LIMIT_MAILS_POINTS", "10", "10";
    /// Requests for a new password in a day, for one e-mail address from one client.
    password_reset_day_points: Whole<1, 1_000_000> = "RATE_LIMIT_PASSWORD_RESET_DAY_POINTS", "10", "10";
    /// Mails with a reset that an address gets in the life of one.
    reset_mails_points: Whole<1, 1_000> = "RATE_LIMIT_RESET_MAILS_POINTS", "3", "3";
    /// Guesses at the short code of a reset in 30 days, for an e-mail address.
    reset_code_points: Whole<1, 100> = "RATE_LIMIT_RESET_CODE_POINTS", "10", "10";
    /// Codes for phone numbers that an account can ask for in a day; each is a message that is paid for.
    phone_day_points: Whole<1, 1_000_000> = "RATE_LIMIT_PHONE_DAY_POINTS", "20", "20";
    /// Codes that a number is sent in an hour, whoever asks.
    phone_number_points: Whole<1, 1_000_000> = "RATE_LIMIT_PHONE_NUMBER_POINTS", "5", "5";
    /// Codes that a number is sent in a day, whoever asks.
    phone_number_day_points: Whole<1, 1_000_000> = "RATE_LIMIT_PHONE_NUMBER_DAY_POINTS", "10", "10";
    /// Wrong codes of an account in the life of one.
    phone_code_points: Whole<1, 100> = "RATE_LIMIT_PHONE_CODE_POINTS", "5", "5";
    /// Guesses at codes of an account in a day, right or wrong.
    phone_code_day_points: Whole<1, 1_000> = "RATE_LIMIT_PHONE_CODE_DAY_POINTS", "20", "20";
    /// Guesses at the password of one who is logged in.
    password_change_points: Whole<1, 1_000> = "RATE_LIMIT_PASSWORD_CHANGE_POINTS", "5", "5";
    /// Seconds.
    password_change_seconds: Whole<1, 86_400> = "RATE_LIMIT_PASSWORD_CHANGE_DURATION", "600", "600";
    /// Pictures that an account can ask for.
    ai_account_points: Whole<1, 1_000_000> = "RATE_LIMIT_AI_ACCOUNT_POINTS", "30", "30";
    /// Seconds.
    ai_account_seconds: Whole<1, 86_400> = "RATE_LIMIT_AI_ACCOUNT_DURATION", "60", "60";
    /// Pictures that can be asked for on one draft.
    ai_draft_points: Whole<1, 1_000_000> = "RATE_LIMIT_AI_DRAFT_POINTS", "10", "10";
    /// Seconds.
    ai_draft_seconds: Whole<1, 86_400> = "RATE_LIMIT_AI_DRAFT_DURATION", "60", "60";
    /// Failed logins for one address from one client, until that client has to wait.
    login_failures: Whole<1, 1_000> = "MAX_FAILED_LOGIN_ATTEMPTS", "5", "5";
    /// Minutes in which they are counted.
    login_minutes: Whole<1, 1_440> = "LOGIN_LOCKOUT_WINDOW_MINUTES", "10", "10";
    /// Addresses that an account can save.
    user_addresses: Whole<1, ADDRESSES_MAX> = "MAX_USER_ADDRESSES", "10", "10";
}

impl Limits {
    pub fn rules(&self) -> Rules {
        let of = |rule: Rule, points: u32| Rule { points, ..rule };
        let over = |rule: Rule, points: u32, seconds: u32| Rule {
            points,
            window: Duration::from_secs(seconds.into()),
            ..rule
        };
        let rules = Rules::default();
        Rules {
            api: over(rules.api, self.api_points.0, self.api_seconds.0),
            auth: over(rules.auth, self.global_points.0, self.global_seconds.0),
            email_verification: over(
                rules.email_verification,
                self.email_verification_points.0,
                self.email_verification_seconds.0,
            ),
            mails: of(rules.mails, self.mails_points.0),
            password_reset: over(
                rules.password_reset,
                self.password_reset_points.0,
                self.password_reset_seconds.0,
            ),
            password_reset_day: of(rules.password_reset_day, self.password_reset_day_points.0),
            reset_mails: of(rules.reset_mails, self.reset_mails_points.0),
            reset_code: of(rules.reset_code, self.reset_code_points.0),
            phone_verification: over(
                rules.phone_verification,
                self.phone_verification_points.0,
                self.phone_verification_seconds.0,
            ),
            phone_day: of(rules.phone_day, self.phone_day_points.0),
            phone_number: of(rules.phone_number, self.phone_number_points.0),
            phone_number_day: of(rules.phone_number_day, self.phone_number_day_points.0),
            phone_code: of(rules.phone_code, self.phone_code_points.0),
            phone_code_day: of(rules.phone_code_day, self.phone_code_day_points.0),
            password_change: over(
                rules.password_change,
                self.password_change_points.0,
                self.password_change_seconds.0,
            ),
            ai_account: over(rules.ai_account, self.ai_account_points.0, self.ai_account_seconds.0),
            ai_draft: over(rules.ai_draft, self.ai_draft_points.0, self.ai_draft_seconds.0),
            login_failures: over(rules.login_failures, self.login_failures.0, self.login_minutes.0 * 60),
        }
    }
}
