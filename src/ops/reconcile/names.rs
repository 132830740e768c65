//! Which payment of the ledger an id of the provider's record, or a key in Billing History, names.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Paid, history::HistoryLine};
use crate::{
    domain::id::{named_in, payment_key},
    ledger::{
        Ledger, LedgerError,
        books::{ASKED_MAX, Booked, BookedName},
    },
};

/// Whose names they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Space<'a> {
    pub(super) realm: &'a str,
    pub(super) livemode: bool,
}

/// Names of payments by the provider's id.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, Vec<BookedName>>);

impl Names {
    /// Asks the ledger for ids, each once.
    pub(super) async fn ask(
        ledger: &Ledger,
        space: Space<'_>,
        ids: BTreeSet<String>,
    ) -> Result<Self, LedgerError> {
        let mut names: HashMap<String, Vec<BookedName>> = HashMap::new();
        let ids: Vec<String> = ids.into_iter().collect();
        for batch in ids.chunks(ASKED_MAX) {
            for name in ledger.named(space.realm, space.livemode, batch).await? {
                names.entry(name.id.clone()).or_default().push(name);
            }
        }
        Ok(Self(names))
    }

    /// The payment's key by its strongest id that the ledger knows. An export does not say whose account it is of;
    /// then an id that names one payment alone will do.
    pub(super) fn of(&self, paid: &Paid) -> Option<&str> {
        std::iter::once(&paid.id).chain(&paid.aliases).find_map(|id| self.one(id, paid.account.as_deref()))
    }

    fn one(&self, id: &str, account: Option<&str>) -> Option<&str> {
        let names = self.0.get(id)?;
        let own = names.iter().find(|name| name.account.as_deref() == account);
        match (own, names.as_slice()) {
            (Some(name), _) => Some(&name.payment),
            (None, [name]) if account.is_none() => Some(&name.payment),
            _ => None,
        }
    }
}

/// These payments, by key.
pub(super) async fn booked(
    ledger: &Ledger,
    keys: BTreeSet<String>,
) -> Result<BTreeMap<String, Booked>, LedgerError> {
    let keys: Vec<String> = keys.into_iter().collect();
    let mut found = BTreeMap::new();
    for batch in keys.chunks(ASKED_MAX) {
        let payments = ledger.booked(batch).await?;
        found.extend(payments.into_iter().map(|payment| (payment.key.clone(), payment)));
    }
    Ok(found)
}

/// The keys that a payment may have in Billing History: any of its ids may have been the strongest one once.
pub(super) fn keys_of(paid: &Paid, realm: &str) -> impl Iterator<Item = String> {
    let ids = std::iter::once(&paid.id).chain(&paid.aliases);
    ids.map(move |id| payment_key(realm, paid.account.as_deref(), id))
}

/// Lines of Billing History by the payments of the ledger that they name.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// By the payment's key.
    pub(super) known: BTreeMap<String, Vec<HistoryLine>>,
    /// By the key in the lines, which no payment of the ledger has.
    pub(super) unknown: BTreeMap<String, Vec<HistoryLine>>,
}

impl Lines {
    /// Finds the payments: by their key, by the key of one that was joined to another, or by another of their ids.
    pub(super) async fn find(
        ledger: &Ledger,
        space: Space<'_>,
        mut named: BTreeMap<String, Vec<HistoryLine>>,
    ) -> Result<Self, LedgerError> {
        let mut known: BTreeMap<String, Vec<HistoryLine>> = BTreeMap::new();
        let keys: Vec<String> = named.keys().cloned().collect();
        for batch in keys.chunks(ASKED_MAX) {
            for (asked, key) in ledger.keys(batch).await? {
                known.entry(key).or_default().extend(named.remove(&asked).unwrap_or_default());
            }
        }
        let ids: BTreeSet<String> = named.keys().filter_map(|key| named_in(key)).flat_map(readings).collect();
        let names = Names::ask(ledger, space, ids).await?;
        let mut unknown = BTreeMap::new();
        for (key, lines) in named {
            let payment = named_in(&key).into_iter().flat_map(readings).find_map(|id| {
                let names = names.0.get(&id)?;
                // The account is part of the key, so that writing it again must give the key.
                let fits = |name: &&BookedName| payment_key(space.realm, name.account.as_deref(), &id) == key;
                names.iter().find(fits).map(|name| name.payment.clone())
            });
            match payment {
                Some(payment) => known.entry(payment).or_default().extend(lines),
                None => {
                    unknown.insert(key, lines);
                }
            }
        }
        Ok(Self { known, unknown })
    }
}

/// An id, and what it is where it begins with a connected account.
fn readings(whole: String) -> Vec<String> {
    let id = whole.split_once(':').map(|(_, id)| id.to_owned());
    std::iter::once(whole).chain(id).collect()
}
