//! Browsers somebody has logged in with before. Each gets a cookie that only a right password brings: a number, the time,
//! and a MAC of both and the name under the hash of the password. Tries from such a browser are counted by themselves, so
//! that nobody else's tries, from whatever address they claim, keep the true user out.
//!
//! Nothing is kept, a restart ends nothing, and a new password ends all of them. It opens nothing by itself.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// How long a browser is known, in seconds: 90 days.
pub(super) const LASTS_S: i64 = 90 * 86_400;

/// Bytes of the number.
const NUMBER_BYTES: usize = 16;

/// A browser that is known, by its number.
pub(in crate::console) type Browser = [u8; NUMBER_BYTES];

/// The cookie of a browser that has just logged in.
pub(super) fn issue(name: &str, hash: &str, now_s: i64) -> Result<String, getrandom::Error> {
    let mut number = [0; NUMBER_BYTES];
    getrandom::fill(&mut number)?;
    let number = hex::encode(number);
    let tag = mac(name, hash, &number, now_s).map(|mac| hex::encode(mac.finalize().into_bytes()));
    Ok(format!("{now_s}.{number}.{}", tag.unwrap_or_default()))
}

/// The browser's number, where the cookie is of this user's password and not too old.
pub(super) fn find(name: &str, hash: &str, cookie: &str, now_s: i64) -> Option<Browser> {
    let mut parts = cookie.splitn(3, '.');
    let (at, number, tag) = (parts.next()?, parts.next()?, parts.next()?);
    let at: i64 = at.parse().ok()?;
    if !(0..LASTS_S).contains(&now_s.saturating_sub(at)) {
        return None;
    }
    mac(name, hash, number, at)?.verify_slice(&hex::decode(tag).ok()?).ok()?;
    let mut browser = Browser::default();
    hex::decode_to_slice(number, &mut browser).ok()?;
    Some(browser)
}

fn mac(name: &str, hash: &str, number: &str, at: i64) -> Option<Hmac<Sha256>> {
    let mut mac = <Hmac<Sha256>>::new_from_slice(hash.as_bytes()).ok()?;
    mac.update(format!("daybridge console browser\0{name}\0{number}\0{at}").as_bytes());
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_known_by_its_user_and_password_for_a_while() {
        let now = 1_700_000_000;
        let cookie = issue("ada", "$argon2id$hash", now).unwrap();
        assert!(find("ada", "$argon2id$hash", &cookie, now + LASTS_S - 1).is_some());
        for (name, hash, at) in [
            ("bob", "$argon2id$hash", now),
            ("ada", "$argon2id$other", now),
            ("ada", "$argon2id$hash", now + LASTS_S),
            ("ada", "$argon2id$hash", now - 1),
        ] {
            assert_eq!(find(name, hash, &cookie, at), None, "{name} {hash} {at}");
        }
        let older = cookie.replace(&now.to_string(), &(now + 1).to_string());
        for made_up in
            ["", "1.2", &older, &cookie[..cookie.len() - 2], &format!("{now}.{}.", "00".repeat(16))]
        {
            assert_eq!(find("ada", "$argon2id$hash", made_up, now + 1), None, "{made_up}");
        }
    }
}
