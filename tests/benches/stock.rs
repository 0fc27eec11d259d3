//! The baseline of replaying: stock `QueryReplay` with a stock `GenericQuery`, each event a row read and written.

use crate::Outcome;
use cqrs_es::persist::{GenericQuery, QueryReplay};
use cqrs_es::{Aggregate, EventEnvelope, View};
use domain::DraftId;
use domain::draft::Draft;
use postgres_es::{PostgresEventRepository, PostgresViewRepository, default_postgress_pool};
use serde::{Deserialize, Serialize};
use sqlx::Executor;
use std::sync::Arc;
use std::time::{Duration, Instant};

const VIEW: &str = "stock_draft";

/// The draft itself, as it stands.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Shown(Draft);

impl View<Draft> for Shown {
    fn update(&mut self, event: &EventEnvelope<Draft>) {
        self.0.apply(event.payload.clone());
    }
}

/// Events per second, over as many drafts as fit into the period.
///
/// Draft by draft: the stock replay of everything binds one parameter too many, and the server refuses it.
pub async fn replay_rate(url: &str, drafts: &[DraftId], period: Duration) -> Outcome<f64> {
    let pool = default_postgress_pool(url).await;
    let table = format!(
        "DROP TABLE IF EXISTS {VIEW}; \
         CREATE TABLE {VIEW} (view_id text PRIMARY KEY, version bigint NOT NULL, payload json NOT NULL)"
    );
    pool.execute(table.as_str()).await?;
    let views = Arc::new(PostgresViewRepository::<Shown, Draft>::new(VIEW, pool.clone()));
    let replay = QueryReplay::new(PostgresEventRepository::new(pool.clone()), GenericQuery::new(views));
    let start = Instant::now();
    for draft in drafts {
        if start.elapsed() >= period {
            break;
        }
        replay.replay(&draft.to_string()).await?;
    }
    let time = start.elapsed();
    // The version counts the events that were applied: errors of a stock query are swallowed.
    let applied: i64 = sqlx::query_scalar(&format!("SELECT coalesce(sum(version), 0)::bigint FROM {VIEW}"))
        .fetch_one(&pool)
        .await?;
    pool.close().await;
    Ok(crate::replay::per_second(applied, time))
}
