//! Who asks, and what they may do.
//!
//! Nothing is answered under a name that is not one of the console's ([`hosts`]).
//!
//! Two ways in: a login with a password of the settings, which opens a session in memory; or the word of a reverse
//! proxy that has authenticated the user, believed from a trusted peer alone. Either way each form carries a token
//! that is bound to the one who got it, and posts from other sites are refused before anything is read. A restart
//! ends all logins.

use std::net::IpAddr;

use actix_web::{HttpRequest, http::header};

use crate::{
    config::{Config, console::Role},
    webhook::client_address::TrustedProxies,
};

/// Browsers somebody has logged in with before.
mod browser;

/// Names by which the console may be opened.
mod hosts;

/// Whether a post comes from this site.
pub(super) mod origin;

/// Hashes of passwords.
pub mod password;

/// The reverse proxy's word.
mod proxy;

/// How often somebody may try to log in.
mod rate;

/// Logins in memory.
mod sessions;

/// Tokens of forms.
mod token;

/// Users of the settings.
mod users;

pub(super) use browser::Browser;
pub(super) use hosts::Hosts;
pub(super) use sessions::Sessions;
pub(super) use users::Users;

/// Somebody who may look, at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Visitor {
    pub(super) name: String,
    pub(super) role: Role,
    /// The session, or the user of the proxy: what a form's token is bound to.
    bound: String,
    /// Whether there is a session to end.
    pub(super) logged_in: bool,
}

/// Everything that lets in or keeps out.
pub(super) struct Auth {
    pub(super) users: Users,
    pub(super) sessions: Sessions,
    pub(super) rate: rate::Rate,
    proxies: TrustedProxies,
    proxy: Option<proxy::Proxy>,
    token: token::Key,
    secure: bool,
}

impl Auth {
    pub(super) fn new(config: &Config) -> anyhow::Result<Self> {
        let console = &config.console;
        let proxies = TrustedProxies::parse(&config.server.trusted_proxies).map_err(anyhow::Error::msg)?;
        Ok(Self {
            users: Users::new(&console.users)?,
            sessions: Sessions::new(console.session, console.session_idle),
            rate: rate::Rate::new(),
            proxies,
            proxy: proxy::Proxy::new(console)?,
            token: token::Key::new()?,
            secure: console.secure_cookie,
        })
    }

    /// Who asks; `None`: nobody that is known. `live`: a page that fetches itself, which keeps no login alive.
    pub(super) fn visitor(&self, request: &HttpRequest, live: bool) -> Option<Visitor> {
        let peer = request.peer_addr().map(|peer| peer.ip());
        if let Some(proxy) = &self.proxy
            && peer.is_some_and(|peer| self.proxies.trusts(peer.to_canonical()))
            && let Some((name, role)) = proxy.user(request.headers())
        {
            let bound = format!("proxy {name}");
            return Some(Visitor { name, role, bound, logged_in: false });
        }
        let id = self.cookie(request)?;
        let (name, role) = self.sessions.find(&id, live, std::time::Instant::now())?;
        Some(Visitor { name, role, bound: format!("session {id}"), logged_in: true })
    }

    /// Address of the caller, for limits and the record.
    pub(super) fn caller(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr().map(|peer| peer.ip());
        let forwarded: Vec<&[u8]> =
            request.headers().get_all("x-forwarded-for").map(header::HeaderValue::as_bytes).collect();
        self.proxies.client(peer, forwarded.into_iter())
    }

    /// The token of this visitor's forms.
    pub(super) fn token(&self, visitor: &Visitor) -> String {
        self.token.of(&visitor.bound)
    }

    /// Whether a form carries this visitor's token.
    pub(super) fn token_fits(&self, visitor: &Visitor, token: &str) -> bool {
        self.token.fits(&visitor.bound, token)
    }

    /// The session's id in the request's cookie.
    pub(super) fn cookie(&self, request: &HttpRequest) -> Option<String> {
        named(request, self.cookie_name())
    }

    /// What the browser brings of an earlier login.
    pub(super) fn browser(&self, request: &HttpRequest) -> Option<String> {
        named(request, self.browser_name())
    }

    /// The header by which a browser is known at the next login.
    pub(super) fn remember(&self, browser: &str) -> (header::HeaderName, String) {
        let (name, secure) = (self.browser_name(), if self.secure { "; Secure" } else { "" });
        let age = browser::LASTS_S;
        (
            header::SET_COOKIE,
            format!("{name}={browser}; Path=/; HttpOnly; SameSite=Strict{secure}; Max-Age={age}"),
        )
    }

    fn browser_name(&self) -> &'static str {
        if self.secure { "__Host-daybridge-browser" } else { "daybridge-browser" }
    }

    /// The header that gives a browser its session; an empty id takes it away.
    pub(super) fn set_cookie(&self, id: &str) -> (header::HeaderName, String) {
        let (name, secure) = (self.cookie_name(), if self.secure { "; Secure" } else { "" });
        let gone = if id.is_empty() { "; Max-Age=0" } else { "" };
        (header::SET_COOKIE, format!("{name}={id}; Path=/; HttpOnly; SameSite=Strict{secure}{gone}"))
    }

    /// `__Host-`: the browser takes it only over TLS, from this very host, for all paths.
    fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-daybridge" } else { "daybridge" }
    }
}

fn named(request: &HttpRequest, name: &str) -> Option<String> {
    let cookies = request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.to_owned())
}
