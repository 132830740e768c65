//! Hashes of passwords: argon2id with the parameters of the `argon2` crate's defaults (19 MiB, two passes). What a
//! hash was made with stands in it, so that stronger ones can be taken without a change here.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};

/// Shortest password, in characters.
pub const CHARS_MIN: usize = 12;

/// Longest password, in bytes.
pub const BYTES_MAX: usize = 1024;

/// The hash to keep in the settings.
pub fn hash(password: &str) -> Result<String, String> {
    if password.chars().count() < CHARS_MIN || password.len() > BYTES_MAX {
        return Err(format!("a password has at least {CHARS_MIN} characters and at most {BYTES_MAX} bytes"));
    }
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

/// A password nobody can guess.
pub fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

/// Whether a text is a hash that [`fits`] can use.
pub(super) fn is_hash(text: &str) -> bool {
    PasswordHash::new(text).is_ok_and(|hash| hash.algorithm.as_str() == "argon2id" && hash.hash.is_some())
}

/// Whether this is the password. Takes tens of milliseconds, on purpose: not for an async thread.
pub(super) fn fits(password: &str, hash: &str) -> bool {
    let hash = PasswordHash::new(hash);
    hash.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_fits_its_hash() {
        let kept = hash("correct horse battery").unwrap();
        assert!(is_hash(&kept) && kept.starts_with(crate::config::console::HASH_BEGINS), "{kept}");
        assert!(fits("correct horse battery", &kept));
        assert!(!fits("correct horse battery ", &kept) && !fits("", &kept) && !fits("x", "x"));
        assert!(!is_hash("correct horse battery") && !is_hash("$argon2id$x") && !is_hash(""));
        assert!(hash("too short").is_err());
    }
}
