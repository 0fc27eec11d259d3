//! Both servers on one state directory; each can be left out, since `DATABASE_URL` or `NATS_URL` may replace it.

use std::fs;
use std::path::Path;

use super::account::home_for;
use super::{DevError, Nats, NatsOptions, Postgres, PostgresOptions, Progress, ServerBinaries, fetch};

/// Which servers to start, and how.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// Whether to start `PostgreSQL`.
    pub postgres: bool,
    /// Its port; without one, a free one.
    pub postgres_port: Option<u16>,
    /// Its further settings.
    pub postgres_settings: Vec<(String, String)>,
    /// Whether to start NATS.
    pub nats: bool,
    /// Its port; without one, a free one.
    pub nats_port: Option<u16>,
}

impl Which {
    /// Both, on free ports.
    pub fn both() -> Self {
        Self { postgres: true, nats: true, ..Self::default() }
    }
}

/// The servers that run. Dropping them shuts them down without waiting.
#[derive(Debug)]
pub struct LocalServers {
    /// Present if it was asked for.
    pub postgres: Option<Postgres>,
    /// Present if it was asked for.
    pub nats: Option<Nats>,
}

impl LocalServers {
    /// Fetches what is missing and starts what was asked for, with data and logs beneath `state_dir`.
    pub async fn start(state_dir: &Path, which: Which, progress: Progress) -> Result<Self, DevError> {
        if !which.postgres && !which.nats {
            return Ok(Self { postgres: None, nats: None });
        }
        let binaries = fetch::servers_async(state_dir, progress.clone()).await?;
        Self::start_fetched(state_dir, which, &binaries, progress).await
    }

    /// [`Self::start`] with programs that were fetched elsewhere, as tests do in throw-away directories.
    pub async fn start_fetched(
        state_dir: &Path,
        which: Which,
        binaries: &ServerBinaries,
        progress: Progress,
    ) -> Result<Self, DevError> {
        let logs = state_dir.join("logs");
        fs::create_dir_all(&logs).map_err(DevError::io("create", &logs))?;
        let postgres = async {
            if !which.postgres {
                return Ok(None);
            }
            progress("Starting PostgreSQL");
            let options = PostgresOptions {
                data_dir: home_for(state_dir)?.join("postgres"),
                log: logs.join("postgres.log"),
                port: which.postgres_port,
                bin: binaries.postgres_bin.clone(),
                settings: which.postgres_settings.clone(),
            };
            Postgres::start(options).await.map(Some)
        };
        let nats = async {
            if !which.nats {
                return Ok(None);
            }
            progress("Starting NATS");
            let options = NatsOptions {
                store_dir: state_dir.join("nats"),
                log: logs.join("nats.log"),
                port: which.nats_port,
                bin: binaries.nats_server.clone(),
            };
            Nats::start(options).await.map(Some)
        };
        let (postgres, nats) = tokio::try_join!(postgres, nats)?;
        Ok(Self { postgres, nats })
    }

    /// Waits until one of them ends by itself, and says how; for ever if none runs. Safe to drop.
    pub async fn failed(&mut self) -> DevError {
        let postgres = async {
            match &mut self.postgres {
                Some(postgres) => postgres.failed().await,
                None => std::future::pending().await,
            }
        };
        let nats = async {
            match &mut self.nats {
                Some(nats) => nats.failed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            error = postgres => error,
            error = nats => error,
        }
    }

    /// Shuts both down and waits for their end.
    pub async fn stop(&mut self) -> Result<(), DevError> {
        let postgres = async {
            match &mut self.postgres {
                Some(postgres) => postgres.stop().await,
                None => Ok(()),
            }
        };
        let nats = async {
            match &mut self.nats {
                Some(nats) => nats.stop().await,
                None => Ok(()),
            }
        };
        // Both are awaited even if one of them fails.
        let (postgres, nats) = tokio::join!(postgres, nats);
        postgres.and(nats)
    }
}
