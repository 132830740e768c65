//! How whoever pays is reached, as the provider's objects tell it: an e-mail and a phone, by which persons look for a
//! customer. No payment is ever matched by them: several customers may share one, and whoever pays may write any.

use std::fmt;

/// Longest e-mail kept, in bytes.
const EMAIL_BYTES_MAX: usize = 254;

/// Fewest and most digits of a phone number.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 6..=20;

closed! {
    /// What it is.
    ContactKind {
        /// An e-mail address.
        Email = "email",
        /// A phone number.
        Phone = "phone",
    }
}

/// An e-mail or a phone, written as each is compared. It is never shown by `{:?}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contact {
    /// What it is.
    pub kind: ContactKind,
    /// In small letters, or digits alone.
    pub value: String,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contact").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Contact {
    /// `None`: it is none.
    pub fn email(text: &str) -> Option<Self> {
        let value = text.trim().to_lowercase();
        let (name, domain) = value.split_once('@')?;
        let fits = !name.is_empty()
            && !domain.is_empty()
            && value.len() <= EMAIL_BYTES_MAX
            && !value.chars().any(|c| c.is_whitespace() || c.is_control());
        fits.then_some(Self { kind: ContactKind::Email, value })
    }

    /// However it is written: `+49 170 000-001` is `49170000001`. `None`: it is none.
    pub fn phone(text: &str) -> Option<Self> {
        let text = text.trim();
        let written = |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.' | '/');
        if !text.chars().all(written) {
            return None;
        }
        let value: String = text.chars().filter(char::is_ascii_digit).collect();
        // Two ways to begin a number with its country.
        let value = value.strip_prefix("00").map_or(value.clone(), str::to_owned);
        PHONE_DIGITS.contains(&value.len()).then_some(Self { kind: ContactKind::Phone, value })
    }

    /// Whichever of them a person typed.
    pub fn typed(text: &str) -> Option<Self> {
        Self::email(text).or_else(|| Self::phone(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_of_writing_each() {
        let value = |text: &str| Contact::typed(text).map(|one| format!("{} {}", one.kind, one.value));
        for (text, want) in [
            ("Anna@Example.COM ", Some("email anna@example.com")),
            ("+49 (170) 000-001", Some("phone 49170000001")),
            ("0049170000001", Some("phone 49170000001")),
            ("49170000001", Some("phone 49170000001")),
            ("@example.com", None),
            ("anna@", None),
            ("anna b@example.com", None),
            ("cus_1", None),
            ("12345", None),
            ("123456789012345678901", None),
            ("+49 170 x", None),
            ("", None),
        ] {
            assert_eq!(value(text).as_deref(), want, "{text:?}");
        }
        assert_eq!(Contact::email(&format!("{}@x.de", "a".repeat(250))), None);
        let shown = format!("{:?}", Contact::email("anna@example.com"));
        assert!(!shown.contains("anna"), "{shown}");
    }
}
