//! Free loopback ports.

use std::net::{Ipv4Addr, TcpListener};

use super::DevError;

/// How often a start is tried again when somebody else took the free port first.
pub const PORT_ATTEMPTS_MAX: u32 = 5;

/// The wanted port if it is free, else an error; without a wish, a port that is free just now.
pub fn choose(name: &'static str, wanted: Option<u16>) -> Result<u16, DevError> {
    match wanted {
        Some(port) if is_free(port) => Ok(port),
        Some(port) => Err(DevError::PortTaken { name, port }),
        None => free().ok_or(DevError::NoPort { name }),
    }
}

/// A port that is free just now.
fn free() -> Option<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    listener.local_addr().ok().map(|address| address.port())
}

/// Whether the loopback port can be listened on.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
