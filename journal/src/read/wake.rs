//! When there is something new: at once when this process wrote it, by a short poll when another did.

use std::time::Duration;
use tokio::sync::watch;

/// A reader asks at least this often.
pub const POLL: Duration = Duration::from_millis(100);

/// One per reader; clones are independent.
#[derive(Clone)]
pub struct Wake {
    head: Option<watch::Receiver<i64>>,
    poll: Duration,
}

impl Wake {
    /// Follows the head that a writer of this process publishes.
    pub fn local(head: watch::Receiver<i64>) -> Self {
        Self { head: Some(head), poll: POLL }
    }

    /// For a process without a writer.
    pub fn polling(poll: Duration) -> Self {
        Self { head: None, poll }
    }

    /// Returns when the head is known to be beyond `after`, or after the poll interval at the latest.
    ///
    /// It only says that a look is worth while; what is there, the page says.
    pub async fn beyond(&mut self, after: i64) {
        let Some(head) = &mut self.head else {
            tokio::time::sleep(self.poll).await;
            return;
        };
        let poll = self.poll;
        // The guard that comes with the answer must not live into the next await.
        let writer_gone = match tokio::time::timeout(poll, head.wait_for(|head| *head > after)).await {
            Ok(answer) => answer.is_err(),
            Err(_) => false,
        };
        if writer_gone {
            // Others may still write.
            tokio::time::sleep(poll).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[tokio::test]
    async fn a_local_commit_wakes_at_once_and_a_foreign_one_after_the_poll() {
        let (sender, head) = watch::channel(0);
        let mut wake = Wake { head: Some(head), poll: Duration::from_mins(1) };
        let mut waiting = tokio::task::JoinSet::new();
        waiting.spawn(async move {
            wake.beyond(4).await;
            wake
        });
        sender.send_replace(4);
        tokio::task::yield_now().await;
        assert!(waiting.try_join_next().is_none());
        sender.send_replace(5);
        let mut wake = waiting.join_next().await.unwrap().unwrap();

        wake.poll = Duration::from_millis(20);
        let start = Instant::now();
        wake.beyond(5).await;
        assert!(start.elapsed() >= Duration::from_millis(20));
        drop(sender);
        wake.beyond(5).await;
    }
}
