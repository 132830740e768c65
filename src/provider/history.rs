//! What a provider's own API tells of the past, behind one trait: its list of events, and its list of payments.
//! For the worker's side only; the receiver makes no call.
//!
//! A list is read a page at a time, so that memory does not grow with it; a [`Walk`] stands between two pages and
//! keeps the limits. A failed page changes nothing: it may be asked for again.
//!
//! Not for: recording. What is told here goes on the queue like any delivery, or is compared with the ledger.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use super::{readers::SourceError, stripe};
use crate::{config::Source, domain::Ms};

/// For how long the events of the past are listed; Stripe's word.
pub const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// Objects asked for at once; the most that Stripe gives.
pub const PAGE_OBJECTS_MAX: u32 = 100;

/// Pages of one walk; more is [`HistoryError::TooMany`]: ask for a shorter time.
pub const PAGES_MAX: u32 = 200;

/// A time in ms since epoch, from `from` until just before `until`. Providers count whole seconds: a range that
/// does not is widened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRange {
    /// Included.
    pub from: Ms,
    /// Excluded.
    pub until: Ms,
}

/// Which events of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All that say something about a payment.
    All,
    /// Of these, what some endpoint of the account has not taken yet.
    Undelivered,
}

/// One event of the provider's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The provider's event id, in the words of a delivery.
    pub event_id: String,
    /// The provider's event type, likewise.
    pub event_type: String,
    /// When the provider made it, ms since epoch.
    pub created_at: Ms,
    /// The event, byte for byte as it stands in the list.
    pub body: Bytes,
}

/// One payment of the provider's list, with money really in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// Its strongest id: what its key in the ledger is made of.
    pub id: String,
    /// Every other id that names it, strongest first.
    pub aliases: Vec<String>,
    /// Connected account, where it names one.
    pub account: Option<String>,
    /// What came in, in the currency's smallest unit; more than 0.
    pub amount: i64,
    /// What went back of it so far. An invoice does not tell: 0.
    pub refunded: i64,
    /// Lower-case ISO code.
    pub currency: String,
    /// When it was made, ms since epoch; an invoice: when it was paid.
    pub at_ms: Ms,
    /// Live or test mode.
    pub livemode: bool,
    /// Channel under the source's pointers; `None` where missing, contradictory, or on another object.
    pub channel: Option<String>,
    /// Days by the source's pointers and prices, likewise.
    pub days: Option<u32>,
}

/// Why a page was not read. No text holds a secret or a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// Trying again does not help: key, permission or address; says what to do.
    #[error("{0}")]
    Refused(String),
    /// Not reachable, too slow, throttled, or its own fault, over all tries.
    #[error("the provider's API is away: {0}")]
    Away(String),
    /// An answer that this program cannot read.
    #[error("the provider's API answers what this program cannot read: {0}")]
    Unreadable(String),
    /// See [`PAGES_MAX`].
    #[error("the list is longer than {PAGES_MAX} pages")]
    TooMany,
}

/// Where a walk through a list stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    after: Option<String>,
    pages: u32,
    objects: u32,
    more: bool,
}

impl Default for Walk {
    fn default() -> Self {
        Self { after: None, pages: 0, objects: PAGE_OBJECTS_MAX, more: true }
    }
}

impl Walk {
    /// Whether there is another page.
    pub fn more(&self) -> bool {
        self.more
    }

    /// Id of the last object seen.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Objects to ask for.
    pub fn objects(&self) -> u32 {
        self.objects
    }

    /// Asks for less at once; `false`: one object is the least.
    pub fn shorten(&mut self) -> bool {
        let fewer = self.objects / 10;
        self.objects = fewer.max(1);
        fewer > 0
    }

    /// Goes on behind the page's last object; a list that does not move, or never ends, is an error.
    pub fn turn(&mut self, last: Option<String>, has_more: bool) -> Result<(), HistoryError> {
        self.more = has_more;
        if !has_more {
            return Ok(());
        }
        if last.is_none() || last == self.after {
            return Err(HistoryError::Unreadable("it says there is more, but does not go on".into()));
        }
        self.after = last;
        self.pages = self.pages.saturating_add(1);
        if self.pages >= PAGES_MAX { Err(HistoryError::TooMany) } else { Ok(()) }
    }
}

/// The door to one source's past.
#[async_trait]
pub trait History: Send + Sync {
    /// The next page of events; newest first at Stripe, but nothing may rest on that.
    async fn events(
        &self,
        range: EventRange,
        which: Which,
        walk: &mut Walk,
    ) -> Result<Vec<Listed>, HistoryError>;

    /// The next page of payments of the source's `money_in` family that were made in the range; only those with
    /// money in, of the source's mode.
    async fn payments(&self, range: EventRange, walk: &mut Walk) -> Result<Vec<Paid>, HistoryError>;

    /// Tries the key with a cheap read of each list, for `check`.
    async fn health(&self) -> Result<(), HistoryError>;
}

/// The past of a source; `None` where it has no `api_key`, or nobody who could be asked.
pub fn open(name: &str, source: &Source) -> Result<Option<Arc<dyn History>>, SourceError> {
    // Events of connected accounts are in no list of this key.
    let listed = source.provider == stripe::PROVIDER && source.accounts.is_none();
    let Some(key) = source.api_key.as_ref().filter(|_| listed) else { return Ok(None) };
    let error = |problem| SourceError { source_name: name.to_owned(), problem };
    let key = key.resolve().map_err(|why| error(format!("api_key: {why}")))?;
    let api = stripe::Api::new(source, key).map_err(|why| error(why.to_string()))?;
    Ok(Some(Arc::new(api)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_ends() {
        let mut walk = Walk::default();
        assert!(walk.more() && walk.after().is_none());
        walk.turn(Some("a".into()), true).unwrap();
        assert_eq!((walk.more(), walk.after()), (true, Some("a")));
        assert!(walk.turn(Some("a".into()), true).is_err(), "it does not move");
        assert!(Walk::default().turn(None, true).is_err(), "an empty page with more behind it");
        walk.turn(None, false).unwrap();
        assert!(!walk.more());

        let mut endless = Walk::default();
        let ended = (0..PAGES_MAX + 1).find_map(|page| endless.turn(Some(page.to_string()), true).err());
        assert_eq!(ended, Some(HistoryError::TooMany));

        let mut long = Walk::default();
        let sizes: Vec<u32> = std::iter::from_fn(|| long.shorten().then(|| long.objects())).collect();
        assert_eq!(sizes, [10, 1]);
    }
}
