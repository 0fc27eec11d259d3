//! Passwords: the rule for new ones, and Argon2id behind a gate, since each hash holds 64 MiB.

use crate::config::HashingSettings;
use crate::error::Fields;
use crate::{Chance, Problem};
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization;

/// In characters, after normalisation.
const LENGTH_MIN: usize = 8;
const LENGTH_MAX: usize = 128;
/// As typed: a letter may come as several code points of up to four bytes.
const BYTES_MAX: usize = LENGTH_MAX * 16;

/// Passwords that wait for their turn; more would be answered after the request's time.
const WAITING_MAX: usize = 64;
/// When a busy gate is worth another try, in seconds.
const BUSY_RETRY_S: u32 = 2;

/// Lower case, one a line, sorted. From Django 5.2.19 (BSD-3-Clause), which credits Royce Williams; those of fewer than
/// six characters are left out.
const COMMON: &str = include_str!("common_passwords.txt");

/// Notes on `field` what a new password lacks.
pub fn check_rule(fields: &mut Fields, field: &str, password: &str) {
    let password = normalised(password);
    let length = password.chars().count();
    fields.require(length >= LENGTH_MIN, field, "password_too_short");
    fields.require(length <= LENGTH_MAX, field, "password_too_long");
    let has = |is: fn(&char) -> bool| password.chars().any(|character| is(&character));
    fields.require(has(char::is_ascii_uppercase), field, "password_upper_missing");
    fields.require(has(char::is_ascii_lowercase), field, "password_lower_missing");
    fields.require(has(char::is_ascii_digit), field, "password_digit_missing");
    fields.require(has(|character| !character.is_ascii_alphanumeric()), field, "password_special_missing");
    fields.require(!is_common(&password), field, "password_common");
}

/// Also with a number and a sign behind it, since that is how people make a common one keep the rule.
fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    let word = lower.trim_end_matches(|character: char| !character.is_alphabetic());
    COMMON.lines().any(|common| common == lower || common == word)
}

/// Whether a password may be right: nothing longer was ever set.
pub fn fits(password: &str) -> bool {
    password.len() <= BYTES_MAX && normalised(password).chars().count() <= LENGTH_MAX
}

/// The same text, however it was typed.
fn normalised(password: &str) -> String {
    password.nfkc().collect()
}

/// Why a hash could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("argon2: {0}")]
    Argon2(argon2::password_hash::Error),
    #[error("the hashing task ended early")]
    Task(#[from] tokio::task::JoinError),
    #[error("the gate is closed")]
    Closed(#[from] tokio::sync::AcquireError),
    #[error("too many passwords are waiting to be hashed")]
    Busy,
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::unavailable("busy", BUSY_RETRY_S).with_source(error),
            HashError::Argon2(_) | HashError::Task(_) | HashError::Closed(_) => Self::internal(error),
        }
    }
}

/// Hashes and verifies, a few at once, off the async threads.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    gate: Arc<Semaphore>,
    /// Places at the gate and before it.
    queue: Arc<Semaphore>,
    /// Verified for unknown addresses, so that they take as long as known ones.
    dummy: Arc<str>,
    chance: Chance,
}

impl Passwords {
    pub fn new(settings: &HashingSettings, chance: Chance) -> Result<Self, argon2::Error> {
        let params = Params::new(settings.memory_kib, settings.passes, settings.lanes, None)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy = hashed(&argon2, &chance.token(), &chance.bytes()).unwrap_or_default();
        let at_once = settings.at_once_max.max(1);
        let gate = Arc::new(Semaphore::new(at_once));
        let queue = Arc::new(Semaphore::new(at_once + WAITING_MAX));
        Ok(Self { argon2, gate, queue, dummy: dummy.into(), chance })
    }

    /// A PHC string with parameters and salt inside.
    pub async fn hash(&self, password: &str) -> Result<String, HashError> {
        let (argon2, password, salt) = (self.argon2.clone(), normalised(password), self.chance.bytes());
        let place = self.place().await?;
        let hash = tokio::task::spawn_blocking(move || {
            let hash = hashed(&argon2, &password, &salt);
            drop(place);
            hash
        });
        hash.await?.map_err(HashError::Argon2)
    }

    /// Whoever would wait too long is told at once.
    async fn place(&self) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), HashError> {
        let waiting = self.queue.clone().try_acquire_owned().map_err(|_| HashError::Busy)?;
        Ok((self.gate.clone().acquire_owned().await?, waiting))
    }

    /// Whether a hash was made with other parameters than those of today.
    pub fn is_outdated(&self, hash: &str) -> bool {
        let params = self.argon2.params();
        PasswordHash::new(hash).ok().and_then(|hash| Params::try_from(&hash).ok()).is_none_or(|stored| {
            (stored.m_cost(), stored.t_cost(), stored.p_cost())
                != (params.m_cost(), params.t_cost(), params.p_cost())
        })
    }

    /// False for a wrong password, an unreadable hash, and no hash at all, in about the same time.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, HashError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.dummy).to_owned();
        let (argon2, password) = (self.argon2.clone(), normalised(password));
        let place = self.place().await?;
        let matches = tokio::task::spawn_blocking(move || {
            let matches = verified(&argon2, &password, &hash);
            drop(place);
            matches
        });
        Ok(matches.await? && known)
    }
}

fn hashed(
    argon2: &Argon2<'_>,
    password: &str,
    salt: &[u8; 16],
) -> Result<String, argon2::password_hash::Error> {
    let salt = SaltString::encode_b64(salt)?;
    Ok(argon2.hash_password(password.as_bytes(), &salt)?.to_string())
}

/// The parameters come from the stored string, so old hashes stay good when they are raised.
fn verified(argon2: &Argon2<'_>, password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| argon2.verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    fn argon2(passes: u32) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(65_536, passes, 2, None).unwrap())
    }

    fn wrong_with(password: &str) -> Vec<&'static str> {
        let mut fields = Fields::new();
        check_rule(&mut fields, "password", password);
        fields
            .finish()
            .err()
            .map_or(vec![], |problem| problem.more.fields.iter().map(|field| field.code).collect())
    }

    #[test]
    fn the_contracts_vectors_come_out_the_same() {
        let password = "$argon2id$v=19$m=65536,t=3,p=2$AAECAwQFBgcICQoLDA0ODw$USxA6CUhf8+EdMRdqSJkjCsZk6JNOwe4Ax+QKwsP3eQ";
        assert_eq!(hashed(&argon2(3), "P@ssw0rd!", &SALT).unwrap(), password);
        assert!(verified(&argon2(3), "P@ssw0rd!", password));
        let token = "$argon2id$v=19$m=65536,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$qzBXfVfjKnj/GEE8M8gou3dbmz34lLVOyMXQki605I4";
        assert_eq!(hashed(&argon2(2), "12345678-1234-1234-1234-1234567890ab", &SALT).unwrap(), token);
        // Parameters are taken from the stored string.
        assert!(verified(&argon2(3), "12345678-1234-1234-1234-1234567890ab", token));
    }

    #[test]
    fn a_malformed_hash_verifies_as_false() {
        assert!(!verified(&argon2(3), "P@ssw0rd!", "$argon2id$nonsense"));
    }

    #[test]
    fn the_rule_names_all_that_is_missing() {
        assert_eq!(wrong_with("Kapak-2026"), Vec::<&str>::new());
        assert_eq!(wrong_with("kapak2026"), ["password_upper_missing", "password_special_missing"]);
        assert_eq!(wrong_with("Ab1!"), ["password_too_short"]);
        for common in ["Password1!", "Galatasaray1905!", "Qwerty123?"] {
            assert_eq!(wrong_with(common), ["password_common"], "{common}");
        }
        assert_eq!(wrong_with(&format!("Aa1!{}", "x".repeat(125))), ["password_too_long"]);
    }

    #[tokio::test]
    async fn hashes_of_other_parameters_are_outdated_and_still_verify() {
        let settings = |passes| HashingSettings { memory_kib: 64, passes, lanes: 1, at_once_max: 1 };
        let (old, new) =
            (Passwords::new(&settings(1), Chance).unwrap(), Passwords::new(&settings(2), Chance).unwrap());
        let hash = old.hash("Kapak-2026").await.unwrap();
        assert!(!old.is_outdated(&hash) && new.is_outdated(&hash) && new.is_outdated("nonsense"));
        assert!(new.verify("Kapak-2026", Some(&hash)).await.unwrap());
    }

    #[tokio::test]
    async fn a_password_typed_in_another_form_is_the_same_and_an_unknown_account_is_false() {
        let settings = HashingSettings { memory_kib: 64, passes: 1, lanes: 1, at_once_max: 1 };
        let passwords = Passwords::new(&settings, Chance).unwrap();
        // Composed and decomposed ş.
        let hash = passwords.hash("Ku\u{15f}-2026").await.unwrap();
        assert!(passwords.verify("Kus\u{327}-2026", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("Kus-2026", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("Kus-2026", None).await.unwrap());
    }

    #[tokio::test]
    async fn whoever_would_wait_too_long_is_told_at_once() {
        let settings = HashingSettings { memory_kib: 64, passes: 1, lanes: 1, at_once_max: 1 };
        let passwords = Passwords::new(&settings, Chance).unwrap();
        let storm = futures::future::join_all((0..1_000).map(|_| passwords.verify("Kapak-2026", None))).await;
        let busy = storm.iter().filter(|answer| matches!(answer, Err(HashError::Busy))).count();
        let answered = storm.iter().filter(|answer| matches!(answer, Ok(false))).count();
        assert!(answered >= WAITING_MAX && busy > 0 && answered + busy == 1_000, "{answered} {busy}");
        assert!(!passwords.verify("Kapak-2026", None).await.unwrap(), "the places are free again");
    }
}
