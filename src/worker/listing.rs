//! The partner's list of channels, read whole and kept. It tells which channels there are and what persons call them; what
//! the ledger knows of their days is not touched by it.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    domain::{Ms, reply::ReadError},
    ledger::{Ledger, LedgerError, Synced},
    partner::Partner,
};

/// Most channels of an account that are kept.
const CHANNELS_MAX: usize = 200_000;

/// Channels asked for at once.
const PAGE: u32 = 200;

/// How long a list counts before it is time to read it again, ms.
const EVERY_MS: i64 = 3_600_000;

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

/// Reads it page by page, with a pause between two. Ends also where a page brings nothing new, should the partner not know
/// `offset`. All of one reading bears the time at which it began.
pub async fn sync(
    partner: &dyn Partner,
    ledger: &Ledger,
    account: &str,
    pause: Duration,
    now: Ms,
) -> Result<Synced, SyncError> {
    let next_at = now.saturating_add(EVERY_MS);
    // Whatever it answers: a person asked for it. No worker reads the list at the same time.
    ledger.take_listing(account, now, next_at).await?;
    let mut seen = BTreeSet::new();
    let mut offset = 0_u32;
    loop {
        let page = partner.list(offset, PAGE).await?;
        let before = seen.len();
        seen.extend(page.channels.iter().map(|one| one.channel.clone()));
        if seen.len() > CHANNELS_MAX {
            return Err(SyncError::TooMany);
        }
        if page.shown == 0 || seen.len() == before {
            break;
        }
        ledger.keep_listed(account, page.channels, now).await?;
        offset = offset.saturating_add(page.shown);
        tokio::time::sleep(pause).await;
    }
    Ok(ledger.end_listing(account, now, next_at).await?)
}
