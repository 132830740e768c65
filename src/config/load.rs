//! From file and environment to [`Config`]: what was typed, with errors that name the key and the nearest
//! known one.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Config, QueueUrl, check, preset};

/// The file that is read where none is named.
pub const FILE_DEFAULT: &str = "daybridge.toml";

/// Prefix of the variables that override a key: `DAYBRIDGE_QUEUE__URL` is `[queue] url`.
pub const ENV_PREFIX: &str = "DAYBRIDGE_";

/// Everything that is wrong with the settings, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Wrong(pub Vec<String>);

/// Reads the file (or [`FILE_DEFAULT`]) and the process's environment, and checks them together.
pub fn load(file: Option<&Path>) -> Result<Config, Wrong> {
    let env: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(ENV_PREFIX) && name.contains("__"))
        .collect();
    let path = file.unwrap_or(Path::new(FILE_DEFAULT));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && file.is_none() && !env.is_empty() => {
            Zeroizing::default()
        }
        Err(error) => {
            return Err(Wrong(vec![format!(
                "settings file {} cannot be read: {error}; create it or name one with --config",
                path.display()
            )]));
        }
    };
    let mut config =
        parse(&text, env).map_err(|error| Wrong(vec![format!("{}: {error}", path.display())]))?;
    config.file = path.exists().then(|| path.to_owned());
    match check::contradictions(&config) {
        wrong if wrong.is_empty() => Ok(config),
        wrong => Err(Wrong(wrong)),
    }
}

/// Reads settings from text and variables.
pub fn parse(text: &str, env: impl IntoIterator<Item = (String, String)>) -> Result<Config, String> {
    let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| located(text, &error))?;
    for (name, value) in env {
        let keys: Vec<String> =
            name.trim_start_matches(ENV_PREFIX).to_lowercase().split("__").map(str::to_owned).collect();
        overlay(&mut table, &keys, typed(&Zeroizing::new(value)))
            .map_err(|why| format!("variable {name}: {why}"))?;
    }
    if let Some(toml::Value::Table(sources)) = table.get_mut("sources") {
        for (name, source) in sources.iter_mut() {
            if let toml::Value::Table(given) = source {
                *given = preset::lay_over(std::mem::take(given))
                    .map_err(|why| format!("`sources.{name}`: {why}"))?;
            }
        }
    }
    let mut config: Config =
        serde_path_to_error::deserialize(toml::Value::Table(table)).map_err(|error| explained(&error))?;
    config.partner.proxy.clone_from(&config.outbound.proxy);
    for source in config.sources.values_mut() {
        source.proxy.clone_from(&config.outbound.proxy);
    }
    if matches!(config.queue.url, QueueUrl::Embedded(None)) {
        config.queue.url = QueueUrl::Embedded(Some(beside_ledger(&config)));
    }
    Ok(config)
}

/// The message without the line it quotes: that line may hold a secret.
fn located(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    format!("line {line}: {}", error.message())
}

fn typed(value: &str) -> toml::Value {
    let wrapped = Zeroizing::new(format!("value = {value}")).parse::<toml::Table>();
    let parsed = wrapped.ok().and_then(|mut table| table.remove("value"));
    parsed.unwrap_or_else(|| toml::Value::String(value.to_owned()))
}

fn overlay(table: &mut toml::Table, keys: &[String], value: toml::Value) -> Result<(), &'static str> {
    match keys {
        [] => Ok(()),
        [key] => {
            table.insert(key.clone(), value);
            Ok(())
        }
        [key, rest @ ..] => {
            let entry = table.entry(key.clone()).or_insert_with(|| toml::Table::new().into());
            overlay(entry.as_table_mut().ok_or("goes into a key that is not a section")?, rest, value)
        }
    }
}

fn explained(error: &serde_path_to_error::Error<toml::de::Error>) -> String {
    let message = error.inner().message();
    let path = error.path().to_string();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let [unknown, known @ ..] = quoted.as_slice()
        && message.starts_with("unknown field")
    {
        let nearest = known.iter().min_by_key(|k| strsim::damerau_levenshtein(unknown, k));
        let section = path.strip_suffix(unknown).unwrap_or(&path).trim_end_matches('.');
        let place = if section.is_empty() { "the top level".into() } else { format!("[{section}]") };
        return match nearest {
            Some(nearest) => format!("unknown key `{unknown}` in {place}; did you mean `{nearest}`?"),
            None => format!("unknown key `{unknown}` in {place}"),
        };
    }
    format!("`{path}`: {}", unquoted(message))
}

/// A message that quotes a value of the wrong kind without the value: it may be a secret in the wrong place,
/// such as `secrets = "…"` for `secrets = ["…"]`.
fn unquoted(message: &str) -> String {
    let wrong = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    match wrong.and_then(|wrong| wrong.rsplit_once(", expected ")) {
        Some((value, expected)) => {
            let kind = value.split([' ', '`', '"']).next().unwrap_or_default();
            format!("expected {expected}, not this {kind}")
        }
        None => message.to_owned(),
    }
}

/// `embedded` means a file beside the ledger's, or in the working directory where the ledger is a server.
fn beside_ledger(config: &Config) -> PathBuf {
    use secrecy::ExposeSecret as _;
    let url = config.ledger.url.resolve().ok();
    let ledger = url.as_ref().and_then(|url| url.expose_secret().strip_prefix("sqlite:"));
    match ledger {
        Some(path) => Path::new(path.trim_start_matches("//")).with_extension("queue.db"),
        None => PathBuf::from("daybridge.queue.db"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> Vec<(String, String)> {
        Vec::new()
    }

    #[test]
    fn a_typo_names_the_nearest_key() {
        for (text, want) in [
            ("[quue]\nurl='x'", "unknown key `quue` in the top level; did you mean `queue`?"),
            ("[server]\nlisten_on='x'", "unknown key `listen_on` in [server]; did you mean `listen`?"),
            (
                "[sources.stripe]\nprovider='stripe'\nsecret='x'",
                "unknown key `secret` in [sources.stripe]; did you mean `secrets`?",
            ),
        ] {
            assert_eq!(parse(text, none()).unwrap_err(), want);
        }
    }

    #[test]
    fn what_is_done_about_money_out_is_one_of_three_words() {
        let source = |more: &str| {
            let text = format!("sources.s = {{ provider = 'stripe', secrets = ['x']{more} }}");
            parse(&text, none()).map(|config| (config.sources["s"].on_refund, config.sources["s"].on_dispute))
        };
        use crate::domain::covered::OnMoneyOut::{CancelUnspent, HoldChannelTransfers, Report};
        assert_eq!(source("").unwrap(), (Report, Report));
        let both = source(", on_refund = 'cancel_unspent', on_dispute = 'hold_channel_transfers'").unwrap();
        assert_eq!(both, (CancelUnspent, HoldChannelTransfers));
        let error = source(", on_refund = 'claw_back'").unwrap_err();
        assert!(error.contains("`sources.s.on_refund`"), "{error}");
    }

    #[test]
    fn errors_name_the_key_and_never_quote_a_secret() {
        let error = parse("[partner]\ntoken = 's3cret", none()).unwrap_err();
        assert!(error.starts_with("line 2:") && !error.contains("s3cret"), "{error}");
        let error = parse("[server]\nmax_body_bytes='many'", none()).unwrap_err();
        assert!(error.contains("`server.max_body_bytes`"), "{error}");
    }

    /// serde quotes a value of the wrong kind.
    #[test]
    fn a_secret_of_the_wrong_kind_or_in_the_wrong_place_is_not_quoted() {
        for text in [
            "sources.stripe = { provider = 'stripe', secrets = 's3cret' }",
            "sources.stripe = 's3cret'",
            "sources = 's3cret'",
            "queue = 'amqp://user:s3cret@host'",
            "queue.url = 's3cret'",
            "queue.url = ['s3cret']",
            "ledger = 'postgres://user:s3cret@host'",
            "ledger.url = ['s3cret']",
            "ledger.url = { file = ['s3cret'] }",
            "partner = 's3cret'",
            "partner.token = { s3cret = 'x' }",
            "partner.token = s3cret",
            "partner.token = 's3cret' 's3cret'",
            "partner.token = \"s3cret\\q\"",
            "partner.call_timeout = 's3cret, expected s3cret'",
            "partner.calls_per_second_max = 's3cret'",
            "partner.ensure_live = 's3cret'",
            "server.trusted_proxies = 's3cret'",
        ] {
            let error = parse(text, none()).err().unwrap_or_else(|| panic!("{text}"));
            assert!(!error.contains("s3cret"), "{text}: {error}");
        }
        let list = [("DAYBRIDGE_SOURCES__STRIPE__SECRETS".to_owned(), "s3cret".to_owned())];
        let error = parse("sources.stripe.provider = 'stripe'", list).unwrap_err();
        assert_eq!(error, "`sources.stripe.secrets`: expected a sequence, not this string");
    }

    #[test]
    fn the_environment_overrides_any_key() {
        let env = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let config = parse(
            "[server]\nlisten='a:1'",
            [
                env("DAYBRIDGE_SERVER__LISTEN", "b:2"),
                env("DAYBRIDGE_SERVER__MAX_BODY_BYTES", "7"),
                env("DAYBRIDGE_PARTNER__ENSURE_LIVE", "false"),
                env("DAYBRIDGE_SERVER__TRUSTED_PROXIES", "[\"10.0.0.0/8\"]"),
                env("DAYBRIDGE_LEDGER__URL", "sqlite:/x/y.db"),
            ],
        )
        .unwrap();
        assert_eq!(config.server.listen, "b:2");
        assert_eq!(config.server.max_body_bytes, 7);
        assert!(!config.partner.ensure_live);
        assert_eq!(config.server.trusted_proxies, ["10.0.0.0/8"]);
        assert_eq!(format!("{:?}", config.queue.url), r#"Embedded(Some("/x/y.queue.db"))"#);
    }
}
