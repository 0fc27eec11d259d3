//! The baseline of every write: `pgbench`, one row of the journal's own table for each transaction.

use crate::Outcome;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use url::Url;

/// What it reports.
pub struct Baseline {
    /// Transactions, and so events, in a second.
    pub rate: f64,
    pub mean_us: f64,
}

/// The same row as the door's: streams of ten events, 345 bytes of payload, 150 of metadata, every index.
///
/// Positions come from a sequence: cheaper than any honest order, which is what a baseline is for.
const SCRIPT: &str = r#"
\set stream :n / 10
\set sequence :n % 10 + 1
\set n :n + 1
INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, position, recorded_at, leaf_hash) VALUES ('draft', md5(:client_id || '-' || :stream)::uuid::text, :sequence, 'message_card_chosen', '1', '{"card": {"card": "0192f7a4-1c08-7c3e-9b1d-5e8f0a6c1b78", "text": {"id": "0192f7a4-2c04-7c3e-9b1d-5e8f0a6c8fbc", "digest": "90ccb74816866ce720a6b5bd2137ed1730e656426f2b60a35e0d9b1e93942dcd"}, "price": {"minor": 2450, "currency": "TRY"}, "title": "A card for every day of the year, with room for what you want to say"}, "type": "message_card_chosen"}', jsonb_build_object('actor', 'account:0192f7a4-1c01-7c3e-9b1d-5e8f0a6c42ef', 'command_id', gen_random_uuid(), 'correlation_id', gen_random_uuid()), nextval('baseline_position'), now(), '\x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
"#;

/// Runs it on a fresh database.
pub async fn run(programs: &Path, url: &str, clients: u32, period: Duration) -> Outcome<Baseline> {
    prepare(url).await?;
    let target = Url::parse(url)?;
    let mut command = Command::new(programs.join("pgbench"));
    command.args(["-n", "-M", "prepared", "-D", "n=0", "-f", "-"]);
    command.args(["-c", &clients.to_string(), "-j", &clients.min(2).to_string()]);
    command.args(["-T", &period.as_secs().max(1).to_string(), "-h", "127.0.0.1", "-U", target.username()]);
    command.args(["-p", &target.port().unwrap_or(5432).to_string(), target.path().trim_start_matches('/')]);
    command.env("PGPASSWORD", target.password().unwrap_or_default()).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(SCRIPT.as_bytes()).await?;
    }
    let output =
        tokio::time::timeout(period * 3 + Duration::from_secs(30), child.wait_with_output()).await??;
    let text = String::from_utf8_lossy(&output.stdout);
    let (rate, mean) = (number(&text, "tps = "), number(&text, "latency average = "));
    match (output.status.success(), rate, mean) {
        (true, Some(rate), Some(mean)) => Ok(Baseline { rate, mean_us: mean * 1e3 }),
        _ => {
            Err(format!("pgbench: {} {text} {}", output.status, String::from_utf8_lossy(&output.stderr))
                .into())
        }
    }
}

async fn prepare(url: &str) -> Outcome<()> {
    use sqlx::Connection;
    let mut connection = sqlx::PgConnection::connect(url).await?;
    sqlx::query("CREATE SEQUENCE IF NOT EXISTS baseline_position").execute(&mut connection).await?;
    Ok(connection.close().await?)
}

fn number(text: &str, behind: &str) -> Option<f64> {
    text.split(behind).nth(1)?.split_whitespace().next()?.parse().ok()
}
