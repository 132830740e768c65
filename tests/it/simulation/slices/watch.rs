//! What is judged as it happens: each slice as it is sent, and those that should have been sent.

use std::time::Duration;

use daybridge::{
    domain::{DAY_MS, Ms, closed::HeldCause},
    ledger::query::HeldQuery,
};

use super::{
    super::{
        judge::{days_in_books, is_excused},
        payment::{Occasion, Way},
        person::Person,
        world::World,
    },
    judge::numbered,
};

/// By how much clocks may be wrong, and a decision may be late that is made meanwhile.
const SLACK_MS: Ms = 600_000;

/// A call is made so long after its reading, at most, with what readings lag.
const READ_AGO_MS: Ms = 30_000;

/// A call of before a person's word is made so long after it, at most.
const CALL_AGO_MS: Ms = 15_000;

/// So long a slice may be late that nothing keeps back.
const LATE: Duration = Duration::from_secs(8 * 3_600);

impl World {
    /// Notes what is wrong with a slice that is sent now.
    pub fn watch_slice(&self, channel: &str, comment: &str, days: u32) {
        let Some(key) = numbered(self, comment) else { return };
        let now = self.now();
        let (till, by_hand) = {
            let partner = self.partner();
            let by_hand = partner.by_hand.iter().any(|line| line.channel == channel);
            (partner.least_till(channel, now - READ_AGO_MS), by_hand)
        };
        let ended = self.has_ended(&key.0);
        let its = self.payments().get(&key.0).map(|payment| payment.channel.clone());
        let mut inner = self.inner();
        let restored = inner.restored;
        let seen = &mut inner.slices;
        let calls = seen.calls.entry(key.clone()).or_default();
        *calls += 1;
        let first_call = *calls == 1;
        let unknown = seen.called.insert(channel.to_owned()) && key.1 == 1;
        let terms = seen.terms;
        let (name, number) = &key;
        let said = |at: Option<&Ms>| at.is_some_and(|at| now - at > CALL_AGO_MS);
        let mut wrong = Vec::new();
        if said(seen.stopped.get(name)) {
            wrong.push(format!("stopped: {name} was stopped, and #{number} is sent"));
        }
        if ended && terms.stops && !seen.gone_on.contains(name) {
            wrong.push(format!("ended: the subscription of {name} has ended, and #{number} is sent"));
        }
        let elsewhere = its.is_some_and(|its| its != channel);
        if elsewhere && (!seen.moved.contains_key(name) || said(seen.moved.get(name))) {
            wrong.push(format!("elsewhere: {name}#{number} is sent to {channel}"));
        }
        let of_rule = terms.is_on() && !terms.at_once && first_call && !seen.now.contains(&key);
        if of_rule && !unknown {
            let sooner = if *number == 1 { i64::from(terms.slice_max) * DAY_MS } else { 0 };
            let ahead = till - now - terms.lead_ms - sooner;
            if ahead > SLACK_MS {
                wrong.push(format!("early: {name}#{number} is sent {ahead} ms before its time"));
            }
        }
        let late_ms = (now - till + terms.lead_ms + SLACK_MS).clamp(0, terms.lead_ms);
        let most = terms.slice_max + u32::try_from(late_ms / DAY_MS).unwrap();
        if of_rule && !by_hand && days > most {
            wrong.push(format!("large: {name}#{number} has {days} days, and may have {most}"));
        }
        if !restored {
            inner.wrong.extend(wrong);
        }
    }

    /// Whether the subscription that a payment belongs to has ended at its provider.
    pub fn was_ended(&self, name: &str) -> bool {
        let payments = self.payments();
        let of = payments.get(name).map(|payment| &payment.subscription);
        payments.values().any(|one| Some(&one.subscription) == of && one.ended_s.is_some())
    }

    /// Whether a payment's subscription was told to have ended, and no money of it came in since.
    fn has_ended(&self, name: &str) -> bool {
        let payments = self.payments();
        let Some(own) = payments.get(name).filter(|own| own.way == Way::Subscription).cloned() else {
            return false;
        };
        let same = payments.values().filter(|one| one.way == Way::Subscription);
        let same: Vec<_> = same.filter(|one| one.subscription == own.subscription).cloned().collect();
        drop(payments);
        let ago = Duration::from_millis(u64::try_from(CALL_AGO_MS).unwrap());
        let known = |name: &str, words: &[&str]| {
            let told = self.told_ago(name, ago);
            words.iter().all(|word| told(word))
        };
        let ends = same.iter().filter(|one| known(&one.name, &["ended"])).filter_map(|one| one.ended_s);
        let paid = same.iter().map(|one| one.paid_s).max();
        known(name, &["invoice", "joined"]) && ends.max() > paid
    }

    /// Notes channels that have less than lead although days are owed on them and nothing keeps these back.
    pub async fn watch_late(&self, person: &Person) {
        let (now, ago) = (self.now(), i64::try_from(LATE.as_millis()).unwrap());
        let low = {
            let lead_ms = self.inner().slices.terms.lead_min_ms;
            let partner = self.partner();
            // Of a channel that was made again nobody knows before its next slice.
            let away = partner.reads_fail_until > now || partner.was_remade;
            let low = partner.channels_until(now - ago + lead_ms);
            let balance = partner.balance;
            drop(partner);
            let mut inner = self.inner();
            let short = balance < i64::from(inner.slices.terms.days_max());
            if away || short || inner.closed {
                inner.slices.disturbed_at = now;
            }
            if now - inner.slices.disturbed_at < ago || !inner.slices.terms.is_on() {
                return;
            }
            low
        };
        let owed = self.owed_on(&low, now - ago);
        if owed.is_empty() || !person.ledger.pauses().await.unwrap().is_empty() {
            return;
        }
        let held = person.ledger.held(&HeldQuery::default(), 1_000, now).await.unwrap();
        for (name, channel) in owed {
            let waits = held.iter().any(|row| match row.cause {
                // Others of the channel go on.
                HeldCause::ChannelMissing
                | HeldCause::ChannelAmbiguous
                | HeldCause::AliasUnknown
                | HeldCause::Stopped
                | HeldCause::Ended
                | HeldCause::Refunded
                | HeldCause::Disputed
                | HeldCause::Restored
                | HeldCause::DaysSpent
                | HeldCause::DaysOwed => {
                    row.payment.as_deref().and_then(|key| self.payment_of(key)).as_deref() == Some(&*name)
                }
                _ => row.channel.as_deref() == Some(&*channel),
            });
            if !waits {
                let what = format!("late: {channel} has too little, and days of {name} are owed on it");
                let mut inner = self.inner();
                if !inner.wrong.contains(&what) {
                    inner.wrong.push(what);
                }
            }
        }
    }

    /// Payments of these channels that were told before `until`, and of which days are owed.
    fn owed_on(&self, channels: &[String], until: Ms) -> Vec<(String, String)> {
        if channels.is_empty() {
            return Vec::new();
        }
        let payments: Vec<_> = {
            let payments = self.payments();
            payments.values().filter(|payment| channels.contains(&payment.channel)).cloned().collect()
        };
        let mut owed = Vec::new();
        for payment in payments {
            let name = &payment.name;
            let told = self.told_ago(name, LATE);
            let all = payment.way.events(Occasion::Paid).iter().all(|word| told(word));
            let as_told = payment.due_as_told(&told).unwrap_or(0);
            let by_hand = self.partner().owed.get(name).copied().unwrap_or(0);
            let moved = days_in_books(self, name) + by_hand;
            let waits = self.inner().slices.stopped.contains_key(name);
            let known = self.was_answered(payment.way.source()) && payment.paid_s * 1000 < until;
            if all && known && !waits && payment.due().min(as_told) > moved && !is_excused(self, name) {
                owed.push((name.clone(), payment.channel.clone()));
            }
        }
        owed
    }
}
