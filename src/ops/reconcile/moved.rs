//! What the ledger and the readings say of channels as a whole: movement that is not explained, and the transfers
//! that may explain it after all.

use std::collections::BTreeMap;

use super::{CHANNELS_MAX, Range, ReconcileError, case::Hints, gaps::Gaps};
use crate::{
    domain::{
        Ms,
        settle::{How, State},
    },
    ledger::{Ledger, books::ASKED_MAX, books::BookedTransfer},
};

/// Rows of one page of channels or movements.
const PAGE_ROWS: u32 = 1_000;

/// The account's channels, each with the `activeTill` that the ledger can explain.
pub type KnownTills = BTreeMap<String, Option<Ms>>;

/// Reads all of the account's channels. Readings must be older than this: then whatever moved them is in the
/// ledger by now, settled or open.
pub async fn known(ledger: &Ledger, account: &str) -> Result<KnownTills, ReconcileError> {
    let mut known = KnownTills::new();
    loop {
        let after = known.last_key_value().map_or("", |(channel, _)| channel.as_str()).to_owned();
        let page = ledger.channels_page(account, &after, PAGE_ROWS).await?;
        if page.is_empty() {
            return Ok(known);
        }
        known.extend(page);
        if known.len() > CHANNELS_MAX {
            return Err(ReconcileError::TooMany(CHANNELS_MAX, "channels"));
        }
    }
}

/// Movement recorded in the range, and what `readings` made at `now` show above what is known.
pub(super) async fn gaps(
    ledger: &Ledger,
    account: &str,
    range: Range,
    known: &KnownTills,
    readings: &BTreeMap<String, Ms>,
    now: Ms,
) -> Result<Gaps, ReconcileError> {
    let mut gaps = Gaps::default();
    let mut after = 0;
    loop {
        let page = ledger.movements_page(account, range.since, range.until, after, PAGE_ROWS).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (_, movement) in page {
            gaps.add(&movement.channel, movement.from, movement.to, movement.at);
        }
    }
    for (channel, known) in known {
        if let (Some(known), Some(reading)) = (known, readings.get(channel))
            && reading > known
        {
            gaps.add(channel, *known, *reading, now);
        }
    }
    Ok(gaps)
}

/// Takes off the movement that one transfer explains by exactly its days. Where Billing History was given, it says
/// more surely which; only what a person settled after a restoration is taken off then, for the ledger never
/// counted it into what it knows of the channel.
pub(super) async fn hints(
    ledger: &Ledger,
    account: &str,
    gaps: &mut Gaps,
    in_history: bool,
) -> Result<Hints, ReconcileError> {
    let mut hints = Hints::default();
    for batch in gaps.channels().chunks(ASKED_MAX) {
        for transfer in ledger.loose(account, batch).await? {
            hint(&transfer, gaps, in_history, &mut hints);
        }
    }
    Ok(hints)
}

fn hint(transfer: &BookedTransfer, gaps: &mut Gaps, in_history: bool, hints: &mut Hints) {
    let (channel, days) = (&transfer.channel, transfer.days);
    let exactly = |gaps: &mut Gaps| gaps.take(channel, days, |_| true).then(|| transfer.key.clone());
    match &transfer.state {
        State::Settled { how: How::ByOperator, before, .. } => {
            gaps.take(channel, days, |gap| *before == 0 || gap.low <= *before);
        }
        // A reading for another transfer saw it move before it was known by whose call. What moved before that call is not
        // its own.
        State::Settled { how: How::Observed, before, .. }
            if gaps.take(channel, days, |gap| (gap.low..gap.high).contains(before)) => {}
        _ if in_history => {}
        State::Settled { attempt, .. } if *attempt > 1 => hints.again.extend(exactly(gaps)),
        state if state.open() => hints.moved.extend(exactly(gaps)),
        _ => {}
    }
}
