//! Which addresses belong to the public network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// What an address is if it is not one of a host in the public network: "a private address". The tables are those of
/// IANA's registries of special-purpose addresses, with what is obsolete or leads somewhere else by itself.
///
/// Addresses that stand for one of IPv4 are judged by that: those mapped into IPv6, which connect to it, and those of
/// NAT64, which networks without IPv4 hand out for public hosts.
///
/// ```
/// use odcs_fetch::special_address;
/// assert_eq!(special_address("192.168.1.1".parse()?), Some("a private address"));
/// assert_eq!(special_address("::ffff:127.0.0.1".parse()?), Some("a loopback address"));
/// assert_eq!(special_address("2606:2800:220:1::1".parse()?), None);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn special_address(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

/// Whether one of the networks has an address, also in its other form if it is one of IPv4 mapped into IPv6.
pub(crate) fn is_listed(networks: &[IpNet], address: IpAddr) -> bool {
    let mapped = address.to_canonical();
    networks
        .iter()
        .any(|network| network.contains(&address) || network.contains(&mapped))
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let what = match address.octets() {
        [0, ..] => "an address of this network",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "a private address",
        [100, 64..=127, ..] => "an address shared by a provider's customers",
        [127, ..] => "a loopback address",
        [169, 254, ..] => "a link-local address",
        [192, 0, 0, _] => "an address reserved for protocols",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "an address for documentation",
        [192, 88, 99, _] => "an address of an obsolete tunnel",
        [198, 18 | 19, ..] => "an address for benchmarks",
        [224..=239, ..] => "a multicast address",
        [255, 255, 255, 255] => "the broadcast address",
        [240..=255, ..] => "a reserved address",
        _ => return None,
    };
    Some(what)
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return special_v4(mapped);
    }
    let what = match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => "the unspecified address",
        [0, 0, 0, 0, 0, 0, 0, 1] => "a loopback address",
        [0, 0, 0, 0, 0, 0, ..] => "an obsolete form of an IPv4 address",
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            return special_v4(Ipv4Addr::new(a, b, c, d));
        }
        [0x64, 0xff9b, ..] => "an address of a local translator",
        [0xfc00..=0xfdff, ..] => "a private address",
        [0xfe80..=0xfebf, ..] => "a link-local address",
        [0xfec0..=0xfeff, ..] => "a site-local address",
        [0xff00..=0xffff, ..] => "a multicast address",
        [0x2002, ..] | [0x2001, 0, ..] => "an address of an obsolete tunnel",
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => "an address for documentation",
        [0x2001, 0..=0x1ff, ..] => "an address reserved for protocols",
        [0x2000..=0x3fff, ..] => return None,
        _ => "a reserved address",
    };
    Some(what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn what(address: &str) -> Option<&'static str> {
        special_address(address.parse().unwrap())
    }

    #[test]
    fn the_ends_of_all_special_networks_are_special_and_their_neighbours_are_not() {
        for (network, before, after) in [
            ("0.0.0.0/8", None, Some("1.0.0.0")),
            ("10.0.0.0/8", Some("9.255.255.255"), Some("11.0.0.0")),
            ("100.64.0.0/10", Some("100.63.255.255"), Some("100.128.0.0")),
            ("127.0.0.0/8", Some("126.255.255.255"), Some("128.0.0.0")),
            ("169.254.0.0/16", Some("169.253.255.255"), Some("169.255.0.0")),
            ("172.16.0.0/12", Some("172.15.255.255"), Some("172.32.0.0")),
            ("192.0.0.0/24", Some("191.255.255.255"), Some("192.0.1.0")),
            ("192.0.2.0/24", Some("192.0.1.255"), Some("192.0.3.0")),
            ("192.88.99.0/24", Some("192.88.98.255"), Some("192.88.100.0")),
            ("192.168.0.0/16", Some("192.167.255.255"), Some("192.169.0.0")),
            ("198.18.0.0/15", Some("198.17.255.255"), Some("198.20.0.0")),
            ("198.51.100.0/24", Some("198.51.99.255"), Some("198.51.101.0")),
            ("203.0.113.0/24", Some("203.0.112.255"), Some("203.0.114.0")),
            ("224.0.0.0/4", Some("223.255.255.255"), None),
            ("240.0.0.0/4", None, None),
            ("::/96", None, None),
            ("64:ff9b:1::/48", None, None),
            ("100::/64", None, None),
            ("2001::/23", Some("2000:ffff::"), Some("2001:200::")),
            ("2001:db8::/32", Some("2001:db7:ffff::"), Some("2001:db9::")),
            ("2002::/16", Some("2001:ffff::"), Some("2003::")),
            ("3fff::/20", Some("3ffe:ffff::"), Some("3fff:1000::")),
            ("4000::/2", None, None),
            ("5f00::/16", None, None),
            ("fc00::/7", None, None),
            ("fe80::/10", None, None),
            ("fec0::/10", None, None),
            ("ff00::/8", None, None),
        ] {
            let net: IpNet = network.parse().unwrap();
            assert!(special_address(net.network()).is_some(), "{network}");
            assert!(special_address(net.broadcast()).is_some(), "{network}");
            for neighbour in [before, after].into_iter().flatten() {
                assert_eq!(what(neighbour), None, "{neighbour}");
            }
        }
    }

    #[test]
    fn they_are_called_what_they_are() {
        for (address, is) in [
            ("0.0.0.0", "an address of this network"),
            ("255.255.255.255", "the broadcast address"),
            ("169.254.169.254", "a link-local address"),
            ("::", "the unspecified address"),
            ("::1", "a loopback address"),
            ("::127.0.0.1", "an obsolete form of an IPv4 address"),
            ("::ffff:10.0.0.1", "a private address"),
            ("::ffff:0.0.0.0", "an address of this network"),
            ("64:ff9b::169.254.169.254", "a link-local address"),
            ("64:ff9b:1::8.8.8.8", "an address of a local translator"),
            ("2002:7f00:1::", "an address of an obsolete tunnel"),
            ("2001:0:4136:e378::1", "an address of an obsolete tunnel"),
            ("fd00:ec2::254", "a private address"),
            ("fe80::1", "a link-local address"),
            ("fec0::1", "a site-local address"),
            ("ff02::1", "a multicast address"),
        ] {
            assert_eq!(what(address), Some(is), "{address}");
        }
        for public in ["8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2606:4700::1111"] {
            assert_eq!(what(public), None, "{public}");
        }
    }

    #[test]
    fn networks_hold_addresses_in_either_form() {
        let networks = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let listed = |address: &str| is_listed(&networks, address.parse().unwrap());
        assert!(listed("10.1.2.3") && listed("::ffff:10.1.2.3") && listed("fd00::1"));
        assert!(!listed("11.0.0.1") && !listed("::10.1.2.3") && !listed("fc00::1"));
    }

    proptest! {
        #[test]
        fn mapped_and_translated_addresses_are_judged_as_what_they_stand_for(bits in any::<u32>()) {
            let v4 = Ipv4Addr::from_bits(bits);
            let is = special_address(v4.into());
            prop_assert_eq!(special_address(v4.to_ipv6_mapped().into()), is);
            let nat64 = Ipv6Addr::from_bits((0x0064_ff9b_u128 << 96) | u128::from(bits));
            prop_assert_eq!(special_address(nat64.into()), is);
        }
    }
}
