use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use tokio_util::task::TaskTracker;

use super::super::AspectRatio;
use super::*;

type Reply = (u16, Vec<(&'static str, &'static str)>, &'static str);

async fn reply(State(reply): State<Arc<Reply>>, headers: HeaderMap, body: Bytes) -> Response<String> {
    if !body.is_empty() {
        let kind = headers["content-type"].to_str().unwrap();
        assert!(kind.starts_with("multipart/form-data; boundary="), "{kind}");
        assert_eq!(headers["authorization"], "Bearer key");
        assert_eq!(headers["accept"], "image/*");
        let body = String::from_utf8_lossy(&body).into_owned();
        assert!(body.contains("name=\"seed\"\r\n\r\n7\r\n"), "{body}");
    }
    let mut response = Response::builder().status(reply.0);
    for (name, value) in &reply.1 {
        response = response.header(*name, *value);
    }
    response.body(reply.2.to_owned()).unwrap()
}

async fn answering(status: u16, headers: Vec<(&'static str, &'static str)>, body: &'static str) -> Stability {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let router = Router::new().fallback(reply).with_state(Arc::new((status, headers, body)));
    TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
    Stability::new(StabilityConfig {
        base_url,
        api_key: "key".to_owned(),
        timeout: Duration::from_secs(5),
        client_id: "test".to_owned(),
    })
    .unwrap()
}

fn request() -> GenerateRequest {
    GenerateRequest {
        prompt: "a fox".to_owned(),
        negative_prompt: None,
        aspect_ratio: AspectRatio::Tall9x16,
        seed: 7,
        style: None,
        end_user: "hash".to_owned(),
    }
}

async fn refused(status: u16, headers: Vec<(&'static str, &'static str)>, body: &'static str) -> CallError {
    answering(status, headers, body).await.generate(&request()).await.unwrap_err()
}

#[tokio::test]
async fn a_success_carries_bytes_seed_and_request_id() {
    let headers = vec![
        ("content-type", "image/png"),
        ("finish-reason", "SUCCESS"),
        ("seed", "7"),
        ("x-request-id", "r"),
    ];
    let generated = answering(200, headers, "PNG").await.generate(&request()).await.unwrap();
    assert_eq!((&generated.bytes[..], generated.seed), (&b"PNG"[..], 7));
    assert_eq!(generated.request_id.as_deref(), Some("r"));
}

#[tokio::test]
async fn a_filtered_picture_is_a_refusal_although_the_status_is_200() {
    let headers = vec![("content-type", "image/png"), ("finish-reason", "CONTENT_FILTERED")];
    let error = refused(200, headers, "PNG").await;
    assert!(matches!(error, CallError::Rejected { code, .. } if code == "content_filtered"));
}

#[tokio::test]
async fn a_200_that_is_no_picture_is_ambiguous() {
    assert!(refused(200, vec![("content-type", "text/html")], "<html>").await.is_ambiguous());
    assert!(
        refused(200, vec![("content-type", "image/png"), ("finish-reason", "SUCCESS")], "")
            .await
            .is_ambiguous()
    );
}

#[tokio::test]
async fn statuses_choose_their_class() {
    for (status, code) in [(403, "content_moderation"), (422, "unprocessable"), (413, "payload_too_large")] {
        let error = refused(status, vec![], r#"{"name":"x","errors":["y"]}"#).await;
        assert!(matches!(error, CallError::Rejected { code: found, .. } if found == code), "{status}");
    }
    for status in [400, 401, 402, 404, 302] {
        assert!(matches!(refused(status, vec![], "").await, CallError::Misconfigured { .. }), "{status}");
    }
    assert!(matches!(refused(500, vec![], "").await, CallError::Retry { ambiguous: false, .. }));
    for status in [502, 503, 504] {
        assert!(refused(status, vec![], "<html>").await.is_ambiguous(), "{status}");
    }
}

#[tokio::test]
async fn after_a_429_nothing_is_sent_for_a_minute() {
    let stability = answering(429, vec![], "").await;
    for _ in 0..2 {
        let error = stability.generate(&request()).await.unwrap_err();
        assert!(matches!(error, CallError::Retry { after, ambiguous: false, .. } if after.as_secs() >= 59));
    }
    assert!(stability.pace.check().is_err());
}

#[tokio::test]
async fn the_balance_is_read() {
    let stability = answering(200, vec![], r#"{"credits": 12.5}"#).await;
    assert_eq!(stability.balance().await.unwrap(), Balance { credits: 12.5 });
    assert!(matches!(answering(401, vec![], "").await.balance().await, Err(CallError::Misconfigured { .. })));
}

#[test]
fn seeds_stay_explicit_and_in_bounds() {
    assert_eq!([0, 5, u32::MAX].map(explicit), [1, 5, 1]);
}
