//! Whose call it is behind proxies: a header is believed only from a proxy that the configuration trusts.

use crate::config::{Network, ProxyConfig};
use std::net::IpAddr;

/// Addresses in a header that are looked at, from the last.
const HOPS_MAX: usize = 16;

/// The proxies that are trusted, and the header they write.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    trusted: Vec<Network>,
    header: String,
}

impl Proxies {
    /// By configuration; what is no network was refused when it was loaded.
    #[must_use]
    pub fn new(config: &ProxyConfig) -> Self {
        let trusted = config.trusted.iter().filter_map(|text| Network::parse(text)).collect();
        Self { trusted, header: config.header.to_ascii_lowercase() }
    }

    /// The header to hand to [`Proxies::peer`].
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }

    /// Who calls: the socket's peer, or, where that is a trusted proxy, the last address in its header that is none.
    /// Each proxy appends the address that it saw; what stands before was written by whoever called.
    #[must_use]
    pub fn peer(&self, socket: IpAddr, header: Option<&str>) -> IpAddr {
        let mut peer = socket.to_canonical();
        let mut hops = header.unwrap_or_default().rsplit(',').map(str::trim).take(HOPS_MAX);
        while self.trusted.iter().any(|network| network.holds(peer)) {
            let Some(hop) = hops.next().and_then(|hop| hop.parse::<IpAddr>().ok()) else { break };
            peer = hop.to_canonical();
        }
        peer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(trusted: &[&str], socket: &str, header: Option<&str>, peer: &str) {
        let trusted = trusted.iter().map(|text| (*text).to_owned()).collect();
        let proxies = Proxies::new(&ProxyConfig { trusted, header: "X-Forwarded-For".to_owned() });
        let found = proxies.peer(socket.parse().unwrap(), header);
        assert_eq!(found, peer.parse::<IpAddr>().unwrap(), "{socket} {header:?}");
    }

    #[test]
    fn a_header_is_believed_from_trusted_proxies_only() {
        check(&[], "1.2.3.4", Some("5.6.7.8"), "1.2.3.4");
        check(&["10.0.0.1"], "1.2.3.4", Some("5.6.7.8"), "1.2.3.4");
        check(&["10.0.0.1"], "10.0.0.1", Some("5.6.7.8"), "5.6.7.8");
        check(&["10.0.0.1"], "10.0.0.1", Some("9.9.9.9, 5.6.7.8"), "5.6.7.8");
        check(&["10.0.0.0/8"], "10.0.0.1", Some("9.9.9.9, 5.6.7.8,10.3.0.1"), "5.6.7.8");
        check(&["10.0.0.0/8"], "::ffff:10.0.0.1", Some("2001:db8::1"), "2001:db8::1");
    }

    #[test]
    fn a_header_that_is_missing_or_rubbish_leaves_the_proxy() {
        for header in [None, Some(""), Some("unknown"), Some("5.6.7.8, rubbish")] {
            check(&["10.0.0.1"], "10.0.0.1", header, "10.0.0.1");
        }
        let long = ["10.0.0.1"; 1_000].join(",");
        check(&["10.0.0.1"], "10.0.0.1", Some(&format!("5.6.7.8,{long}")), "10.0.0.1");
    }
}
