//! Who called: for log lines of the receiver, where no decision rests on it, and for the console, which counts tries to
//! log in by address and believes a proxy's word about a user.
//!
//! `X-Forwarded-For` is believed only from a trusted peer (a UNIX socket's peer is one), and walked from the
//! right: what a trusted proxy appended is true, what stood there before may be made up.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// Most hops walked; more are made up.
pub const HOPS_MAX: usize = 16;

/// Proxies whose word counts.
#[derive(Debug, Clone)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads addresses and networks; the error names the one that is neither.
    pub fn parse(texts: &[String]) -> Result<Self, String> {
        let net = |text: &String| {
            let address = || text.parse::<IpAddr>().map(IpNet::from);
            text.parse::<IpNet>().or_else(|_| address()).map_err(|_| {
                format!("trusted_proxies: {text:?} is neither an address nor a network like 10.0.0.0/8")
            })
        };
        texts.iter().map(net).collect::<Result<_, _>>().map(Self)
    }

    /// Whether an address (canonical: no IPv4 in IPv6) is one.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// The caller's address. `peer`: the connection's other end, `None` for a UNIX socket. `forwarded`: the
    /// values of every `X-Forwarded-For`, in order. `None` where nothing can be said.
    pub fn client<'h>(
        &self,
        peer: Option<IpAddr>,
        forwarded: impl DoubleEndedIterator<Item = &'h [u8]>,
    ) -> Option<IpAddr> {
        let mut client = peer.map(|peer| peer.to_canonical());
        if client.is_some_and(|peer| !self.trusts(peer)) {
            return client;
        }
        let hops = forwarded.rev().flat_map(|value| value.rsplit(|byte| *byte == b','));
        for hop in hops.take(HOPS_MAX) {
            let Some(address) = address(hop) else { break };
            client = Some(address);
            if !self.trusts(address) {
                break;
            }
        }
        client
    }
}

/// With or without a port, and IPv6 with or without brackets: gateways write all of these.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop.trim_ascii()).ok()?;
    let bare =
        hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|bare| bare.contains(':'));
    let with_port = || hop.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    bare.unwrap_or(hop).parse::<IpAddr>().ok().or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_trusted_proxies_appended_counts() {
        let trusted = TrustedProxies::parse(&["127.0.0.1".into(), "10.0.0.0/8".into()]).unwrap();
        for (peer, forwarded, want) in [
            (Some("203.0.113.9"), vec!["6.6.6.6"], Some("203.0.113.9")),
            (Some("127.0.0.1"), vec!["6.6.6.6, 203.0.113.9, 10.1.1.1"], Some("203.0.113.9")),
            (Some("127.0.0.1"), vec!["6.6.6.6", "203.0.113.9"], Some("203.0.113.9")),
            (Some("::ffff:127.0.0.1"), vec!["203.0.113.9"], Some("203.0.113.9")),
            (Some("127.0.0.1"), vec!["203.0.113.9, nonsense, 10.1.1.1"], Some("10.1.1.1")),
            (Some("127.0.0.1"), vec!["6.6.6.6, 77.75.153.10:41234, 10.1.1.1:80"], Some("77.75.153.10")),
            (Some("127.0.0.1"), vec!["[2001:db8::1]:443"], Some("2001:db8::1")),
            (Some("127.0.0.1"), vec!["[2001:db8::1]"], Some("2001:db8::1")),
            (Some("127.0.0.1"), vec!["[::ffff:203.0.113.9]:443"], Some("203.0.113.9")),
            (Some("127.0.0.1"), vec!["203.0.113.9:, 10.1.1.1"], Some("10.1.1.1")),
            (Some("127.0.0.1"), vec!["203.0.113.9:99999, 10.1.1.1"], Some("10.1.1.1")),
            (Some("127.0.0.1"), vec!["[203.0.113.9], 10.1.1.1"], Some("10.1.1.1")),
            (Some("127.0.0.1"), vec!["[2001:db8::1, 10.1.1.1"], Some("10.1.1.1")),
            (Some("127.0.0.1"), vec![], Some("127.0.0.1")),
            (None, vec!["203.0.113.9"], Some("203.0.113.9")),
            (None, vec![], None),
        ] {
            let got = trusted.client(
                peer.map(|peer| peer.parse().unwrap()),
                forwarded.iter().map(|value| value.as_bytes()),
            );
            assert_eq!(got.map(|address| address.to_string()).as_deref(), want, "{peer:?} {forwarded:?}");
        }
        assert!(TrustedProxies::parse(&["localhost".into()]).is_err());
    }
}
