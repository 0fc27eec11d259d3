//! What the server says, and how it says it when told to be difficult.

use std::io;

use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::OwnedWriteHalf;

use super::fault::Fault;
use super::lines::Flaw;

const MANY_LINES: usize = 50;
const HUGE_BYTES: usize = 200_000;

/// A code and its text; more than one text makes a multi-line reply.
pub(super) struct Reply {
    pub code: u16,
    texts: Vec<String>,
}

impl Reply {
    pub(super) fn new(code: u16, text: impl Into<String>) -> Self {
        Self { code, texts: vec![text.into()] }
    }

    pub(super) fn lines(code: u16, texts: Vec<String>) -> Self {
        Self { code, texts }
    }

    /// The usual words for a refusal that a test ordered.
    pub(super) fn ordered(code: u16) -> Self {
        Self::new(
            code,
            match code {
                421 => "4.3.2 service shutting down, come back later",
                450 => "4.2.0 greylisted, try again later",
                451 => "4.3.0 local error, try again later",
                452 => "4.2.2 mailbox full, try again later",
                530 => "5.7.0 authentication required",
                535 => "5.7.8 authentication credentials invalid",
                550 => "5.1.1 no such mailbox",
                552 => "5.2.2 mailbox full",
                554 => "5.7.1 message refused by policy",
                _ => "as ordered",
            },
        )
    }

    pub(super) fn of_flaw(flaw: Flaw) -> Self {
        match flaw {
            Flaw::TooLong => Self::new(500, "5.5.2 line longer than 1000 bytes"),
            Flaw::BareLf => Self::new(500, "5.5.2 bare LF, lines end with CR LF"),
            Flaw::TooBig => Self::new(552, "5.3.4 message too big"),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let last = self.texts.len().saturating_sub(1);
        let mut bytes = String::new();
        for (index, text) in self.texts.iter().enumerate() {
            let separator = if index == last { " " } else { "-" };
            bytes.extend([&self.code.to_string(), separator, text, "\r\n"]);
        }
        bytes.into_bytes()
    }

    pub(super) async fn send(&self, half: &mut OwnedWriteHalf, manner: Option<Fault>) -> io::Result<()> {
        match manner {
            Some(Fault::ManyLines) => {
                let mut texts = vec!["one of many lines".to_owned(); MANY_LINES];
                texts.extend(self.texts.iter().cloned());
                half.write_all(&Self { code: self.code, texts }.bytes()).await
            }
            Some(Fault::HugeReply) => {
                half.write_all(&Self::new(self.code, "x".repeat(HUGE_BYTES)).bytes()).await
            }
            Some(Fault::SplitBytes) => {
                for byte in self.bytes() {
                    half.write_all(&[byte]).await?;
                    half.flush().await?;
                    tokio::task::yield_now().await;
                }
                Ok(())
            }
            _ => half.write_all(&self.bytes()).await,
        }
    }
}
