//! `?min_position=`: the answer must show at least this much of the journal.

use crate::Problem;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;

/// The position that an earlier command answered in `X-Journal-Position`, if the caller waits for one.
#[derive(Debug, Clone, Copy, Default)]
pub struct MinPosition(pub Option<i64>);

#[derive(Deserialize)]
struct Wanted {
    min_position: Option<i64>,
}

impl<S: Send + Sync> FromRequestParts<S> for MinPosition {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::<Wanted>::try_from_uri(&parts.uri) {
            Ok(Query(Wanted { min_position })) if min_position.is_none_or(|position| position >= 0) => {
                Ok(Self(min_position))
            }
            Ok(_) | Err(_) => Err(Problem::field("min_position", "invalid_value")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;
    use futures::executor::block_on;
    use proptest::prelude::*;

    fn asked(query: &str) -> Result<Option<i64>, Problem> {
        let (mut parts, ()) = Request::builder().uri(format!("/?{query}")).body(()).unwrap().into_parts();
        block_on(MinPosition::from_request_parts(&mut parts, &())).map(|MinPosition(position)| position)
    }

    proptest! {
        #[test]
        fn a_position_is_a_number_from_zero(position in any::<i64>()) {
            match asked(&format!("min_position={position}")) {
                Ok(read) => prop_assert!(position >= 0 && read == Some(position)),
                Err(problem) => prop_assert!(position < 0 && problem.status == 400),
            }
        }

        #[test]
        fn any_other_query_is_refused_or_asks_for_nothing(name in "[a-z_%&=]{0,20}", value in "[0-9a-zA-Z%&=.+-]{0,20}") {
            if let Err(problem) = asked(&format!("{name}={value}")) {
                prop_assert_eq!(problem.status, 400);
            }
        }
    }
}
