//! The HTTP proxy through which calls leave this machine, where the settings name one. Of an https call it sees a
//! `CONNECT` with host and port; token, path and body travel inside the tunnel. Plain http, which is for this machine
//! alone, does not go through it.

use anyhow::Context as _;
use reqwest::{Proxy, Url};
use secrecy::{ExposeSecret as _, SecretString};

use crate::secret::Secret;

/// Reads and checks the address. The error never quotes it, for it may hold a password.
pub fn address(secret: &Secret) -> Result<SecretString, String> {
    let text = secret.resolve().map_err(|why| format!("outbound.proxy: {why}"))?;
    let bare = Url::parse(text.expose_secret()).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
    });
    match bare {
        true => Ok(text),
        false => Err("outbound.proxy must be http://host:port or http://user:password@host:port".into()),
    }
}

/// The proxy for https calls.
pub(super) fn of(secret: &Secret) -> anyhow::Result<Proxy> {
    let address = address(secret).map_err(anyhow::Error::msg)?;
    let proxy = Proxy::https(address.expose_secret()).ok();
    proxy.context("outbound.proxy cannot be used: it is http://user:password@host:port")
}

/// What to do about a tunnel that did not come about; `None`: the text is about something else.
pub(super) fn advice(text: &str) -> Option<&'static str> {
    let what = text.strip_prefix("tunnel error: ")?;
    Some(match what {
        "proxy authorization required" => {
            "the proxy wants a user and a password: outbound.proxy = \"http://user:password@host:port\""
        }
        "failed to create underlying connection" => "outbound.proxy is not reached",
        _ => "the proxy refuses the way: let it CONNECT to this host and port",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_a_proxys() {
        for good in ["http://proxy:3128", "http://u:p%40ss@10.0.0.1:3128/", "https://proxy"] {
            assert!(address(&Secret::plain(good)).is_ok(), "{good}");
        }
        for bad in ["", "proxy:3128", "socks5://proxy", "http://u:s3cret@proxy/path", "http://proxy?s3cret=1"]
        {
            let why = address(&Secret::plain(bad)).unwrap_err();
            assert!(why.starts_with("outbound.proxy") && !why.contains("s3cret"), "{bad}: {why}");
        }
    }
}
