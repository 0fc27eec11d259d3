//! Every route × every caller: nobody comes through a door that is not his, and no route is without a row.

use super::http_access_table::{CALLERS, Meets, Row, TABLE};
use super::http_edge::{Answer, csrf, get, post, request, send, token, token_of};
use app::demo::{Steps, road};
use harness::{TestStack, eventually};
use reqwest::Method;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_in_whom_its_row_names_and_nobody_else() {
    let stack = TestStack::start().await;
    let rows_and_routes = unmatched(&stack).await;
    assert!(rows_and_routes.is_empty(), "\n{}", rows_and_routes.join("\n"));
    let shop = Shop::open(&stack).await;
    let mut wrong = Vec::new();
    for (caller, name) in CALLERS.iter().enumerate().rev() {
        // The owner comes after the strangers, deletes when all else was seen, and leaves.
        let mut rows: Vec<&Row> = TABLE.iter().collect();
        rows.sort_by_key(|row| (row.1.contains("/logout"), row.0 == "DELETE"));
        for row in rows {
            for path in mounts(row, *name == "customer") {
                let answer = shop.ask(&stack, caller, row, &path).await;
                if !fits(row.2[caller], &answer) {
                    let (method, met) = (row.0, row.2[caller]);
                    let text = answer.text().chars().take(300).collect::<String>();
                    wrong.push(format!("{method} {path} as {name}: {met:?}, not {} {text}", answer.status));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    stack.end().await;
}

/// Routes of the served document without a row, and rows without a route.
async fn unmatched(stack: &TestStack) -> Vec<String> {
    let document = send(request(stack, Method::GET, "/openapi.json")).await.json();
    let mut routes = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            if Method::from_bytes(method.as_bytes()).is_ok_and(|known| known.is_safe() || is_unsafe(&known)) {
                routes.insert((method, nameless(path)), path.clone());
            }
        }
    }
    assert!(routes.len() > 40, "only {} routes are described", routes.len());
    let rows: BTreeSet<(String, String)> =
        TABLE.iter().map(|row| (row.0.to_owned(), nameless(row.1))).collect();
    assert_eq!(rows.len(), TABLE.len(), "a route has two rows");
    let missing = routes.iter().filter(|(route, _)| !rows.contains(*route)).map(|((method, _), path)| {
        let suggestion = if path.contains('{') { "OWNER" } else { "LOGGED_IN" };
        let body = if method == "GET" { r#""""# } else { r#""{}""# };
        format!(
            "a route has no row; into TABLE of tests/system/http_access_table.rs, with who may call it:\n    \
             (\"{method}\", \"{path}\", {suggestion}, {body}),"
        )
    });
    let gone = rows.iter().filter(|row| !routes.contains_key(*row));
    let gone = gone.map(|(method, path)| format!("a row has no route: {method} {path}"));
    let silent = TABLE.iter().filter(|row| {
        let (method, path) = (row.0.to_lowercase(), routes.get(&(row.0.to_owned(), nameless(row.1))));
        path.is_some_and(|path| asks_for_login(row) != document["paths"][path][method]["security"].is_array())
    });
    let silent = silent.map(|row| format!("`security` of the description is wrong: {} {}", row.0, row.1));
    missing.chain(gone).chain(silent).collect()
}

/// Whoever is nobody is told to log in, and logging in helps.
fn asks_for_login(row: &Row) -> bool {
    row.2[0] == Meets::Shut(401) && row.2.iter().any(|meets| *meets != Meets::Shut(401))
}

fn is_unsafe(method: &Method) -> bool {
    [Method::PUT, Method::POST, Method::PATCH, Method::DELETE].contains(method)
}

/// The path whatever its parameters are called.
fn nameless(path: &str) -> String {
    let parts: Vec<&str> =
        path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
    parts.join("/")
}

/// Both mounts; what the owner changes, he changes once.
fn mounts(row: &Row, owner: bool) -> Vec<String> {
    let alias = row.1.strip_prefix("/api/v1").map(|rest| format!("/api{rest}"));
    let alias = alias.filter(|_| !owner || row.0 == "GET");
    std::iter::once(row.1.to_owned()).chain(alias).collect()
}

/// A handler that works for a caller never says that it is not there for him, or that there is no such thing.
fn fits(meets: Meets, answer: &Answer) -> bool {
    match meets {
        Meets::Shut(status) => {
            let code = &answer.json()["code"];
            answer.status == status && code.is_string() && code != "route_not_found"
        }
        Meets::Open => !matches!(answer.status, 401 | 403 | 404 | 405 | 429) && answer.status < 500,
    }
}

/// One customer's things, and who looks at them.
struct Shop {
    /// By their names in the table.
    things: BTreeMap<&'static str, String>,
    /// Access tokens, by [`CALLERS`].
    tokens: Vec<Option<String>>,
}

impl Shop {
    async fn open(stack: &TestStack) -> Self {
        let (mut owner, other) = (stack.customer().await, stack.customer().await);
        let draft = road::paint(&mut owner.shop, &mut Steps::quiet()).await.unwrap();
        let order = road::order(&mut owner.shop, &draft.id, &mut Steps::quiet()).await.unwrap();
        let payment = road::begin_payment(&mut owner.shop, &order).await.unwrap();
        road::pay(&stack.client, &mut owner.shop, &order, &mut Steps::quiet()).await.unwrap();
        let logins = &stack.endpoints.logins;
        let mut tokens = vec![None, Some(token_of(stack, &owner).await), Some(token_of(stack, &other).await)];
        for login in [&logins.designer, &logins.admin, &logins.auditor] {
            tokens.push(Some(token(stack, &login.email, &login.password).await));
        }
        let mine = tokens[1].clone().unwrap();
        let results = get(stack, &mine, &format!("/api/v1/drafts/{}/ai/results", draft.id)).await.json();
        let upload = results["jobs"][0]["images"][0]["thumbnailUrl"].as_str().unwrap();
        let sessions = get(stack, &mine, "/api/v1/auth/sessions").await.json();
        let account = get(stack, &mine, "/api/v1/users/me").await.json()["data"]["id"].clone();
        let things = BTreeMap::from([
            ("account", account.as_str().unwrap().to_owned()),
            ("address", address(stack, &mine).await),
            ("upload", upload.strip_prefix("/uploads/").unwrap().to_owned()),
            ("session", sessions["items"][0]["id"].as_str().unwrap().to_owned()),
            ("draft", draft.id),
            ("image", draft.image),
            ("payment", payment.id),
            ("invoice", invoice(stack, &mine).await),
            ("order", order),
            ("csrf", csrf(stack)),
        ]);
        Self { things, tokens }
    }

    async fn ask(&self, stack: &TestStack, caller: usize, row: &Row, path: &str) -> Answer {
        let (path, body) = (self.filled(path), self.filled(row.3));
        assert!(!path.contains('{'), "{path}: nobody makes that thing");
        let mut ask = request(stack, row.0.parse().unwrap(), &path);
        ask = if let Some(token) = &self.tokens[caller] {
            ask.bearer_auth(token)
        } else {
            let csrf = &self.things["csrf"];
            ask.header("cookie", format!("csrf={csrf}")).header("x-csrf-token", csrf)
        };
        if !body.is_empty() {
            let kind =
                if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
            ask = ask.header("content-type", kind).body(body);
        }
        send(ask).await
    }

    fn filled(&self, text: &str) -> String {
        let fill =
            |text: String, (name, value): (&&str, &String)| text.replace(&format!("{{{name}}}"), value);
        self.things.iter().fold(text.to_owned(), fill)
    }
}

/// The id of the customer's only address.
async fn address(stack: &TestStack, token: &str) -> String {
    let home = json!({ "fullName": "Ayşe Yılmaz", "phone": "0532 123 45 67", "line1": "Moda Caddesi 5",
        "city": "İstanbul", "district": "Kadıköy" });
    let saved = post(stack, token, "/api/v1/addresses", &home).await.json();
    saved["id"].as_str().unwrap().to_owned()
}

/// The number of the customer's only invoice, once its PDF is filed.
async fn invoice(stack: &TestStack, token: &str) -> String {
    eventually("the invoice is filed", async || {
        let listed = get(stack, token, "/api/v1/invoices").await.json();
        let number = listed["items"][0]["number"].as_str()?.to_owned();
        let pdf = get(stack, token, &format!("/api/v1/invoices/{number}/pdf")).await;
        (pdf.status == 200).then_some(number)
    })
    .await
}
