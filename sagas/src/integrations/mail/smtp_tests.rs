//! The dialogue against a scripted server: what each answer, silence and cut means.

use std::sync::Mutex;

use bytes::Bytes;
use time::OffsetDateTime;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use super::super::{Attachment, parse_address};
use super::*;

/// What the server says in place of its usual answer, at one step.
#[derive(Clone, Copy)]
enum Fault {
    None,
    Say(&'static str, &'static str),
    Silence(&'static str),
    Close(&'static str),
    NoStartTls,
}

impl Fault {
    /// `None`: hang up.
    async fn answer(self, stream: &mut BufReader<TcpStream>, step: &str, usual: &str) -> Option<bool> {
        let answer = match self {
            Self::Say(at, answer) if at == step => answer,
            Self::Silence(at) if at == step => std::future::pending().await,
            Self::Close(at) if at == step => return None,
            _ => usual,
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        Some(answer == usual)
    }
}

type Received = Arc<Mutex<Vec<String>>>;

async fn serve(stream: TcpStream, fault: Fault, received: Received) -> Option<()> {
    let mut stream = BufReader::new(stream);
    fault.answer(&mut stream, "greeting", "220 sink").await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let word = line.split_whitespace().next()?.to_uppercase();
        received.lock().unwrap().push(line.trim_end().to_owned());
        let usual = match word.as_str() {
            "EHLO" => "250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            "AUTH" => "235 2.7.0 ok",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        let as_usual = fault.answer(&mut stream, &word, usual).await?;
        if word == "DATA" && as_usual {
            let mut content = String::new();
            while !content.ends_with("\r\n.\r\n") {
                stream.read_line(&mut content).await.ok()?;
            }
            received.lock().unwrap().push("content".to_owned());
            fault.answer(&mut stream, "dot", "250 2.0.0 queued as 4711").await?;
        }
    }
}

async fn sink(fault: Fault) -> (SmtpConfig, Received) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = Received::default();
    let seen = received.clone();
    let tasks = TaskTracker::new();
    tasks.clone().spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tasks.spawn(serve(stream, fault, seen.clone()));
        }
    });
    let config = SmtpConfig {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::PlainLoopbackOnly,
        credentials: Some(SmtpCredentials { user: "u".to_owned(), password: "p".to_owned() }),
        extra_root_pem: None,
        from: Sender { address: parse_address("magaza@polikrami.example").unwrap(), name: None },
        ehlo: "polikrami.example".to_owned(),
        // Of silence there is soon enough; everything else must not fail because the machine is slow.
        deadline: if matches!(fault, Fault::Silence(_)) {
            Duration::from_secs(1)
        } else {
            Duration::from_secs(20)
        },
    };
    (config, received)
}

fn mail() -> OutgoingMail {
    OutgoingMail {
        to: parse_address("ali@example.com").unwrap(),
        to_name: Some("Ali".to_owned()),
        subject: "Merhaba".to_owned(),
        text: "Merhaba".to_owned(),
        html: "<p>Merhaba</p>".to_owned(),
        message_id: "k1@polikrami.example".to_owned(),
        date: OffsetDateTime::UNIX_EPOCH,
        attachments: vec![Attachment {
            name: "f.pdf".to_owned(),
            content_type: "application/pdf".to_owned(),
            bytes: Bytes::from_static(b"x"),
        }],
    }
}

async fn sent(fault: Fault) -> Result<Accepted, CallError> {
    let (config, _) = sink(fault).await;
    Mailer::new(config).unwrap().send(&mail()).await
}

fn kind(result: &Result<Accepted, CallError>) -> String {
    match result {
        Ok(_) => "accepted".to_owned(),
        Err(CallError::Retry { ambiguous: false, .. }) => "retry".to_owned(),
        Err(CallError::Retry { ambiguous: true, .. }) => "ambiguous".to_owned(),
        Err(CallError::Rejected { code, .. }) => code.clone(),
        Err(CallError::Misconfigured { .. }) => "misconfigured".to_owned(),
    }
}

#[tokio::test]
async fn only_the_final_250_is_success() {
    let accepted = sent(Fault::None).await.unwrap();
    assert!(accepted.reply.contains("queued as 4711"), "{accepted:?}");
    assert_eq!(kind(&sent(Fault::Say("dot", "354 what")).await), "ambiguous");
    assert_eq!(kind(&sent(Fault::Say("dot", "252 perhaps")).await), "ambiguous");
}

#[tokio::test]
async fn each_answer_means_what_its_step_makes_of_it() {
    let cases = [
        ("greeting", "554 go away", "misconfigured"),
        ("greeting", "421 busy", "retry"),
        ("AUTH", "535 5.7.8 wrong", "misconfigured"),
        ("AUTH", "454 later", "retry"),
        ("MAIL", "553 not yours", "misconfigured"),
        ("MAIL", "451 later", "retry"),
        ("RCPT", "550 5.1.1 no such user", "smtp_550"),
        ("RCPT", "552 5.2.2 full", "retry"),
        ("RCPT", "550 5.2.2 full", "retry"),
        ("RCPT", "450 4.7.1 greylisted", "retry"),
        ("RCPT", "530 log in first", "misconfigured"),
        ("DATA", "554 no", "smtp_554"),
        ("DATA", "250 what", "retry"),
        ("dot", "554 5.7.1 spam", "smtp_554"),
        ("dot", "452 no room", "retry"),
    ];
    for (step, answer, expected) in cases {
        assert_eq!(kind(&sent(Fault::Say(step, answer)).await), expected, "{step} {answer}");
    }
}

#[tokio::test]
async fn only_what_happens_after_the_dot_is_ambiguous() {
    for step in ["greeting", "EHLO", "RCPT", "DATA"] {
        assert_eq!(kind(&sent(Fault::Silence(step)).await), "retry", "silent at {step}");
        assert_eq!(kind(&sent(Fault::Close(step)).await), "retry", "closed at {step}");
    }
    assert_eq!(kind(&sent(Fault::Silence("dot")).await), "ambiguous");
    assert_eq!(kind(&sent(Fault::Close("dot")).await), "ambiguous");
    assert_eq!(kind(&sent(Fault::Silence("QUIT")).await), "accepted", "goodbye is not part of it");
}

#[tokio::test]
async fn an_error_does_not_tell_who_the_mail_was_for() {
    let error = sent(Fault::Say("RCPT", "550 5.1.1 <ali@example.com> unknown")).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("ali@"), "{error:?}");
    assert!(error.to_string().contains("5.1.1"), "{error}");
}

#[tokio::test]
async fn without_starttls_no_login_is_sent() {
    let (mut config, received) = sink(Fault::NoStartTls).await;
    config.security = Security::StartTls;
    let result = Mailer::new(config).unwrap().send(&mail()).await;
    assert_eq!(kind(&result), "misconfigured");
    assert!(!received.lock().unwrap().iter().any(|line| line.starts_with("AUTH")));
}

#[tokio::test]
async fn plain_text_is_for_this_machine_only() {
    let (mut config, _) = sink(Fault::None).await;
    config.host = "mail.example.com".to_owned();
    assert!(matches!(Mailer::new(config), Err(CallError::Misconfigured { .. })));
}

#[tokio::test]
async fn nobody_listening_is_a_retry() {
    let (mut config, _) = sink(Fault::None).await;
    config.port = 1;
    let mailer = Mailer::new(config).unwrap();
    assert_eq!(kind(&mailer.send(&mail()).await), "retry");
    assert!(mailer.test().await.is_err());
}

#[test]
fn a_gate_that_is_closed_first_lets_nothing_through() {
    let gate = Gate::default();
    assert!(gate.close() && !gate.enter() && gate.close());
    let gate = Gate::default();
    assert!(gate.enter() && !gate.close() && !gate.enter());
}
