//! Users of the settings.

use std::{collections::BTreeMap, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use super::password;
use crate::config::console::{Role, User};

/// Passwords compared at the same time: each takes a core and 19 MiB.
const COMPARED_MAX: usize = 2;

struct Known {
    hash: SecretString,
    role: Role,
}

/// Names, hashes and roles.
pub(in crate::console) struct Users {
    known: BTreeMap<String, Known>,
    comparing: Arc<Semaphore>,
}

impl Users {
    /// Reads each hash; one that is none is refused.
    pub(super) fn new(users: &BTreeMap<String, User>) -> anyhow::Result<Self> {
        let mut known = BTreeMap::new();
        for (name, user) in users {
            let wrong = |why: String| anyhow::anyhow!("console.users.{name}.password: {why}");
            let hash = user.password.resolve().map_err(wrong)?;
            if !password::is_hash(hash.expose_secret()) {
                return Err(wrong("is no argon2id hash; run `daybridge console password`".into()));
            }
            known.insert(name.clone(), Known { hash, role: user.role });
        }
        Ok(Self { known, comparing: Arc::new(Semaphore::new(COMPARED_MAX)) })
    }

    /// Whether anybody can log in with a password.
    pub(in crate::console) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub(in crate::console) fn knows(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    /// The user's role, where the password is right. An unknown name costs the same work as a known one, so that the
    /// time of the answer does not tell which names there are.
    pub(in crate::console) async fn role(&self, name: &str, typed: &str) -> Option<Role> {
        let found = self.known.get(name);
        let hash = found.or_else(|| self.known.values().next())?.hash.clone();
        let typed = SecretString::from(typed.to_owned());
        let turn = self.comparing.clone().acquire_owned().await.ok()?;
        let fits = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            password::fits(typed.expose_secret(), hash.expose_secret())
        });
        let fits = fits.await.unwrap_or(false);
        found.filter(|_| fits).map(|known| known.role)
    }
}
