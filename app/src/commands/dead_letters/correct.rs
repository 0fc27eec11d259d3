//! A correction: the stored action with some values changed, or another one from a file.

use super::{connect, letter, said};
use crate::cli::CorrectLetterArgs;
use crate::commands::BoxError;
use crate::terminal::line;
use journal::dead_letters::{self, DeadLetter};
use journal::read;
use sagas::runner::replays::corrected;
use serde_json::Value;
use std::path::Path;

/// An action is a few ids; more is not one.
const ACTION_BYTES_MAX: u64 = 256 * 1024;

pub(super) async fn run(args: &CorrectLetterArgs) -> Result<(), BoxError> {
    let author = said(&args.author)?;
    let pool = connect(&args.database).await?;
    let letter = letter(&pool, args.id).await?;
    let mut action = match &args.action {
        Some(file) => from_file(file).await?,
        None => letter.action.clone(),
    };
    for change in &args.set {
        set(&mut action, change)?;
    }
    let event = match position(&letter) {
        Some(position) => read::event(&pool, position).await?,
        None => None,
    };
    corrected(&letter, event.as_ref(), &action)?;
    dead_letters::correct(&mut *pool.acquire().await?, &letter, &action, author).await?;
    line(format!("{} is corrected: {action}", letter.id));
    line("a replay does it: polikrami dead-letters replay ID");
    Ok(())
}

/// A timer that this release cannot read has its event in the stored context alone.
fn position(letter: &DeadLetter) -> Option<i64> {
    letter.position.or_else(|| letter.action["context"]["causation_position"].as_i64())
}

async fn from_file(file: &Path) -> Result<Value, BoxError> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let size = tokio::fs::metadata(file).await.map_err(|error| named(&error))?.len();
    if size > ACTION_BYTES_MAX {
        return Err(named(&"too long for an action").into());
    }
    let bytes = tokio::fs::read(file).await.map_err(|error| named(&error))?;
    Ok(serde_json::from_slice(&bytes).map_err(|error| named(&error))?)
}

/// `path=value`: the value is JSON, or else a text. What is not there cannot be set: a slip makes no new field.
fn set(action: &mut Value, change: &str) -> Result<(), BoxError> {
    let (path, value) = change.split_once('=').ok_or_else(|| format!("{change:?} is not PATH=VALUE"))?;
    let mut place = action;
    for name in path.split('.') {
        place = place.get_mut(name).ok_or_else(|| format!("the action has no {path}"))?;
    }
    *place = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_set_where_one_stands() {
        let mut action = json!({ "action": "after", "delay": { "secs": 1, "nanos": 0 } });
        set(&mut action, "delay.secs=90").unwrap();
        set(&mut action, "action=later").unwrap();
        assert_eq!(action, json!({ "action": "later", "delay": { "secs": 90, "nanos": 0 } }));
        for slip in ["delay.seconds=1", "delay", "delay.secs.x=1"] {
            assert!(set(&mut action, slip).is_err(), "{slip}");
        }
    }
}
