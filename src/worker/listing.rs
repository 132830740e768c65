//! The partner's list of channels, read whole and kept: by a worker every hour, and when a person asks for it. It tells
//! which channels there are and what persons call them; what the ledger knows of their days is not touched by it.
//!
//! Nothing waits for the list. A worker asks for its pages with a tenth of the calls that it may make, asks for none while
//! calls rest for a refused token or an open circuit breaker, and says once why a list could not be read. It never holds
//! the account: that is for the calls that move days.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::DefaultDirectRateLimiter;
use tokio_util::sync::CancellationToken;

use super::{meters, turn::Turns};
use crate::{
    domain::{Ms, closed::HeldCause, reply::ReadError, settle::AccountSignal},
    ledger::{Ledger, LedgerError, Shorter, Synced},
    partner::Partner,
};

/// Most channels of an account that are kept.
const CHANNELS_MAX: usize = 200_000;

/// Channels asked for at once.
const PAGE: u32 = 200;

/// How long a list counts before it is time to read it again, ms.
const EVERY_MS: i64 = 3_600_000;

/// How often a worker looks whether that time has come.
const LOOK: Duration = Duration::from_secs(60);

/// When it looks first: what waited for its start goes before.
const LOOK_FIRST: Duration = Duration::from_secs(5);

/// A worker's list takes one of so many calls.
const SHARE: u32 = 10;

/// Why the list was not read whole; it then counts as it was read before.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The ledger's word.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The token was refused.
    #[error("the partner token was refused; correct partner.token")]
    Unauthorized,
    /// There is no such list.
    #[error("the partner answers 404; correct partner.base_url")]
    NotThere,
    /// Anything else.
    #[error("the partner's list cannot be read: {0}; try again")]
    Failed(String),
    /// It does not end.
    #[error("the partner lists more than {CHANNELS_MAX} channels")]
    TooMany,
}

impl From<ReadError> for SyncError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unauthorized => SyncError::Unauthorized,
            ReadError::UnknownChannel => SyncError::NotThere,
            ReadError::Failed(why) => SyncError::Failed(why),
        }
    }
}

/// How fast pages are asked for.
pub struct Pace<'a> {
    /// The wait before each page but the first.
    pub pause: Duration,
    /// What all calls of the process go by.
    pub limiter: Option<&'a DefaultDirectRateLimiter>,
}

impl Pace<'_> {
    /// For so many calls a second, each of which may be a page.
    pub fn alone(calls_per_second_max: u32) -> Self {
        let pause = Duration::from_secs(1).checked_div(calls_per_second_max).unwrap_or_default();
        Self { pause, limiter: None }
    }

    async fn wait(&self, first: bool) {
        if !first {
            tokio::time::sleep(self.pause).await;
        }
        if let Some(limiter) = self.limiter {
            limiter.until_ready().await;
        }
    }
}

/// When a list that is begun now is to be read again.
pub fn next_at(now: Ms) -> Ms {
    now.saturating_add(EVERY_MS)
}

/// Keeps it page by page. Ends also where a page brings nothing new, should the partner not know `offset`. All of one
/// reading bears the time at which it began; [`Ledger::end_listing`] ends it.
pub async fn read_whole(
    partner: &dyn Partner,
    ledger: &Ledger,
    account: &str,
    pace: &Pace<'_>,
    begun_at: Ms,
) -> Result<(), SyncError> {
    let mut seen = BTreeSet::new();
    let mut offset = 0_u32;
    loop {
        pace.wait(offset == 0).await;
        let begun = std::time::Instant::now();
        let page = partner.list(offset, PAGE).await;
        meters::called("list", begun, &page);
        let page = page?;
        let before = seen.len();
        seen.extend(page.channels.iter().map(|one| one.channel.clone()));
        if seen.len() > CHANNELS_MAX {
            return Err(SyncError::TooMany);
        }
        if page.shown == 0 || seen.len() == before {
            return Ok(());
        }
        ledger.keep_listed(account, page.channels, begun_at).await?;
        offset = offset.saturating_add(page.shown);
    }
}

/// Why a worker's list is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Unauthorized,
    NotThere,
    Failed,
    TooMany,
    Doubted,
}

/// Reads the list of a worker's account whenever it is time.
pub struct Listing {
    turns: Arc<Turns>,
    account: String,
    pause: Duration,
    told: Mutex<Option<Trouble>>,
}

impl Listing {
    /// Of this account, with a tenth of so many calls a second.
    pub fn new(turns: Arc<Turns>, account: String, calls_per_second_max: u32) -> Self {
        let pause = Duration::from_secs(u64::from(SHARE)).checked_div(calls_per_second_max);
        Self { turns, account, pause: pause.unwrap_or_default(), told: Mutex::default() }
    }

    /// Until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let look = async {
            tokio::time::sleep(LOOK_FIRST).await;
            loop {
                self.look().await;
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = look => {}
        }
    }

    /// Reads the list if it is time, and nobody else does.
    pub async fn look(&self) {
        match self.read().await {
            Ok(None) => {}
            Ok(Some(synced)) if synced.believed => {
                if self.tells(None).is_some() {
                    tracing::info!(
                        account = self.account,
                        listed = synced.listed,
                        "the partner's list of channels is read again"
                    );
                }
            }
            Ok(Some(synced)) => self.tell_doubt(&synced),
            // Who needs the ledger tells that it is away.
            Err(SyncError::Ledger(error)) => tracing::debug!(%error, "the partner's list cannot be kept"),
            Err(error) => self.tell(&error),
        }
    }

    async fn read(&self) -> Result<Option<Synced>, SyncError> {
        let Turns { ledger, partner, clock, limiter, breaker, .. } = &*self.turns;
        let now = clock.now_ms();
        let next_at = next_at(now);
        if !ledger.listing_due(&self.account, now, next_at).await? || breaker.open_since().is_some() {
            return Ok(None);
        }
        let hold = ledger.account_hold(&self.account).await?;
        if hold.is_some_and(|hold| hold.news == AccountSignal::NoToken)
            || !ledger.take_listing(&self.account, now, next_at).await?
        {
            return Ok(None);
        }
        let pace = Pace { pause: self.pause, limiter: Some(limiter) };
        read_whole(partner.as_ref(), ledger, &self.account, &pace, now).await?;
        let times = (now, next_at);
        Ok(Some(ledger.end_listing(&self.account, times, Shorter::Doubted, None).await?))
    }

    /// What was told before, where that is something else.
    fn tells(&self, trouble: Option<Trouble>) -> Option<Option<Trouble>> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *told, trouble);
        (before != trouble).then_some(before)
    }

    fn tell(&self, error: &SyncError) {
        let trouble = match error {
            SyncError::Unauthorized => Trouble::Unauthorized,
            SyncError::NotThere => Trouble::NotThere,
            SyncError::TooMany => Trouble::TooMany,
            SyncError::Failed(_) | SyncError::Ledger(_) => Trouble::Failed,
        };
        if self.tells(Some(trouble)).is_none() {
            return;
        }
        let account = &*self.account;
        match trouble {
            Trouble::Unauthorized => tracing::warn!(
                cause = HeldCause::Unauthorized.as_str(),
                account,
                reason = "the partner token was refused",
                next = "set a valid token and restart the worker",
                "the partner's list of channels cannot be read"
            ),
            Trouble::NotThere => tracing::info!(
                account,
                reason = "the partner answers 404",
                "the partner has no list of channels: those that days were planned for are known"
            ),
            Trouble::Failed | Trouble::TooMany | Trouble::Doubted => tracing::warn!(
                account,
                reason = %error,
                next = "nothing: it is read again every hour, and counts as it was read before",
                "the partner's list of channels cannot be read"
            ),
        }
    }

    fn tell_doubt(&self, synced: &Synced) {
        if self.tells(Some(Trouble::Doubted)).is_some() {
            tracing::warn!(
                account = self.account,
                listed = synced.listed,
                listed_before = synced.listed_before,
                next = "if so many were deleted, say so with `daybridge channels sync --shorter`",
                "the partner's list of channels is empty or much shorter than before: nothing is forgotten for it"
            );
        }
    }
}
