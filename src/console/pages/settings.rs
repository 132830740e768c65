//! The settings this process runs with. Never a secret, and of a URL nothing but its kind: it may hold a password.

use askama::Template;
use humantime::format_duration;

use crate::{
    config::{Config, QueueUrl, Secret},
    console::{
        layout::{Layout, page},
        request::{Answer, Request},
    },
};

/// A section and its keys.
struct Section {
    name: String,
    keys: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "settings.html", config = "src/console/askama.toml")]
struct Settings {
    layout: Layout,
    sections: Vec<Section>,
    /// Name, role, and how they come in.
    users: Vec<(String, &'static str, &'static str)>,
}

pub(in crate::console) fn show(request: Request) -> Answer {
    Box::pin(async move {
        let config = &request.app.config;
        let console = &config.console;
        let logged_in =
            console.users.iter().map(|(name, user)| (name.clone(), user.role.as_str(), "password"));
        let proxied = console.proxy_operators.iter().map(|name| (name.clone(), "operator", "reverse proxy"));
        let users = logged_in.chain(proxied).collect();
        page(&Settings {
            layout: Layout::new(&request, "Settings", "/settings"),
            sections: sections(config),
            users,
        })
    })
}

/// Where a secret comes from.
fn hidden(secret: &Secret) -> String {
    match secret {
        Secret::Plain(_) => "set, not shown".into(),
        Secret::Env(from) => format!("from {}, not shown", from.shown()),
        Secret::File(from) => format!("from {}, not shown", from.shown()),
    }
}

fn sections(config: &Config) -> Vec<Section> {
    let mut sections = vec![server(config), console(config), stores(config), partner(config)];
    let brake = &config.brake;
    sections.push(Section {
        name: "brake".into(),
        keys: vec![
            ("multiple", brake.multiple.to_string()),
            ("account_days_min", brake.account_days_min.to_string()),
            ("account_days_per_channel", brake.account_days_per_channel.to_string()),
            ("channel_days_min", brake.channel_days_min.to_string()),
        ],
    });
    sections.extend(config.sources.iter().map(|(name, source)| {
        let asks = source.api_key.is_some();
        Section {
            name: format!("sources.{name}"),
            keys: vec![
                ("provider", source.provider.clone()),
                ("believed for", source.proof().as_str().into()),
                ("secrets", source.secrets.iter().map(hidden).collect::<Vec<_>>().join("; ")),
                ("livemode", source.livemode.to_string()),
                ("tolerance", format_duration(source.tolerance).to_string()),
                ("public_url", source.public_url.as_deref().map_or_else(|| "not set".into(), without_login)),
                ("own_account", source.own_account.clone().unwrap_or_else(|| "not set".into())),
                ("realm", source.realm(name).to_owned()),
                ("money_in", source.money_in.as_str().to_owned()),
                ("channel", source.channel.join(", ")),
                ("days", source.days.join(", ")),
                ("days_max", source.days_max.to_string()),
                ("on_refund", source.on_refund.word().to_owned()),
                ("on_dispute", source.on_dispute.word().to_owned()),
                ("on_end", source.on_end.word().to_owned()),
                (
                    "api_key",
                    source.api_key.as_ref().map_or_else(|| "not set: nothing is asked for".into(), hidden),
                ),
                ("api_base", if asks { without_login(&source.api_base) } else { "not used".into() }),
                ("backfill_every", format_duration(source.backfill_every).to_string()),
                ("backfill_sweep", format_duration(source.backfill_sweep).to_string()),
            ],
        }
    }));
    sections
}

fn server(config: &Config) -> Section {
    let server = &config.server;
    Section {
        name: "server".into(),
        keys: vec![
            ("listen", server.listen.clone()),
            ("trusted_proxies", server.trusted_proxies.join(", ")),
            ("max_body_bytes", server.max_body_bytes.to_string()),
            ("bodies_bytes_max", server.bodies_bytes_max.to_string()),
            ("connections_max", server.connections_max.to_string()),
        ],
    }
}

fn console(config: &Config) -> Section {
    let console = &config.console;
    Section {
        name: "console".into(),
        keys: vec![
            ("listen", console.listen.clone()),
            ("hosts", if console.hosts.is_empty() { "not set".into() } else { console.hosts.join(", ") }),
            ("session", format_duration(console.session).to_string()),
            ("session_idle", format_duration(console.session_idle).to_string()),
            ("secure_cookie", console.secure_cookie.to_string()),
            ("proxy_user_header", console.proxy_user_header.clone().unwrap_or_else(|| "not set".into())),
        ],
    }
}

fn stores(config: &Config) -> Section {
    let queue = match &config.queue.url {
        QueueUrl::Embedded(_) => "embedded".into(),
        QueueUrl::Amqp(hosts) => format!("amqp, {} hosts, not shown", hosts.len()),
    };
    Section {
        name: "queue, ledger".into(),
        keys: vec![
            ("queue.url", queue),
            ("queue.topology", format!("{:?}", config.queue.topology).to_lowercase()),
            ("queue.prefetch", config.queue.prefetch.to_string()),
            ("queue.delivery_limit", config.queue.delivery_limit.to_string()),
            ("ledger.url", hidden(&config.ledger.url)),
            ("outbound.proxy", config.outbound.proxy.as_ref().map_or_else(|| "not set".into(), hidden)),
        ],
    }
}

fn partner(config: &Config) -> Section {
    let partner = &config.partner;
    Section {
        name: "partner".into(),
        keys: vec![
            ("base_url", without_login(&partner.base_url)),
            ("account", partner.account.clone()),
            ("token", partner.token.as_ref().map_or_else(|| "not set".into(), hidden)),
            ("call_timeout", format_duration(partner.call_timeout).to_string()),
            ("settle_window", format_duration(partner.settle_window).to_string()),
            ("on_unmoved", format!("{:?}", partner.on_unmoved).to_lowercase()),
            ("calls_per_second_max", partner.calls_per_second_max.to_string()),
            ("ensure_live", partner.ensure_live.to_string()),
            ("comment", partner.comment.clone()),
        ],
    }
}

/// An address without the name and password that may stand before its host, and without what follows `?`.
fn without_login(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) => {
            format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host))
        }
        None => "not shown".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_of_an_address_is_shown() {
        assert_eq!(without_login("https://u:s3cret@host/path?key=s3cret"), "https://host/path");
        assert_eq!(without_login("s3cret"), "not shown");
    }

    #[test]
    fn no_secret_is_shown() {
        let text = "queue.url = 'amqp://u:s3cret@h/x'\nledger.url = 'postgres://u:s3cret@h/x'\n\
                    partner.token = 's3cret'\nsources.s = { provider = 'stripe', secrets = ['s3cret'], api_key = 's3cret' }\n\
                    console.users.ada = { password = '$argon2id$s3cret', role = 'operator' }";
        let config = crate::config::load::parse(text, Vec::new()).unwrap();
        for section in sections(&config) {
            assert!(section.keys.iter().all(|(_, value)| !value.contains("s3cret")), "{}", section.name);
        }
    }
}
