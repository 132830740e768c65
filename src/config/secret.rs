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
#[derive(Debug, Clone)]
pub enum Secret {
    /// In the settings themselves.
    Plain(SecretString),
    /// In a variable of the environment.
    Env(FromEnv),
    /// In a file, such as a systemd credential.
    File(FromFile),
}

/// `{ env = "NAME" }`
#[derive(Debug, Clone)]
pub struct FromEnv {
    /// Name of the variable.
    pub env: String,
}

/// `{ file = "/path" }`
#[derive(Debug, Clone)]
pub struct FromFile {
    /// Path of the file; trailing line ends are not part of the secret.
    pub file: PathBuf,
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

    /// Reads the value; an empty one is an error. The message never holds the value.
    pub fn resolve(&self) -> Result<SecretString, String> {
        use secrecy::ExposeSecret as _;
        let value = match self {
            Secret::Plain(value) => value.clone(),
            Secret::Env(FromEnv { env }) => std::env::var(env).map(SecretString::from).map_err(|_| {
                format!("environment variable {env} is not set; set it or use {{ file = … }}")
            })?,
            Secret::File(FromFile { file }) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| format!("file {} cannot be read: {error}", file.display()))?;
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
