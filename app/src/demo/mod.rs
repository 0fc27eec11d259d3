//! `polikrami demo`: the main job as a customer does it, over HTTP, with every step seen to hold.

pub mod browser;
pub mod road;
pub mod shop;

use crate::dev::state::Endpoints;
use crate::terminal;
use reqwest::redirect;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What went wrong, in words that name the step's expectation.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error("{0}")]
    Unexpected(String),
    #[error("the service did not answer")]
    Http(#[from] reqwest::Error),
    #[error("the result could not be saved")]
    Save(#[from] std::io::Error),
}

impl DemoError {
    pub fn unexpected(what: impl Into<String>) -> Self {
        Self::Unexpected(what.into())
    }
}

/// What the demo leaves behind.
#[derive(Debug)]
pub struct Saved {
    pub picture: PathBuf,
    pub invoice: PathBuf,
    pub history: PathBuf,
}

/// Walks the whole road against a running service.
pub async fn run(endpoints: &Endpoints, output: &Path) -> Result<Saved, DemoError> {
    let client = client()?;
    let mut steps = Steps { started: Instant::now(), done: 0, quiet: false };
    let saved = road::walk(&client, endpoints, output, &mut steps).await?;
    let took = steps.started.elapsed().as_secs_f32();
    terminal::line(format!("\nAll {} steps held, in {took:.1} s.", steps.done));
    Ok(saved)
}

/// A browser follows redirects by itself; we want to see each.
pub fn client() -> Result<reqwest::Client, DemoError> {
    // Two TLS providers may be compiled in: name ours. A second call finds it there.
    rustls::crypto::ring::default_provider().install_default().ok();
    let builder = reqwest::Client::builder().redirect(redirect::Policy::none());
    Ok(builder.timeout(Duration::from_mins(1)).build()?)
}

/// The progress that a person sees.
pub struct Steps {
    started: Instant,
    done: u32,
    quiet: bool,
}

impl Steps {
    /// Counts without a word; for tests that walk a stretch of the road.
    pub fn quiet() -> Self {
        Self { started: Instant::now(), done: 0, quiet: true }
    }

    pub fn held(&mut self, what: impl AsRef<str>) {
        self.done += 1;
        if self.quiet {
            return;
        }
        let at = self.started.elapsed().as_secs_f32();
        terminal::line(format!("{:>2} ✓ {:>5.1} s  {}", self.done, at, what.as_ref()));
    }
}
