//! `POST /payments/webhooks/iyzico`: the provider's server calls. The signature covers no amount and can be
//! replayed, so it, too, only makes us ask the provider.

use super::received::{Call, Reception};
use crate::extract::{Client, RequestContext};
use crate::{ApiConfig, Problem};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use domain::payment::CallbackSource;
use hmac::{Hmac, Mac};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

const SIGNATURE: &str = "x-iyz-signature-v3";

/// The provider's words for a payment on its page; other keys are left alone.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct IyzicoBody {
    #[schema(required, nullable = false, min_length = 1, max_length = 512)]
    token: Option<String>,
    #[serde(default)]
    iyzi_event_type: Value,
    #[serde(default)]
    iyzi_payment_id: Value,
    #[serde(default)]
    payment_conversation_id: Value,
    #[serde(default)]
    status: Value,
}

/// A notification of the payment provider.
#[utoipa::path(post, path = "/webhooks/iyzico", operation_id = "iyzico_webhook", tag = "payments",
    request_body = IyzicoBody, params(("X-IYZ-SIGNATURE-V3" = Option<String>, Header, description = "Checked when present")),
    responses((status = 200, description = "Recorded"),
        (status = 400, description = "`malformed_json`, `validation_failed`"),
        (status = 401, description = "`invalid_signature`"), (status = 404, description = "`unknown_payment_token`")))]
pub(super) async fn iyzico(
    State(reception): State<Reception>,
    State(config): State<Arc<ApiConfig>>,
    client: Client,
    context: RequestContext,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let parsed: Option<IyzicoBody> = serde_json::from_slice(&body).ok();
    let token = parsed.as_ref().and_then(|body| body.token.as_deref());
    let call = Call { source: CallbackSource::Webhook, client, context: &context, token };
    if let Some(signature) = headers.get(SIGNATURE) {
        let body = parsed.as_ref();
        if !body.is_some_and(|body| is_signed(body, config.iyzico_secret.bytes(), signature.as_bytes())) {
            return Err(reception.refuse(call).await?);
        }
    }
    reception.receive(call).await?;
    Ok(StatusCode::OK)
}

/// Hex HMAC-SHA256 over secret, event type, payment id, token, conversation id and status, nothing between them.
fn is_signed(body: &IyzicoBody, secret: &[u8], signature: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return false };
    mac.update(secret);
    mac.update(plain(&body.iyzi_event_type).as_bytes());
    mac.update(plain(&body.iyzi_payment_id).as_bytes());
    mac.update(body.token.as_deref().unwrap_or_default().as_bytes());
    mac.update(plain(&body.payment_conversation_id).as_bytes());
    mac.update(plain(&body.status).as_bytes());
    let expected = hex::encode(mac.finalize().into_bytes());
    expected.as_bytes().ct_eq(signature.to_ascii_lowercase().as_slice()).into()
}

/// Numbers by their digits, text without quotes, nothing for what is absent.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// The provider's own worked example, with a number for the payment's id.
    fn body() -> IyzicoBody {
        serde_json::from_value(json!({"paymentConversationId": "order-0001", "merchantId": 3_404_590,
            "status": "SUCCESS", "token": "0b7b67d2-fdf0-4c9a-905f-2b0003b1b8c7",
            "iyziEventType": "CHECKOUT_FORM_AUTH", "iyziEventTime": 1_766_733_201_159_u64,
            "iyziPaymentId": 24_478_123}))
        .unwrap()
    }

    const SECRET: &[u8] = b"sandbox-test-secret";
    const SIGNED: &[u8] = b"4714f98c02b05e10cc7ee20c706cc763cf3e82d20270dcc154271998069b2d2c";

    #[test]
    fn the_signature_covers_the_plain_values_in_order() {
        assert!(is_signed(&body(), SECRET, SIGNED));
        assert!(is_signed(&body(), SECRET, &SIGNED.to_ascii_uppercase()));
        assert!(!is_signed(&body(), b"another secret", SIGNED));
        assert!(!is_signed(&IyzicoBody { token: Some("t0k".into()), ..body() }, SECRET, SIGNED));
        assert!(!is_signed(&body(), SECRET, b""));
    }

    proptest! {
        #[test]
        fn any_value_can_be_signed_and_no_other_signature_fits(
            id in any::<u64>(), words in prop::collection::vec("\\PC{0,20}", 3), other in "[0-9a-f]{64}"
        ) {
            let body = json!({ "token": words[0], "iyziEventType": words[1], "status": words[2], "iyziPaymentId": id });
            let body: IyzicoBody = serde_json::from_value(body).unwrap();
            let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
            mac.update(SECRET);
            mac.update(format!("{}{id}{}{}", words[1], words[0], words[2]).as_bytes());
            let signature = hex::encode(mac.finalize().into_bytes());
            prop_assert!(is_signed(&body, SECRET, signature.as_bytes()));
            prop_assert!(!is_signed(&body, SECRET, other.as_bytes()));
        }

        #[test]
        fn any_bytes_are_a_body_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(body) = serde_json::from_slice::<IyzicoBody>(&bytes) {
                let _ = is_signed(&body, SECRET, &bytes);
            }
        }
    }
}
