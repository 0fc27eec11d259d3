//! `polikrami dev`: everything on this machine until Ctrl-C.

use super::{BoxError, stop_signal};
use crate::cli::DevArgs;
use crate::config::SmtpSecurity;
use crate::config::value::Value;
use crate::dev::{Endpoints, Progress, StateDir};
use crate::stack::{External, Stack};
use crate::terminal::{bold, line};
use crate::{telemetry, terminal};
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

pub async fn run(args: DevArgs, log: Option<&str>) -> Result<(), BoxError> {
    let state = StateDir::open(&args.state)?;
    if args.fresh {
        state.wipe(args.yes).await?;
    }
    let log_file = log_file(&state)?;
    telemetry::start(log, Some(&log_file))?;
    let started = Instant::now();
    let stack = start(&state, &args).await?;
    state.write_endpoints(&stack.endpoints)?;
    greet(&stack.endpoints, started.elapsed(), &log_file.display().to_string());
    let mut stack = stack;
    let ended = tokio::select! {
        signal = stop_signal() => signal,
        error = stack.servers.failed() => Err(error.into()),
    };
    line("\nstopping …");
    state.remove_endpoints()?;
    tokio::select! {
        stopped = stack.stop() => stopped?,
        signal = stop_signal() => signal?,
    }
    ended
}

/// The stack with the options of the command line; used by the demo as well.
pub(super) async fn start(state: &StateDir, args: &DevArgs) -> Result<Stack, BoxError> {
    let first_check = Duration::from_secs(args.payment_check_after);
    let adjust = move |options: &mut crate::wiring::Options| {
        if let Some(pause) = options.timing.payment_checks.first_mut() {
            *pause = first_check;
        }
    };
    let progress: Progress = Arc::new(|text: &str| terminal::note(format!("  {text}")));
    Ok(Stack::start(state.path(), &external()?, args.port, &adjust, progress).await?)
}

pub(super) fn log_file(state: &StateDir) -> Result<std::path::PathBuf, BoxError> {
    let folder = state.path().join("logs");
    std::fs::create_dir_all(&folder)?;
    Ok(folder.join("polikrami.log"))
}

/// The environment replaces parts of the stack; anything else is ours.
#[expect(clippy::disallowed_methods, reason = "the command line is the place that reads the environment")]
fn external() -> Result<External, BoxError> {
    let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let url = |name: &str| text(name).map(|value| Url::parse(&value)).transpose();
    Ok(External {
        database_url: text("DATABASE_URL"),
        nats_url: text("NATS_URL"),
        smtp_host: text("SMTP_HOST"),
        smtp_port: text("SMTP_PORT").map(|port| port.parse()).transpose()?,
        smtp_security: text("SMTP_SECURITY")
            .map(|kind| {
                SmtpSecurity::parse(&kind).map_err(|allowed| format!("SMTP_SECURITY is not {allowed}"))
            })
            .transpose()?,
        smtp_user: text("SMTP_USER"),
        smtp_pass: text("SMTP_PASS"),
        iyzico_base_url: url("IYZICO_BASE_URL")?,
        iyzico_api_key: text("IYZICO_API_KEY"),
        iyzico_secret_key: text("IYZICO_SECRET_KEY"),
        stability_base_url: url("STABILITY_BASE_URL")?,
        stability_api_key: text("STABILITY_API_KEY"),
        twilio_base_url: url("TWILIO_BASE_URL")?,
        twilio_account_sid: text("TWILIO_ACCOUNT_SID"),
        twilio_auth_token: text("TWILIO_AUTH_TOKEN"),
        twilio_from: text("TWILIO_FROM"),
    })
}

fn greet(endpoints: &Endpoints, took: Duration, log: &str) {
    line(format!("\n{} is up after {:.1} s\n", bold("Polikrami Cover"), took.as_secs_f32()));
    for (what, address) in [
        ("API", endpoints.api.clone()),
        ("API documentation", format!("{}/docs", endpoints.api)),
        ("mails", endpoints.mailbox.clone()),
        ("text messages", endpoints.twilio.clone()),
        ("payment provider", endpoints.iyzico.clone()),
        ("picture provider", endpoints.stability.clone()),
        ("operators", format!("{}/status", endpoints.admin)),
    ] {
        line(format!("  {what:<18} {address}"));
    }
    line("\n  demo logins");
    let logins = &endpoints.logins;
    for (role, login) in [
        ("customer", &logins.customer),
        ("designer", &logins.designer),
        ("admin", &logins.admin),
        ("auditor", &logins.auditor),
    ] {
        line(format!("  {role:<18} {} / {}", login.email, login.password));
    }
    line("\n  try next");
    line("  ./run demo                 one cover, ordered, painted, paid and proven");
    line("  ./run projections status   how far the read models are");
    line("  ./run journal verify       recompute every hash");
    line(format!("\n  log: {log}\n  Ctrl-C stops everything; the data stays."));
}
