//! Makes the parts of the service from the settings.

use super::Options;
use crate::config::value::SecretText;
use crate::config::{Settings, SmsProvider, SmtpSecurity};
use api::auth::Keyring;
use api::auth::keyring::KeyringError;
use api::config::{CookieSettings, Limits, TokenSettings};
use api::limits::{Rule, Rules};
use api::state::{Parts, Readiness, ReadyCheck, StateError};
use api::wait::Visibility;
use api::{ApiConfig, AppState, Chance, Secret};
use futures::FutureExt;
use journal::{Commands, read};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use sagas::effects::{self, Effects};
use sagas::integrations::CallError;
use sagas::integrations::images::rendition::Renderer;
use sagas::integrations::images::stability::{Stability, StabilityConfig};
use sagas::integrations::mail::smtp::{Mailer, Security, SmtpConfig, SmtpCredentials};
use sagas::integrations::payment::iyzico::{Iyzico, IyzicoConfig};
use sagas::integrations::sms::twilio::{Twilio, TwilioConfig};
use sagas::integrations::storage::{Storage, StorageError};
use sqlx::PgPool;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Generous: a time-out after the provider acted is dearer than a wait.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(90);
/// RFC 5321 asks for patience after the final dot; a short wait there makes doubles.
const MAIL_DEADLINE: Duration = Duration::from_secs(150);

#[derive(Debug, thiserror::Error)]
pub enum PartsError {
    #[error("the folder {folder} cannot be used")]
    Folder {
        folder: String,
        #[source]
        source: std::io::Error,
    },
    #[error("the folder {folder} is no object store")]
    Store {
        folder: String,
        #[source]
        source: object_store::Error,
    },
    #[error("the file store cannot be opened")]
    Storage(#[from] StorageError),
    #[error("a provider's client cannot be made from its settings")]
    Provider(#[from] CallError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the keys of access tokens cannot be used")]
    Keyring(#[from] KeyringError),
    #[error("APP_URL cannot be extended by a path")]
    Url(#[from] url::ParseError),
}

pub(super) fn access_secret(options: &Options) -> Secret {
    secret(&options.settings.sessions.access_secret)
}

pub(super) async fn keyring(options: &Options, pool: &PgPool) -> Result<Keyring, PartsError> {
    Ok(Keyring::open(pool, &access_secret(options), &options.clock, Chance).await?)
}

fn minutes(minutes: u32) -> Duration {
    Duration::from_mins(minutes.into())
}

pub(super) fn api_state(
    options: &Options,
    pool: &PgPool,
    commands: &Commands,
    keyring: Keyring,
    moved: watch::Receiver<i64>,
) -> Result<AppState, PartsError> {
    let settings = &options.settings;
    let limits = Limits { addresses_max: settings.limits.user_addresses.0, ..Limits::default() };
    let sessions = &settings.sessions;
    let verification_life = minutes(sessions.verification_minutes.0);
    let (reset_life, phone_life) = (minutes(sessions.reset_minutes.0), minutes(sessions.phone_minutes.0));
    let rules = settings.limits.rules();
    let config = ApiConfig {
        public_url: settings.server.app_url.clone(),
        shop_url: settings.server.shop_url.clone(),
        allowed_origins: settings.sessions.allowed_origins.0.clone(),
        cookies: CookieSettings {
            secure: settings.sessions.cookie_secure,
            domain: settings.sessions.cookie_domain.clone(),
        },
        tokens: TokenSettings {
            access_life: settings.sessions.access_life.0,
            refresh_life: settings.sessions.refresh_life.0,
            ..TokenSettings::new(secret(&settings.sessions.refresh_secret))
        },
        passwords: options.passwords,
        server_secret: secret(&settings.sessions.server_secret),
        iyzico_secret: secret(&settings.payments.iyzico_secret_key),
        verification_life,
        reset_life,
        phone_life,
        texts: settings.texts.provider != SmsProvider::None,
        limits,
        rules: Rules {
            // An owner always has a link that is good.
            mails: Rule { window: rules.mails.window.min(verification_life), ..rules.mails },
            reset_mails: Rule { window: reset_life, ..rules.reset_mails },
            phone_code: Rule { window: phone_life, ..rules.phone_code },
            ..rules
        },
        trusted_proxies: settings.server.trusted_proxies.0 as usize,
    };
    let ready = Readiness::new(vec![("database".into(), database_check(pool.clone()))]);
    Ok(AppState::new(Parts {
        config,
        keyring,
        pool: pool.clone(),
        commands: commands.clone(),
        visibility: Visibility::new(pool.clone(), limits.visibility_wait_max).woken_by(moved),
        readiness: ready,
        public_files: folder(&settings.files.public_dir)?,
        private_files: folder(&settings.files.private_dir)?,
    })?)
}

pub(super) fn effects(options: &Options, pool: &PgPool, commands: &Commands) -> Result<Effects, PartsError> {
    let settings = &options.settings;
    let payments = Iyzico::new(IyzicoConfig {
        base_url: settings.payments.iyzico_base_url.clone(),
        api_key: settings.payments.iyzico_api_key.expose().to_owned(),
        secret_key: settings.payments.iyzico_secret_key.expose().to_owned(),
        timeout: options.provider_timeout,
    })?;
    let images = Stability::new(StabilityConfig {
        base_url: settings.files.stability_base_url.clone(),
        api_key: settings.files.stability_api_key.expose().to_owned(),
        timeout: options.provider_timeout,
        client_id: "polikrami-cover".into(),
    })?;
    let mailer = mailer(settings, options.mail_deadline)?;
    let mail_domain = settings.server.app_url.host_str().unwrap_or("localhost").to_owned();
    Ok(Effects {
        commands: commands.clone(),
        pool: pool.clone(),
        clock: options.clock.clone(),
        payments,
        images,
        renderer: Renderer::per_core(),
        storage: Storage::local(&settings.files.private_dir, &settings.files.public_dir)?,
        mailer,
        texts: texts(options)?,
        settings: effects::Settings {
            callback_url: settings.server.app_url.join("/api/v1/payments/callback")?,
            public_url: settings.server.app_url.clone(),
            shop_url: settings.server.shop_url.clone(),
            secret: settings.sessions.server_secret.expose().as_bytes().to_vec(),
            mail_domain,
        },
    })
}

impl Options {
    pub(super) const PROVIDER_TIMEOUT: Duration = PROVIDER_TIMEOUT;
    pub(super) const MAIL_DEADLINE: Duration = MAIL_DEADLINE;
}

fn secret(text: &SecretText) -> Secret {
    Secret::new(text.expose())
}

fn mailer(settings: &Settings, deadline: Duration) -> Result<Mailer, PartsError> {
    let credentials = settings.mail.user.clone().zip(settings.mail.pass.clone());
    Ok(Mailer::new(SmtpConfig {
        host: settings.mail.host.clone(),
        port: settings.mail.port,
        security: match settings.mail.security {
            SmtpSecurity::Tls => Security::Tls,
            SmtpSecurity::Starttls => Security::StartTls,
            SmtpSecurity::PlainLoopback => Security::PlainLoopbackOnly,
        },
        credentials: credentials
            .map(|(user, password)| SmtpCredentials { user, password: password.expose().to_owned() }),
        extra_root_pem: None,
        from: settings.mail.from.0.clone(),
        ehlo: settings.server.app_url.host_str().unwrap_or("localhost").to_owned(),
        deadline,
    })?)
}

/// Which settings go together, their rules have said.
fn texts(options: &Options) -> Result<Option<Twilio>, PartsError> {
    let settings = &options.settings.texts;
    let login = settings.twilio_account_sid.clone().zip(settings.twilio_auth_token.clone());
    let (SmsProvider::Twilio, Some((account_sid, token)), Some(from)) =
        (settings.provider, login, settings.twilio_from.clone())
    else {
        return Ok(None);
    };
    Ok(Some(Twilio::new(TwilioConfig {
        base_url: settings.twilio_base_url.clone(),
        account_sid,
        auth_token: token.expose().to_owned(),
        from,
        timeout: options.provider_timeout,
    })?))
}

/// Keeps trying: without NATS the service answers, and its reactions wait.
pub(super) async fn nats(url: &str) -> Result<async_nats::Client, async_nats::ConnectError> {
    async_nats::ConnectOptions::new().retry_on_initial_connect().name("polikrami").connect(url).await
}

fn folder(path: &Path) -> Result<Arc<dyn ObjectStore>, PartsError> {
    let name = || path.display().to_string();
    std::fs::create_dir_all(path).map_err(|source| PartsError::Folder { folder: name(), source })?;
    let store = LocalFileSystem::new_with_prefix(path)
        .map_err(|source| PartsError::Store { folder: name(), source })?;
    // What is answered as stored must be on the disk.
    Ok(Arc::new(store.with_fsync(true)))
}

fn database_check(pool: PgPool) -> ReadyCheck {
    Arc::new(move || {
        let pool = pool.clone();
        async move { read::head(&pool).await.map(|_| ()).map_err(|_| "the journal does not answer".to_owned()) }
            .boxed()
    })
}
