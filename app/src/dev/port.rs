//! Free loopback ports.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

use super::DevError;

/// How often a start is tried again when somebody else took the free port first.
const PORT_ATTEMPTS_MAX: u32 = 5;

/// Below those that systems give to connections and to whoever asks for any port: between our look at a port and the
/// server's, nobody gets it by chance.
const QUIET: Range<u16> = 20_000..32_000;
/// Where this process has got to in them, so that no two of its servers look at one port at once.
static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
    // Neighbours begin far from each other.
    let scattered = std::process::id().wrapping_mul(0x9e37_79b1) >> 16;
    AtomicU16::new(u16::try_from(scattered).unwrap_or_default())
});

/// The wanted port if it is free, else an error; without a wish, a port that is free just now.
pub fn choose(name: &'static str, wanted: Option<u16>) -> Result<u16, DevError> {
    match wanted {
        Some(port) if is_free(port) => Ok(port),
        Some(port) => Err(DevError::PortTaken { name, port }),
        None => free().ok_or(DevError::NoPort { name }),
    }
}

/// Starts a server on the wanted port, or on a free one: then again on another when somebody took it first, which
/// the server's log says with `in_use`.
pub async fn start_on<T>(
    name: &'static str,
    wanted: Option<u16>,
    in_use: &str,
    mut start: impl AsyncFnMut(u16) -> Result<T, DevError>,
) -> Result<T, DevError> {
    let mut attempt = 1;
    loop {
        match start(choose(name, wanted)?).await {
            Err(DevError::Stopped { tail, .. })
                if wanted.is_none() && attempt < PORT_ATTEMPTS_MAX && tail.contains(in_use) =>
            {
                attempt += 1;
            }
            result => return result,
        }
    }
}

/// A port that is free just now.
fn free() -> Option<u16> {
    let mut quiet =
        QUIET.map(|_| QUIET.start + NEXT.fetch_add(1, Ordering::Relaxed) % (QUIET.end - QUIET.start));
    quiet.find(|port| is_free(*port)).or_else(any)
}

fn any() -> Option<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    listener.local_addr().ok().map(|address| address.port())
}

/// Whether the loopback port can be listened on.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
