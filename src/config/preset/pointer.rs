//! JSON pointers in settings.

use std::fmt;

use serde::Deserialize;

/// A JSON pointer; the empty one is the whole. Where it says so, a part `*` stands for every element of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Pointer(String);

impl Pointer {
    /// Whether a text is one.
    pub fn fits(text: &str) -> bool {
        text.is_empty() || text.starts_with('/')
    }
}

impl TryFrom<String> for Pointer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match Self::fits(&text) {
            true => Ok(Self(text)),
            false => Err(format!("{text:?} is not a JSON pointer; it begins with /")),
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::ops::Deref for Pointer {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}
