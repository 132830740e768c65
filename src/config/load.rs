//! From file and environment to [`Config`]: what was typed, with errors that name the key and the nearest
//! known one.

use std::path::Path;

use zeroize::Zeroizing;

pub use super::variables::ENV_PREFIX;
use super::{
    Config, anchor, check, preset,
    variables::{self, Variable},
};

/// The file that is read where none is named.
pub const FILE_DEFAULT: &str = "daybridge.toml";

/// Everything that is wrong with the settings, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Contradictions(pub Vec<String>);

/// Reads the file (or [`FILE_DEFAULT`]) and the process's environment, and checks them together. Variables alone do
/// where no file is named and there is none.
pub fn load(file: Option<&Path>) -> Result<Config, Contradictions> {
    let env = variables::of_process().map_err(Contradictions)?;
    let path = file.unwrap_or(Path::new(FILE_DEFAULT));
    let (text, folder) = match std::fs::read_to_string(path) {
        Ok(text) => (Zeroizing::new(text), path.parent().unwrap_or(Path::new(""))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && file.is_none() && !env.is_empty() => {
            (Zeroizing::default(), Path::new(""))
        }
        Err(error) => {
            return Err(Contradictions(vec![format!(
                "settings file {} cannot be read: {error}; create it, name one with --config, or set all keys by variables such as {ENV_PREFIX}QUEUE__URL",
                path.display()
            )]));
        }
    };
    let told = |error: String| {
        let of_variable = error.starts_with("variable ");
        Contradictions(vec![if of_variable { error } else { format!("{}: {error}", path.display()) }])
    };
    let mut config = parse_in(&text, env.clone(), folder).map_err(told)?;
    config.file = path.exists().then(|| path.to_owned());
    let mut wrong = check::contradictions(&config);
    if !folder.as_os_str().is_empty() {
        wrong.extend(anchor::left_behind(&config, &parse(&text, env).map_err(told)?));
    }
    if wrong.is_empty() { Ok(config) } else { Err(Contradictions(wrong)) }
}

/// Reads settings from text and variables; relative paths stay so.
pub fn parse(text: &str, env: impl IntoIterator<Item = (String, String)>) -> Result<Config, String> {
    parse_in(text, env, Path::new(""))
}

/// Reads settings of a file in this folder, and variables.
pub fn parse_in(
    text: &str,
    env: impl IntoIterator<Item = (String, String)>,
    folder: &Path,
) -> Result<Config, String> {
    let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| located(text, &error))?;
    let variables = variables::lay_over(&mut table, env)?;
    anchor::files(&mut table, folder);
    if let Some(toml::Value::Table(sources)) = table.get_mut("sources") {
        for (name, source) in sources.iter_mut() {
            if let toml::Value::Table(given) = source {
                *given = preset::lay_over(std::mem::take(given))
                    .map_err(|why| format!("`sources.{name}`: {why}"))?;
            }
        }
    }
    let mut config: Config = serde_path_to_error::deserialize(toml::Value::Table(table))
        .map_err(|error| explained(&error, &variables))?;
    anchor::places(&mut config, folder);
    config.partner.proxy.clone_from(&config.outbound.proxy);
    for source in config.sources.values_mut() {
        source.proxy.clone_from(&config.outbound.proxy);
    }
    config.ledger.allocation = config.allocation();
    Ok(config)
}

/// The message without the line it quotes: that line may hold a secret.
fn located(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    format!("line {line}: {}", error.message())
}

/// What is wrong with a key, by the name under which it was typed.
fn explained(error: &serde_path_to_error::Error<toml::de::Error>, variables: &[Variable]) -> String {
    let message = error.inner().message();
    let path = error.path().to_string();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let [unknown, known @ ..] = quoted.as_slice()
        && message.starts_with("unknown field")
    {
        let nearest = known.iter().min_by_key(|k| strsim::damerau_levenshtein(unknown, k));
        let section = path.strip_suffix(unknown).unwrap_or(&path).trim_end_matches('.');
        let whole = if section.is_empty() { (*unknown).to_owned() } else { format!("{section}.{unknown}") };
        let place = if section.is_empty() { "the top level".into() } else { format!("[{section}]") };
        let variable = variables::that_set(variables, &whole);
        let what = match variable {
            Some(variable) => format!("variable {}: unknown key `{unknown}` in {place}", variable.name()),
            None => format!("unknown key `{unknown}` in {place}"),
        };
        return match (nearest, variable) {
            (Some(nearest), Some(variable)) => {
                format!("{what}; did you mean {}?", variable.with(unknown, nearest))
            }
            (Some(nearest), None) => format!("{what}; did you mean `{nearest}`?"),
            (None, _) => what,
        };
    }
    match variables::that_set(variables, &path) {
        Some(variable) => format!("variable {}: `{path}`: {}", variable.name(), unquoted(message)),
        None => format!("`{path}`: {}", unquoted(message)),
    }
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
        use crate::domain::payment::entitlement::OnReversal::{CancelUnspent, HoldChannelTransfers, Report};
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
        assert_eq!(
            error,
            "variable DAYBRIDGE_SOURCES__STRIPE__SECRETS: `sources.stripe.secrets`: expected a sequence, not this string"
        );
    }

    /// A typo in a variable was told as one in a file that did not hold it, or not at all.
    #[test]
    fn a_variable_is_named_as_the_variable() {
        let parse = |text: &str, name: &str, value: &str| {
            parse(text, [(name.to_owned(), value.to_owned())]).unwrap_err()
        };
        for (name, want) in [
            (
                "DAYBRIDGE_QUEUE__ULR",
                "variable DAYBRIDGE_QUEUE__ULR: unknown key `ulr` in [queue]; did you mean DAYBRIDGE_QUEUE__URL?",
            ),
            (
                "DAYBRIDGE_QUUE__URL",
                "variable DAYBRIDGE_QUUE__URL: unknown key `quue` in the top level; did you mean DAYBRIDGE_QUEUE__URL?",
            ),
        ] {
            assert_eq!(parse("[queue]\nprefetch = 3", name, "embedded"), want);
        }
        for name in ["DAYBRIDGE_QUEUE_URL", "DAYBRIDGE_LOG", "DAYBRIDGE_QUEUE__", "DAYBRIDGE_"] {
            let told = parse("", name, "embedded");
            assert!(
                told.contains(&format!("variable {name} names no key")) && told.contains("--config"),
                "{told}"
            );
        }
        let told = parse("", "DAYBRIDGE_SERVER__THREADS", "many");
        assert!(told.starts_with("variable DAYBRIDGE_SERVER__THREADS: `server.threads`"), "{told}");
        // What the file has wrong is the file's.
        let told = parse("[server]\nthreds = 2", "DAYBRIDGE_SERVER__LISTEN", "a:1");
        assert_eq!(told, "unknown key `threds` in [server]; did you mean `threads`?");
    }

    #[test]
    fn relative_paths_count_from_the_folder_of_the_file() {
        let text = "[server]\nlisten = 'unix:http.sock'\n[partner]\ntoken = { file = 'token' }\n\
            [sources.s]\nprovider = 'stripe'\nsecrets = [{ file = 'secrets/s' }, { env = 'file' }]";
        let config = parse_in(text, none(), Path::new("/etc/daybridge")).unwrap();
        use secrecy::ExposeSecret as _;
        let ledger = config.ledger.url.resolve().unwrap();
        assert_eq!(ledger.expose_secret(), "sqlite:/etc/daybridge/daybridge.db");
        assert_eq!(
            format!("{:?}", config.queue.url),
            r#"Embedded(Some("/etc/daybridge/daybridge.queue.db"))"#
        );
        assert_eq!(config.server.listen, "unix:/etc/daybridge/http.sock");
        let file = |secret: &super::super::Secret| match secret {
            super::super::Secret::File(from) => from.file.display().to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(config.partner.token.as_ref().map(file).unwrap(), "/etc/daybridge/token");
        assert_eq!(file(&config.sources["s"].secrets[0]), "/etc/daybridge/secrets/s");
        let text = "[ledger]\nurl = 'sqlite:/var/l.db'\n[queue]\nurl = 'embedded:q.db'";
        let config = parse_in(text, none(), Path::new("conf")).unwrap();
        assert_eq!(config.ledger.url.resolve().unwrap().expose_secret(), "sqlite:/var/l.db");
        assert_eq!(format!("{:?}", config.queue.url), r#"Embedded(Some("conf/q.db"))"#);
        let text = "[ledger]\nurl = 'postgres://u@h/d'\nclient_cert = 'c.pem'\nclient_key = 'c.key'";
        let ca = [("DAYBRIDGE_LEDGER__CA".to_owned(), "ca.pem".to_owned())];
        let config = parse_in(text, ca, Path::new("/etc/daybridge")).unwrap();
        let files = [&config.ledger.ca, &config.ledger.client_cert, &config.ledger.client_key];
        let shown = files.map(|file| file.as_ref().unwrap().display().to_string());
        assert_eq!(shown, ["/etc/daybridge/ca.pem", "/etc/daybridge/c.pem", "/etc/daybridge/c.key"]);
        assert_eq!(
            format!("{:?}", config.queue.url),
            r#"Embedded(Some("/etc/daybridge/daybridge.queue.db"))"#
        );
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
