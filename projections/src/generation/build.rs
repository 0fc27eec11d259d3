//! Applies the journal to one or several generations: read and decoded once, page by page.

use super::Generation;
use crate::page::{self, CATCH_UP_PAGE_EVENTS, Entry};
use crate::rebuild::{Pace, RebuildError};
use futures::future::join_all;
use journal::read::ReadError;
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Brings each generation to its target; `progress` gets (position, target) after each page.
///
/// What stops one of them is put down in it; an error is what stops all.
pub(crate) async fn build(
    pool: &PgPool,
    generations: &mut [Generation],
    pace: Pace,
    progress: &impl Fn(i64, i64),
) -> Result<(), RebuildError> {
    let Some((from, to)) = span(generations) else { return Ok(()) };
    let wanted = page::wanted(generations.iter().map(|generation| generation.table.model));
    let mut pages = Pages::of(Span { pool: pool.clone(), wanted, position: from, to }, pace);
    let mut begun = Instant::now();
    while let Some(entries) = pages.next().await? {
        let working = generations.iter_mut().filter(|generation| generation.failed.is_none());
        join_all(working.map(|generation| async {
            if let Err(error) = generation.apply(&entries).await {
                generation.failed = Some(error);
            }
        }))
        .await;
        let reached = entries.last().map_or(from, |entry| entry.place.position);
        progress(reached, to);
        if generations.iter().all(|generation| generation.failed.is_some()) {
            break;
        }
        pace.rest(begun.elapsed()).await;
        begun = Instant::now();
    }
    let missing = generations.iter().find(|it| it.failed.is_none() && it.position < it.target);
    match missing {
        Some(it) => Err(ReadError::Gap { expected: it.position + 1, found: it.target }.into()),
        None => Ok(()),
    }
}

/// What has to be read for those that have not failed.
fn span(generations: &[Generation]) -> Option<(i64, i64)> {
    let due = || generations.iter().filter(|it| it.failed.is_none() && it.position < it.target);
    Some((due().map(|it| it.position).min()?, due().map(|it| it.target).max()?))
}

/// A part of the journal that is read page by page.
struct Span {
    pool: PgPool,
    wanted: Vec<&'static str>,
    position: i64,
    to: i64,
}

impl Span {
    async fn page(&mut self, limit_events: i64) -> Result<Option<Vec<Entry>>, ReadError> {
        let limit = (self.to - self.position).min(limit_events);
        if limit <= 0 {
            return Ok(None);
        }
        let entries = page::read(&self.pool, &self.wanted, self.position, limit).await?;
        let Some(last) = entries.last() else { return Ok(None) };
        self.position = last.place.position;
        Ok(Some(entries))
    }
}

/// At full speed another task reads and decodes one page ahead; a considerate build does one thing at a time, so
/// that it never takes more than one core.
enum Pages {
    Ahead { pages: mpsc::Receiver<Result<Vec<Entry>, ReadError>>, _reader: JoinSet<()> },
    InTurn(Span),
}

impl Pages {
    fn of(span: Span, pace: Pace) -> Self {
        match pace {
            Pace::Considerate => Self::InTurn(span),
            Pace::Full => {
                let (sender, pages) = mpsc::channel(1);
                let mut reader = JoinSet::new();
                reader.spawn(read_ahead(span, sender));
                Self::Ahead { pages, _reader: reader }
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Vec<Entry>>, ReadError> {
        match self {
            Self::Ahead { pages, .. } => pages.recv().await.transpose(),
            Self::InTurn(span) => span.page(Pace::CONSIDERATE_PAGE_EVENTS).await,
        }
    }
}

async fn read_ahead(mut span: Span, pages: mpsc::Sender<Result<Vec<Entry>, ReadError>>) {
    while let Some(page) = span.page(CATCH_UP_PAGE_EVENTS).await.transpose() {
        let last = page.is_err();
        // Nobody listens any more when the build has failed.
        if pages.send(page).await.is_err() || last {
            return;
        }
    }
}
