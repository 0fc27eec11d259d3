//! A server on a loopback port whose single connections can be cut, as real networks do.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;

/// What open calls may still take when the server stops.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// Before the next accept after the system refused one (out of file handles).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A server that runs until it is stopped or dropped.
pub struct Running {
    /// Where it listens; with port 0 asked for, the port that was free.
    pub addr: SocketAddr,
    stopping: CancellationToken,
    cutting: CancellationToken,
    serving: JoinHandle<()>,
}

impl Running {
    /// Closes the door, lets open calls finish for a moment, then cuts what is left.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        if tokio::time::timeout(STOP_GRACE, &mut self.serving).await.is_err() {
            self.cutting.cancel();
            self.serving.abort();
        }
    }

    /// `http://host:port`, without a trailing slash.
    pub fn base_url(&self) -> String {
        base_url(self.addr)
    }

    /// Runs `work` with a token that asks it to stop and one that cuts it.
    pub(crate) fn start<W>(
        addr: SocketAddr,
        cutting: CancellationToken,
        work: impl FnOnce(CancellationToken) -> W,
    ) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let stopping = CancellationToken::new();
        let serving = TaskTracker::new().spawn(work(stopping.clone()));
        Self { addr, stopping, cutting, serving }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

pub(crate) fn base_url(mut addr: SocketAddr) -> String {
    if addr.ip().is_unspecified() {
        addr.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    format!("http://{addr}")
}

/// The listening socket before there is a router; its address goes into absolute URLs.
pub(crate) struct Door {
    listener: TcpListener,
    pub(crate) addr: SocketAddr,
    cutting: CancellationToken,
}

impl Door {
    pub(crate) async fn bind(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr, cutting: CancellationToken::new() })
    }

    pub(crate) fn serve(self, router: Router) -> Running {
        let (addr, cutting) = (self.addr, self.cutting.clone());
        let service = router.into_make_service_with_connect_info::<Peer>();
        Running::start(addr, cutting, |stopping| async move {
            let served = axum::serve(self, service).with_graceful_shutdown(stopping.cancelled_owned());
            if let Err(error) = served.await {
                tracing::error!(server.addr = %addr, %error, "simulator stopped serving");
            }
        })
    }
}

impl Listener for Door {
    type Io = Cuttable;
    type Addr = Peer;

    async fn accept(&mut self) -> (Cuttable, Peer) {
        loop {
            match self.listener.accept().await {
                Ok((stream, addr)) => {
                    let cut = self.cutting.child_token();
                    let io = Cuttable { stream, cut: Box::pin(cut.clone().cancelled_owned()) };
                    return (io, Peer { addr, cut });
                }
                Err(error) => {
                    tracing::warn!(%error, "simulator could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer { addr: self.addr, cut: self.cutting.clone() })
    }
}

/// The other end of a connection, and the scissors.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    #[expect(dead_code, reason = "shown by Debug when axum traces connections")]
    addr: SocketAddr,
    cut: CancellationToken,
}

impl Peer {
    /// Closes the connection; nothing that is answered afterwards reaches the client.
    pub(crate) fn cut(&self) {
        self.cut.cancel();
    }
}

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A TCP stream that breaks once its peer's connection is cut.
pub(crate) struct Cuttable {
    stream: TcpStream,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Cuttable {
    fn broken(&mut self, context: &mut Context<'_>) -> bool {
        self.cut.as_mut().poll(context).is_ready()
    }
}

impl AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.broken(context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.broken(context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
