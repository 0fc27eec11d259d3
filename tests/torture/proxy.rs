//! Stands between a writer and the database, understands its messages, and cuts the connection in the worst moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Where a call of the append is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nothing of it reaches the server.
    BeforeTheRequest,
    /// The server gets one half of the message.
    InTheRequest,
    /// The server gets all of it, and its answer gets lost.
    BeforeTheAnswer,
    /// One half of the answer arrives.
    InTheAnswer,
    /// The answer arrives, and the connection is gone afterwards.
    AfterTheAnswer,
}

impl Cut {
    pub const ALL: [Self; 5] = [
        Self::BeforeTheRequest,
        Self::InTheRequest,
        Self::BeforeTheAnswer,
        Self::InTheAnswer,
        Self::AfterTheAnswer,
    ];
}

/// The cuts to come: each call takes the next one, without one it passes.
type Cuts = Arc<Mutex<Vec<Cut>>>;

pub struct Proxy {
    pub url: String,
    cuts: Cuts,
}

impl Proxy {
    pub async fn before(url: &str) -> Self {
        let mut proxied = url::Url::parse(url).unwrap();
        let server = format!("{}:{}", proxied.host_str().unwrap(), proxied.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        proxied.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let cuts = Cuts::default();
        let shared = Arc::clone(&cuts);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Without a server the client finds its connection closed.
                if let Ok(server) = TcpStream::connect(&server).await {
                    tokio::spawn(carry(client, server, Arc::clone(&shared)));
                }
            }
        });
        Self { url: proxied.to_string(), cuts }
    }

    /// The next calls are cut like this, one after the other.
    pub fn cut(&self, cuts: &[Cut]) {
        self.cuts.lock().unwrap().extend(cuts.iter().rev());
    }

    /// Whether all of them happened.
    pub fn is_done(&self) -> bool {
        self.cuts.lock().unwrap().is_empty()
    }
}

async fn carry(client: TcpStream, server: TcpStream, cuts: Cuts) {
    let (from_client, mut to_client) = client.into_split();
    let (mut from_server, to_server) = server.into_split();
    let answer = Arc::new(Mutex::new(None));
    let up = requests(from_client, to_server, cuts, Arc::clone(&answer));
    let down = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let Ok(bytes @ 1..) = from_server.read(&mut buffer).await else { return };
            let cut = answer.lock().unwrap().take();
            let passes = match cut {
                Some(Cut::BeforeTheAnswer) => 0,
                Some(Cut::InTheAnswer) => bytes / 2,
                _ => bytes,
            };
            if to_client.write_all(&buffer[..passes]).await.is_err() || cut.is_some() {
                return;
            }
        }
    };
    // Both directions end with the first.
    tokio::select! { () = up => {}, () = down => {} }
}

/// Passes messages on, one by one; ends when the client does or a cut is due.
async fn requests(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    cuts: Cuts,
    answer: Arc<Mutex<Option<Cut>>>,
) {
    let mut appends = BTreeMap::new();
    let mut started = false;
    while let Ok((tag, message)) = next(&mut client, started).await {
        started |= tag.is_none() && message.get(4..8) == Some(&[0, 3, 0, 0]);
        let body = &message[message.len().min(5)..];
        match tag {
            Some(b'P') => {
                let mut parts = body.split(|byte| *byte == 0);
                let name = parts.next().unwrap().to_vec();
                let text = String::from_utf8_lossy(parts.next().unwrap()).into_owned();
                appends.insert(name, text.contains("journal_append"));
            }
            Some(b'B') => {
                let name = body.split(|byte| *byte == 0).nth(1).unwrap();
                let append = appends.get(name) == Some(&true);
                match append.then(|| cuts.lock().unwrap().pop()).flatten() {
                    Some(Cut::BeforeTheRequest) => return,
                    Some(Cut::InTheRequest) => {
                        // It is cut either way.
                        server.write_all(&message[..message.len() / 2]).await.ok();
                        return;
                    }
                    Some(cut) => *answer.lock().unwrap() = Some(cut),
                    None => {}
                }
            }
            _ => {}
        }
        if server.write_all(&message).await.is_err() {
            return;
        }
    }
}

/// One message with its head; before the session has started they have no tag.
async fn next(client: &mut OwnedReadHalf, started: bool) -> std::io::Result<(Option<u8>, Vec<u8>)> {
    let mut message = Vec::new();
    let mut tag = None;
    if started {
        let byte = client.read_u8().await?;
        tag = Some(byte);
        message.push(byte);
    }
    let length = client.read_u32().await?;
    message.extend(length.to_be_bytes());
    let head = message.len();
    message.resize(head + usize::try_from(length).unwrap() - 4, 0);
    client.read_exact(&mut message[head..]).await?;
    Ok((tag, message))
}
