//! Which payment an event belongs to: identity is the payment, by whatever ids its events name it.

use std::collections::BTreeSet;

use crate::domain::facts::PaymentId;

/// A payment that some id of an event already names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its key.
    pub key: String,
    /// Every id that names it.
    pub ids: Vec<PaymentId>,
    /// Its days were granted: its key stands in a comment and never changes.
    pub granted: bool,
}

/// Where an event belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// One payment, named by this id if it is not granted yet; the listed ones become part of it.
    Payment {
        /// Key of the granted payment that the event belongs to, if there is one.
        granted: Option<String>,
        /// The strongest id known; names the payment where it is not granted yet.
        name: PaymentId,
        /// Keys of the other payments that turn out to be this one; none of them is granted.
        absorbed: Vec<String>,
    },
    /// The event joins payments that are certainly different.
    Contradiction(Vec<String>),
    /// The event names no payment.
    Nowhere,
}

/// Finds the payment an event belongs to, among those its ids name.
///
/// Payments whose rank-0 ids differ are different payments: one invoice paid by two payment intents stays two.
pub fn home(event_ids: &[PaymentId], known: &[Known]) -> Home {
    let strong = |ids: &[PaymentId]| ids.iter().filter(|i| i.rank == 0).cloned().collect::<BTreeSet<_>>();
    let own = strong(event_ids);
    let joined: Vec<&Known> = known
        .iter()
        .filter(|k| {
            let theirs = strong(&k.ids);
            own.is_empty() || theirs.is_empty() || !own.is_disjoint(&theirs)
        })
        .collect();
    let names: BTreeSet<PaymentId> =
        own.iter().cloned().chain(joined.iter().flat_map(|k| strong(&k.ids))).collect();
    let granted: Vec<&&Known> = joined.iter().filter(|k| k.granted).collect();
    if names.len() > 1 || granted.len() > 1 {
        return Home::Contradiction(joined.iter().map(|k| k.key.clone()).collect());
    }
    let strongest = event_ids.iter().chain(joined.iter().flat_map(|k| &k.ids)).min();
    let Some(name) = strongest.cloned() else { return Home::Nowhere };
    let granted = granted.first().map(|k| k.key.clone());
    let absorbed = joined.iter().map(|k| k.key.clone()).filter(|key| granted.as_ref() != Some(key)).collect();
    Home::Payment { granted, name, absorbed }
}
