//! What the run finds in the shop, so that it meets more than 404: one of each thing, in each state that it has words for.

use app::demo::{Steps, road, shop::Shop};
use domain::AccountId;
use harness::TestStack;
use harness::door::{context, grant};
use journal::Rider;
use reqwest::Url;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Enough for the stock, and for some pictures of the run's own; then the shop has to say that there are no more.
const CREDITS: u32 = 60;

/// Fills the shop of whoever has this token, and writes what it is called to `<dictionary>.txt` files.
pub async fn fill(stack: &TestStack, token: &str, folder: &Path) {
    let mut shop = Shop::new(stack.client.clone(), Url::parse(&stack.endpoints.api).unwrap());
    shop.log_in(token.to_owned());
    give_credits(stack, &mut shop).await;
    let bare = shop.post("/api/v1/drafts", &json!({ "method": "ai" })).await.unwrap();
    let painted = road::paint(&mut shop, &mut Steps::quiet()).await.unwrap();
    let ordered = road::paint(&mut shop, &mut Steps::quiet()).await.unwrap();
    let waiting = road::order(&mut shop, &ordered.id, &mut Steps::quiet()).await.unwrap();
    let bought = road::paint(&mut shop, &mut Steps::quiet()).await.unwrap();
    let paid = road::order(&mut shop, &bought.id, &mut Steps::quiet()).await.unwrap();
    let attempt = road::begin_payment(&mut shop, &waiting).await.unwrap();
    road::pay(&stack.client, &mut shop, &paid, &mut Steps::quiet()).await.unwrap();
    let invoice = road::invoice_number(&mut shop, &paid).await.unwrap();
    let drafts = [&text(&bare["data"]["id"]), &painted.id, &ordered.id, &bought.id].map(String::clone);
    for (dictionary, words) in [
        ("drafts", drafts.to_vec()),
        ("images", vec![painted.image, bought.image]),
        ("painted", vec![painted.id]),
        ("bought", vec![bought.id]),
        ("orders", vec![waiting, paid]),
        ("payments", vec![attempt.id]),
        ("invoices", vec![invoice]),
        ("addresses", addresses(&mut shop).await),
        ("cards", vec![text(&shop.get("/api/v1/message-cards").await.unwrap()[0]["id"])]),
        ("sessions", other_sessions(&mut shop).await),
    ] {
        let lines = words.iter().fold(String::new(), |mut lines, word| {
            writeln!(lines, "\"{word}\"").unwrap();
            lines
        });
        std::fs::write(folder.join(format!("{dictionary}.txt")), lines).unwrap();
    }
}

async fn give_credits(stack: &TestStack, shop: &mut Shop) {
    let account = text(&shop.get("/api/v1/users/me").await.unwrap()["data"]["id"]);
    let gift = vec![grant(AccountId(account.parse().unwrap()), "schema", CREDITS)];
    let commands = stack.service.as_ref().unwrap().commands.clone();
    commands.execute(gift, &context(), Rider::default()).await.unwrap();
}

/// Two, so that one is the default and one is not.
async fn addresses(shop: &mut Shop) -> Vec<String> {
    let mut ids = Vec::new();
    for label in ["Ev", "Bürom"] {
        let address = json!({
            "label": label, "fullName": "Ayşe Yılmaz", "phone": "05321234567", "line1": "Moda Caddesi 12/3",
            "city": "İstanbul", "district": "Kadıköy", "postalCode": "34710",
        });
        ids.push(text(&shop.post("/api/v1/addresses", &address).await.unwrap()["id"]));
    }
    ids
}

/// All but the one that the run lives in.
async fn other_sessions(shop: &mut Shop) -> Vec<String> {
    let sessions = shop.get("/api/v1/auth/sessions").await.unwrap();
    let others = sessions["items"].as_array().unwrap().iter().filter(|one| one["current"] == json!(false));
    others.map(|one| text(&one["id"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
