//! HTTP by hand over one connection: what a client library hides, such as a reset, is seen here.

use std::io::ErrorKind;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Nobody listens.
    Refused,
    /// The connection was torn down.
    Reset,
    /// It was closed before the first byte of the answer.
    Closed,
    /// It was closed in the middle of the answer.
    Cut,
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Raw {
    pub status: u16,
    /// With names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Raw {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Whether the server says that this was the last answer.
    pub fn is_last(&self) -> bool {
        self.header("connection").eq_ignore_ascii_case("close")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

pub struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Wire {
    pub async fn connect(address: SocketAddr) -> Result<Self, Broken> {
        match TcpStream::connect(address).await {
            Ok(stream) => Ok(Self { stream, unread: Vec::new() }),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Err(Broken::Refused),
            Err(_) => Err(Broken::Reset),
        }
    }

    /// Sends text as it is; a peer that has closed is seen at the answer.
    pub async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.ok();
    }

    pub async fn get(&mut self, path: &str, headers: &str) -> Result<Raw, Broken> {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: polikrami.example\r\n{headers}\r\n")).await;
        self.answer().await
    }

    /// The next answer; its body has a length.
    pub async fn answer(&mut self) -> Result<Raw, Broken> {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8_lossy(&self.unread[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut raw = Raw { status: status.parse().unwrap(), headers, body: Vec::new() };
        let length = if raw.status == 304 { 0 } else { raw.header("content-length").parse().unwrap_or(0) };
        while self.unread.len() < end + length {
            self.more().await?;
        }
        raw.body = self.unread[end..end + length].to_vec();
        self.unread.drain(..end + length);
        Ok(raw)
    }

    async fn more(&mut self) -> Result<(), Broken> {
        let mut bytes = [0; 4_096];
        match self.stream.read(&mut bytes).await {
            Ok(0) if self.unread.is_empty() => Err(Broken::Closed),
            Ok(0) => Err(Broken::Cut),
            Ok(count) => {
                self.unread.extend_from_slice(&bytes[..count]);
                Ok(())
            }
            Err(_) => Err(Broken::Reset),
        }
    }
}
