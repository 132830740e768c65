//! Whose channel is whose, where no event says it: a person says it of a customer and of an alias, before their payments
//! or when one is held for it.

use std::collections::BTreeSet;

use daybridge::{
    domain::{
        closed::HeldCause,
        id::ChannelId,
        payment::directory::{Name, NameKind},
    },
    ledger::{Assignment, Correction, DirectoryGo, DirectoryOrder, Place, view::Action},
    ops::held::{Desk, HeldError},
};

use super::{
    payment::{alias_of, customer_of},
    person::{ACCOUNT, ACT, Person},
};

/// Whether a channel is what a row waits for.
pub fn wants_channel(cause: HeldCause) -> bool {
    matches!(cause, HeldCause::ChannelMissing | HeldCause::ChannelAmbiguous | HeldCause::AliasUnknown)
}

impl Person {
    /// Says that whoever pays for a channel, and its alias, stand for these.
    pub async fn assigns(&self, channel: &str, channels: &[String]) {
        let channels: BTreeSet<ChannelId> =
            channels.iter().filter_map(|channel| ChannelId::parse(channel)).collect();
        let names = [(NameKind::Customer, customer_of(channel)), (NameKind::Alias, alias_of(channel))];
        let places = names.map(|(kind, id)| Place {
            realm: "stripe".to_owned(),
            account: String::new(),
            name: Name::new(kind, id),
        });
        let assign = |place: &Place| Assignment { place: place.clone(), channels: channels.clone() };
        let order = DirectoryOrder {
            wanted: places.iter().map(assign).collect(),
            partner: ACCOUNT.to_owned(),
            force: false,
            go: DirectoryGo::Now,
            action: Action::CustomersSet,
            who: ACT.who.to_owned(),
            reason: ACT.reason.to_owned(),
        };
        if let Err(why) = self.ledger.change_directory(order, self.world.now()).await {
            self.world.note(&format!("person: {channel} not assigned: {why}"));
        }
    }

    /// Says where a payment goes that waits for it, and has it remembered where it can be.
    pub async fn says_channel(
        &self,
        desk: &Desk<'_>,
        key: &str,
        channel: &str,
        cause: HeldCause,
    ) -> Result<(), HeldError> {
        let channel = ChannelId::parse(channel).unwrap();
        let says = |remember: bool| Correction {
            channel: Some(channel.clone()),
            days: None,
            remember,
            force: false,
            account: ACCOUNT,
            cause: Some(cause),
            act: ACT,
            comment: desk.interpreter.comment(),
        };
        let now = self.world.now();
        // A customer of several channels stays one.
        let remember = cause != HeldCause::ChannelAmbiguous;
        if !remember || desk.correct(key, &says(true), now).await.is_err() {
            desk.correct(key, &says(false), now).await?;
        }
        Ok(())
    }
}
