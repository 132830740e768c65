//! Logins in memory, by the digest of their id: whoever reads this memory or a dump of it cannot log in with it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};

use crate::config::console::Role;

/// Most logins at the same time; one more ends the one that was idle longest.
const SESSIONS_MAX: usize = 1_000;

/// Bytes of an id.
const ID_BYTES: usize = 32;

type Digest = [u8; 32];

#[derive(Debug)]
struct Session {
    name: String,
    role: Role,
    opened: Instant,
    seen: Instant,
}

/// All logins of this process.
pub(in crate::console) struct Sessions {
    lasts: Duration,
    idle: Duration,
    open: Mutex<HashMap<Digest, Session>>,
}

impl Sessions {
    pub(super) fn new(lasts: Duration, idle: Duration) -> Self {
        Self { lasts, idle, open: Mutex::default() }
    }

    /// Begins one; the answer is the only place where its id is.
    pub(in crate::console) fn begin(
        &self,
        name: &str,
        role: Role,
        now: Instant,
    ) -> Result<String, getrandom::Error> {
        let mut bytes = [0; ID_BYTES];
        getrandom::fill(&mut bytes)?;
        let id = hex::encode(bytes);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| self.holds(session, now));
        if open.len() >= SESSIONS_MAX
            && let Some(oldest) = open.iter().min_by_key(|(_, session)| session.seen).map(|(id, _)| *id)
        {
            open.remove(&oldest);
        }
        open.insert(digest(&id), Session { name: name.to_owned(), role, opened: now, seen: now });
        Ok(id)
    }

    /// Whose it is. `live`: asked by a page that fetches itself, which is no sign of a person.
    pub(super) fn find(&self, id: &str, live: bool, now: Instant) -> Option<(String, Role)> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let id = digest(id);
        if !self.holds(open.get(&id)?, now) {
            open.remove(&id);
            return None;
        }
        let session = open.get_mut(&id)?;
        if !live {
            session.seen = now;
        }
        Some((session.name.clone(), session.role))
    }

    pub(in crate::console) fn end(&self, id: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest(id));
    }

    fn holds(&self, session: &Session, now: Instant) -> bool {
        now.saturating_duration_since(session.opened) < self.lasts
            && now.saturating_duration_since(session.seen) < self.idle
    }
}

fn digest(id: &str) -> Digest {
    Sha256::digest(id.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_login_ends_when_it_is_idle_old_or_ended() {
        let sessions = Sessions::new(10 * MINUTE, 3 * MINUTE);
        let start = Instant::now();
        let id = sessions.begin("ada", Role::Operator, start).unwrap();
        let at = |minutes: u32| start + MINUTE * minutes;
        assert!(sessions.find(&id, false, at(2)).is_some());
        assert!(sessions.find(&id, true, at(4)).is_some());
        assert!(sessions.find(&id, true, at(5)).is_none(), "fetching a page again keeps no login alive");

        let id = sessions.begin("ada", Role::Operator, start).unwrap();
        for minutes in [2, 4, 6, 8] {
            assert!(sessions.find(&id, false, at(minutes)).is_some());
        }
        assert!(sessions.find(&id, false, at(10)).is_none());

        let id = sessions.begin("ada", Role::Operator, start).unwrap();
        sessions.end(&id);
        assert!(sessions.find(&id, false, start).is_none());
    }

    #[test]
    fn there_are_never_more_than_the_limit() {
        let sessions = Sessions::new(10 * MINUTE, 3 * MINUTE);
        let start = Instant::now();
        let first = sessions.begin("ada", Role::Operator, start).unwrap();
        for _ in 0..SESSIONS_MAX {
            sessions.begin("bob", Role::ReadOnly, start + MINUTE).unwrap();
        }
        assert!(sessions.find(&first, false, start + MINUTE).is_none());
        assert_eq!(sessions.open.lock().unwrap().len(), SESSIONS_MAX);
    }
}
