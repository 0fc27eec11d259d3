//! Typed ids: a [`PaymentId`] cannot be passed where an [`OrderId`] is meant.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id!(
    /// A person who can log in; also the id of that person's wallet.
    AccountId
);
id!(
    /// What an order is made from.
    DraftId
);
id!(OrderId);
id!(
    /// One attempt to pay an order.
    PaymentId
);
id!(AiJobId);
id!(
    /// One picture delivered by an AI job.
    ImageId
);

/// Ids that follow from others must be the same at every repeat, so that a retry finds the first attempt.
///
/// RFC 9562 version 5 in a namespace of our own.
pub fn derived(parts: &[&str]) -> Uuid {
    const NAMESPACE: Uuid = Uuid::from_u128(0x5f0c_7a52_3d0e_4b8e_9a57_0f6d_1f6b_c0de);
    Uuid::new_v5(&NAMESPACE, parts.join("\u{1f}").as_bytes())
}
