//! What is accepted, and probably not meant: told by `check`, and when a role starts.

use secrecy::ExposeSecret as _;

use super::{Config, Secret, Source};

/// How Stripe's signing secrets begin.
const STRIPE_SECRET: &str = "whsec_";

/// How Stripe's API keys begin, secret and restricted ones.
const STRIPE_KEYS: [&str; 2] = ["sk_", "rk_"];

/// A sentence each; none tells a secret.
pub fn secrets(config: &Config) -> Vec<String> {
    let mut odd = Vec::new();
    let mut look = |place: &str, secret: &Secret| {
        odd.extend(secret.oddity().map(|oddity| format!("{place} {oddity}")));
    };
    look("ledger.url", &config.ledger.url);
    if let Some(token) = &config.partner.token {
        look("partner.token", token);
    }
    for (name, source) in &config.sources {
        for secret in &source.secrets {
            look(&format!("a secret of sources.{name}"), secret);
        }
        if let Some(key) = &source.api_key {
            look(&format!("sources.{name}.api_key"), key);
        }
    }
    for (name, source) in config.sources.iter().filter(|(_, source)| source.provider == "stripe") {
        stripe(name, source, &mut odd);
    }
    odd
}

/// Stripe's are told by how they begin.
fn stripe(name: &str, source: &Source, odd: &mut Vec<String>) {
    let begins = |secret: &Secret, beginnings: &[&str]| {
        // What cannot be read is told where it is needed.
        secret.resolve().is_ok_and(|value| {
            beginnings.iter().any(|beginning| value.expose_secret().starts_with(beginning))
        })
    };
    for secret in &source.secrets {
        if secret.resolve().is_ok() && secret.oddity().is_none() && !begins(secret, &[STRIPE_SECRET]) {
            odd.push(format!(
                "a secret of sources.{name} does not begin with {STRIPE_SECRET}, as signing secrets of Stripe's endpoints do: copy the one of this endpoint"
            ));
        }
    }
    if source.api_key.as_ref().is_some_and(|key| key.resolve().is_ok() && !begins(key, &STRIPE_KEYS)) {
        odd.push(format!("sources.{name}.api_key does not begin as Stripe's keys do (rk_… or sk_…)"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    fn told(secret: &str) -> Vec<String> {
        let text = format!("sources.s = {{ provider = 'stripe', secrets = [{secret}] }}");
        secrets(&load::parse(&text, Vec::new()).unwrap())
    }

    #[test]
    fn what_is_probably_not_meant_is_told_without_the_secret() {
        assert_eq!(told("'whsec_abc'"), Vec::<String>::new());
        assert!(told("'sk_live_abc'")[0].contains("does not begin with whsec_"));
        for odd in ["'$STRIPE_WEBHOOK_SECRET'", "{ env = 'whsec_abcdef' }"] {
            let told = told(odd);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].starts_with("a secret of sources.s") && !told[0].contains("abcdef"), "{told:?}");
        }
    }
}
