//! The providers: simulated ones, or those that were named instead.

use super::External;
use simulators::iyzico::{self, IyzicoOptions, IyzicoSimulator};
use simulators::mailbox::{self, MailboxOptions, MailboxSimulator};
use simulators::stability::{self, StabilityOptions, StabilitySimulator};
use simulators::twilio::{self, TwilioOptions, TwilioSimulator};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use url::Url;

/// Keys of the simulators; they open nothing else.
const IYZICO_KEY: &str = "sandbox-demo-api-key";
const IYZICO_SECRET: &str = "sandbox-demo-secret-key";
const STABILITY_KEY: &str = "sk-demo-stability-key";
const TWILIO_SID: &str = "AC00000000000000000000000000000000";
const TWILIO_TOKEN: &str = "demo-twilio-token";
const TWILIO_FROM: &str = "+15005550006";
const CREDITS: f64 = 10_000.0;
const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

pub struct Providers {
    pub iyzico: Option<IyzicoSimulator>,
    pub stability: Option<StabilitySimulator>,
    pub twilio: Option<TwilioSimulator>,
    pub mailbox: Option<MailboxSimulator>,
    pub iyzico_url: Url,
    pub iyzico_api_key: String,
    pub iyzico_secret_key: String,
    pub stability_url: Url,
    pub stability_api_key: String,
    pub twilio_url: Url,
    pub twilio_account_sid: String,
    pub twilio_auth_token: String,
    pub twilio_from: String,
    /// The page with the mails; empty when a real mail server is used.
    pub mailbox_url: String,
    pub smtp_host: String,
    pub smtp_port: u16,
}

impl Providers {
    /// The books of the simulators lie below `state` and survive us, as those of real providers would.
    pub(super) async fn start(state: &Path, external: &External) -> io::Result<Self> {
        let books = state.join("simulators");
        std::fs::create_dir_all(&books)?;
        let key = |given: &Option<String>, demo: &str| given.clone().unwrap_or_else(|| demo.to_owned());
        let (iyzico_api_key, iyzico_secret_key) =
            (key(&external.iyzico_api_key, IYZICO_KEY), key(&external.iyzico_secret_key, IYZICO_SECRET));
        let stability_api_key = key(&external.stability_api_key, STABILITY_KEY);
        let iyzico = start_iyzico(&books, external, &iyzico_api_key, &iyzico_secret_key).await?;
        let stability = start_stability(&books, external, &stability_api_key).await?;
        let twilio_account_sid = key(&external.twilio_account_sid, TWILIO_SID);
        let twilio_auth_token = key(&external.twilio_auth_token, TWILIO_TOKEN);
        let twilio_from = key(&external.twilio_from, TWILIO_FROM);
        let twilio = match external.twilio_base_url {
            Some(_) => None,
            None => Some(start_twilio(&books, &twilio_account_sid, &twilio_auth_token, &twilio_from).await?),
        };
        let mailbox = start_mailbox(&books, external).await?;
        let simulated = |simulator: Option<String>, given: &Option<Url>| {
            let url = simulator.and_then(|url| Url::parse(&url).ok()).or_else(|| given.clone());
            url.ok_or_else(|| io::Error::other("a simulator has no address"))
        };
        let iyzico_url =
            simulated(iyzico.as_ref().map(IyzicoSimulator::base_url), &external.iyzico_base_url)?;
        let stability_url =
            simulated(stability.as_ref().map(StabilitySimulator::base_url), &external.stability_base_url)?;
        let twilio_url =
            simulated(twilio.as_ref().map(TwilioSimulator::base_url), &external.twilio_base_url)?;
        remember(&books, "iyzico", iyzico.as_ref().map(IyzicoSimulator::addr))?;
        remember(&books, "stability", stability.as_ref().map(StabilitySimulator::addr))?;
        let smtp = mailbox.as_ref().map(MailboxSimulator::smtp_addr);
        Ok(Self {
            mailbox_url: mailbox.as_ref().map(MailboxSimulator::base_url).unwrap_or_default(),
            smtp_host: smtp.map_or_else(|| key(&external.smtp_host, ""), |addr| addr.ip().to_string()),
            smtp_port: smtp.map_or(external.smtp_port.unwrap_or(465), |addr| addr.port()),
            iyzico,
            stability,
            twilio,
            mailbox,
            iyzico_url,
            iyzico_api_key,
            iyzico_secret_key,
            stability_url,
            stability_api_key,
            twilio_url,
            twilio_account_sid,
            twilio_auth_token,
            twilio_from,
        })
    }

    pub(super) async fn stop(&mut self) {
        if let Some(simulator) = self.iyzico.take() {
            simulator.stop().await;
        }
        if let Some(simulator) = self.stability.take() {
            simulator.stop().await;
        }
        if let Some(simulator) = self.twilio.take() {
            simulator.stop().await;
        }
        if let Some(simulator) = self.mailbox.take() {
            simulator.stop().await;
        }
    }
}

async fn start_iyzico(
    books: &Path,
    external: &External,
    api_key: &str,
    secret_key: &str,
) -> io::Result<Option<IyzicoSimulator>> {
    if external.iyzico_base_url.is_some() {
        return Ok(None);
    }
    let options = IyzicoOptions {
        bind: bind(books, "iyzico"),
        api_key: api_key.into(),
        secret_key: secret_key.into(),
        state_file: Some(books.join("iyzico.json")),
    };
    iyzico::start(options).await.map(Some)
}

async fn start_stability(
    books: &Path,
    external: &External,
    api_key: &str,
) -> io::Result<Option<StabilitySimulator>> {
    if external.stability_base_url.is_some() {
        return Ok(None);
    }
    let options = StabilityOptions {
        bind: bind(books, "stability"),
        api_key: api_key.into(),
        credits: CREDITS,
        state_file: Some(books.join("stability.json")),
    };
    stability::start(options).await.map(Some)
}

async fn start_twilio(books: &Path, sid: &str, token: &str, from: &str) -> io::Result<TwilioSimulator> {
    twilio::start(TwilioOptions {
        bind: ANY,
        account_sid: sid.into(),
        auth_token: token.into(),
        from: from.into(),
        state_file: Some(books.join("twilio.json")),
    })
    .await
}

async fn start_mailbox(books: &Path, external: &External) -> io::Result<Option<MailboxSimulator>> {
    if external.smtp_host.is_some() {
        return Ok(None);
    }
    let options = MailboxOptions {
        smtp_bind: ANY,
        http_bind: ANY,
        credentials: None,
        state_file: Some(books.join("mailbox.json")),
    };
    mailbox::start(options).await.map(Some)
}

/// The address of the last start, if it is free: a payment page that a buyer has open outlives our restart.
fn bind(books: &Path, name: &str) -> SocketAddr {
    let remembered = std::fs::read_to_string(books.join(format!("{name}.addr"))).ok();
    let address = remembered.and_then(|text| text.parse::<SocketAddr>().ok());
    address.filter(|address| std::net::TcpListener::bind(address).is_ok()).unwrap_or(ANY)
}

fn remember(books: &Path, name: &str, address: Option<SocketAddr>) -> io::Result<()> {
    let Some(address) = address else { return Ok(()) };
    std::fs::write(books.join(format!("{name}.addr")), address.to_string())
}
