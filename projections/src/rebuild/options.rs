//! How fast, and what happens when rows differ.

use std::time::Duration;

/// How much of the machine a build may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// As fast as it goes: for a service that is not serving yet.
    Full,
    /// Small pages, one after the other, and a rest behind each: commands go first.
    #[default]
    Considerate,
}

impl Pace {
    pub(crate) const CONSIDERATE_PAGE_EVENTS: i64 = 200;
    /// Rest for each unit of work.
    const REST: u32 = 3;
    const REST_MAX: Duration = Duration::from_secs(1);

    pub(crate) async fn rest(self, worked: Duration) {
        match self {
            Self::Full => {}
            Self::Considerate => tokio::time::sleep((worked * Self::REST).min(Self::REST_MAX)).await,
        }
    }
}

/// What happens when rows are not those that are live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Differences {
    /// Nobody looks.
    Unseen,
    /// They are counted and shown, and accepted.
    Accept,
    /// They are a reason not to switch, unless another version of the fold wrote the live rows.
    #[default]
    Refuse,
}

/// How a rebuild goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub pace: Pace,
    pub differences: Differences,
    /// Otherwise it stays beside the live one, to be compared and switched to.
    pub switch: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { pace: Pace::default(), differences: Differences::default(), switch: true }
    }
}

impl Options {
    pub fn at_once() -> Self {
        Self { pace: Pace::Full, differences: Differences::Unseen, switch: true }
    }
}
