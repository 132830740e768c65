//! The days that a payment's money still covers, and what the source's settings make of the others.
//!
//! Days due = days − ⌊days × money out / money in⌋: the customer keeps the started fraction of a day. Where the amount
//! is not known, whatever went out took all days with it.

use serde::{Deserialize, Serialize};

use super::reversal::Reversals;
use crate::domain::facts::ReversalKind;

/// What a source does about a refund or a dispute. What has moved is never clawed back; it is listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnReversal {
    /// Days that have not moved are held for a person.
    #[default]
    Report,
    /// Days that have not moved and are not covered any more will not move.
    CancelUnspent,
    /// As `report`, and no other call is made on the channel until a person resumes it.
    HoldChannelTransfers,
}

impl OnReversal {
    /// The word of the settings.
    pub fn word(self) -> &'static str {
        match self {
            OnReversal::Report => "report",
            OnReversal::CancelUnspent => "cancel_unspent",
            OnReversal::HoldChannelTransfers => "hold_channel_transfers",
        }
    }
}

/// A payment's days and the money behind them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    /// Given back, in the smallest unit; `i64::MAX`: all of an amount that is not known.
    pub refunded: i64,
    /// Taken by the payer's bank, likewise.
    pub disputed: i64,
    /// Days bought; `None` where that is not known yet.
    pub bought: Option<u32>,
    /// Days that the money covers.
    pub due: Option<u32>,
    /// Days that move by themselves: those bought without what is cancelled unasked.
    pub left: Option<u32>,
    /// Why a person is asked before any of them move.
    pub ask: Option<ReversalKind>,
    /// What came in, where known.
    pub whole: Option<i64>,
    /// Why the channel is paused.
    pub pause: Option<ReversalKind>,
    /// Money out for which it is.
    pub pauses: i64,
    /// All of that in a sentence.
    pub words: String,
}

/// What the money that is out makes of the days bought.
pub fn entitlement(
    out: &Reversals,
    on_refund: OnReversal,
    on_dispute: OnReversal,
    bought: Option<u32>,
) -> Entitlement {
    let of = |policy: OnReversal, amount: fn(&Reversals, ReversalKind) -> i64| {
        let refunded = if on_refund == policy { amount(out, ReversalKind::Refund) } else { 0 };
        let disputed = if on_dispute == policy { amount(out, ReversalKind::Dispute) } else { 0 };
        refunded.saturating_add(disputed)
    };
    let (refunded, disputed) = (out.of(ReversalKind::Refund), out.of(ReversalKind::Dispute));
    let first = |fits: fn(OnReversal) -> bool| {
        [(ReversalKind::Refund, on_refund), (ReversalKind::Dispute, on_dispute)]
            .into_iter()
            .find(|(kind, policy)| out.of(*kind) > 0 && fits(*policy))
            .map(|(kind, _)| kind)
    };
    let due = days_due(bought, refunded.saturating_add(disputed), out.whole());
    // Nobody is asked about days that are cancelled: that takes two amounts that can be compared.
    let left = days_due(bought, of(OnReversal::CancelUnspent, Reversals::comparable), out.whole());
    let words = match (due, bought) {
        (_, Some(bought)) if out.not_comparable().is_some() => {
            format!(
                "{}: how many of its {bought} days are still paid for is for a person to say",
                out.words()
            )
        }
        (Some(due), Some(bought)) => {
            format!("{}: what is left of it covers {due} of {bought} days", out.words())
        }
        _ => out.words(),
    };
    Entitlement {
        refunded,
        disputed,
        bought,
        due,
        left,
        ask: first(|policy| policy != OnReversal::CancelUnspent).or_else(|| out.not_comparable()),
        whole: out.whole(),
        pause: first(|policy| policy == OnReversal::HoldChannelTransfers),
        pauses: of(OnReversal::HoldChannelTransfers, Reversals::of),
        words,
    }
}

/// The days that are due when so much of an amount is out; of days that are not known only whether there are none.
pub fn days_due(days: Option<u32>, out: i64, whole: Option<i64>) -> Option<u32> {
    if out <= 0 {
        return days;
    }
    let Some(whole) = whole.filter(|whole| out < *whole) else { return Some(0) };
    let days = days?;
    let off = i128::from(days).saturating_mul(i128::from(out)).checked_div(i128::from(whole));
    Some(days.saturating_sub(off.and_then(|off| u32::try_from(off).ok()).unwrap_or(days)))
}

impl Entitlement {
    /// Nothing is out.
    pub fn is_whole(&self) -> bool {
        self.refunded == 0 && self.disputed == 0
    }

    /// Whether a person has decided about this: `decided` is what was due when one last did, and less is a new question.
    pub fn is_decided(&self, decided: Option<u32>) -> bool {
        decided.is_some_and(|then| self.due.is_some_and(|due| due >= then))
    }
}
