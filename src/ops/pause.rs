//! Calls paused and resumed by a person: of an account or a channel that there is. A pause of a mistyped name would stop
//! nothing, and say that it had.

use crate::{
    domain::{Ms, id::ChannelId},
    ledger::{
        Act, Ledger, LedgerError, Scope,
        query::{ChannelQuery, Page},
    },
};

/// Channels looked through for names like one that is not known, and how many of them are read in one go.
const LOOKED_MAX: usize = 100_000;
const PAGE: u32 = 5_000;

/// Most channels that are named instead.
pub(super) const NAMED_MAX: usize = 5;

/// Makes no new call in a scope. `false`: it was paused already.
pub async fn pause(
    ledger: &Ledger,
    configured: &str,
    scope: &Scope,
    act: &Act<'_>,
    now: Ms,
) -> Result<bool, LedgerError> {
    match unknown(ledger, configured, scope).await? {
        Some(unknown) => Err(LedgerError::Refused(unknown.to_string())),
        None => ledger.pause(scope, act, now).await,
    }
}

/// Goes on in a scope, whatever its name: it may have been paused under one that is not known. `false`: it was not.
pub async fn resume(
    ledger: &Ledger,
    configured: &str,
    scope: &Scope,
    act: &Act<'_>,
    now: Ms,
) -> Result<bool, LedgerError> {
    if ledger.resume(scope, act, now).await? {
        return Ok(true);
    }
    match unknown(ledger, configured, scope).await? {
        Some(unknown) => Err(LedgerError::Refused(unknown.to_string())),
        None => Ok(false),
    }
}

/// What a scope names that is not known, with what is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownScope {
    /// Neither the settings nor the ledger name the account.
    #[error("no account {0:?}; there are: {1}")]
    Account(String, String),
    /// No payment was for the channel; the partner may know it.
    #[error(
        "no payment was for a channel {channel} of the account {account}; those most like it: {like}; `daybridge channels list` names all"
    )]
    Channel {
        /// Of it.
        account: String,
        /// As it was typed.
        channel: ChannelId,
        /// Known ones.
        like: String,
    },
}

/// What of a scope is not known here.
pub async fn unknown(
    ledger: &Ledger,
    configured: &str,
    scope: &Scope,
) -> Result<Option<UnknownScope>, LedgerError> {
    let (account, channel) = match scope {
        Scope::All => return Ok(None),
        Scope::Account(account) => (account, None),
        Scope::Channel(account, channel) => (account, Some(channel)),
    };
    let mut accounts = ledger.accounts().await?;
    if !accounts.iter().any(|known| known == configured) {
        accounts.push(configured.to_owned());
    }
    if !accounts.contains(account) {
        return Ok(Some(UnknownScope::Account(account.clone(), accounts.join(", "))));
    }
    let Some(channel) = channel else { return Ok(None) };
    let wanted = ChannelQuery { channel: Some(channel.as_str().to_owned()), ..ChannelQuery::default() };
    if ledger.channels(&wanted, &Page::first(PAGE)).await?.iter().any(|row| row.account == *account) {
        return Ok(None);
    }
    let like = like(ledger, account, channel.as_str()).await?;
    let like = if like.is_empty() { "none yet".to_owned() } else { like.join(", ") };
    Ok(Some(UnknownScope::Channel { account: account.clone(), channel: channel.clone(), like }))
}

/// The known channels of an account whose names are most like this one.
pub(super) async fn like(ledger: &Ledger, account: &str, channel: &str) -> Result<Vec<String>, LedgerError> {
    let mut nearest: Vec<(usize, String)> = Vec::new();
    let mut after = String::new();
    let mut looked = 0_usize;
    loop {
        let page = ledger.channels_page(account, &after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        looked = page.len().saturating_add(looked);
        nearest.extend(page.into_iter().map(|(name, _)| (strsim::damerau_levenshtein(channel, &name), name)));
        nearest.sort();
        nearest.truncate(NAMED_MAX);
        if looked >= LOOKED_MAX {
            break;
        }
    }
    Ok(nearest.into_iter().map(|(_, name)| name).collect())
}
