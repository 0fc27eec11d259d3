//! How far everybody is who reads every event, and whether anybody does the work.

use crate::owner::LOCK_CLASS;
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;

/// A reader against the head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Reader {
    pub reader: String,
    /// 0 when it never saved one.
    pub position: i64,
    /// The last position of the journal, seen by the same statement.
    pub head: i64,
    pub behind_events: i64,
    /// Age of the first event that it has not read, in milliseconds; 0 at the head.
    pub behind_ms: i64,
}

/// The named readers, in the order given. One that never ran is behind by everything: silence is not health.
pub async fn readers(executor: impl PgExecutor<'_>, names: &[&str]) -> Result<Vec<Reader>, sqlx::Error> {
    sqlx::query_as(
        "WITH journal AS (SELECT coalesce(max(position), 0) AS head FROM events) \
         SELECT n.reader, coalesce(c.position, 0) AS position, j.head, \
           greatest(0, j.head - coalesce(c.position, 0)) AS behind_events, \
           coalesce(greatest(0, extract(epoch FROM now() - e.recorded_at) * 1000), 0)::bigint AS behind_ms \
         FROM unnest($1) WITH ORDINALITY AS n(reader, place) CROSS JOIN journal j \
         LEFT JOIN checkpoints c ON c.reader = n.reader \
         LEFT JOIN events e ON e.position = coalesce(c.position, 0) + 1 ORDER BY n.place",
    )
    .bind(names)
    .fetch_all(executor)
    .await
}

/// Work that one process does for all, and whether one does it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Owner {
    pub name: String,
    pub held: bool,
}

/// Whether the lock of each name is held by any process.
pub async fn owners(executor: impl PgExecutor<'_>, names: &[&str]) -> Result<Vec<Owner>, sqlx::Error> {
    sqlx::query_as(
        "SELECT n.name, EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted \
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
           AND l.classid = $2::integer::oid AND l.objid = hashtext(n.name)::oid AND l.objsubid = 2) AS held \
         FROM unnest($1) WITH ORDINALITY AS n(name, place) ORDER BY n.place",
    )
    .bind(names)
    .bind(LOCK_CLASS)
    .fetch_all(executor)
    .await
}
