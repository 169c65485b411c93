//! Which machines a customer's address may lead to: those that anybody on the internet can reach. Everything else is ours,
//! our neighbours' or nobody's, and a server that posts there for a stranger opens a door from within.
//!
//! The address is looked at as it is connected to, and not its name: a name that leads elsewhere a moment later leads
//! nowhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks of IPv4 that are not the internet (IANA's special-purpose registry, RFC 6890 and later): address, bits, whose.
const NOT_PUBLIC_V4: [(Ipv4Addr, u32, &str); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "this network"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "of a provider's own"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "this machine"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "of the link, and clouds' metadata"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "of protocols"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "for examples"),
    (Ipv4Addr::new(192, 31, 196, 0), 24, "of name servers that answer for nobody"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "of relays to IPv6"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "for measurements"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "for examples"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "for examples"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "of many at once"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "for later, and for everybody at once"),
];

/// All of the internet's IPv6 lies in here: nothing of a link (fe80::/10) or a site (fc00::/7), no many at once (ff00::/8),
/// no IPv4 in other clothes (::ffff:0:0/96, 64:ff9b::/96), no loopback.
const PUBLIC_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// And of that these are not: tunnels that carry an IPv4 address within, protocols, examples.
const NOT_PUBLIC_V6: [(Ipv6Addr, u32, &str); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "of protocols, Teredo among them"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "for examples"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "IPv4 in a tunnel (6to4)"),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48, "of name servers that answer for nobody"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "for examples"),
];

/// Why an address is not of the internet; none where it is.
#[must_use]
pub fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => {
            let within = |network: Ipv4Addr, bits: u32| {
                (u32::from(address) ^ u32::from(network)).checked_shr(32 - bits).unwrap_or(0) == 0
            };
            NOT_PUBLIC_V4
                .iter()
                .find(|(network, bits, _)| within(*network, *bits))
                .map(|(_, _, whose)| *whose)
        }
        IpAddr::V6(address) => {
            let within = |network: Ipv6Addr, bits: u32| {
                (u128::from(address) ^ u128::from(network)).checked_shr(128 - bits).unwrap_or(0) == 0
            };
            if !within(PUBLIC_V6.0, PUBLIC_V6.1) {
                return Some("outside of the internet's");
            }
            NOT_PUBLIC_V6
                .iter()
                .find(|(network, bits, _)| within(*network, *bits))
                .map(|(_, _, whose)| *whose)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSIDE_V4: &str = "0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.1.2.3 \
        169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.8 192.0.0.192 \
        192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 \
        239.255.255.255 240.0.0.1 255.255.255.255";
    /// Loopback, none, IPv4 mapped and compatible, NAT64, link, site, old site, metadata, many at once, tunnels.
    const INSIDE_V6: &str = "::1 :: ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:169.254.169.254 ::127.0.0.1 ::8.8.8.8 \
        64:ff9b::7f00:1 64:ff9b:1::1 fe80::1 febf::1 fc00::1 fd00:ec2::254 fd12::1 fec0::1 ff02::1 \
        100::1 2001::1 2001:0:7f00:1:: 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::1 2002:c0a8:1::1 \
        3fff::1 4000::1 5f00::1";
    const OUTSIDE: &str = "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 \
        169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.1 192.167.255.255 192.169.0.0 \
        198.17.255.255 198.20.0.0 223.255.255.255 2606:4700::1111 2001:4860:4860::8888 2a00::1 2003::1 \
        2620:fe::fe";

    #[test]
    fn what_is_not_of_the_internet_is_refused_in_every_form() {
        for text in INSIDE_V4.split_whitespace().chain(INSIDE_V6.split_whitespace()) {
            assert!(not_public(text.parse().unwrap()).is_some(), "{text}");
        }
        for text in OUTSIDE.split_whitespace() {
            assert_eq!(not_public(text.parse().unwrap()), None, "{text}");
        }
    }
}
