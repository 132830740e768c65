//! Names by which the console may be opened. A stranger's page can give its own name the address of this machine (DNS
//! rebinding): the browser then takes the console for a part of that page's site, and the page reads tokens and sends
//! forms, with whatever rights the way in brings. What it cannot change is the name, which every request tells.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

use actix_web::http::{Uri, header::HOST, header::HeaderMap};

use crate::config::ConsoleSettings;

/// Paths that are answered under any name: probes call by whatever address they have, and the answers tell nothing.
const FOR_PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// See the module.
pub(in crate::console) struct Hosts {
    names: BTreeSet<String>,
    /// It listens on every address of the machine. A name can be given any of them; an address is nobody's name.
    any_address: bool,
}

impl Hosts {
    /// `listening`: the address that was bound.
    pub(in crate::console) fn new(console: &ConsoleSettings, listening: SocketAddr) -> Self {
        let own = [bare(&console.listen), Some("localhost".into())].into_iter().flatten();
        let names = console.hosts.iter().filter_map(|host| bare(host)).chain(own);
        let names = names.chain([listening.ip().to_canonical().to_string()]).collect();
        Self { names, any_address: listening.ip().is_unspecified() }
    }

    /// Whether a request comes under one of the names.
    pub(in crate::console) fn allow(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        if FOR_PROBES.contains(&uri.path()) {
            return true;
        }
        let mut hosts = headers.get_all(HOST);
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let host = host.to_str().ok();
        host.is_some_and(|host| self.knows(host)) && uri.authority().is_none_or(|at| self.knows(at.as_str()))
    }

    fn knows(&self, host: &str) -> bool {
        let Some(host) = bare(host) else { return false };
        let address = host.parse::<IpAddr>();
        self.names.contains(&host) || address.is_ok_and(|ip| ip.is_loopback() || self.any_address)
    }
}

/// The name or address without its port, in one way of writing; `None`: it is neither.
fn bare(host: &str) -> Option<String> {
    let address = |text: &str| text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical().to_string());
    let host = host.trim();
    if let Some(rest) = host.strip_prefix('[') {
        let (inside, port) = rest.split_once(']')?;
        return address(inside).filter(|_| is_port(port));
    }
    if let Some(address) = address(host) {
        return Some(address);
    }
    let (name, port) = host.find(':').map_or((host, ""), |at| host.split_at(at));
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    (is_port(port) && !name.is_empty()).then(|| address(&name).unwrap_or(name))
}

/// Nothing, or `:` and digits.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn allows(listening: &str, hosts: &[&str], uri: &str, request: &[&str]) -> bool {
        let console = ConsoleSettings {
            listen: "console.internal:8081".into(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..ConsoleSettings::default()
        };
        let mut headers = HeaderMap::new();
        for host in request {
            headers.append(HOST, HeaderValue::from_str(host).unwrap());
        }
        Hosts::new(&console, listening.parse().unwrap()).allow(&uri.parse().unwrap(), &headers)
    }

    #[test]
    fn only_known_names_open_the_console() {
        let known = ["Console.Example.com", "fd00::7"];
        for (host, want) in [
            ("127.0.0.1:8081", true),
            ("127.0.0.1", true),
            ("127.8.8.8:1", true),
            ("localhost:9000", true),
            ("LOCALHOST", true),
            ("localhost.", true),
            ("[::1]:8081", true),
            ("[::ffff:127.0.0.1]:8081", true),
            ("10.0.0.5:8081", true),
            ("console.internal:8081", true),
            ("console.example.com", true),
            ("console.example.com.:443", true),
            ("[fd00::7]", true),
            ("10.0.0.6:8081", false),
            ("evil.example", false),
            ("evil.example:8081", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("console.example.com.evil.example", false),
            ("localhost:8081:x", false),
            ("localhost@evil.example", false),
            ("[::1", false),
            ("", false),
        ] {
            assert_eq!(allows("10.0.0.5:8081", &known, "/payments", &[host]), want, "{host:?}");
        }
        assert!(!allows("10.0.0.5:8081", &known, "/", &[]), "no name");
        assert!(!allows("10.0.0.5:8081", &known, "/", &["localhost", "localhost"]), "two names");
        assert!(
            !allows("10.0.0.5:8081", &known, "http://evil.example/", &["localhost"]),
            "another in the line"
        );
        for probe in FOR_PROBES {
            assert!(
                allows("10.0.0.5:8081", &known, probe, &["10.0.0.9"])
                    && allows("10.0.0.5:8081", &[], probe, &[])
            );
        }
    }

    #[test]
    fn a_console_on_every_address_is_opened_by_address_and_by_no_strangers_name() {
        for listening in ["0.0.0.0:8081", "[::]:8081"] {
            assert!(
                allows(listening, &[], "/", &["192.0.2.7:8081"])
                    && allows(listening, &[], "/", &["[fd00::9]"])
            );
            assert!(!allows(listening, &[], "/", &["evil.example"]));
        }
    }
}
