//! What a payment comes to, by the facts of all its events and what a person said. Nothing is read or written here.

use crate::domain::{
    facts::{Facts, Money},
    id::ChannelId,
    payment::{
        Corrections, Decision, Rules, covers, decide, entitlement::Entitlement, memory::Memory,
        reversal::came_in, slice, sold,
    },
};

/// See the module.
pub(super) struct Evaluated {
    pub(super) decision: Decision,
    /// For whom and how many days, each as far as it is known.
    pub(super) channel: Option<ChannelId>,
    pub(super) days: Option<u32>,
    /// What the money that stayed covers of them.
    pub(super) covered: Entitlement,
    pub(super) money: Option<Money>,
    pub(super) customer: Option<String>,
    /// Days in one transfer, where a price says so.
    pub(super) slice: Option<u32>,
}

pub(super) fn evaluate(
    events: &[Facts],
    rules: &Rules,
    corrections: &Corrections,
    memory: &Memory,
) -> Evaluated {
    let (channel, days) = sold(events, rules, corrections);
    Evaluated {
        decision: decide(events, rules, corrections, memory),
        covered: covers(events, rules, days),
        channel,
        days,
        money: money(events, rules),
        customer: events.iter().find_map(|event| event.customer.clone()),
        slice: slice(events, rules),
    }
}

/// The money of a payment: what came in, else the most that any of its events tells of.
pub(super) fn money(events: &[Facts], rules: &Rules) -> Option<Money> {
    let told = || events.iter().filter_map(|event| event.money.clone()).max_by_key(|money| money.amount);
    came_in(events, &rules.money_in).or_else(told)
}
