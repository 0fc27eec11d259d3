//! A page into the live tables, in one statement.
//!
//! Most of the way from a command to the row that shows it is waiting for the server's turn, so a page asks for the
//! rows that it touches and were not kept, and then for everything that it changes. Rows and checkpoints are written
//! together, and only where each checkpoint stands where this runner believes it to be, in the generation that it
//! knows: a rebuild that switched tables in the meantime, or a second runner, makes the page start over.

use crate::fold::{Decoded, Folded};
use crate::kept::Kept;
use crate::page::{self, Entry};
use crate::skips::Skips;
use crate::table::{ApplyError, Provided, Table};
use sqlx::PgConnection;

/// A read model that is kept up to date, and how far it is.
pub(crate) struct Live {
    pub table: Table,
    pub skips: Skips,
    pub position: i64,
    pub generation: i64,
    pub kept: Kept,
}

impl Live {
    /// What the events make of the rows that they touch; nothing is written.
    async fn fold(
        &self,
        connection: &mut PgConnection,
        events: &[Decoded<'_>],
    ) -> Result<Folded, ApplyError> {
        let (mut before, mut missing) = (Vec::new(), Vec::new());
        for key in self.table.touched(events) {
            match self.kept.row(key) {
                Some(row) => before.push((key.to_owned(), row.to_owned())),
                None => missing.push(key),
            }
        }
        before.extend(self.table.load(connection, missing).await?);
        Ok((self.table.model.fold_page)(before, events, true)?)
    }
}

/// Why a page was not committed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommitError {
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error("the checkpoint was moved by somebody else")]
    Moved,
}

/// What a page makes of one read model.
struct Change<'l> {
    live: &'l mut Live,
    up_to: i64,
    folded: Folded,
}

/// Applies the entries to the read models, all or nothing.
pub(crate) async fn commit<'l>(
    connection: &mut PgConnection,
    group: impl Iterator<Item = &'l mut Live>,
    entries: &[Entry],
) -> Result<(), CommitError> {
    let mut changes = Vec::new();
    for live in group {
        let portion = page::portion(entries, live.table.model, live.position, &live.skips);
        if portion.up_to > live.position {
            let folded = live.fold(connection, &portion.events).await?;
            changes.push(Change { up_to: portion.up_to, live, folded });
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    if !write(connection, &mut changes).await.map_err(ApplyError::Database)? {
        return Err(CommitError::Moved);
    }
    for Change { live, up_to, folded } in changes {
        live.position = up_to;
        live.kept.take(folded.texts, &folded.gone);
    }
    Ok(())
}

/// Locks the checkpoints first; `believed` is true if all of them stand where they should.
const CHECKPOINTS: &str = "WITH expected AS MATERIALIZED ( \
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS e(reader, old, new, generation) \
    ), held AS MATERIALIZED ( \
        SELECT c.reader FROM checkpoints c JOIN expected e \
        ON c.reader = e.reader AND c.position = e.old AND c.generation = e.generation FOR UPDATE OF c \
    ), believed AS MATERIALIZED ( \
        SELECT count(*) = cardinality($1::text[]) AS yes FROM held \
    ), moved AS ( \
        UPDATE checkpoints c SET position = e.new, updated_at = now() FROM expected e, believed \
        WHERE c.reader = e.reader AND believed.yes \
    )";
const CHECKPOINT_PARAMETERS: usize = 4;
const BELIEVED: Provided = Provided::If("believed");

/// Answers whether the checkpoints were as believed; otherwise nothing is written.
async fn write(connection: &mut PgConnection, changes: &mut [Change<'_>]) -> Result<bool, sqlx::Error> {
    let statement = statement(changes);
    let readers: Vec<&str> = changes.iter().map(|it| it.live.table.model.name).collect();
    let from: Vec<i64> = changes.iter().map(|it| it.live.position).collect();
    let to: Vec<i64> = changes.iter().map(|it| it.up_to).collect();
    let generations: Vec<i64> = changes.iter().map(|it| it.live.generation).collect();
    let mut query = sqlx::query_scalar(&statement).bind(readers).bind(from).bind(to).bind(generations);
    for Change { folded, .. } in changes {
        if folded.rows > 0 {
            for column in std::mem::take(&mut folded.columns) {
                query = query.bind(column);
            }
        }
        if !folded.gone.is_empty() {
            query = query.bind(&folded.gone);
        }
    }
    query.fetch_one(connection).await
}

/// One statement for each set of read models that a page touches: the connection keeps those prepared.
fn statement(changes: &[Change<'_>]) -> String {
    let (mut parts, mut next) = (vec![CHECKPOINTS.to_owned()], CHECKPOINT_PARAMETERS + 1);
    for (number, Change { live, folded, .. }) in changes.iter().enumerate() {
        if folded.rows > 0 {
            parts.push(format!("rows{number} AS ({})", live.table.upsert(next, BELIEVED)));
            next += folded.columns.len();
        }
        if !folded.gone.is_empty() {
            parts.push(format!("gone{number} AS ({})", live.table.delete(next, BELIEVED)));
            next += 1;
        }
    }
    format!("{} SELECT yes FROM believed", parts.join(", "))
}
