//! One connection's dialogue.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use super::fault::{Fault, Step};
use super::ledger::Change;
use super::lines::Lines;
use super::mail::Received;
use super::reply::Reply;
use super::{Credentials, Mailbox};
use crate::world;

const HOST: &str = "posta.polikrami.example";
const RECIPIENTS_MAX: usize = 100;

struct Session<'a> {
    mailbox: &'a Mailbox,
    lines: Lines,
    half: OwnedWriteHalf,
    greeted: bool,
    logged_in: bool,
    sender: Option<String>,
    recipients: Vec<String>,
}

/// Whether the dialogue goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Command,
    Close,
}

pub(super) async fn talk(stream: TcpStream, mailbox: &Mailbox) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, half) = stream.into_split();
    let mut session = Session {
        mailbox,
        lines: Lines::new(read),
        half,
        greeted: false,
        logged_in: false,
        sender: None,
        recipients: Vec::new(),
    };
    let greeting = vec![format!("{HOST} ESMTP"), "nothing is delivered from here".to_owned()];
    let mut next = session.answer(Step::Greeting, Reply::lines(220, greeting)).await?;
    while next == Next::Command {
        next = match session.lines.next().await? {
            None => Next::Close,
            Some(Err(flaw)) => session.say(&Reply::of_flaw(flaw)).await?,
            // PIPELINING is not offered, so nothing may follow before the answer.
            Some(Ok(_)) if session.lines.has_more() => {
                session.say(&Reply::new(503, "5.5.0 pipelining is not offered")).await?;
                Next::Close
            }
            Some(Ok(line)) => session.command(&String::from_utf8_lossy(&line)).await?,
        };
    }
    Ok(())
}

impl Session<'_> {
    async fn command(&mut self, line: &str) -> io::Result<Next> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.hello(true, rest).await,
            "HELO" => self.hello(false, rest).await,
            "AUTH" => self.auth(rest).await,
            "MAIL" => {
                let reply = self.mail(rest);
                self.answer(Step::Mail, reply).await
            }
            "RCPT" => self.rcpt(rest).await,
            "DATA" => self.data().await,
            "RSET" => {
                self.reset();
                self.say(&Reply::new(250, "2.0.0 ok")).await
            }
            "NOOP" => self.say(&Reply::new(250, "2.0.0 ok")).await,
            "VRFY" => self.say(&Reply::new(252, "2.1.5 cannot verify, will accept")).await,
            "QUIT" => {
                self.say(&Reply::new(221, "2.0.0 bye")).await?;
                Ok(Next::Close)
            }
            _ => self.say(&Reply::new(500, "5.5.1 unknown command")).await,
        }
    }

    async fn hello(&mut self, extended: bool, name: &str) -> io::Result<Next> {
        if name.trim().is_empty() {
            return self.say(&Reply::new(501, "5.5.4 name yourself")).await;
        }
        self.reset();
        self.greeted = true;
        let mut texts = vec![format!("{HOST} greets {}", name.trim())];
        if extended {
            texts.extend(["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "SIZE 10485760"].map(str::to_owned));
            if self.mailbox.credentials.is_some() {
                texts.push("AUTH PLAIN LOGIN".to_owned());
            }
        }
        self.answer(Step::Ehlo, Reply::lines(250, texts)).await
    }

    async fn auth(&mut self, rest: &str) -> io::Result<Next> {
        let Some(wanted) = self.mailbox.credentials.clone() else {
            return self.say(&Reply::new(502, "5.5.1 login is not offered")).await;
        };
        if !self.greeted || self.logged_in || self.sender.is_some() {
            return self.say(&Reply::new(503, "5.5.1 not now")).await;
        }
        let (method, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let initial = (!initial.is_empty()).then(|| initial.to_owned());
        let given = match method.to_ascii_uppercase().as_str() {
            "PLAIN" => self.plain(initial).await?,
            "LOGIN" => self.login(initial).await?,
            _ => return self.say(&Reply::new(504, "5.5.4 unknown method")).await,
        };
        if given.as_ref() == Some(&wanted) {
            self.logged_in = true;
            let next = self.answer(Step::Auth, Reply::new(235, "2.7.0 welcome")).await?;
            return Ok(next);
        }
        self.say(&Reply::ordered(535)).await
    }

    async fn plain(&mut self, initial: Option<String>) -> io::Result<Option<Credentials>> {
        let line = match initial {
            Some(line) => Some(line),
            None => self.ask("").await?,
        };
        let text = line.and_then(|line| decoded(&line)).unwrap_or_default();
        let mut parts = text.split('\0').skip(1).map(str::to_owned);
        Ok(parts.next().zip(parts.next()).map(|(user, password)| Credentials { user, password }))
    }

    async fn login(&mut self, initial: Option<String>) -> io::Result<Option<Credentials>> {
        let user = match initial {
            Some(line) => Some(line),
            None => self.ask("Username:").await?,
        };
        let password = self.ask("Password:").await?;
        let user = user.and_then(|line| decoded(&line));
        let password = password.and_then(|line| decoded(&line));
        Ok(user.zip(password).map(|(user, password)| Credentials { user, password }))
    }

    async fn ask(&mut self, question: &str) -> io::Result<Option<String>> {
        self.say(&Reply::new(334, STANDARD.encode(question))).await?;
        let line = self.lines.next().await?.and_then(Result::ok);
        Ok(line.and_then(|line| String::from_utf8(line).ok()))
    }

    fn mail(&mut self, rest: &str) -> Reply {
        if !self.greeted || self.sender.is_some() {
            return Reply::new(503, "5.5.1 not now");
        }
        if self.mailbox.credentials.is_some() && !self.logged_in {
            return Reply::ordered(530);
        }
        let Some((address, parameters)) = path(rest, "FROM:") else {
            return Reply::new(501, "5.5.4 MAIL FROM:<address>");
        };
        let known = |parameter: &str| {
            let upper = parameter.to_ascii_uppercase();
            matches!(upper.as_str(), "BODY=7BIT" | "BODY=8BITMIME" | "SMTPUTF8") || upper.starts_with("SIZE=")
        };
        if !parameters.split_whitespace().all(known) {
            return Reply::new(555, "5.5.4 unknown parameter");
        }
        self.sender = Some(address.to_owned());
        Reply::new(250, "2.1.0 ok")
    }

    async fn rcpt(&mut self, rest: &str) -> io::Result<Next> {
        let reply = match path(rest, "TO:") {
            _ if self.sender.is_none() => Reply::new(503, "5.5.1 MAIL comes first"),
            Some((address, _)) if address.contains('@') && self.recipients.len() < RECIPIENTS_MAX => {
                self.recipients.push(address.to_owned());
                Reply::new(250, "2.1.5 ok")
            }
            Some((address, _)) if address.contains('@') => Reply::new(452, "4.5.3 too many recipients"),
            _ => Reply::new(501, "5.1.3 RCPT TO:<address>"),
        };
        let known = self.recipients.len();
        let accepted = reply.code == 250;
        let (next, said) = self.answer_as(Step::Rcpt, reply).await?;
        if accepted && said != 250 {
            self.recipients.truncate(known - 1);
        }
        Ok(next)
    }

    async fn data(&mut self) -> io::Result<Next> {
        if self.recipients.is_empty() {
            return self.say(&Reply::new(503, "5.5.1 RCPT comes first")).await;
        }
        let (next, said) = self.answer_as(Step::Data, Reply::new(354, "end with a dot")).await?;
        if said != 354 || next == Next::Close {
            return Ok(next);
        }
        let message = match self.lines.message().await? {
            None => return Ok(Next::Close),
            Some(Err(flaw)) => {
                self.reset();
                return self.say(&Reply::of_flaw(flaw)).await;
            }
            Some(Ok(message)) => message,
        };
        self.dot(&message).await
    }

    /// Here a message is kept or not, and the client learns it or not.
    async fn dot(&mut self, message: &[u8]) -> io::Result<Next> {
        let struck = self.mailbox.faults.strike(Step::Dot);
        let fault = struck.as_ref().map(|fired| fired.fault);
        if fault == Some(Fault::Close) {
            return Ok(Next::Close);
        }
        if let Some(fired) = struck.as_ref().filter(|fired| fired.fault == Fault::Reply) {
            self.reset();
            return self.refuse(fired.argument).await;
        }
        let id = self.keep(message)?;
        self.reset();
        if let Some(fired) = struck.filter(|fired| fired.fault == Fault::Stall) {
            tokio::time::sleep(fired.hold()).await;
        }
        if fault == Some(Fault::CloseAfterDot) {
            return Ok(Next::Close);
        }
        Reply::new(250, format!("2.0.0 ok, queued as {id}")).send(&mut self.half, fault).await?;
        Ok(Next::Command)
    }

    fn keep(&mut self, message: &[u8]) -> io::Result<u64> {
        let received_at = world::now().format(&Rfc3339).map_err(io::Error::other)?;
        let (sender, recipients) =
            (self.sender.take().unwrap_or_default(), std::mem::take(&mut self.recipients));
        self.mailbox.store.commit(|ledger| {
            let id = ledger.last_id + 1;
            let raw = STANDARD.encode(message);
            (vec![Change::Received(Received { id, sender, recipients, received_at, raw })], id)
        })
    }

    fn reset(&mut self) {
        self.sender = None;
        self.recipients.clear();
    }

    async fn answer(&mut self, step: Step, reply: Reply) -> io::Result<Next> {
        Ok(self.answer_as(step, reply).await?.0)
    }

    /// Answers, unless a fault says otherwise; tells which code was said.
    async fn answer_as(&mut self, step: Step, reply: Reply) -> io::Result<(Next, u16)> {
        let Some(fired) = self.mailbox.faults.strike(step) else {
            return Ok((self.say(&reply).await?, reply.code));
        };
        match fired.fault {
            Fault::Close => return Ok((Next::Close, 0)),
            Fault::Stall => tokio::time::sleep(fired.hold()).await,
            Fault::Reply => {
                if step == Step::Mail {
                    self.reset();
                }
                self.logged_in &= step != Step::Auth;
                return Ok((self.refuse(fired.argument).await?, code(fired.argument)));
            }
            _ => {}
        }
        reply.send(&mut self.half, Some(fired.fault)).await?;
        Ok((Next::Command, reply.code))
    }

    async fn refuse(&mut self, argument: Option<u64>) -> io::Result<Next> {
        let code = code(argument);
        self.say(&Reply::ordered(code)).await?;
        Ok(if code == 421 { Next::Close } else { Next::Command })
    }

    async fn say(&mut self, reply: &Reply) -> io::Result<Next> {
        reply.send(&mut self.half, None).await?;
        Ok(Next::Command)
    }
}

fn code(argument: Option<u64>) -> u16 {
    argument.and_then(|code| u16::try_from(code).ok()).unwrap_or(421)
}

fn decoded(line: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(line).ok()?).ok()
}

/// `FROM:<a@b> PARAMETERS` without its prefix and brackets.
fn path<'a>(rest: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    let rest = rest.trim_start();
    let start = rest.get(..prefix.len())?;
    if !start.eq_ignore_ascii_case(prefix) {
        return None;
    }
    rest[prefix.len()..].trim_start().strip_prefix('<')?.split_once('>')
}
