//! `X-Forwarded-For`: each proxy appends the address that it was called from, so only the last entries are ours.

use std::net::{IpAddr, SocketAddr};

/// The address that the outermost of our proxies was called from; none when they have not written so many, or not one
/// that can be read.
pub(super) fn client(
    headers: impl Iterator<Item = impl Into<String>>,
    trusted_proxies: usize,
) -> Option<IpAddr> {
    let lines: Vec<String> = headers.map(Into::into).collect();
    let entries: Vec<&str> = lines.iter().flat_map(|line| line.split(',')).collect();
    let index = entries.len().checked_sub(trusted_proxies).filter(|_| trusted_proxies > 0)?;
    address(entries.get(index)?)
}

/// With or without port, IPv6 with or without brackets.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim().trim_matches('"');
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(headers: &[&str], proxies: usize) -> Option<String> {
        client(headers.iter().copied(), proxies).map(|address| address.to_string())
    }

    #[test]
    fn without_proxies_the_header_is_not_believed() {
        assert_eq!(of(&["192.0.2.1"], 0), None);
    }

    #[test]
    fn what_a_client_writes_itself_stands_before_what_our_proxies_write() {
        assert_eq!(of(&["10.9.9.9, 192.0.2.1"], 1).as_deref(), Some("192.0.2.1"));
        assert_eq!(of(&["10.9.9.9", "192.0.2.1, 10.0.0.2"], 2).as_deref(), Some("192.0.2.1"));
        assert_eq!(of(&["192.0.2.1"], 2), None);
        assert_eq!(of(&[], 1), None);
    }

    #[test]
    fn entries_may_have_ports_and_brackets() {
        for (text, expected) in [
            ("192.0.2.1:4711", "192.0.2.1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(of(&[text], 1).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(of(&["\u{fffd}, 192.0.2.1"], 1).as_deref(), Some("192.0.2.1"));
        for bad in ["", "unknown", "_hidden", "192.0.2", "192.0.2.1:x", "[::1"] {
            assert_eq!(of(&[bad], 1), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_there_the_last_proxys_word_counts(noise in "\\PC{0,80}", octets in any::<[u8; 4]>()) {
            let last = std::net::Ipv4Addr::from(octets);
            let header = format!("{noise},{last}");
            prop_assert_eq!(client(std::iter::once(header.as_str()), 1), Some(IpAddr::V4(last)));
            let _ = client(std::iter::once(noise.as_str()), 3);
        }
    }
}
