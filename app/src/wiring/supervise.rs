//! Tasks that must not end by themselves: a panic is logged and the task begins again.

use futures::FutureExt;
use futures::future::BoxFuture;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A task that fails at once must not spin.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Supervisor {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Supervisor {
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self { stop, tasks: JoinSet::new() }
    }

    /// Runs what `make` makes, again and again, until it is stopped.
    pub(super) fn start(
        &mut self,
        name: &'static str,
        make: impl Fn(CancellationToken) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            loop {
                let ended = AssertUnwindSafe(make(stop.clone())).catch_unwind().await;
                if stop.is_cancelled() {
                    return;
                }
                let panicked = ended.is_err();
                tracing::error!(task.name = name, panicked, "a task ended by itself; it begins again");
                if stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                    return;
                }
            }
        });
    }

    /// Runs a future that ends when it is stopped.
    pub(super) fn once<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        make: impl FnOnce(CancellationToken) -> F,
    ) {
        self.tasks.spawn(make(self.stop.clone()));
    }

    /// Stops them, and waits.
    pub(super) async fn end(&mut self) {
        self.stop.cancel();
        self.join().await;
    }

    /// Waits until all have ended; call it after the stop.
    pub(super) async fn join(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = %error, "a task ended badly");
            }
        }
    }
}
