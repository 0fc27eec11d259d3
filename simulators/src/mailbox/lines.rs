//! What counts as a line: ends with CR LF, at most 1 000 bytes, no lone LF inside.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::tcp::OwnedReadHalf;

const LINE_BYTES_MAX: usize = 1_000;
const MESSAGE_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Beyond this a client is not speaking SMTP at all.
const READ_BYTES_MAX: usize = 4 * MESSAGE_BYTES_MAX;

/// Why a line or a message is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    TooLong,
    BareLf,
    TooBig,
}

pub(super) struct Lines {
    reader: BufReader<OwnedReadHalf>,
}

impl Lines {
    pub(super) fn new(half: OwnedReadHalf) -> Self {
        Self { reader: BufReader::new(half) }
    }

    /// Whether the client has sent more than was due.
    pub(super) fn has_more(&self) -> bool {
        !self.reader.buffer().is_empty()
    }

    /// The next line without its end, or nothing when the client has gone.
    pub(super) async fn next(&mut self) -> io::Result<Option<Result<Vec<u8>, Flaw>>> {
        let mut line = Vec::new();
        let read = (&mut self.reader).take(READ_BYTES_MAX as u64).read_until(b'\n', &mut line).await?;
        if read == 0 || line.last() != Some(&b'\n') {
            return Ok(None);
        }
        line.pop();
        if line.last() != Some(&b'\r') {
            return Ok(Some(Err(Flaw::BareLf)));
        }
        line.pop();
        if read > LINE_BYTES_MAX {
            return Ok(Some(Err(Flaw::TooLong)));
        }
        Ok(Some(Ok(line)))
    }

    /// A message up to its dot, unstuffed. A flawed one is read to its end all the same.
    pub(super) async fn message(&mut self) -> io::Result<Option<Result<Vec<u8>, Flaw>>> {
        let (mut message, mut flaw) = (Vec::new(), None);
        loop {
            match self.next().await? {
                None => return Ok(None),
                Some(Err(found)) => flaw = flaw.or(Some(found)),
                Some(Ok(line)) if line == b"." => break,
                Some(Ok(line)) if message.len() + line.len() < MESSAGE_BYTES_MAX => {
                    message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
                    message.extend_from_slice(b"\r\n");
                }
                Some(Ok(_)) => flaw = flaw.or(Some(Flaw::TooBig)),
            }
        }
        Ok(Some(flaw.map_or(Ok(message), Err)))
    }
}
