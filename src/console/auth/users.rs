//! Users of the settings.

use std::{collections::BTreeMap, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Browser, browser,
    password::{self, Cost},
};
use crate::config::console::{Role, User};

/// Passwords compared at the same time: each takes a core and, as a rule, 19 MiB.
const COMPARED_MAX: usize = 2;

/// Passwords compared or waiting for it; more are refused, so that nobody waits behind a flood.
const WAITING_MAX: usize = 32;

/// Different costs among the hashes: every try pays each of them.
const COSTS_MAX: usize = 3;

struct Known {
    hash: SecretString,
    role: Role,
    cost: Cost,
}

/// Names, hashes and roles.
pub(in crate::console) struct Users {
    known: BTreeMap<String, Known>,
    /// A hash of each cost that occurs.
    of_each_cost: BTreeMap<Cost, SecretString>,
    strangers: Turns,
    /// Of those whose browser is known: a flood of strangers takes none of it.
    returning: Turns,
}

/// Too many wait for a turn.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::console) struct Busy;

struct Turns {
    comparing: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Turns {
    fn new(compared_max: usize) -> Self {
        Self {
            comparing: Arc::new(Semaphore::new(compared_max)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
        }
    }

    async fn next(&self) -> Result<[OwnedSemaphorePermit; 2], Busy> {
        let waiting = self.waiting.clone().try_acquire_owned().map_err(|_| Busy)?;
        let comparing = self.comparing.clone().acquire_owned().await.map_err(|_| Busy)?;
        Ok([waiting, comparing])
    }
}

impl Users {
    /// Reads each hash; one that is none, or too cheap or too dear to compare, is refused.
    pub(super) fn new(users: &BTreeMap<String, User>) -> anyhow::Result<Self> {
        let mut known = BTreeMap::new();
        let mut of_each_cost = BTreeMap::new();
        for (name, user) in users {
            let wrong = |why: String| anyhow::anyhow!("console.users.{name}.password: {why}");
            let hash = user.password.resolve().map_err(wrong)?;
            let cost = password::cost(hash.expose_secret()).map_err(wrong)?;
            of_each_cost.entry(cost).or_insert_with(|| hash.clone());
            known.insert(name.clone(), Known { hash, role: user.role, cost });
        }
        anyhow::ensure!(
            of_each_cost.len() <= COSTS_MAX,
            "console.users: the passwords are hashed with {} different parameters, and each login pays all of them; \
             make the older ones anew with `daybridge console password`",
            of_each_cost.len()
        );
        Ok(Self { known, of_each_cost, strangers: Turns::new(COMPARED_MAX), returning: Turns::new(1) })
    }

    /// Whether anybody can log in with a password.
    pub(in crate::console) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub(in crate::console) fn knows(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    /// The browser, where this user has logged in with it before. The same work for a name that nobody has.
    pub(in crate::console) fn browser(&self, name: &str, cookie: &str, now_s: i64) -> Option<Browser> {
        let known = self.known.get(name);
        let hash = known.map(|known| &known.hash).or_else(|| self.of_each_cost.values().next())?;
        browser::find(name, hash.expose_secret(), cookie, now_s).filter(|_| known.is_some())
    }

    /// What makes a browser known.
    pub(in crate::console) fn remember(&self, name: &str, now_s: i64) -> Option<String> {
        browser::issue(name, self.known.get(name)?.hash.expose_secret(), now_s).ok()
    }

    /// The user's role, where the password is right. Each name costs the same work, known or not, whatever the hashes
    /// were made with: one comparison of every cost that occurs, so that the time of the answer does not tell which names
    /// there are. `returning`: from a browser that is known.
    pub(in crate::console) async fn role(
        &self,
        name: &str,
        typed: &str,
        returning: bool,
    ) -> Result<Option<Role>, Busy> {
        let found = self.known.get(name);
        let compared = self.compared(found);
        let typed = SecretString::from(typed.to_owned());
        let turns = if returning { &self.returning } else { &self.strangers };
        let turn = turns.next().await?;
        let fits = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let mut right = false;
            for (hash, counts) in compared {
                right |= password::fits(typed.expose_secret(), hash.expose_secret()) && counts;
            }
            right
        });
        let fits = fits.await.unwrap_or(false);
        Ok(found.filter(|_| fits).map(|known| known.role))
    }

    /// The user's own hash, and one of each other cost that does not count.
    fn compared(&self, found: Option<&Known>) -> Vec<(SecretString, bool)> {
        let one = |(cost, other): (&Cost, &SecretString)| match found {
            Some(known) if known.cost == *cost => (known.hash.clone(), true),
            _ => (other.clone(), false),
        };
        self.of_each_cost.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two users whose hashes were made with different parameters; made by the reference implementation's rules, never
    /// compared here.
    fn users(costs: &[&str]) -> anyhow::Result<Users> {
        let tail = "c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let user = |(n, cost): (usize, &&str)| {
            let password = crate::config::Secret::plain(&format!("$argon2id$v=19${cost}${tail}"));
            (format!("user{n}"), User { password, role: Role::Operator })
        };
        Users::new(&costs.iter().enumerate().map(user).collect())
    }

    #[test]
    fn every_name_costs_the_same_work() {
        let users = users(&["m=19456,t=2,p=1", "m=65536,t=3,p=1", "m=19456,t=2,p=1"]).unwrap();
        let work = |name: &str| -> Vec<Cost> {
            let compared = users.compared(users.known.get(name));
            compared.iter().map(|(hash, _)| password::cost(hash.expose_secret()).unwrap()).collect()
        };
        assert_eq!(work("nobody").len(), 2);
        for name in ["user0", "user1", "user2"] {
            assert_eq!(work(name), work("nobody"), "{name}");
            let own: Vec<_> =
                users.compared(users.known.get(name)).into_iter().filter(|(_, own)| *own).collect();
            assert_eq!(own.len(), 1);
            let hash = users.known.get(name).unwrap().hash.expose_secret();
            assert_eq!(own.first().unwrap().0.expose_secret(), hash);
        }
        assert!(users.compared(None).iter().all(|(_, own)| !own));
    }

    #[test]
    fn weak_absurd_and_too_many_parameters_are_refused() {
        for cost in ["m=64,t=1,p=1", "m=19456,t=1,p=1", "m=4194304,t=2,p=1", "m=19456,t=1000,p=1"] {
            let why = users(&[cost]).err().expect(cost).to_string();
            assert!(
                why.contains("console.users.user0.password") && why.contains("daybridge console password"),
                "{why}"
            );
        }
        let many = ["m=19456,t=2,p=1", "m=20480,t=2,p=1", "m=21504,t=2,p=1", "m=22528,t=2,p=1"];
        assert!(users(&many).err().unwrap().to_string().contains("different parameters"));
    }
}
