//! Everything on one machine: servers, simulated providers, the service, demo logins. `polikrami dev`, the demo
//! and the tests start the same one.

mod providers;
mod seed;

use crate::config::value::SecretText;
use crate::config::{Problem, Settings, SmtpSecurity, Source};
use crate::dev::{DevError, Endpoints, LocalServers, Progress, Which};
use crate::wiring::{Options, Service, StartError};
use providers::Providers;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use url::Url;

const DATABASE: &str = "polikrami";
/// Tried first, so that the address in the documentation usually holds.
const PORT_FIRST: u16 = 8080;

/// What of the stack is somebody else's: each address given replaces an embedded part.
#[derive(Debug, Clone, Default)]
pub struct External {
    pub database_url: Option<String>,
    pub nats_url: Option<String>,
    pub smtp_host: Option<String>,
    pub smtp_port: Option<u16>,
    pub smtp_security: Option<SmtpSecurity>,
    pub smtp_user: Option<String>,
    pub smtp_pass: Option<String>,
    pub iyzico_base_url: Option<Url>,
    pub iyzico_api_key: Option<String>,
    pub iyzico_secret_key: Option<String>,
    pub stability_base_url: Option<Url>,
    pub stability_api_key: Option<String>,
    pub twilio_base_url: Option<Url>,
    pub twilio_account_sid: Option<String>,
    pub twilio_auth_token: Option<String>,
    pub twilio_from: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum StackError {
    #[error(transparent)]
    Dev(#[from] DevError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("a simulated provider could not be started")]
    Simulator(#[source] std::io::Error),
    #[error("the settings of this stack cannot be used: {0:?}")]
    Settings(Vec<Problem>),
    #[error("the address {0} cannot be used")]
    Address(String),
    #[error("the demo logins could not be made")]
    Seed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What tests change before the service starts.
pub type Adjust<'a> = &'a (dyn Fn(&mut Options) + Send + Sync);

pub struct Stack {
    pub servers: LocalServers,
    pub providers: Providers,
    pub service: Option<Service>,
    pub endpoints: Endpoints,
    options: Options,
}

impl Stack {
    /// Starts all of it below `state`; the data of an earlier start is used again.
    pub async fn start(
        state: &Path,
        external: &External,
        port: Option<u16>,
        adjust: Adjust<'_>,
        progress: Progress,
    ) -> Result<Self, StackError> {
        let which = Which {
            postgres: external.database_url.is_none(),
            nats: external.nats_url.is_none(),
            ..Which::default()
        };
        let servers = LocalServers::start(state, which, progress.clone()).await?;
        Self::on(servers, state, external, port, adjust, progress).await
    }

    /// The same on servers that run already.
    pub async fn on(
        servers: LocalServers,
        state: &Path,
        external: &External,
        port: Option<u16>,
        adjust: Adjust<'_>,
        progress: Progress,
    ) -> Result<Self, StackError> {
        let database_url = match (&external.database_url, &servers.postgres) {
            (Some(url), _) => url.clone(),
            (None, Some(postgres)) => {
                postgres.ensure_database(DATABASE).await?;
                postgres.url(DATABASE)
            }
            (None, None) => return Err(StackError::Address("DATABASE_URL".into())),
        };
        let nats_url = match (&external.nats_url, &servers.nats) {
            (Some(url), _) => url.clone(),
            (None, Some(nats)) => nats.url(),
            (None, None) => return Err(StackError::Address("NATS_URL".into())),
        };
        progress("starting the simulated providers");
        let providers = Providers::start(state, external).await.map_err(StackError::Simulator)?;
        let listen = listen_address(port).await?;
        let mut settings = settings(state, &database_url, &nats_url, &providers, listen)?;
        if external.smtp_host.is_some() {
            // A real mail server is spoken to as in production, unless it is said otherwise.
            settings.mail.security = external.smtp_security.unwrap_or(SmtpSecurity::Tls);
            settings.mail.user.clone_from(&external.smtp_user);
            settings.mail.pass = external.smtp_pass.clone().map(SecretText::new);
        }
        let mut options = Options::new(settings);
        adjust(&mut options);
        progress("starting the service");
        let service = Service::start(options.clone()).await?;
        let logins = seed::run(&service).await.map_err(StackError::Seed)?;
        let endpoints = Endpoints {
            api: format!("http://{}", service.api.unwrap_or(listen)),
            admin: format!("http://{}", service.admin),
            iyzico: trimmed(&providers.iyzico_url),
            stability: trimmed(&providers.stability_url),
            twilio: trimmed(&providers.twilio_url),
            mailbox: providers.mailbox_url.clone(),
            smtp: format!("{}:{}", providers.smtp_host, providers.smtp_port),
            database_url,
            nats_url,
            iyzico_api_key: providers.iyzico_api_key.clone(),
            iyzico_secret_key: providers.iyzico_secret_key.clone(),
            stability_api_key: providers.stability_api_key.clone(),
            logins,
        };
        Ok(Self { servers, providers, service: Some(service), endpoints, options })
    }

    /// What the service was started with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What it is started with next time.
    pub fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    /// Stops the service alone; the world around it goes on.
    pub async fn stop_service(&mut self) {
        if let Some(service) = self.service.take() {
            service.stop().await;
        }
    }

    /// Starts the service again at the same address.
    pub async fn start_service(&mut self) -> Result<(), StackError> {
        self.service = Some(Service::start(self.options.clone()).await?);
        Ok(())
    }

    pub async fn stop(mut self) -> Result<(), StackError> {
        self.stop_service().await;
        self.providers.stop().await;
        self.servers.stop().await?;
        Ok(())
    }
}

/// The port that was asked for, else the usual one, else any.
async fn listen_address(port: Option<u16>) -> Result<SocketAddr, StackError> {
    let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let wanted = port.unwrap_or(PORT_FIRST);
    let free = tokio::net::TcpListener::bind(address(wanted)).await;
    match (free, port) {
        (Ok(listener), _) => listener.local_addr().map_err(|_| StackError::Address(wanted.to_string())),
        (Err(_), Some(port)) => Err(StackError::Address(format!("127.0.0.1:{port} (in use)"))),
        (Err(_), None) => {
            let any = tokio::net::TcpListener::bind(address(0)).await;
            let any = any.and_then(|listener| listener.local_addr());
            any.map_err(|_| StackError::Address("127.0.0.1".into()))
        }
    }
}

fn settings(
    state: &Path,
    database_url: &str,
    nats_url: &str,
    providers: &Providers,
    listen: SocketAddr,
) -> Result<Settings, StackError> {
    let (base, files) = (format!("http://{listen}"), state.join("files"));
    let source = Source::of([
        ("POLIKRAMI_ENV", "development"),
        ("DATABASE_URL", database_url),
        ("NATS_URL", nats_url),
        ("HOST", &listen.ip().to_string()),
        ("PORT", &listen.port().to_string()),
        ("APP_URL", &base),
        ("SHOP_URL", &base),
        ("ALLOWED_ORIGINS", "http://127.0.0.1:3000,http://localhost:3000"),
        ("COOKIE_SECURE", "false"),
        ("JWT_ACCESS_SECRET", "development only: access tokens are signed with this"),
        ("JWT_REFRESH_SECRET", "development only: refresh tokens are made with this"),
        ("SERVER_SECRET", "development only: links and look-ups are keyed with this"),
        ("IYZICO_BASE_URL", providers.iyzico_url.as_str()),
        ("IYZICO_API_KEY", &providers.iyzico_api_key),
        ("IYZICO_SECRET_KEY", &providers.iyzico_secret_key),
        ("STABILITY_BASE_URL", providers.stability_url.as_str()),
        ("STABILITY_API_KEY", &providers.stability_api_key),
        ("SMS_PROVIDER", "twilio"),
        ("TWILIO_BASE_URL", providers.twilio_url.as_str()),
        ("TWILIO_ACCOUNT_SID", &providers.twilio_account_sid),
        ("TWILIO_AUTH_TOKEN", &providers.twilio_auth_token),
        ("TWILIO_FROM", &providers.twilio_from),
        ("SMTP_HOST", &providers.smtp_host),
        ("SMTP_PORT", &providers.smtp_port.to_string()),
        ("SMTP_SECURITY", if providers.mailbox.is_some() { "plain-loopback" } else { "tls" }),
        ("UPLOAD_PUBLIC_DIR", &files.join("public").display().to_string()),
        ("UPLOAD_PRIVATE_DIR", &files.join("private").display().to_string()),
        ("PAYMENT_CHECK_AFTER", "20s"),
    ]);
    Settings::read(&source).map_err(StackError::Settings)
}

/// An address that a path can be appended to.
fn trimmed(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}
