//! Names that there are: a source, a channel. A list for a mistyped one would be empty, and say that all is well.

use super::pause;
use crate::ledger::{
    Ledger, LedgerError,
    query::{ChannelQuery, Page, PaymentQuery},
};

/// What is known by no such name, with what is.
#[derive(Debug, thiserror::Error)]
pub enum Unknown {
    /// The name is mistyped.
    #[error("{0}")]
    Name(String),
    /// Nobody can tell now.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Those that there are, and the one nearest to what was typed.
pub fn listed<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let nearest = known.iter().min_by_key(|name| strsim::damerau_levenshtein(typed, name));
    match nearest {
        None => "there is none yet".to_owned(),
        Some(nearest) => format!("there are: {}; did you mean {nearest:?}?", known.join(", ")),
    }
}

/// Refuses a source that is not in the settings and never delivered.
pub async fn source<'a>(
    ledger: &Ledger,
    configured: impl IntoIterator<Item = &'a str>,
    typed: &str,
) -> Result<(), Unknown> {
    let configured: Vec<&str> = configured.into_iter().collect();
    if configured.contains(&typed) {
        return Ok(());
    }
    let delivered = ledger.last_deliveries(&[typed.to_owned()]).await?;
    if delivered.iter().any(|(_, at)| at.is_some()) {
        return Ok(());
    }
    Err(Unknown::Name(format!(
        "no source {typed:?}, neither in the settings nor in the ledger; {}",
        listed(typed, configured)
    )))
}

/// The modes of channels that the partner documents.
pub const MODES: [&str; 4] = ["live", "trial", "sandbox", "dev"];

/// Refuses a mode that the partner does not document and no channel has.
pub async fn mode(ledger: &Ledger, typed: &str) -> Result<(), Unknown> {
    if MODES.contains(&typed) {
        return Ok(());
    }
    let of_it = ChannelQuery { mode: Some(typed.to_owned()), ..ChannelQuery::default() };
    if !ledger.channels(&of_it, &Page::first(1)).await?.is_empty() {
        return Ok(());
    }
    Err(Unknown::Name(format!("no channel is {typed:?}; {}", listed(typed, MODES))))
}

/// Refuses a channel that no payment was for and no partner lists, on any account.
pub async fn channel(ledger: &Ledger, typed: &str) -> Result<(), Unknown> {
    let row = ChannelQuery { channel: Some(typed.to_owned()), ..ChannelQuery::default() };
    let held = PaymentQuery { channel: Some(typed.to_owned()), ..PaymentQuery::default() };
    let one = Page::first(1);
    if !ledger.channels(&row, &one).await?.is_empty() || !ledger.payments(&held, &one).await?.is_empty() {
        return Ok(());
    }
    let mut like = Vec::new();
    for account in ledger.accounts().await? {
        like.extend(pause::like(ledger, &account, typed).await?);
    }
    like.sort_by_key(|name| strsim::damerau_levenshtein(typed, name));
    like.truncate(pause::NAMED_MAX);
    let like = if like.is_empty() { "none yet".to_owned() } else { like.join(", ") };
    Err(Unknown::Name(format!(
        "no payment was for a channel {typed:?}; those most like it: {like}; `daybridge channels list` names all"
    )))
}
