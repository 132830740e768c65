//! The directory: which channel a subscription, a customer or an alias stands for, as a person said. It fills the gap
//! where no event of a payment names a channel, and nothing else: what an event says counts before it, a subscription
//! before its customer, and a customer with several channels is a question for a person.
//!
//! Not for: telling who may be granted days. It says where they go, once the money is in.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    facts::{Facts, Found},
    hold::Hold,
    id::ChannelId,
};

closed! {
    /// What a name in the directory names.
    NameKind {
        /// A subscription.
        Agreement = "subscription",
        /// A customer.
        Customer = "customer",
        /// What stands under the channel pointer, where a source's partners have ids of their own.
        Alias = "alias",
    }
}

/// A name that the directory may know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Of what.
    pub kind: NameKind,
    /// As the provider, or the event, writes it.
    pub id: String,
}

impl Name {
    /// An id of some kind.
    pub fn new(kind: NameKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

/// Longest alias quoted in a reason, in characters.
const ALIAS_SHOWN_MAX: usize = 80;

/// What the directory knows of the names of one payment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    channels: BTreeMap<Name, BTreeSet<ChannelId>>,
}

impl Directory {
    /// Adds a channel to a name's.
    pub fn add(&mut self, name: Name, channel: ChannelId) {
        self.channels.entry(name).or_default().insert(channel);
    }

    fn channels(&self, names: &BTreeSet<Name>) -> BTreeSet<&ChannelId> {
        names.iter().filter_map(|name| self.channels.get(name)).flatten().collect()
    }

    /// The channel of an alias.
    pub(super) fn of_alias(&self, text: &str) -> Result<ChannelId, Hold> {
        let alias = BTreeSet::from([Name::new(NameKind::Alias, text)]);
        only("its alias", &self.channels(&alias))?
            .ok_or_else(|| Hold::AliasUnknown(text.chars().take(ALIAS_SHOWN_MAX).collect()))
    }

    /// The channel of whoever paid: of the subscription, else of the customer.
    pub(super) fn of_payer(&self, events: &[Facts]) -> Result<Option<ChannelId>, Hold> {
        match only("its subscription", &self.channels(&agreements(events)))? {
            Some(channel) => Ok(Some(channel)),
            None => only("its customer", &self.channels(&customers(events))),
        }
    }
}

/// `None`: there is none.
fn only(whose: &'static str, channels: &BTreeSet<&ChannelId>) -> Result<Option<ChannelId>, Hold> {
    let mut each = channels.iter();
    match (each.next(), each.next()) {
        (Some(_), Some(_)) => Err(Hold::ChannelAmbiguous {
            whose: whose.to_owned(),
            channels: channels.iter().map(|channel| (*channel).clone()).collect(),
        }),
        (first, _) => Ok(first.map(|channel| (*channel).clone())),
    }
}

/// The subscription that an event is of.
pub fn agreement(event: &Facts) -> Option<&str> {
    event.agreement.as_deref()
}

fn agreements(events: &[Facts]) -> BTreeSet<Name> {
    events.iter().filter_map(agreement).map(|id| Name::new(NameKind::Agreement, id)).collect()
}

fn customers(events: &[Facts]) -> BTreeSet<Name> {
    let ids = events.iter().filter_map(|event| event.customer.as_deref());
    ids.map(|id| Name::new(NameKind::Customer, id)).collect()
}

/// The names of whoever paid.
pub fn payer(events: &[Facts]) -> BTreeSet<Name> {
    agreements(events).into_iter().chain(customers(events)).collect()
}

/// The texts under the first channel pointer that hits, as aliases.
pub fn aliases(events: &[Facts]) -> BTreeSet<Name> {
    let hits = || events.iter().flat_map(|event| &event.channel);
    let first = hits().map(|found: &Found| found.pointer).min();
    let texts = hits().filter(|found| Some(found.pointer) == first);
    texts.map(|found| Name::new(NameKind::Alias, &*found.value)).collect()
}

/// The names that the directory is asked for about a payment; none where the events name its channel themselves.
pub fn asked(events: &[Facts], channel_alias: bool) -> BTreeSet<Name> {
    let told = aliases(events);
    match (told.is_empty(), channel_alias) {
        (true, _) => payer(events),
        (false, true) => told,
        (false, false) => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(customer: &str, agreement: &str) -> Facts {
        let some = |id: &str| (!id.is_empty()).then(|| id.to_owned());
        Facts { customer: some(customer), agreement: some(agreement), ..Facts::ignored(0, String::new()) }
    }

    fn directory(rows: &[(NameKind, &str, &str)]) -> Directory {
        let mut directory = Directory::default();
        for (kind, id, channel) in rows {
            directory.add(Name::new(*kind, *id), ChannelId::parse(channel).unwrap());
        }
        directory
    }

    #[test]
    fn a_subscription_counts_before_its_customer_and_several_channels_are_a_question() {
        use NameKind::{Agreement, Customer};
        let of = |rows: &[(NameKind, &str, &str)], events: &[Facts]| {
            let found = directory(rows).of_payer(events);
            found.map(|channel| channel.map(String::from)).map_err(|hold| hold.to_string())
        };
        let one = [event("cus_1", "sub_1")];
        let some = |channel: &str| Ok(Some(channel.to_owned()));
        assert_eq!(of(&[], &one), Ok(None));
        assert_eq!(of(&[(Customer, "cus_1", "A-1")], &one), some("A-1"));
        assert_eq!(of(&[(Customer, "cus_2", "A-1")], &one), Ok(None));
        assert_eq!(
            of(&[(Customer, "sub_1", "A-1")], &one),
            Ok(None),
            "an id of another kind is another name"
        );
        let both = [(Customer, "cus_1", "A-1"), (Agreement, "sub_1", "B-2")];
        assert_eq!(of(&both, &one), some("B-2"));
        let several = [(Customer, "cus_1", "A-1"), (Customer, "cus_1", "B-2"), (Agreement, "sub_1", "B-2")];
        assert_eq!(of(&several, &one), some("B-2"));
        let why = of(&several, &[event("cus_1", "sub_9")]).unwrap_err();
        assert!(why.contains("A-1, B-2"), "{why}");
        // Two customers of one payment, each with a channel of its own.
        let two = [(Customer, "cus_1", "A-1"), (Customer, "cus_2", "B-2")];
        assert!(of(&two, &[event("cus_1", ""), event("cus_2", "")]).is_err());
        let same = [(Customer, "cus_1", "A-1"), (Customer, "cus_2", "A-1")];
        assert_eq!(of(&same, &[event("cus_1", ""), event("cus_2", "")]), some("A-1"));
    }

    #[test]
    fn it_is_asked_only_where_no_event_names_a_channel() {
        let names = |events: &[Facts], alias: bool| {
            asked(events, alias).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let silent = event("cus_1", "sub_1");
        let found = |pointer, value: &str| Found { pointer, value: value.into() };
        let telling = Facts { channel: vec![found(2, "late"), found(1, "shop-7")], ..silent.clone() };
        for alias in [false, true] {
            assert_eq!(names(std::slice::from_ref(&silent), alias), ["subscription sub_1", "customer cus_1"]);
        }
        assert_eq!(names(&[silent.clone(), telling.clone()], false), [""; 0]);
        assert_eq!(names(&[silent, telling], true), ["alias shop-7"]);
    }
}
