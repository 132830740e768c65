//! How often somebody may try to log in: by address, and by address and name together. Every try counts, right or wrong.
//!
//! Never by the name alone: whoever knows a name could keep its user out for ever. So the number of addresses that a
//! guesser has multiplies the tries; what bounds them all is that two passwords are compared at a time
//! ([`users`](super::users)), and that a password has 12 characters. The true user has a way in whatever others do: their
//! own address, or, where somebody claims to call from there, a browser they logged in with before
//! ([`browser`](super::browser)).
//!
//! Memory is of a fixed size. When it is full of addresses, all are forgotten: refusing further ones would let a caller
//! with made-up addresses lock everybody out.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hash, RandomState},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::Browser;

/// What tries are counted over.
const WINDOW: Duration = Duration::from_secs(60);

/// Tries in a window from one address (of IPv6: one /64).
pub(super) const PER_ADDRESS: u32 = 20;

/// Tries in a window for one name from one address.
pub(super) const PER_NAME: u32 = 10;

/// Tries in a window from a browser that is known.
pub(super) const PER_BROWSER: u32 = 10;

/// Failed logins in a window that are kept in the audit log; of the others, the number.
pub(super) const NOTED_MAX: u32 = 30;

/// What is remembered at most.
const REMEMBERED_MAX: usize = 10_000;

#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Address(IpAddr),
    /// The name by its hash: it may be a password in the wrong field.
    Name(IpAddr, u64),
    Browser(Browser),
}

/// Tries since.
#[derive(Debug)]
struct Tries {
    since: Instant,
    count: u32,
}

/// Tries of late.
pub(in crate::console) struct Rate {
    tries: Mutex<HashMap<Key, Tries>>,
    names: RandomState,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    since: Option<Instant>,
    count: u32,
    /// Failed logins that were not kept, of which nobody was told yet.
    left_out: u64,
}

impl Rate {
    pub(super) fn new() -> Self {
        Self { tries: Mutex::default(), names: RandomState::new(), noted: Mutex::default() }
    }

    /// Counts a try; `false`: it is one too many.
    pub(in crate::console) fn allows(
        &self,
        address: Option<IpAddr>,
        name: &str,
        browser: Option<Browser>,
        now: Instant,
    ) -> bool {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= REMEMBERED_MAX {
            tries.retain(|_, tries| now.saturating_duration_since(tries.since) < WINDOW);
            if tries.len() >= REMEMBERED_MAX {
                tries.clear();
            }
        }
        let mut count = |key, max| {
            let tries = tries.entry(key).or_insert(Tries { since: now, count: 0 });
            if now.saturating_duration_since(tries.since) >= WINDOW {
                *tries = Tries { since: now, count: 0 };
            }
            tries.count = tries.count.saturating_add(1);
            tries.count <= max
        };
        if let Some(browser) = browser {
            return count(Key::Browser(browser), PER_BROWSER);
        }
        let address = network(address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)));
        let for_name = count(Key::Name(address, self.names.hash_one(name)), PER_NAME);
        count(Key::Address(address), PER_ADDRESS) && for_name
    }

    /// Whether a failed login is kept in the audit log, and how many were not since the last that was.
    pub(in crate::console) fn notes(&self, now: Instant) -> Option<u64> {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.since.is_none_or(|since| now.saturating_duration_since(since) >= WINDOW) {
            noted.since = Some(now);
            noted.count = 0;
        }
        if noted.count >= NOTED_MAX {
            noted.left_out = noted.left_out.saturating_add(1);
            return None;
        }
        noted.count = noted.count.saturating_add(1);
        Some(std::mem::take(&mut noted.left_out))
    }
}

/// Whoever has one IPv6 address has the /64 around it.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "192.0.2.1";

    fn at(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    fn allowed(tries: impl Iterator<Item = bool>) -> u32 {
        tries.map(u32::from).sum()
    }

    #[test]
    fn tries_run_out_by_address_and_by_name_from_there() {
        let now = Instant::now();
        let rate = Rate::new();
        let names = (0..100).map(|n| rate.allows(at(HERE), &format!("name{n}"), None, now));
        assert_eq!(allowed(names), PER_ADDRESS);
        let rate = Rate::new();
        assert_eq!(allowed((0..100).map(|_| rate.allows(at(HERE), "ada", None, now))), PER_NAME);
        let one_network =
            (0..100).map(|n| rate.allows(at(&format!("2001:db8::{n}")), &format!("name{n}"), None, now));
        assert_eq!(allowed(one_network), PER_ADDRESS);
        assert!(rate.allows(at(HERE), "ada", None, now + WINDOW), "a minute later");
    }

    #[test]
    fn nobodys_tries_keep_the_true_user_out() {
        let now = Instant::now();
        let rate = Rate::new();
        for n in 0..100_u32 {
            for _ in 0..300 {
                rate.allows(Some(IpAddr::V4((0x0a00_0000 + n).into())), "ada", None, now);
            }
        }
        assert!(rate.allows(at(HERE), "ada", None, now), "from an address of her own");
        while rate.allows(at(HERE), "ada", None, now) {}
        assert!(rate.allows(at(HERE), "ada", Some([7; 16]), now), "from a browser of hers");
        assert_eq!(allowed((0..100).map(|_| rate.allows(at(HERE), "ada", Some([8; 16]), now))), PER_BROWSER);
    }

    #[test]
    fn made_up_addresses_neither_fill_the_memory_nor_lock_anybody_out() {
        let now = Instant::now();
        let rate = Rate::new();
        for n in 0..3 * u32::try_from(REMEMBERED_MAX).unwrap() {
            assert!(rate.allows(Some(IpAddr::V4(n.into())), "ada", None, now), "{n}");
        }
        assert!(rate.allows(at(HERE), "ada", None, now));
        assert!(rate.tries.lock().unwrap().len() <= REMEMBERED_MAX + 2);
    }

    #[test]
    fn failed_logins_fill_no_audit_log() {
        let now = Instant::now();
        let rate = Rate::new();
        let noted = (0..1_000).filter(|_| rate.notes(now).is_some()).count();
        assert_eq!(noted, usize::try_from(NOTED_MAX).unwrap());
        assert_eq!(rate.notes(now + WINDOW), Some(1_000 - u64::from(NOTED_MAX)));
        assert_eq!(rate.notes(now + WINDOW), Some(0));
    }
}
