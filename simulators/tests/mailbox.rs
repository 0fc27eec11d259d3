//! The mailbox, spoken to line by line.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::time::Duration;

use serde_json::{Value, json};
use simulators::mailbox::{self, Credentials, Fault, MailboxOptions, MailboxSimulator, Step};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

async fn mailbox(
    credentials: Option<Credentials>,
    state_file: Option<std::path::PathBuf>,
) -> MailboxSimulator {
    let any = "127.0.0.1:0".parse().unwrap();
    mailbox::start(MailboxOptions { smtp_bind: any, http_bind: any, credentials, state_file }).await.unwrap()
}

struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(mailbox: &MailboxSimulator) -> (Self, String) {
        let mut client = Self(BufReader::new(TcpStream::connect(mailbox.smtp_addr()).await.unwrap()));
        let greeting = client.reply().await;
        (client, greeting)
    }

    /// The last line of a reply, or nothing when the server has gone.
    async fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await.unwrap_or(0) == 0 {
                return String::new();
            }
            if line.as_bytes()[3] == b' ' {
                return line;
            }
        }
    }

    async fn raw(&mut self, text: &str) -> String {
        self.0.write_all(text.as_bytes()).await.unwrap();
        self.reply().await
    }

    async fn say(&mut self, line: &str) -> String {
        self.raw(&format!("{line}\r\n")).await
    }

    /// Everything up to the message; the code of the first refusal, or 354.
    async fn until_data(&mut self) -> String {
        for line in ["EHLO me.example", "MAIL FROM:<a@b.example> BODY=8BITMIME", "RCPT TO:<Ali@c.example>"] {
            let reply = self.say(line).await;
            if !reply.starts_with("250") {
                return reply;
            }
        }
        self.say("DATA").await
    }
}

const MAIL: &str = "From: Polikrami <a@b.example>\r\nTo: ali@c.example\r\nSubject: =?utf-8?B?U2lwYXJpxZ8=?=\r\n\
                    Message-ID: <m1@b.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
                    Bağlantı: https://magaza.example/x\r\n..iki nokta\r\n.\r\n";

async fn json(url: String) -> Value {
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(url).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_message_is_kept_unstuffed_and_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mail.jsonl");
    let server = mailbox(None, Some(file.clone())).await;
    let (mut client, greeting) = Client::connect(&server).await;
    assert!(greeting.starts_with("220 "));
    assert!(client.until_data().await.starts_with("354"));
    assert!(client.raw(MAIL).await.starts_with("250 2.0.0 ok, queued as 1"));
    assert!(client.say("QUIT").await.starts_with("221"));
    server.stop().await;

    let server = mailbox(None, Some(file)).await;
    let base = server.base_url();
    let mails = json(format!("{base}/api/mails?to=ali@c.example&subject=Sipari")).await;
    let mail = &mails[0];
    assert_eq!((&mail["subject"], &mail["to"]), (&json!("Sipariş"), &json!(["Ali@c.example"])));
    assert!(mail["text"].as_str().unwrap().ends_with("\r\n.iki nokta\r\n"));
    assert_eq!(json(format!("{base}/api/counts")).await, json!({ "<m1@b.example>": 1 }));
    assert_eq!(json(format!("{base}/api/mails?to=veli@c.example")).await, json!([]));
    let page = reqwest::get(format!("{base}/mails/1")).await.unwrap().text().await.unwrap();
    assert!(page.contains("<a href=\"https://magaza.example/x\""));
    assert!(reqwest::get(format!("{base}/")).await.unwrap().text().await.unwrap().contains("Sipariş"));
    let raw = reqwest::get(format!("{base}/mails/1/raw")).await.unwrap().text().await.unwrap();
    assert_eq!(raw, MAIL.trim_end_matches(".\r\n").replace("..iki", ".iki"));
}

#[tokio::test]
async fn disorder_is_refused() {
    let server = mailbox(None, None).await;
    let (mut client, _) = Client::connect(&server).await;
    assert!(client.say("MAIL FROM:<a@b.example>").await.starts_with("503"));
    client.say("EHLO me").await;
    assert!(client.say("DATA").await.starts_with("503"));
    assert!(client.say("RCPT TO:<a@b.example>").await.starts_with("503"));
    assert!(client.raw("NOOP\n").await.starts_with("500"));
    assert!(client.say(&"x".repeat(1_000)).await.starts_with("500"));
    assert!(client.say("VRFY a").await.starts_with("252"));
    assert!(client.say("RSET").await.starts_with("250"));
    assert!(client.say("AUTH PLAIN AGEAYg==").await.starts_with("502"));
    assert!(client.until_data().await.starts_with("354"));
    assert!(client.raw("Subject: x\r\n\r\na\nb\r\n.\r\n").await.starts_with("500"));
    assert!(client.raw("NOOP\r\nNOOP\r\n").await.starts_with("503"));
    assert_eq!(client.reply().await, "");
    assert!(server.ledger().mails.is_empty());
}

#[tokio::test]
async fn a_login_is_needed_where_it_is_configured() {
    let credentials = Credentials { user: "kapak".to_owned(), password: "gizli".to_owned() };
    let server = mailbox(Some(credentials), None).await;
    let (mut client, _) = Client::connect(&server).await;
    client.say("EHLO me").await;
    assert!(client.say("MAIL FROM:<a@b.example>").await.starts_with("530"));
    assert!(client.say("AUTH PLAIN AGthcGFrAHlhbmxpcw==").await.starts_with("535"));
    server.faults().once(Step::Auth, Fault::Reply);
    assert!(client.say("AUTH PLAIN AGthcGFrAGdpemxp").await.starts_with("421"));
    let (mut client, _) = Client::connect(&server).await;
    client.say("EHLO me").await;
    assert!(client.say("AUTH LOGIN").await.starts_with("334 VXNlcm5hbWU6"));
    assert!(client.say("a2FwYWs=").await.starts_with("334 UGFzc3dvcmQ6"));
    assert!(client.say("Z2l6bGk=").await.starts_with("235"));
    assert!(client.say("MAIL FROM:<a@b.example>").await.starts_with("250"));
}

async fn order(server: &MailboxSimulator, call: &str, fault: &str) {
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{}/_control/faults", server.base_url()));
    let answer = request.json(&json!({ "call": call, "fault": fault })).send().await.unwrap();
    assert_eq!(answer.status(), 201);
}

/// What a client hears last, from greeting to dot.
async fn deliver(server: &MailboxSimulator) -> String {
    let (mut client, greeting) = Client::connect(server).await;
    if !greeting.starts_with("220") {
        return greeting;
    }
    match client.until_data().await {
        reply if reply.starts_with("354") => client.raw(MAIL).await,
        reply => reply,
    }
}

#[tokio::test]
async fn each_fault_fires_once_and_keeps_mail_as_it_says() {
    let server = mailbox(None, None).await;
    for (call, fault, heard, kept) in [
        ("greeting", "reply:421", "421", 0),
        ("ehlo", "close", "", 0),
        ("rcpt", "reply:450", "450", 0),
        ("rcpt", "reply:550", "550", 0),
        ("rcpt", "stall:20", "250", 1),
        ("data", "stall:20", "250", 1),
        ("dot", "stall:20", "250", 1),
        ("dot", "reply:554", "554", 0),
        ("dot", "close", "", 0),
        ("dot", "close_after_dot", "", 1),
        ("ehlo", "many_lines", "250", 1),
        ("mail", "split_bytes", "250", 1),
        ("dot", "huge_reply", "250", 1),
    ] {
        let before = server.ledger().mails.len();
        order(&server, call, fault).await;
        let reply = tokio::time::timeout(Duration::from_secs(5), deliver(&server)).await.unwrap();
        assert!(reply.starts_with(heard) && reply.is_empty() == heard.is_empty(), "{call} {fault}: {reply}");
        assert_eq!(server.ledger().mails.len() - before, kept, "{call} {fault}");
        assert!(deliver(&server).await.starts_with("250"), "after {call} {fault}");
    }
    assert_eq!(server.faults().report().fired.len(), 13);
}
