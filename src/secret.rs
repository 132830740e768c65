//! Values that are kept out of logs: `{ env = "NAME" }`, `{ file = "/path" }`, or a plain string for trying
//! things out. They are read when they are used, so that a role that does not need one does not ask for it.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use zeroize::Zeroizing;

/// Longest secret, in bytes.
pub const SECRET_BYTES_MAX: usize = 16 * 1024;

/// A secret as the settings name it.
#[derive(Clone)]
pub enum Secret {
    /// In the settings themselves.
    Plain(SecretString),
    /// In a variable of the environment.
    Env(FromEnv),
    /// In a file, such as a systemd credential.
    File(FromFile),
}

/// `{ env = "NAME" }`
#[derive(Clone)]
pub struct FromEnv {
    /// What stands there: the name of the variable, or the secret itself, by mistake. Show [`FromEnv::shown`].
    env: String,
}

impl FromEnv {
    fn unset(&self) -> String {
        if is_variable(&self.env) {
            return format!("environment variable {} is not set; set it or use {{ file = … }}", self.env);
        }
        "the variable that env names is not set; its name is not shown, for it may be the secret itself: under env stands the name of a variable, such as STRIPE_WEBHOOK_SECRET".to_owned()
    }

    /// The name; not shown where it may be the secret itself.
    pub fn shown(&self) -> String {
        if is_variable(&self.env) { format!("variable {}", self.env) } else { "a variable".to_owned() }
    }
}

/// Whether a text can only be meant as the name of a variable: in capitals, as they are written, and in words or short,
/// as no key is.
fn is_variable(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let worded = text.split('_').all(|word| word.len() <= VARIABLE_WORD_BYTES_MAX);
    plain && worded && text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
}

/// Longest word in the name of a variable, in bytes; keys in capitals (`AKIA…`) are longer.
const VARIABLE_WORD_BYTES_MAX: usize = 15;

/// How signing secrets and keys of providers begin.
const KEY_BEGINNINGS: [&str; 8] = ["whsec_", "sk_", "rk_", "pk_", "pdl_", "polar_", "Bearer ", "eyJ"];

/// Whether a text looks like a secret, where a path or a name should stand.
fn is_key(text: &str) -> bool {
    let name = text.rsplit('/').next().unwrap_or(text);
    KEY_BEGINNINGS.iter().any(|beginning| text.starts_with(beginning) || name.starts_with(beginning))
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Secret::Plain(_) => f.write_str("Plain(not shown)"),
            Secret::Env(from) => write!(f, "Env({})", from.shown()),
            Secret::File(from) => write!(f, "File({})", from.shown()),
        }
    }
}

/// `{ file = "/path" }`
#[derive(Clone)]
pub struct FromFile {
    /// Path of the file; trailing line ends are not part of the secret.
    pub file: PathBuf,
}

impl FromFile {
    /// The path; not shown where it may be the secret itself.
    pub fn shown(&self) -> String {
        let path = self.file.display().to_string();
        if is_key(&path) { "a file".to_owned() } else { format!("file {path}") }
    }
}

/// Written out: serde's own way for such an enum copies the value first, and takes the list `["value"]` for the
/// name of a variable, which an error then tells.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shapes)
    }
}

struct Shapes;

impl<'de> Visitor<'de> for Shapes {
    type Value = Secret;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("{ env = \"NAME\" }, { file = \"/path\" } or a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::plain(text))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Secret, E> {
        Ok(Secret::Plain(SecretString::from(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
        let secret = match map.next_key::<String>()?.as_deref() {
            Some("env") => Secret::Env(FromEnv { env: map.next_value()? }),
            Some("file") => Secret::File(FromFile { file: map.next_value()? }),
            Some(_) | None => {
                return Err(Error::custom("must be { env = \"NAME\" } or { file = \"/path\" }"));
            }
        };
        match map.next_key::<String>()? {
            None => Ok(secret),
            Some(_) => Err(Error::custom("must hold either env or file, and nothing else")),
        }
    }
}

impl Secret {
    /// A secret that stands in the settings.
    pub fn plain(text: &str) -> Self {
        Self::Plain(SecretString::from(text.to_owned()))
    }

    /// Whether it stands in the settings and does not begin so; what is read later is not looked at.
    pub(super) fn begins_otherwise(&self, beginning: &str) -> bool {
        use secrecy::ExposeSecret as _;
        matches!(self, Secret::Plain(value) if !value.expose_secret().starts_with(beginning))
    }

    /// What is odd about how it is written, without telling it.
    pub(super) fn oddity(&self) -> Option<String> {
        use secrecy::ExposeSecret as _;
        match self {
            Secret::Plain(value) if value.expose_secret().starts_with('$') => Some(
                "begins with $ and is taken as it stands: no variable is read. Write { env = \"NAME\" } to read one"
                    .to_owned(),
            ),
            Secret::Env(from) if !is_variable(&from.env) => Some(
                "has under env what is no usual name of a variable; is it the secret itself? Write the name of the variable that holds it"
                    .to_owned(),
            ),
            Secret::File(from) if is_key(&from.file.display().to_string()) => Some(
                "has under file what begins like a secret; write the path of the file that holds it".to_owned(),
            ),
            Secret::Plain(_) | Secret::Env(_) | Secret::File(_) => None,
        }
    }

    /// Reads the value; an empty one is an error. The message never holds the value.
    pub fn resolve(&self) -> Result<SecretString, String> {
        use secrecy::ExposeSecret as _;
        let value = match self {
            Secret::Plain(value) => value.clone(),
            Secret::Env(from) => {
                std::env::var(&from.env).map(SecretString::from).map_err(|_| from.unset())?
            }
            Secret::File(from) => {
                let text = std::fs::read_to_string(&from.file)
                    .map_err(|error| format!("{} cannot be read: {error}", from.shown()))?;
                let text = Zeroizing::new(text);
                SecretString::from(text.trim_end_matches(['\n', '\r']).to_owned())
            }
        };
        match value.expose_secret().len() {
            0 => Err("the secret is empty".into()),
            1..=SECRET_BYTES_MAX => Ok(value),
            _ => Err(format!("the secret is longer than {SECRET_BYTES_MAX} bytes")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(text: &str) -> Secret {
        Secret::Env(FromEnv { env: text.to_owned() })
    }

    #[test]
    fn a_secret_in_the_place_of_a_name_is_not_shown() {
        for text in [
            "whsec_abcdef0123456789",
            "sk_live_51Habcdef",
            "AKIAIOSFODNN7EXAMPLE",
            "0123456789ABCDEF",
            "pa$$word",
            "lower_case_word",
        ] {
            for secret in
                [env(text), Secret::File(FromFile { file: format!("/etc/daybridge/whsec_{text}").into() })]
            {
                let told = format!("{secret:?} {} {:?}", secret.resolve().unwrap_err(), secret.oddity());
                assert!(!told.contains(text), "{told}");
                assert!(secret.oddity().is_some(), "{text}");
            }
        }
        let secret = env("DAYBRIDGE_TEST_NOT_SET");
        assert!(secret.resolve().unwrap_err().contains("DAYBRIDGE_TEST_NOT_SET"));
        assert_eq!(secret.oddity(), None);
        assert_eq!(env("STRIPE_WEBHOOK_SECRET_2").oddity(), None);
        assert!(Secret::plain("$STRIPE").oddity().unwrap().contains("no variable is read"));
        assert_eq!(Secret::plain("whsec_x").oddity(), None);
    }
}
