use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use tokio_util::task::TaskTracker;

use super::*;

const TO: &str = "+905321234567";
const CODE: &str = "4711";
const SID: &str = "AC00000000000000000000000000000000";

type Reply = (u16, Vec<(&'static str, &'static str)>, String);

async fn reply(
    State(reply): State<Arc<Reply>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response<String> {
    assert_eq!((method, uri.path()), (Method::POST, &*format!("/2010-04-01/Accounts/{SID}/Messages.json")));
    assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
    // `SID:token`
    let login = "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDp0b2tlbg==";
    assert_eq!(headers["authorization"], login);
    assert_eq!(body, "To=%2B905321234567&From=%2B15005550006&Body=kod+4711");
    let mut response = Response::builder().status(reply.0);
    for (name, value) in &reply.1 {
        response = response.header(*name, *value);
    }
    response.body(reply.2.clone()).unwrap()
}

async fn answering(status: u16, headers: Vec<(&'static str, &'static str)>, body: &str) -> Twilio {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let router = Router::new().fallback(reply).with_state(Arc::new((status, headers, body.to_owned())));
    TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
    Twilio::new(config(base_url, SID)).unwrap()
}

fn config(base_url: Url, sid: &str) -> TwilioConfig {
    TwilioConfig {
        base_url,
        account_sid: sid.to_owned(),
        auth_token: "token".to_owned(),
        from: "+15005550006".to_owned(),
        timeout: Duration::from_secs(5),
    }
}

fn text() -> OutgoingText {
    OutgoingText { to: TO.to_owned(), body: format!("kod {CODE}") }
}

async fn refused(status: u16, code: u32) -> CallError {
    // As the provider words it: with the number.
    let body = format!("{{\"code\":{code},\"message\":\"{TO} with {CODE}\",\"status\":{status}}}");
    answering(status, vec![], &body).await.send(&text()).await.unwrap_err()
}

#[tokio::test]
async fn a_message_that_is_taken_has_an_id() {
    let twilio = answering(201, vec![], r#"{"sid":"SM1","status":"queued","to":"+905321234567"}"#).await;
    assert_eq!(twilio.send(&text()).await.unwrap(), Accepted { id: "SM1".into() });
}

#[tokio::test]
async fn a_201_of_somebody_else_is_ambiguous() {
    assert!(answering(201, vec![], "<html>").await.send(&text()).await.unwrap_err().is_ambiguous());
}

#[tokio::test]
async fn statuses_and_codes_choose_their_class() {
    for code in [21211, 21408, 21610, 21614] {
        let error = refused(400, code).await;
        let expected = format!("twilio_{code}");
        assert!(matches!(&error, CallError::Rejected { code, .. } if *code == expected), "{error:?}");
    }
    for (status, code) in
        [(401, 20003), (403, 20005), (404, 20404), (400, 21606), (400, 0), (302, 0), (200, 0)]
    {
        assert!(matches!(refused(status, code).await, CallError::Misconfigured { .. }), "{status} {code}");
    }
    for (status, code) in [(429, 20429), (429, 0), (400, 21611)] {
        let error = refused(status, code).await;
        assert!(matches!(error, CallError::Retry { ambiguous: false, .. }), "{status} {code}");
    }
    for status in [408, 500, 502, 503, 504] {
        assert!(refused(status, 0).await.is_ambiguous(), "{status}");
    }
}

#[tokio::test]
async fn the_provider_says_how_long_to_wait() {
    let twilio = answering(429, vec![("retry-after", "7")], "").await;
    let error = twilio.send(&text()).await.unwrap_err();
    assert!(matches!(error, CallError::Retry { after, .. } if after.as_secs() == 7), "{error:?}");
}

#[tokio::test]
async fn no_error_tells_number_code_or_token() {
    for (status, code) in [(400, 21211), (400, 21606), (401, 20003), (429, 20429), (500, 0)] {
        let error = refused(status, code).await;
        let told = format!("{error} {error:?}");
        for secret in ["5321234567", CODE, "token"] {
            assert!(!told.contains(secret), "{told}");
        }
    }
    let gone: Url = "http://127.0.0.1:1".parse().unwrap();
    let error = Twilio::new(config(gone, SID)).unwrap().send(&text()).await.unwrap_err();
    assert!(matches!(error, CallError::Retry { ambiguous: false, .. }), "{error:?}");
}

#[test]
fn what_is_no_sid_leads_to_no_other_address() {
    let base: Url = "https://api.twilio.com".parse().unwrap();
    assert!(Twilio::new(config(base, "../Calls")).is_err());
}
