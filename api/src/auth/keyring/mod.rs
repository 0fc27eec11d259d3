//! The keys of access tokens: one signs, those before it are accepted as long as their tokens may live.
//!
//! Keys lie encrypted in the database, so that all processes share them and `polikrami keys rotate` reaches all. A new
//! key signs a little after it was made: until then every process has read it.

mod wrap;

use crate::{Chance, Secret};
use journal::Clock;
use journal::tables::signing_keys::{self, SigningKeyRow};
use jsonwebtoken::{DecodingKey, EncodingKey};
use sqlx::PgPool;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use wrap::{WrapError, Wrapper};

/// How often a process looks for new keys.
const RELOAD_EVERY: Duration = Duration::from_secs(5);
/// Between the making of a key and its first signature: two looks, and one that may have failed.
const SIGNS_AFTER: time::Duration = time::Duration::seconds(15);

#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Wrap(#[from] WrapError),
    #[error(
        "the keys in use were made under another JWT_ACCESS_SECRET; nobody who runs could read a new one"
    )]
    ForeignSecret,
}

/// A key in use.
#[derive(Clone)]
pub struct SigningKey {
    pub kid: String,
    pub encoding: EncodingKey,
    pub decoding: DecodingKey,
    signs_from: OffsetDateTime,
    accepted_until: Option<OffsetDateTime>,
}

/// All keys that this process accepts, and how to learn of new ones.
#[derive(Clone)]
pub struct Keyring {
    /// Oldest first; never empty once it was opened.
    keys: Arc<RwLock<Vec<SigningKey>>>,
}

impl SigningKey {
    fn new(row: &SigningKeyRow, secret: &[u8]) -> Self {
        Self {
            kid: row.kid.clone(),
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            signs_from: row.signs_from,
            accepted_until: row.accepted_until,
        }
    }

    fn is_accepted(&self, now: OffsetDateTime) -> bool {
        self.accepted_until.is_none_or(|until| now < until)
    }
}

impl Keyring {
    /// One key that always signs: for tests.
    pub fn fixed(kid: &str, secret: &[u8]) -> Self {
        let row = SigningKeyRow {
            kid: kid.to_owned(),
            wrapped: vec![],
            created_at: OffsetDateTime::UNIX_EPOCH,
            signs_from: OffsetDateTime::UNIX_EPOCH,
            accepted_until: None,
        };
        Self { keys: Arc::new(RwLock::new(vec![SigningKey::new(&row, secret)])) }
    }

    /// Those in the database; makes the first one.
    pub async fn open(
        pool: &PgPool,
        secret: &Secret,
        clock: &Clock,
        chance: Chance,
    ) -> Result<Self, KeyringError> {
        let keyring = Self { keys: Arc::default() };
        if keyring.reload(pool, secret, clock).await? == 0 {
            let mut transaction = pool.begin().await?;
            signing_keys::lock(&mut transaction).await?;
            let there = signing_keys::accepted(&mut *transaction, clock.now()).await?;
            if unwrapped(&Wrapper::new(secret)?, &there).is_empty() {
                if !there.is_empty() {
                    tracing::error!(
                        "JWT_ACCESS_SECRET is another one than it was: all access tokens are void"
                    );
                }
                let now = clock.now();
                signing_keys::insert(&mut *transaction, &fresh(secret, chance, now, now)?).await?;
            }
            transaction.commit().await?;
            keyring.reload(pool, secret, clock).await?;
        }
        Ok(keyring)
    }

    /// Looks for new keys until `stop`. While the database does not answer, the known ones stay.
    pub async fn follow(self, pool: PgPool, secret: Secret, clock: Clock, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(RELOAD_EVERY)).await.is_some() {
            if let Err(error) = self.reload(&pool, &secret, &clock).await {
                tracing::warn!(%error, "the signing keys could not be read again");
            }
        }
    }

    /// Reads them again, and answers how many there are.
    pub async fn reload(&self, pool: &PgPool, secret: &Secret, clock: &Clock) -> Result<usize, KeyringError> {
        let rows = signing_keys::accepted(pool, clock.now()).await?;
        let keys = unwrapped(&Wrapper::new(secret)?, &rows);
        let count = keys.len();
        if count == 0 && !rows.is_empty() {
            tracing::error!("no signing key can be read: JWT_ACCESS_SECRET is another one than it was");
        }
        if count > 0 {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        }
        Ok(count)
    }

    /// The newest that signs already; the oldest where none does. Never one whose tokens would be refused.
    pub fn signing(&self, now: OffsetDateTime) -> Option<SigningKey> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let mut good = keys.iter().filter(|key| key.is_accepted(now));
        good.clone().rev().find(|key| key.signs_from <= now).or_else(|| good.next()).cloned()
    }

    pub fn accepted(&self, kid: &str, now: OffsetDateTime) -> Option<SigningKey> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().find(|key| key.kid == kid && key.is_accepted(now)).cloned()
    }
}

/// Those that can be read under this secret; the others are of an earlier one, and end by themselves.
fn unwrapped(wrapper: &Wrapper, rows: &[SigningKeyRow]) -> Vec<SigningKey> {
    let open = |row: &SigningKeyRow| Some(SigningKey::new(row, &wrapper.unwrap(&row.kid, &row.wrapped)?));
    rows.iter().filter_map(open).collect()
}

fn fresh(
    secret: &Secret,
    chance: Chance,
    now: OffsetDateTime,
    signs_from: OffsetDateTime,
) -> Result<SigningKeyRow, KeyringError> {
    let kid = hex::encode(chance.bytes::<8>());
    let wrapped = Wrapper::new(secret)?.wrap(&kid, &chance.bytes(), chance.bytes())?;
    Ok(SigningKeyRow { kid, wrapped, created_at: now, signs_from, accepted_until: None })
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    pub kid: String,
    pub signs_from: OffsetDateTime,
    /// Until then the tokens of the keys before it are good.
    pub others_until: OffsetDateTime,
}

/// Adds a key that takes over. With `at_once` the others end now: every access token is void, and is renewed by the
/// session that it belongs to.
pub async fn rotate(
    pool: &PgPool,
    secret: &Secret,
    access_life: Duration,
    now: OffsetDateTime,
    at_once: bool,
) -> Result<Rotated, KeyringError> {
    let signs_from = if at_once { now } else { now + SIGNS_AFTER };
    let others_until =
        if at_once { now } else { signs_from + access_life + super::access_token::CLOCK_SKEW_MAX };
    let row = fresh(secret, Chance, now, signs_from)?;
    let mut transaction = pool.begin().await?;
    signing_keys::lock(&mut transaction).await?;
    let there = signing_keys::accepted(&mut *transaction, now).await?;
    if !there.is_empty() && unwrapped(&Wrapper::new(secret)?, &there).is_empty() {
        return Err(KeyringError::ForeignSecret);
    }
    signing_keys::insert(&mut *transaction, &row).await?;
    signing_keys::retire_others(&mut *transaction, &row.kid, others_until).await?;
    signing_keys::delete_ended(&mut *transaction, now - time::Duration::DAY).await?;
    transaction.commit().await?;
    Ok(Rotated { kid: row.kid, signs_from, others_until })
}
