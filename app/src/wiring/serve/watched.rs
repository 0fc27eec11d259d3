//! A socket that does not wait for ever: neither for the rest of a request's head, nor for a caller who takes nothing.

use super::room::{Doing, Seat};
use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// Longest time from the first byte of a request's head to its last, and of a new connection to its first.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// Longest time in which a caller takes nothing of its answer.
const TAKE_MAX: Duration = Duration::from_secs(30);

pub(super) struct Watched {
    pub stream: TcpStream,
    seat: Seat,
    /// When the head must have come.
    head: Option<Pin<Box<Sleep>>>,
    /// When the caller must have taken something.
    take: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    pub fn new(stream: TcpStream, seat: Seat) -> Self {
        Self { stream, seat, head: None, take: None }
    }

    /// Fails once the head is overdue; otherwise wakes the task when it will be.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (doing, since) = self.seat.doing();
        if !matches!(doing, Doing::Fresh | Doing::Asking) {
            return Poll::Pending;
        }
        poll_due(&mut self.head, since + HEAD_MAX, cx)
    }

    fn wrote<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.take = None;
            // Whoever takes an answer is not the one who has waited longest for something to do.
            if self.seat.doing().0 == Doing::Idle {
                self.seat.does(Doing::Idle);
            }
            return polled;
        }
        let due = self.take.as_ref().map_or_else(|| Instant::now() + TAKE_MAX, |take| take.deadline());
        poll_due(&mut self.take, due, cx).map(|late| late.and(Err(ErrorKind::TimedOut.into())))
    }
}

fn poll_due(sleep: &mut Option<Pin<Box<Sleep>>>, due: Instant, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    let sleep = sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
    if sleep.deadline() != due {
        sleep.as_mut().reset(due);
    }
    sleep.as_mut().poll(cx).map(|()| Err(ErrorKind::TimedOut.into()))
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Pending => self.poll_head(cx),
            Poll::Ready(Ok(())) if buf.filled().len() > before => {
                match self.seat.doing() {
                    // Its time counts from the first byte.
                    (Doing::Fresh | Doing::Idle, _) => self.seat.does(Doing::Asking),
                    (Doing::Asking, since) if since + HEAD_MAX <= Instant::now() => {
                        return Poll::Ready(Err(ErrorKind::TimedOut.into()));
                    }
                    (Doing::Asking | Doing::Served, _) => {}
                }
                Poll::Ready(Ok(()))
            }
            ready @ Poll::Ready(_) => ready,
        }
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
