//! Listens, and lets nobody wait for those who are slow: connections are bounded in number, and each of their waits in
//! time. A stop takes no more of them, but answers whatever was accepted.
//!
//! | module | what it is |
//! |---|---|
//! | here | accepting, and stopping |
//! | [`connection`] | one connection from its first byte to its last |
//! | [`watched`] | its socket, which does not wait for ever |
//! | [`room`] | how many there may be, and who has to leave for others |
//! | [`hush`] | a listener that takes no new connections, but completes those that are being made |

mod connection;
mod hush;
mod room;
mod watched;

use super::StartError;
use super::supervise::Supervisor;
use axum::Router;
use connection::Connection;
pub(super) use room::Crowding;
use room::Room;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections that may wait to be accepted; beyond, the kernel drops some that their callers take for made. It may
/// allow fewer (`net.core.somaxconn`).
const BACKLOG: u32 = 4_096;
/// Longest time from the stop to the last answer: bodies are waited for 4 s, and an answer takes at most 30 s.
const DRAIN_MAX: Duration = Duration::from_secs(35);
/// For handshakes that are under way when the stop comes.
const HANDSHAKES_MAX: Duration = Duration::from_millis(50);
/// After a failed accept, most likely for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until the supervisor's stop, then lets begun requests end. Answers where it listens.
pub(super) fn start(
    address: SocketAddr,
    router: Router,
    connections_max: usize,
    crowding: Crowding,
    supervisor: &mut Supervisor,
) -> Result<SocketAddr, StartError> {
    let listen = |source| StartError::Listen { address, source };
    let listener = bind(address).map_err(listen)?;
    let bound = listener.local_addr().map_err(listen)?;
    let room = Room::new(room::affordable(connections_max), crowding);
    supervisor.once(move |stop| {
        let tasks = TaskTracker::new();
        Door { router, room: Arc::new(room), tasks, stop, cut: CancellationToken::new() }.keep(listener)
    });
    Ok(bound)
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart must not wait for what is left of the last one's connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Where connections come in.
struct Door {
    router: Router,
    room: Arc<Room>,
    tasks: TaskTracker,
    /// No more connections, and one more answer on each that there is.
    stop: CancellationToken,
    /// The end of the patience after the stop.
    cut: CancellationToken,
}

impl Door {
    async fn keep(self, listener: TcpListener) {
        while let Some(place) = self.stop.run_until_cancelled(self.room.enter()).await {
            match self.stop.run_until_cancelled(listener.accept()).await {
                None => break,
                Some(Ok((stream, peer))) => self.open(stream, peer, Some(place)),
                Some(Err(error)) if is_callers(&error) => {}
                Some(Err(error)) => {
                    tracing::error!(%error, "no connection can be accepted");
                    self.room.make();
                    self.stop.run_until_cancelled(sleep(ACCEPT_PAUSE)).await;
                }
            }
        }
        self.close(listener).await;
        self.tasks.close();
        if timeout(DRAIN_MAX, self.tasks.wait()).await.is_err() {
            tracing::warn!(connections = self.tasks.len(), "cut off connections that did not end in time");
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }

    /// Closing a listener resets what it has not handed out yet: so all of that is taken first.
    async fn close(&self, listener: TcpListener) {
        hush::refuse_new(&listener);
        let accepting = async {
            while let Ok((stream, peer)) = listener.accept().await {
                self.open(stream, peer, None);
            }
        };
        timeout(HANDSHAKES_MAX, accepting).await.ok();
        // Asked directly: the runtime may not have heard of the last ones yet.
        let Ok(listener) = listener.into_std() else { return };
        while let Ok((stream, peer)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                self.open(stream, peer, None);
            }
        }
    }

    fn open(&self, stream: TcpStream, peer: SocketAddr, place: Option<OwnedSemaphorePermit>) {
        let guest = self.room.seat(place);
        // Small answers must not wait for company.
        stream.set_nodelay(true).ok();
        let connection = Connection { peer, guest, stop: self.stop.clone(), cut: self.cut.clone() };
        self.tasks.spawn(connection.serve(stream, self.router.clone()));
    }
}

/// The caller was gone before it was accepted.
fn is_callers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}
