//! How long a run is, and the chance that it follows: the same seed makes the same choices.

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use std::env;
use std::sync::OnceLock;

/// Rounds of the short form that is a part of `./test`.
const ROUNDS_SHORT: u32 = 4;
/// The short form always makes the same choices: it guards against going back. The long form looks for new faults.
const SEED_SHORT: u64 = 5;

/// The seed of this run, printed once so that it can be given again.
pub fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let given = env::var("TORTURE_SEED").ok().map(|text| text.parse().expect("TORTURE_SEED is a number"));
        let is_long = env::var_os("TORTURE_ROUNDS").is_some();
        let drawn = || if is_long { u64::from(uuid::Uuid::new_v4().as_fields().0) } else { SEED_SHORT };
        let seed = given.unwrap_or_else(drawn);
        println!("torture: seed {seed} (replay: ./test torture --seed {seed})");
        seed
    })
}

/// Rounds of the cases that go round and round.
pub fn rounds() -> u32 {
    env::var("TORTURE_ROUNDS").map_or(ROUNDS_SHORT, |text| text.parse().expect("TORTURE_ROUNDS is a number"))
}

/// The chance of one case; cases do not disturb each other's choices.
pub fn chance(case: &str) -> Chance {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed().to_le_bytes());
    for (byte, letter) in bytes[8..].iter_mut().zip(case.bytes()) {
        *byte = letter;
    }
    Chance(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// Reproducible choices.
pub struct Chance(TestRng);

impl Chance {
    /// One of `0..bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound.max(1)
    }

    /// One of the given.
    pub fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(items.len() as u64)).unwrap();
        &items[index]
    }
}

#[test]
fn the_same_seed_makes_the_same_choices() {
    let choices = |mut chance: Chance| (0..20).map(|_| chance.below(1_000)).collect::<Vec<_>>();
    assert_eq!(choices(chance("a")), choices(chance("a")));
    assert_ne!(choices(chance("a")), choices(chance("b")));
}
