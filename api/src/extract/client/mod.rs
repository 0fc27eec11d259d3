//! The network address of the client, as far as the server can tell.

mod forwarded;

use crate::ApiConfig;
use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::Extensions;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Absent where the server does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client(pub Option<IpAddr>);

impl Client {
    /// Behind so many proxies as the settings say; without any, what a client writes itself is not believed.
    pub fn of(headers: &HeaderMap, extensions: &Extensions, trusted_proxies: usize) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        let written =
            headers.get_all(X_FORWARDED_FOR).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let forwarded = forwarded::client(written, trusted_proxies);
        Self(forwarded.or(peer).map(|address| address.to_canonical()))
    }

    /// Whom a limit counts: one address, or the network that a household with IPv6 has to itself.
    pub fn subject(self) -> String {
        match self.0 {
            None => "unknown".to_owned(),
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        }
    }
}

impl<S> FromRequestParts<S> for Client
where
    S: Send + Sync,
    Arc<ApiConfig>: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let config = Arc::<ApiConfig>::from_ref(state);
        Ok(Self::of(&parts.headers, &parts.extensions, config.trusted_proxies))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_counts_an_address_or_a_households_network() {
        let subject = |text: &str| Client(Some(text.parse().unwrap())).subject();
        assert_eq!(subject("192.0.2.1"), "192.0.2.1");
        assert_eq!(subject("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(subject("2001:db8:1:2:ffff::1"), subject("2001:db8:1:2::1"));
    }
}
