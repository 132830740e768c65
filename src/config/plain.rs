//! Secrets that stand in the settings file itself, by the name of their key: whoever can read the file has them.

use secrecy::ExposeSecret as _;

use super::{Config, QueueUrl, Secret, load};

/// The keys of a settings file's text that hold a secret in plain. A text that cannot be read holds none that counts.
pub fn secrets(text: &str) -> Vec<String> {
    load::parse(text, Vec::new()).map(|config| keys(&config)).unwrap_or_default()
}

fn keys(config: &Config) -> Vec<String> {
    let mut keys = Vec::new();
    let mut look = |secret: Option<&Secret>, key: String| {
        if let Some(Secret::Plain(_)) = secret {
            keys.push(key);
        }
    };
    look(config.partner.token.as_ref(), "partner.token".into());
    look(config.queue.management_url.as_ref(), "queue.management_url".into());
    for (name, source) in &config.sources {
        look(
            source.secrets.iter().find(|s| matches!(s, Secret::Plain(_))),
            format!("sources.{name}.secrets"),
        );
        look(source.api_key.as_ref(), format!("sources.{name}.api_key"));
    }
    if let QueueUrl::Amqp(hosts) = &config.queue.url
        && hosts.iter().any(|url| has_password(url.expose_secret()))
    {
        keys.push("queue.url".into());
    }
    if let Secret::Plain(url) = &config.ledger.url
        && has_password(url.expose_secret())
    {
        keys.push("ledger.url".into());
    }
    keys
}

fn has_password(url: &str) -> bool {
    let authority = url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?']).next());
    let login = authority.and_then(|authority| authority.rsplit_once('@')).map(|(login, _)| login);
    login.is_some_and(|login| login.contains(':')) || url.contains("password=")
}

#[cfg(test)]
mod tests {
    use super::secrets;

    #[test]
    fn what_stands_in_the_file_is_named_and_not_quoted() {
        let text = "queue.url = 'amqp://u:s3cret@h/x'\nqueue.management_url = 'http://u:s3cret@h'\n\
                    ledger.url = 'postgres://u:s3cret@h/x'\npartner.token = 's3cret'\n\
                    sources.s = { provider = 'stripe', secrets = [{ env = 'X' }, 's3cret'], api_key = 's3cret' }";
        let want = [
            "partner.token",
            "queue.management_url",
            "sources.s.secrets",
            "sources.s.api_key",
            "queue.url",
            "ledger.url",
        ];
        assert_eq!(secrets(text), want);
        let elsewhere = "queue.url = 'amqp://u@h/x'\nledger.url = 'sqlite:a.db'\npartner.token = { file = '/x' }\n\
                         sources.s = { provider = 'stripe', secrets = [{ env = 'X' }] }";
        assert!(secrets(elsewhere).is_empty());
    }
}
