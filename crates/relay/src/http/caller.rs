//! Whose request it is where nobody is signed in: the address behind the proxies that the operator trusts. Nothing is
//! decided by it but how much may be asked.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;
use roomed_smart::guard::IpNet;

use crate::relay::Relay;

/// The usual name of what a proxy says about whom it speaks for; the nearest hop stands last.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The caller's address, of IPv6 its network of 64 bits: a household has all of those. `None` where no connection is known.
pub(super) fn address(relay: &Relay, request: &Request) -> Option<IpAddr> {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    Some(network(behind(&relay.config.limits.trusted_proxies, peer.ip(), request.headers())))
}

/// Goes back hop by hop for as long as the one who says so is trusted: whatever stands further left, a caller may have written.
fn behind(trusted: &[IpNet], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let lines = headers.get_all(FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or_default());
    let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    let mut caller = peer.to_canonical();
    for hop in hops.into_iter().rev() {
        if !trusted.iter().any(|range| range.contains(&caller)) {
            break;
        }
        let Some(before) = read(hop.trim()) else { break };
        caller = before.to_canonical();
    }
    caller
}

/// An address, with or without brackets and port.
fn read(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|it| it.ip()))
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn seen(trusted: &[&str], peer: &str, said: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|it| it.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for line in said {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        network(behind(&trusted, peer.parse().unwrap(), &headers)).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(seen(&[], "10.0.0.9", &["198.51.100.7"]), "10.0.0.9", "anybody may write a header");
        assert_eq!(seen(&["10.0.0.0/8"], "10.0.0.9", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(seen(&["10.0.0.0/8"], "203.0.113.1", &["198.51.100.7"]), "203.0.113.1");
    }

    #[test]
    fn what_the_caller_wrote_itself_counts_for_nothing() {
        let proxies = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(seen(&proxies, "10.0.0.9", &["1.1.1.1, 198.51.100.7, 10.0.0.8"]), "198.51.100.7");
        assert_eq!(seen(&proxies, "10.0.0.9", &["1.1.1.1", "198.51.100.7", "fd00::8"]), "198.51.100.7");
        assert_eq!(seen(&proxies, "10.0.0.9", &["198.51.100.7, nonsense"]), "10.0.0.9", "no guess past nonsense");
        assert_eq!(seen(&proxies, "10.0.0.9", &["10.0.0.7"]), "10.0.0.7", "who calls from inside is there");
    }

    #[test]
    fn every_way_to_write_an_address() {
        let proxies = ["10.0.0.0/8"];
        for (hop, address) in [
            ("198.51.100.7:4711", "198.51.100.7"),
            (" 198.51.100.7 ", "198.51.100.7"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("[2001:db8:1:2::9]", "2001:db8:1:2::"),
            ("[2001:db8:1:2::9]:4711", "2001:db8:1:2::"),
        ] {
            assert_eq!(seen(&proxies, "::ffff:10.0.0.9", &[hop]), address, "{hop}");
        }
    }
}
