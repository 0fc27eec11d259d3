//! The one place where refusals of the domain and failures of the journal get their HTTP status.

use super::Problem;
use axum::http::StatusCode;
use domain::Refusal;
use domain::wallet::WalletRefusal;
use journal::CommandError;
use journal::LoadError;
use journal::read::ReadError;
use journal::tables::personal::PersonalError;
use journal::writer::WriteError;

/// When a busy writer or a lost race is worth another try, in seconds.
const RETRY_AFTER_S: u32 = 1;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let problem = Self::new(status_of(refusal.code()), refusal.code());
        match refusal {
            Refusal::Wallet(WalletRefusal::InsufficientCredits { missing }) => {
                problem.with_member("need", missing)
            }
            Refusal::Account(_)
            | Refusal::Wallet(_)
            | Refusal::Draft(_)
            | Refusal::AiJob(_)
            | Refusal::Order(_)
            | Refusal::Payment(_) => problem,
        }
    }
}

/// What is wrong with the request is 400, what is wrong with the state of things 409.
fn status_of(code: &str) -> StatusCode {
    match code {
        "insufficient_credits" => StatusCode::PAYMENT_REQUIRED,
        "revenue_share_required"
        | "verification_invalid"
        | "verification_expired"
        | "reset_invalid"
        | "reset_expired"
        | "phone_code_invalid"
        | "phone_code_expired"
        | "prompt_length"
        | "picture_count"
        | "no_credits" => StatusCode::BAD_REQUEST,
        "no_such_picture" => StatusCode::NOT_FOUND,
        other if other.ends_with("_not_found") => StatusCode::NOT_FOUND,
        _ => StatusCode::CONFLICT,
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(refusal) => refusal.into(),
            CommandError::ClaimTaken { ref scope, .. } => Self::conflict(taken(scope)),
            CommandError::Changed { .. } => Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed"),
            CommandError::IdempotencyKeyUsed { .. } => Self::conflict("idempotency_key_reused"),
            CommandError::Contended { .. } => {
                Self::unavailable("contended", RETRY_AFTER_S).with_source(error)
            }
            CommandError::Busy => Self::unavailable("busy", RETRY_AFTER_S).with_source(error),
            // The database is away for a moment; nothing of the command was written.
            CommandError::Unreadable(LoadError::Store { .. })
            | CommandError::Read(ReadError::Database(_))
            | CommandError::Store(WriteError::Unavailable(_) | WriteError::Stopped) => {
                Self::store_unavailable(error)
            }
            // Perhaps it was written: nobody is to be told to try again.
            CommandError::Store(WriteError::Unknown(_)) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal").with_source(error)
            }
            CommandError::Empty
            | CommandError::Unreadable(_)
            | CommandError::Unstorable(_)
            | CommandError::Read(_)
            | CommandError::Store(WriteError::Refused(_) | WriteError::Busy) => Self::internal(error),
        }
    }
}

fn taken(scope: &str) -> &'static str {
    if scope == journal::tables::accounts::EMAIL_SCOPE { "email_in_use" } else { "already_taken" }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(error)
    }
}

impl From<PersonalError> for Problem {
    fn from(error: PersonalError) -> Self {
        match error {
            // The record's id follows from the key: the same key came with another body.
            PersonalError::Different => Self::conflict("idempotency_key_reused"),
            PersonalError::Canonical(_) | PersonalError::Database(_) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::account::AccountRefusal;
    use domain::order::OrderRefusal;
    use std::sync::Arc;

    #[test]
    fn missing_credits_answer_402_and_how_many_are_needed() {
        let problem = Problem::from(Refusal::from(WalletRefusal::InsufficientCredits { missing: 100 }));
        assert_eq!(problem.status, StatusCode::PAYMENT_REQUIRED);
        assert_eq!(problem.more.members["need"], 100);
    }

    #[test]
    fn what_is_not_there_answers_404_and_what_is_late_409() {
        assert_eq!(Problem::from(Refusal::from(OrderRefusal::NotFound)).status, StatusCode::NOT_FOUND);
        assert_eq!(Problem::from(Refusal::from(OrderRefusal::AlreadyPaid)).status, StatusCode::CONFLICT);
        let expired = Problem::from(Refusal::from(AccountRefusal::ExpiredVerification));
        assert_eq!((expired.status, expired.code), (StatusCode::BAD_REQUEST, "verification_expired"));
    }

    #[test]
    fn a_database_that_is_away_is_503_wherever_it_is_met() {
        let away = || sqlx::Error::PoolTimedOut;
        for problem in [
            Problem::from(away()),
            Problem::internal(ReadError::Database(away())),
            Problem::from(PersonalError::Database(away())),
        ] {
            assert_eq!((problem.status.as_u16(), problem.code), (503, "store_unavailable"));
            assert!(problem.more.source.is_some());
        }
        assert_eq!(Problem::from(sqlx::Error::RowNotFound).status, StatusCode::INTERNAL_SERVER_ERROR);
        let written = |error: fn(Arc<sqlx::Error>) -> WriteError| {
            Problem::from(CommandError::Store(error(Arc::new(away()))))
        };
        assert_eq!(written(WriteError::Unavailable).code, "store_unavailable");
        assert_eq!(written(WriteError::Unknown).code, "internal", "what may be done is not asked for again");
    }

    #[test]
    fn a_taken_email_has_its_own_code_and_never_shows_the_key() {
        let scope = journal::tables::accounts::EMAIL_SCOPE.to_owned();
        let problem = Problem::from(CommandError::ClaimTaken { scope, key: "k".into() });
        assert_eq!((problem.code, problem.more.detail), ("email_in_use", None));
    }
}
