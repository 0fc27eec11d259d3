//! What an effect answered, in words for an operator.

use journal::dead_letters::Ended;
use serde_json::Value;

pub(super) fn ended(outcome: &Value) -> Ended {
    let Some(code) = outcome["outcome"].as_str() else {
        return Ended::Done(format!("done: {outcome}"));
    };
    let nothing = match code {
        "opened_before" => "the page was opened before, or the payment is over",
        "closed_meanwhile" => "the payment was closed meanwhile",
        "settled_before" => "it was settled before",
        "not_opened_yet" => "no page was opened, so nothing can have been paid",
        "not_wanted_any_more" => "the money has gone back, or is not to go back",
        "not_needed" => "the address is proven",
        "superseded" => "a newer link was asked for",
        "expired" => "the link has run out; the customer can ask for another one",
        "phone_proven" => "the number is proven",
        "newer_code" => "a newer code was asked for",
        "code_expired" => "the code has run out; the customer can ask for another one",
        "proven_since" => "another number, or another account, was proven since",
        "in_force_before" => "it was in force before",
        "refused_by_recipient" => return Ended::Done("the recipient's side does not take it".into()),
        "not_an_address" => return Ended::Done("the account's address is none that mail can go to".into()),
        code => return Ended::Done(format!("done: {code}")),
    };
    Ended::NothingToDo(format!("nothing to do: {nothing}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_had_happened_before_is_nothing_to_do() {
        let nothing = ended(&json!({ "outcome": "settled_before" }));
        assert_eq!(nothing, Ended::NothingToDo("nothing to do: it was settled before".into()));
        assert_eq!(ended(&json!({ "outcome": "accepted" })), Ended::Done("done: accepted".into()));
        assert!(matches!(ended(&json!({ "position": 7 })), Ended::Done(_)));
    }
}
