//! The money that went out again, as an event tells it.

use serde_json::Value;

use super::{
    amount,
    object::currency,
    path,
    read::{Unreadable, unreadable},
};
use crate::{
    config::preset::events::{Counts, Means, Object, On, OutAt},
    domain::facts::{Out, OutAmount, OutKind, OutState},
};

/// What went out, as the event tells it. Beside money in, a total of nothing is nothing; an event of money out always
/// tells something, for one that tells nothing would be of before amounts were read, and mean everything.
pub(super) fn out(on: &On, at: &Object, object: &Value) -> Result<Vec<Out>, Unreadable> {
    let mut all = Vec::new();
    if on.means == Means::Inquiry && on.out.is_empty() {
        let (kind, state) = (OutKind::Dispute, OutState::Inquiry);
        all.push(Out { kind, state, id: None, amount: OutAmount::All });
    }
    for place in &on.out {
        let (kind, state) = match place.means.unwrap_or(on.means) {
            Means::Refund | Means::MoneyIn | Means::MoneyInUnclear => (OutKind::Refund, OutState::Done),
            Means::RefundFailed => (OutKind::Refund, OutState::Undone),
            Means::Dispute => (OutKind::Dispute, OutState::Open),
            Means::DisputeWon => (OutKind::Dispute, OutState::Undone),
            Means::DisputeLost => (OutKind::Dispute, OutState::Done),
            Means::Inquiry => (OutKind::Dispute, OutState::Inquiry),
            Means::Link | Means::Ignored | Means::Held => continue,
        };
        let amount = out_amount(place, at, object)?;
        let comes_in = matches!(on.means, Means::MoneyIn | Means::MoneyInUnclear);
        if comes_in && amount == OutAmount::Total(0) {
            continue;
        }
        let id = place.id.as_ref().and_then(|id| object.pointer(id)).and_then(path::id);
        all.push(Out { kind, state, id, amount });
    }
    Ok(all)
}

fn out_amount(place: &OutAt, at: &Object, object: &Value) -> Result<OutAmount, Unreadable> {
    let told = place.amount.iter().filter_map(|path| object.pointer(path)).find(|amount| !amount.is_null());
    let counted = match (place.counts, told) {
        (Counts::All, _) => return Ok(OutAmount::All),
        // Refunds so far that are not told are none.
        (Counts::Total, None) => return Ok(OutAmount::Total(0)),
        (_, None) => return unreadable("money went out, but the event names no amount"),
        (_, Some(told)) => match amount::minor(at.amount_as, told, currency(at, object).as_deref()) {
            Ok(counted) => counted,
            // How much of the payment that is, nobody can say.
            Err(_) => return Ok(OutAmount::All),
        },
    };
    Ok(match place.counts {
        Counts::Part => OutAmount::Part(counted),
        Counts::Total | Counts::All => OutAmount::Total(counted),
    })
}
