//! What people tell of themselves, what others may see of it, and their picture.

use super::http_edge::{Answer, get, request, send, token, token_of};
use harness::TestStack;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::io::Cursor;
use tokio::task::JoinSet;

const ME: &str = "/api/v1/users/me";
const PRIVACY: &str = "/api/v1/users/privacy-settings";
const AVATAR: &str = "/api/v1/users/me/avatar";

async fn put(stack: &TestStack, token: &str, path: &str, body: &Value) -> Answer {
    send(request(stack, Method::PUT, path).bearer_auth(token).json(body)).await
}

async fn me(stack: &TestStack, token: &str) -> Value {
    get(stack, token, ME).await.json()["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_made_and_changed_key_by_key() {
    let stack = TestStack::start().await;
    let person = stack.customer().await;
    let mine = token_of(&stack, &person).await;
    let before = me(&stack, &mine).await;
    assert_eq!((&before["profile"], &before["avatarUrl"]), (&Value::Null, &Value::Null));
    let full = json!({ "name": "  Deniz Kaya ", "phone": "0532 123 45 67", "company": "Kapak A.Ş.",
        "address1": "Moda Caddesi 5", "address2": "Daire 3", "city": "ISTANBUL", "state": "Marmara",
        "postalCode": "34710", "country": "tr", "preferences": { "emailNotifications": false } });
    let answer = put(&stack, &mine, ME, &full).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let written = answer.json()["data"].clone();
    assert_eq!((&written["userId"], &answer.json()["success"]), (&before["id"], &json!(true)));
    for (key, value) in [
        ("phone", json!("+905321234567")),
        ("city", json!("İstanbul")),
        ("country", json!("TR")),
        ("preferences", json!({ "emailNotifications": false })),
        ("isArtist", json!(false)),
        ("iban", Value::Null),
    ] {
        assert_eq!(written[key], value, "{key}");
    }
    let after = me(&stack, &mine).await;
    assert_eq!((&after["name"], &after["profile"]), (&json!("Deniz Kaya"), &written));
    a_profile_can_be_sent_back(&stack, &mine, &written).await;
    another_phone_has_to_be_proven_anew(&stack, &mine, &written).await;
    let clear = json!({ "company": null, "preferences": null });
    let cleared = put(&stack, &mine, "/api/users/profile", &clear).await.json()["data"].clone();
    assert_eq!((&cleared["company"], &cleared["preferences"]), (&Value::Null, &Value::Null));
    assert_eq!((&cleared["address1"], &cleared["city"]), (&written["address1"], &written["city"]));
    wrong_fields_change_nothing(&stack, &mine).await;
    designers_have_agreed_to_share(&stack).await;
    send(request(&stack, Method::PUT, ME).json(&json!({}))).await.is_problem(403, "csrf_token_invalid");
    stack.end().await;
}

async fn a_profile_can_be_sent_back(stack: &TestStack, mine: &str, written: &Value) {
    let same = put(stack, mine, "/api/v1/users/profile", written).await;
    assert_eq!((same.status, &same.json()["data"]), (200, written));
    assert_eq!(me(stack, mine).await["name"], "Deniz Kaya");
}

async fn another_phone_has_to_be_proven_anew(stack: &TestStack, mine: &str, written: &Value) {
    sqlx::query("UPDATE profiles SET phone_verified_at = now() WHERE phone = '+905321234567'")
        .execute(&stack.database.pool)
        .await
        .unwrap();
    // Another spelling is the same number.
    let same = json!({ "phone": "+90 (532) 123 45 67", "company": "Kapak" });
    assert!(put(stack, mine, ME, &same).await.json()["data"]["phoneVerifiedAt"].is_string());
    let other = json!({ "phone": "0533 123 45 67", "company": "Other", "name": "Deniz" });
    let changed = put(stack, mine, ME, &other).await.json()["data"].clone();
    assert_eq!(changed["phoneVerifiedAt"], Value::Null);
    // All else that came with it is done as well.
    assert_eq!((&changed["company"], &changed["phone"]), (&json!("Other"), &json!("+905331234567")));
    assert_eq!(changed["address1"], written["address1"]);
    assert_eq!(me(stack, mine).await["name"], "Deniz");
}

async fn wrong_fields_change_nothing(stack: &TestStack, mine: &str) {
    let before = me(stack, mine).await;
    for (change, pointer, code) in [
        (json!({ "name": " A " }), "/name", "too_short"),
        (json!({ "phone": "12" }), "/phone", "phone_invalid"),
        (json!({ "company": "x".repeat(101) }), "/company", "too_long"),
        (json!({ "address1": "x".repeat(201) }), "/address1", "too_long"),
        (json!({ "country": "T" }), "/country", "country_unknown"),
        (json!({ "city": "Berlin" }), "/city", "province_unknown"),
        (json!({ "postalCode": "1" }), "/postalCode", "postal_code_invalid"),
        (json!({ "preferences": "none" }), "/preferences", "invalid_value"),
        (json!({ "preferences": { "a": "\u{0}" } }), "/preferences/a", "invalid_value"),
        (json!({ "preferences": { "a": "x".repeat(20_000) } }), "/preferences", "too_many_bytes"),
    ] {
        let answer = put(stack, mine, ME, &change).await;
        answer.is_problem(400, "validation_failed");
        let first = answer.json()["pointers"][0].clone();
        assert_eq!((&first["pointer"], &first["code"]), (&json!(pointer), &json!(code)), "{change}");
    }
    put(stack, mine, ME, &json!({ "email": "x@example.com" })).await.is_problem(400, "unknown_field");
    assert_eq!(me(stack, mine).await, before);
}

async fn designers_have_agreed_to_share(stack: &TestStack) {
    let login = &stack.endpoints.logins.designer;
    let designer = token(stack, &login.email, &login.password).await;
    let profile = me(stack, &designer).await["profile"].clone();
    assert_eq!(profile["isArtist"], true);
    let written = put(stack, &designer, ME, &json!({})).await.json()["data"].clone();
    assert_eq!(written, profile);
    assert!(profile["revenueShareAcceptedAt"].is_string(), "{profile}");
}

#[tokio::test(flavor = "multi_thread")]
async fn others_see_what_a_person_lets_them() {
    let stack = TestStack::start().await;
    let person = stack.customer().await;
    let mine = token_of(&stack, &person).await;
    let first =
        json!({ "showEmail": false, "showPhone": false, "showAddress": false, "showPortfolio": true });
    assert_eq!(get(&stack, &mine, PRIVACY).await.json(), first);
    let changed = put(&stack, &mine, PRIVACY, &json!({ "showEmail": true })).await;
    let second =
        json!({ "showEmail": true, "showPhone": false, "showAddress": false, "showPortfolio": true });
    assert_eq!((changed.status, changed.json()), (200, second));
    let alias = put(&stack, &mine, "/api/users/me/privacy", &json!({ "showPortfolio": false })).await;
    let third =
        json!({ "showEmail": true, "showPhone": false, "showAddress": false, "showPortfolio": false });
    assert_eq!((alias.status, alias.json()), (200, third.clone()));
    put(&stack, &mine, PRIVACY, &json!({ "showIban": true })).await.is_problem(400, "unknown_field");
    put(&stack, &mine, PRIVACY, &json!({ "showPhone": "yes" })).await.is_problem(400, "validation_failed");
    assert_eq!(get(&stack, &mine, PRIVACY).await.json(), third);
    assert_eq!(me(&stack, &mine).await["profile"], Value::Null, "no profile was written");
    stack.end().await;
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn plain(width: u32, height: u32, color: [u8; 3]) -> DynamicImage {
    RgbImage::from_pixel(width, height, Rgb(color)).into()
}

fn upload(stack: &TestStack, token: &str, form: Form) -> reqwest::RequestBuilder {
    request(stack, Method::POST, AVATAR).bearer_auth(token).multipart(form)
}

fn file(bytes: Vec<u8>) -> Form {
    Form::new().part("file", Part::bytes(bytes).file_name("me.png"))
}

async fn shown(stack: &TestStack, url: &str) -> Answer {
    send(request(stack, Method::GET, url)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portrait_is_cut_shown_replaced_and_removed() {
    let stack = TestStack::start().await;
    let person = stack.customer().await;
    let mine = token_of(&stack, &person).await;
    let mut urls: Vec<String> = Vec::new();
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::WebP] {
        let picture = encoded(&plain(400, 300, [200, 30, 30]), format);
        let answer = send(upload(&stack, &mine, file(picture))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let url = answer.json()["avatarUrl"].as_str().unwrap().to_owned();
        assert_eq!(me(&stack, &mine).await["avatarUrl"], url);
        let picture = shown(&stack, &url).await;
        assert_eq!((picture.status, picture.header("content-type")), (200, "image/jpeg"));
        let square = image::load_from_memory(&picture.bytes).unwrap();
        assert_eq!((square.width(), square.height()), (256, 256));
        if let Some(old) = urls.last() {
            assert_ne!(old, &url);
            shown(&stack, old).await.is_problem(404, "file_not_found");
        }
        urls.push(url);
    }
    many_at_once_leave_one_file(&stack, &mine).await;
    what_is_no_portrait_is_refused(&stack, &mine).await;
    let last = me(&stack, &mine).await["avatarUrl"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let removed = send(request(&stack, Method::DELETE, "/api/users/me/avatar").bearer_auth(&mine)).await;
        assert_eq!(removed.status, 204, "{}", removed.text());
    }
    shown(&stack, &last).await.is_problem(404, "file_not_found");
    assert_eq!(me(&stack, &mine).await["avatarUrl"], Value::Null);
    assert_eq!(files(&stack), 0);
    stack.end().await;
}

/// Portraits in the public store.
fn files(stack: &TestStack) -> usize {
    let folder = stack.options().settings.files.public_dir.join("avatars");
    std::fs::read_dir(folder).unwrap().count()
}

async fn many_at_once_leave_one_file(stack: &TestStack, mine: &str) {
    let mut running = JoinSet::new();
    for shade in 0..6 {
        let picture = encoded(&plain(64, 64, [shade * 40, 0, 0]), ImageFormat::Png);
        let request = upload(stack, mine, file(picture));
        running.spawn(async move { send(request).await.status });
    }
    let mut statuses = running.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses[..2], [200; 2], "two have a place: {statuses:?}");
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert_eq!(files(stack), 1);
    let url = me(stack, mine).await["avatarUrl"].as_str().unwrap().to_owned();
    assert_eq!(shown(stack, &url).await.status, 200);
}

async fn what_is_no_portrait_is_refused(stack: &TestStack, mine: &str) {
    let before = me(stack, mine).await;
    let png = encoded(&plain(64, 64, [1, 2, 3]), ImageFormat::Png);
    // 30 million pixels in a small file.
    let bomb = encoded(&DynamicImage::new_luma8(6_000, 5_000), ImageFormat::Png);
    assert!(bomb.len() < 200_000, "{}", bomb.len());
    for (bytes, code) in [
        (b"GIF89a, or so it says".to_vec(), "picture_format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), "picture_format"),
        (Vec::new(), "picture_format"),
        (png[..png.len() / 2].to_vec(), "picture_broken"),
        (bomb, "picture_dimensions"),
    ] {
        let answer = send(upload(stack, mine, file(bytes))).await;
        answer.is_problem(400, "validation_failed");
        assert_eq!(answer.json()["pointers"][0]["code"], code);
        assert_eq!(answer.json()["pointers"][0]["pointer"], "/file");
    }
    let limit = 5 * 1024 * 1024;
    send(upload(stack, mine, file(vec![0; limit + 1]))).await.is_problem(413, "payload_too_large");
    send(upload(stack, mine, file(vec![0; limit + 100_000]))).await.is_problem(413, "payload_too_large");
    send(upload(stack, mine, file(vec![0; limit]))).await.is_problem(400, "validation_failed");
    let two = file(png.clone()).part("file", Part::bytes(png.clone()));
    send(upload(stack, mine, two)).await.is_problem(400, "validation_failed");
    send(upload(stack, mine, file(png).text("crop", "1"))).await.is_problem(400, "unknown_field");
    let json = request(stack, Method::POST, AVATAR).bearer_auth(mine).json(&json!({}));
    send(json).await.is_problem(415, "multipart_expected");
    let raw = |body: &'static str| {
        let request = request(stack, Method::POST, AVATAR).bearer_auth(mine);
        send(request.header("content-type", "multipart/form-data; boundary=x").body(body))
    };
    raw("--x\r\nno").await.is_problem(400, "malformed_body");
    let empty = raw("--x--\r\n").await;
    empty.is_problem(400, "validation_failed");
    assert_eq!(empty.json()["pointers"][0]["code"], "required");
    assert_eq!(me(stack, mine).await, before);
    assert_eq!(files(stack), 1);
}
