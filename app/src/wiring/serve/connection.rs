//! One connection from its first byte to its last.

use super::room::{Doing, Guest, Seat};
use super::watched::Watched;
use api::middleware::deadlines::Stopping;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, Response, header};
use futures::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// How long a connection may stay without a request; longer than proxies keep theirs, usually 60 s.
const IDLE_MAX: Duration = Duration::from_secs(75);
/// How long after the stop a request may still come on a connection that is idle.
const LAST_CALL: Duration = Duration::from_secs(1);
/// How long, and how much, a caller may go on sending after our last word. Were it not read, the kernel would reset the
/// connection, and that might take our last word back.
const LINGER_MAX: Duration = Duration::from_secs(1);
const LINGER_READS_MAX: usize = 4_096;
const LINGER_BUFFER: usize = 16 * 1024;
/// Of a request's line and headers together.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Of what is read ahead, and of an answer that is not taken yet.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 100;

/// What a caller is told who takes too long for a request's head; no handler has seen anything of it.
const TOO_SLOW: &str = r#"{"type":"urn:polikrami:problem:request_timeout","title":"Request Timeout","status":408,"detail":"The request did not come in time.","code":"request_timeout","message":"The request did not come in time."}"#;

pub(super) struct Connection {
    pub peer: SocketAddr,
    pub guest: Guest,
    pub stop: CancellationToken,
    pub cut: CancellationToken,
}

/// How it ended.
enum End {
    /// All that was begun is answered, or the caller is gone.
    Done,
    /// The caller took too long for a head, or for an answer.
    Failed,
    /// Without more words: somebody else needs the place, or the time is over.
    Now,
}

impl Connection {
    pub async fn serve(self, stream: TcpStream, router: Router) {
        let seat = &self.guest.seat;
        let (peer, stop) = (self.peer, &self.stop);
        let service = service_fn(|request| answer(router.clone(), request, peer, seat, stop).boxed());
        let io = TokioIo::new(Watched::new(stream, seat.clone()));
        let mut serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_MAX)
            .max_buf_size(BUFFER_BYTES_MAX)
            .max_header_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .serve_connection(io, service);
        let mut last_call = std::pin::pin!(async {
            self.stop.cancelled().await;
            sleep(LAST_CALL).await;
        });
        let (mut called, mut leaving) = (false, false);
        let end = loop {
            tokio::select! {
                // What has come already is read before anything else is decided.
                biased;
                ended = poll_fn(|cx| serving.poll_without_shutdown(cx)) => {
                    break match ended {
                        // Hyper has answered what was no HTTP; only who was too slow is still to be told.
                        Err(error) if took_too_long(&error) => End::Failed,
                        Ok(()) | Err(_) => End::Done,
                    };
                }
                () = seat.must_leave(), if !leaving => {
                    leaving = true;
                    match seat.doing().0 {
                        // A request has come just now.
                        Doing::Served => std::pin::Pin::new(&mut serving).graceful_shutdown(),
                        Doing::Fresh | Doing::Asking | Doing::Idle => break End::Now,
                    }
                }
                () = self.cut.cancelled() => break End::Now,
                () = &mut last_call, if !called => {
                    called = true;
                    match seat.doing().0 {
                        Doing::Fresh => break End::Done,
                        // If it is, or as soon as it is: the answer may still be on its way.
                        Doing::Idle => std::pin::Pin::new(&mut serving).graceful_shutdown(),
                        // Its answer will say that it is the last.
                        Doing::Asking | Doing::Served => {}
                    }
                }
            }
        };
        let stream = serving.into_parts().io.into_inner().stream;
        let tell = matches!(end, End::Failed) && seat.doing().0 == Doing::Asking;
        if !matches!(end, End::Now) {
            self.cut.run_until_cancelled(take_leave(stream, tell)).await;
        }
    }
}

fn took_too_long(error: &hyper::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    error.is_timeout() || source.is_some_and(|source| source.kind() == std::io::ErrorKind::TimedOut)
}

/// Hands the request to the router, and says in the answer whether it is the last.
fn answer(
    router: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
    seat: &Seat,
    stop: &CancellationToken,
) -> impl Future<Output = Result<Response<Body>, Infallible>> {
    seat.does(Doing::Served);
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    request.extensions_mut().insert(Stopping(stop.clone()));
    async move {
        let mut response = router.oneshot(request).await?;
        if stop.is_cancelled() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        seat.does(Doing::Idle);
        Ok(response)
    }
}

/// Says that nothing more will come, and hears the caller out.
async fn take_leave(mut stream: TcpStream, too_slow: bool) {
    let leaving = async {
        if too_slow {
            let length = TOO_SLOW.len();
            let head = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncache-control: no-store\r\n\
                content-type: application/problem+json\r\ncontent-language: en";
            let text = format!("{head}\r\ncontent-length: {length}\r\n\r\n{TOO_SLOW}");
            stream.write_all(text.as_bytes()).await?;
        }
        stream.shutdown().await?;
        let mut rest = vec![0; LINGER_BUFFER];
        for _ in 0..LINGER_READS_MAX {
            if stream.read(&mut rest).await? == 0 {
                break;
            }
        }
        Ok::<(), std::io::Error>(())
    };
    timeout(LINGER_MAX, leaving).await.ok();
}
