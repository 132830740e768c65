//! How often somebody may try to log in: by address, and by the name that was typed. Every try counts, right or wrong.
//! Names share a fixed number of buckets, known or not, so that neither memory nor the answer tells one from the other.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
};

use governor::{Quota, RateLimiter, clock::DefaultClock, state::keyed::HashMapStateStore};

/// Tries a minute from one address (of IPv6: one /64), and as many at once.
pub(super) const PER_ADDRESS: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// Tries a minute for one name, and as many at once.
pub(super) const PER_NAME: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// Buckets that names share.
const NAME_BUCKETS: u64 = 4_096;

/// Addresses remembered; while there are as many, further ones are refused.
const ADDRESSES_MAX: usize = 10_000;

type Keyed<K> = RateLimiter<K, HashMapStateStore<K>, DefaultClock>;

/// Tries of late.
pub(in crate::console) struct Rate {
    addresses: Keyed<IpAddr>,
    names: Keyed<u64>,
    buckets: RandomState,
}

impl Rate {
    pub(super) fn new() -> Self {
        Self {
            addresses: RateLimiter::hashmap(Quota::per_minute(PER_ADDRESS)),
            names: RateLimiter::hashmap(Quota::per_minute(PER_NAME)),
            buckets: RandomState::new(),
        }
    }

    /// Counts a try; `false`: it is one too many.
    pub(in crate::console) fn allows(&self, address: Option<IpAddr>, name: &str) -> bool {
        let address = network(address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)));
        if self.addresses.len() >= ADDRESSES_MAX {
            self.addresses.retain_recent();
            if self.addresses.len() >= ADDRESSES_MAX {
                return false;
            }
        }
        let bucket = self.buckets.hash_one(name).checked_rem(NAME_BUCKETS).unwrap_or(0);
        self.addresses.check_key(&address).is_ok() && self.names.check_key(&bucket).is_ok()
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

    #[test]
    fn tries_run_out_by_address_and_by_name() {
        let rate = Rate::new();
        let at = |text: &str| Some(text.parse().unwrap());
        let mut allowed = 0;
        for n in 0..100 {
            allowed += u32::from(rate.allows(at("192.0.2.1"), &format!("name{n}")));
        }
        assert_eq!(allowed, PER_ADDRESS.get());

        let rate = Rate::new();
        let mut allowed = 0;
        for n in 0..100 {
            allowed += u32::from(rate.allows(at(&format!("192.0.2.{n}")), "ada"));
        }
        assert_eq!(allowed, PER_NAME.get());

        let rate = Rate::new();
        let mut allowed = 0;
        for n in 0..100 {
            allowed += u32::from(rate.allows(at(&format!("2001:db8::{n}")), &format!("name{n}")));
        }
        assert_eq!(allowed, PER_ADDRESS.get());
    }
}
