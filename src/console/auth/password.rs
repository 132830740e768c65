//! Hashes of passwords: argon2id with the parameters of the `argon2` crate's defaults (19 MiB, two passes). What a
//! hash was made with stands in it, so that stronger ones can be taken without a change here.
//!
//! Bounds of what is taken: at least the work of OWASP's weakest recommendation (7 MiB, five passes, or the same product
//! with more memory), and no more than a login may cost this machine.

use std::ops::RangeInclusive;

use argon2::{
    Argon2, Params,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};

/// Memory, in KiB.
const MEMORY_KIB: RangeInclusive<u32> = 7_168..=262_144;

/// Memory in KiB times passes.
const WORK_KIB: RangeInclusive<u64> = 35_840..=1_048_576;

/// Most lanes.
const LANES_MAX: u32 = 8;

/// Fewest bytes of a hash.
const HASH_BYTES_MIN: usize = 16;

/// The version of argon2 that is written and taken.
const VERSION: u32 = 0x13;

/// What comparing a password with a hash costs: memory in KiB, passes, lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cost(u32, u32, u32);

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

/// The cost of a hash that [`fits`] can use; `Err`: what is wrong with it, and what to do.
pub(super) fn cost(text: &str) -> Result<Cost, String> {
    const ANEW: &str = "make it anew with `daybridge console password`";
    let none = || format!("is no argon2id hash; {ANEW}");
    let hash = PasswordHash::new(text).map_err(|_| none())?;
    let params = Params::try_from(&hash).map_err(|_| none())?;
    let bytes = hash.hash.as_ref().map_or(0, |hash| hash.len());
    if hash.algorithm.as_str() != "argon2id" || hash.version != Some(VERSION) || bytes < HASH_BYTES_MIN {
        return Err(none());
    }
    let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
    let work = u64::from(memory).saturating_mul(passes.into());
    if memory < *MEMORY_KIB.start() || work < *WORK_KIB.start() {
        return Err(format!("was hashed too cheaply (m={memory},t={passes}): it could be guessed; {ANEW}"));
    }
    if memory > *MEMORY_KIB.end() || work > *WORK_KIB.end() || lanes > LANES_MAX {
        return Err(format!(
            "was hashed so dearly (m={memory},t={passes},p={lanes}) that each try to log in would take this machine's memory or seconds of its time; {ANEW}"
        ));
    }
    Ok(Cost(memory, passes, lanes))
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
        assert!(cost(&kept).is_ok() && kept.starts_with(crate::config::console::HASH_BEGINS), "{kept}");
        assert!(fits("correct horse battery", &kept));
        assert!(!fits("correct horse battery ", &kept) && !fits("", &kept) && !fits("x", "x"));
        for none in [
            "correct horse battery",
            "$argon2id$x",
            "",
            &kept.replace("v=19", "v=16"),
            &kept.replace("id$", "i$"),
        ] {
            assert!(cost(none).unwrap_err().contains("no argon2id hash"), "{none}");
        }
        assert!(hash("too short").is_err());
    }

    #[test]
    fn a_hash_must_be_worth_its_while() {
        let kept = hash("correct horse battery").unwrap();
        let with = |params: &str| cost(&kept.replace("m=19456,t=2,p=1", params));
        for good in
            ["m=7168,t=5,p=1", "m=12288,t=3,p=1", "m=47104,t=1,p=1", "m=65536,t=3,p=4", "m=262144,t=4,p=1"]
        {
            assert!(with(good).is_ok(), "{good}");
        }
        for (params, want) in [
            ("m=64,t=1,p=1", "too cheaply"),
            ("m=19456,t=1,p=1", "too cheaply"),
            ("m=1024,t=100,p=1", "too cheaply"),
            ("m=2097152,t=1,p=1", "so dearly"),
            ("m=19456,t=4294967295,p=1", "so dearly"),
            ("m=65536,t=3,p=255", "so dearly"),
        ] {
            let why = with(params).unwrap_err();
            assert!(why.contains(want) && why.contains("daybridge console password"), "{params}: {why}");
        }
    }
}
