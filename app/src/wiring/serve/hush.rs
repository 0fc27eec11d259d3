//! Between the last connection that is accepted and the end of the listener lies a moment in which the kernel completes
//! further ones, and the end resets them. So the kernel is told first to hear no more greetings: a caller who comes now
//! greets again after a second, and is refused.

use socket2::{SockFilter, SockRef};
use tokio::net::TcpListener;

/// Drops segments with SYN and without ACK; offsets count from the TCP header. Handshakes that have begun are completed.
const NO_GREETINGS: [SockFilter; 5] = [
    // Load the flags.
    SockFilter::new(0x30, 0, 0, 13),
    // Keep SYN and ACK.
    SockFilter::new(0x54, 0, 0, 0x12),
    // SYN alone?
    SockFilter::new(0x15, 0, 1, 0x02),
    // Drop it.
    SockFilter::new(0x06, 0, 0, 0),
    // Take it whole.
    SockFilter::new(0x06, 0, 0, u32::MAX),
];

/// Where the kernel does not know such filters, a caller of that very moment may be reset.
pub(super) fn refuse_new(listener: &TcpListener) {
    if let Err(error) = SockRef::from(listener).attach_filter(&NO_GREETINGS) {
        tracing::debug!(%error, "the listener cannot be told to take no new connections");
    }
}
