//! Which addresses are the public internet: the registries of special-purpose addresses (IANA, RFC 6890 and its updates),
//! and the few that clouds answer at. An IPv6 address that only wraps an IPv4 one counts as that one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Special-purpose IPv4 blocks: address and prefix length.
const SPECIAL_V4: [([u8; 4], u32); 16] = [
    ([0, 0, 0, 0], 8),        // this network
    ([10, 0, 0, 0], 8),       // private
    ([100, 64, 0, 0], 10),    // carrier's NAT
    ([127, 0, 0, 0], 8),      // loopback
    ([169, 254, 0, 0], 16),   // link-local, and the metadata of most clouds
    ([172, 16, 0, 0], 12),    // private
    ([192, 0, 0, 0], 24),     // protocol assignments
    ([192, 0, 2, 0], 24),     // documentation
    ([192, 88, 99, 0], 24),   // 6to4 relays
    ([192, 168, 0, 0], 16),   // private
    ([198, 18, 0, 0], 15),    // benchmarks
    ([198, 51, 100, 0], 24),  // documentation
    ([203, 0, 113, 0], 24),   // documentation
    ([224, 0, 0, 0], 4),      // multicast
    ([240, 0, 0, 0], 4),      // reserved, and broadcast
    ([168, 63, 129, 16], 32), // Azure's platform
];

/// Special-purpose blocks within 2000::/3, the only IPv6 that is routed publicly.
const SPECIAL_V6: [(Ipv6Addr, u32); 3] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// What clouds tell their machines, at private addresses that are never a hospital's: AWS over IPv6 (metadata, DNS), Google's
/// over IPv6, and Alibaba's in the carriers' range.
const PLATFORM_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];
/// The same over IPv4: Azure's platform, and Alibaba's metadata.
const PLATFORM_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(100, 100, 100, 200)];

/// The address that a packet to this one would reach: IPv4 out of its wrappings (mapped; 6to4, RFC 3056; NAT64, RFC 6052).
pub(super) fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let last = |segments: [u16; 2]| {
        let [a, b] = segments[0].to_be_bytes();
        let [c, d] = segments[1].to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            last([high, low])
        }
        _ => address,
    }
}

/// True for an address of the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !SPECIAL_V4.iter().any(|(block, length)| within_v4(v4, Ipv4Addr::from(*block), *length)),
        IpAddr::V6(v6) => {
            v6.segments()[0] & 0xe000 == 0x2000
                && !SPECIAL_V6.iter().any(|(block, length)| within_v6(v6, *block, *length))
        }
    }
}

/// True for an address where no hospital's server can stand, whatever an operator allows: this machine, its neighbours on
/// the wire, groups, and what clouds tell their machines.
pub fn never(address: IpAddr) -> bool {
    match meant(address) {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.octets()[0] == 0
                || v4.is_broadcast()
                || PLATFORM_V4.contains(&v4)
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unicast_link_local()
                || PLATFORM_V6.contains(&v6)
        }
    }
}

fn within_v4(address: Ipv4Addr, block: Ipv4Addr, length: u32) -> bool {
    (address.to_bits() ^ block.to_bits()).leading_zeros() >= length
}

fn within_v6(address: Ipv6Addr, block: Ipv6Addr, length: u32) -> bool {
    (address.to_bits() ^ block.to_bits()).leading_zeros() >= length
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_public_internet_and_nothing_else() {
        for public in ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255"]
            .into_iter()
            .chain(["172.32.0.0", "192.0.1.1", "198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.17"])
            .chain(["2001:200::1", "2606:4700::1111", "2a00:1450::1"])
        {
            assert!(is_public(meant(at(public))), "{public}");
        }
        for special in ["0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255"]
            .into_iter()
            .chain(["127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8"])
            .chain(["192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7"])
            .chain(["203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16"])
            .chain(["::", "::1", "::7f00:1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "100::1"])
            .chain(["2001::1", "2001:db8::1", "3fff::1", "5f00::1"])
        {
            assert!(!is_public(meant(at(special))), "{special}");
        }
    }

    #[test]
    fn a_wrapped_address_is_the_one_within() {
        for wrapped in ["::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::1"] {
            assert_eq!(meant(at(wrapped)), at("10.0.0.1"), "{wrapped}");
        }
        assert!(is_public(meant(at("::ffff:1.1.1.1"))));
        assert!(is_public(meant(at("64:ff9b::1.1.1.1"))));
    }

    #[test]
    fn what_no_operator_can_allow() {
        for address in ["127.0.0.1", "169.254.169.254", "fd00:ec2::254", "168.63.129.16", "::1", "::ffff:127.0.0.1"]
            .into_iter()
            .chain(["100.100.100.200", "fd00:ec2::23", "fd20:ce::254"])
            .chain(["0.0.0.0", "224.0.0.1", "255.255.255.255", "fe80::1", "ff02::1", "::"])
        {
            assert!(never(at(address)), "{address}");
        }
        for private in ["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fc00::1", "fd12::1"] {
            assert!(!never(at(private)), "{private}");
        }
    }
}
