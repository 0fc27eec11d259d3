//! `POST /payments/callback`: the buyer's browser comes back from the provider's page. Anybody can forge this, so
//! it only makes us ask the provider.

use super::received::{Call, Reception};
use crate::extract::{Client, RequestContext};
use crate::{ApiConfig, Problem};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::PaymentId;
use domain::payment::CallbackSource;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Other keys are left alone: the provider may add some.
#[derive(Deserialize, ToSchema)]
pub(super) struct CallbackBody {
    #[schema(min_length = 1, max_length = 512)]
    token: String,
}

/// Sends the buyer to the shop's page about this payment.
#[utoipa::path(post, path = "/callback", operation_id = "payment_callback", tag = "payments",
    request_body(content((CallbackBody = "application/x-www-form-urlencoded"), (CallbackBody = "application/json"))),
    responses((status = 303, description = "To `/payment/result?paymentId=…` of the shop", headers(("Location" = String))),
        (status = 400, description = "`validation_failed`: no token"),
        (status = 404, description = "`unknown_payment_token`")))]
pub(super) async fn callback(
    State(reception): State<Reception>,
    State(config): State<Arc<ApiConfig>>,
    client: Client,
    context: RequestContext,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let token = token(&headers, &body);
    let call = Call { source: CallbackSource::Browser, client, context: &context, token: token.as_deref() };
    let payment = reception.receive(call).await?;
    let location = result_page(&config, payment)?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

fn token(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        return serde_json::from_slice::<CallbackBody>(body).ok().map(|body| body.token);
    }
    url::form_urlencoded::parse(body).find(|(name, _)| name == "token").map(|(_, value)| value.into_owned())
}

fn result_page(config: &ApiConfig, payment: PaymentId) -> Result<String, Problem> {
    let mut page = config.shop_url.clone();
    page.path_segments_mut()
        .map_err(|()| Problem::internal("the shop's address cannot have a path"))?
        .pop_if_empty()
        .extend(["payment", "result"]);
    page.query_pairs_mut().clear().append_pair("paymentId", &payment.to_string());
    Ok(page.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;
    use axum::http::HeaderValue;
    use proptest::prelude::*;
    use uuid::Uuid;

    #[test]
    fn the_token_comes_as_a_form_or_as_json() {
        let mut headers = HeaderMap::new();
        assert_eq!(token(&headers, b"a=b&token=x%2By&token=z").as_deref(), Some("x+y"));
        assert_eq!(token(&headers, b"status=success"), None);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        assert_eq!(token(&headers, br#"{"token":"t","status":"success"}"#).as_deref(), Some("t"));
        assert_eq!(token(&headers, b"token=t"), None);
    }

    #[test]
    fn the_buyer_is_sent_to_the_shop_and_nowhere_else() {
        let page = result_page(&config(), PaymentId(Uuid::nil())).unwrap();
        assert_eq!(
            page,
            "http://localhost:5173/payment/result?paymentId=00000000-0000-0000-0000-000000000000"
        );
    }

    fn json() -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))])
    }

    proptest! {
        #[test]
        fn every_token_is_read_from_both_forms(text in "\\PC{0,60}") {
            let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("token", &text).finish();
            prop_assert_eq!(token(&HeaderMap::new(), form.as_bytes()), Some(text.clone()));
            let body = serde_json::json!({ "token": text }).to_string();
            prop_assert_eq!(token(&json(), body.as_bytes()), Some(text));
        }

        #[test]
        fn any_bytes_hold_a_token_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = token(&HeaderMap::new(), &bytes);
            let _ = token(&json(), &bytes);
        }
    }
}
