//! Logs: one line an event, JSON for machines, plain for people.

use std::path::Path;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::{EnvFilter, fmt};

/// Our own crates speak; libraries only warn. The mail library would print credentials below `info`.
const DEFAULT: &str = "warn,app=info,polikrami=info,journal=info,projections=info,sagas=info,api=info,simulators=info,lettre=warn";

/// Logs to the error stream as JSON, or to a file for `polikrami dev`. `LOG` overrides what is logged.
pub fn start(filter: Option<&str>, file: Option<&Path>) -> std::io::Result<()> {
    let filter = filter.filter(|filter| !filter.is_empty()).unwrap_or(DEFAULT);
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        let wrong = format!("LOG is `{filter}`: {error}; for example LOG=warn,sagas=debug");
        std::io::Error::new(std::io::ErrorKind::InvalidInput, wrong)
    })?;
    let (writer, json) = match file {
        Some(path) => {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
            (BoxMakeWriter::new(std::sync::Mutex::new(file)), false)
        }
        None => (BoxMakeWriter::new(std::io::stderr), true),
    };
    let builder = fmt().with_env_filter(filter).with_writer(writer).with_ansi(false);
    // A second start in one process (tests) keeps the first subscriber.
    if json {
        builder.json().try_init().ok()
    } else {
        builder.try_init().ok()
    };
    Ok(())
}
