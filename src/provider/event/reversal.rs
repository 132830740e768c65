//! The money that went out again, as an event tells it.

use serde_json::Value;

use super::{
    amount,
    object::currency,
    path,
    unreadable::{Unreadable, unreadable},
};
use crate::{
    config::preset::{
        events::{Counts, Means, On, OutAt},
        object::Object,
    },
    domain::facts::{Reversal, ReversalAmount, ReversalKind, ReversalState},
};

/// What went out, as the event tells it. Beside money in, a total of nothing is nothing; an event of money out always
/// tells something, for one that tells nothing would be of before amounts were read, and mean everything.
pub(super) fn reversals(on: &On, at: &Object, object: &Value) -> Result<Vec<Reversal>, Unreadable> {
    let mut all = Vec::new();
    if on.means == Means::Inquiry && on.out.is_empty() {
        let (kind, state) = (ReversalKind::Dispute, ReversalState::Inquiry);
        all.push(Reversal { kind, state, id: None, amount: ReversalAmount::All, currency: None });
    }
    for place in &on.out {
        let (kind, state) = match place.means.unwrap_or(on.means) {
            Means::Refund | Means::MoneyIn | Means::MoneyInUnclear => {
                (ReversalKind::Refund, ReversalState::Done)
            }
            Means::RefundFailed => (ReversalKind::Refund, ReversalState::Undone),
            Means::PaymentFailed => (ReversalKind::Refund, ReversalState::Failed),
            Means::Dispute => (ReversalKind::Dispute, ReversalState::Open),
            Means::DisputeWon => (ReversalKind::Dispute, ReversalState::Undone),
            Means::DisputeLost => (ReversalKind::Dispute, ReversalState::Done),
            Means::Inquiry => (ReversalKind::Dispute, ReversalState::Inquiry),
            Means::Link | Means::Agreement | Means::Ignored | Means::Held => continue,
        };
        let tellers = match &place.each {
            None => vec![object],
            Some(list) => path::all(object, list),
        };
        let comes_in = matches!(on.means, Means::MoneyIn | Means::MoneyInUnclear);
        for teller in tellers.into_iter().filter(|one| place.when.iter().all(|test| path::holds(one, test))) {
            let currency = currency(at, object);
            let amount = out_amount(place, at, teller, currency.as_deref())?;
            if comes_in && matches!(amount, ReversalAmount::Total(0) | ReversalAmount::Done(0)) {
                continue;
            }
            let id = place.id.as_ref().and_then(|id| teller.pointer(id)).and_then(path::id);
            let currency = currency.filter(|_| amount != ReversalAmount::All);
            all.push(Reversal { kind, state, id, amount, currency });
        }
    }
    Ok(all)
}

fn out_amount(
    place: &OutAt,
    at: &Object,
    teller: &Value,
    currency: Option<&str>,
) -> Result<ReversalAmount, Unreadable> {
    let told = place.amount.iter().filter_map(|path| teller.pointer(path)).find(|amount| !amount.is_null());
    let counted = match (place.counts, told) {
        (Counts::All, _) => return Ok(ReversalAmount::All),
        // Refunds so far that are not told are none.
        (Counts::Total, None) => return Ok(ReversalAmount::Total(0)),
        (Counts::Done, None) => return Ok(ReversalAmount::Done(0)),
        (_, None) => return unreadable("money went out, but the event names no amount"),
        (_, Some(told)) => match amount::minor(at.amount_as, told, currency) {
            Ok(counted) => counted,
            // How much of the payment that is, nobody can say.
            Err(_) => return Ok(ReversalAmount::All),
        },
    };
    Ok(match place.counts {
        Counts::Part => ReversalAmount::Part(counted),
        Counts::Done => ReversalAmount::Done(counted),
        Counts::Total | Counts::All => ReversalAmount::Total(counted),
    })
}
