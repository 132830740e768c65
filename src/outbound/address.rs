//! Where others are: https, or plain http on this machine (a simulator). A token over plain http to anywhere
//! else would be read on the way.

use std::net::IpAddr;

use anyhow::{Context as _, bail, ensure};
use reqwest::Url;

/// Checks a base address: scheme, host and path only. `setting` is its key, for the error.
pub fn base_url(text: &str, setting: &str) -> anyhow::Result<Url> {
    // The text is not repeated in errors: a user part may hold a password.
    let url = Url::parse(text).ok().with_context(|| format!("{setting} is not a URL"))?;
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.has_host();
    ensure!(bare, "{setting} must be scheme, host and path only");
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => {
            bail!("{setting} must be https; http is for this machine only (127.0.0.1, ::1, localhost)")
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_https_or_this_machine() {
        for good in
            ["https://manager.whapi.cloud", "http://127.0.0.1:1/p/", "http://[::1]:9", "http://localhost"]
        {
            assert!(base_url(good, "x.base").is_ok(), "{good}");
        }
        for bad in [
            "",
            "manager.whapi.cloud",
            "http://manager.whapi.cloud",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
            "https://user:secret@manager.whapi.cloud",
            "https://manager.whapi.cloud?token=secret",
            "https://manager.whapi.cloud#x",
            "file:///etc/passwd",
            "ftp://127.0.0.1",
        ] {
            let error = base_url(bad, "x.base").err().unwrap_or_else(|| panic!("{bad}")).to_string();
            assert!(error.starts_with("x.base") && !error.contains("secret"), "{error}");
        }
    }
}
