//! A person deletes channels that nobody pays for. What is judged of it: nothing that was told was owed on such a channel,
//! and none was given days while it might still be deleted.

use std::time::Duration;

use async_trait::async_trait;
use daybridge::{
    domain::{
        Ms,
        id::ChannelId,
        reply::{ChannelPage, Deletion, ReadError, Reading, Reply},
    },
    ledger::{RetireChannel, RetirePlan, RetireSelection},
    partner::Partner,
    worker::retire::Retiring,
};
use tokio::time::sleep;

use super::{
    judge::{days_in_books, is_excused},
    payment::{Occasion, Way},
    person::{ACCOUNT, ACT, Person},
    process::{self, Life},
    settings::SETTLE_WINDOW_MS,
    story::words,
    world::World,
};

/// A channel of the plan ran out so long ago, at least.
const EXPIRED_FOR_MS: Ms = 60_000;

/// What was told so long ago is known.
const KNOWN_AFTER: Duration = Duration::from_secs(600);

/// A deletion is applied so long after its call, where it is late.
const LATE_MS: Ms = 20_000;

words! {
    /// How the partner answers deletions.
    Deletes {
        Told = "told",
        /// They are applied, and nobody hears of it.
        Cut = "cut",
        /// The same, later.
        Late = "late",
        /// They are not applied, and nobody hears of it.
        Lost = "lost",
        Refused = "refused",
        NotSent = "unsent",
    }
}

impl World {
    /// A channel is deleted now, or later; what is wrong with that is noted.
    fn deletes(&self, channel: &str, how: Deletes) -> Deletion {
        let now = self.now();
        match how {
            Deletes::Told => Deletion::Deleted { days: self.is_deleted(channel) },
            Deletes::Cut => {
                self.is_deleted(channel);
                Deletion::Unclear("the connection was reset after the call was sent".to_owned())
            }
            Deletes::Late => {
                self.owed_on_deleted(channel);
                self.partner().deletes_at(channel, now + LATE_MS, now);
                Deletion::Unclear("the connection was reset after the call was sent".to_owned())
            }
            Deletes::Lost => Deletion::Unclear("the connection was reset after the call was sent".to_owned()),
            Deletes::Refused => Deletion::Refused { status: 403, message: "forbidden".to_owned() },
            Deletes::NotSent => Deletion::NotSent("connection refused".to_owned()),
        }
    }

    /// Notes a call for a channel whose deletion is under way.
    pub fn watch_deletion(&self, channel: &str) {
        if self.partner().may_go(channel) {
            self.inner()
                .wrong
                .push(format!("retired: {channel} is given days while it may still be deleted"));
        }
    }

    fn is_deleted(&self, channel: &str) -> Option<u32> {
        self.owed_on_deleted(channel);
        let now = self.now();
        let days = self.partner().deletes_at(channel, now, now);
        self.balance_changed();
        days
    }

    /// Days that are owed on a channel which goes: told long ago, kept back by nothing but time or a person.
    fn owed_on_deleted(&self, channel: &str) {
        let payments: Vec<_> = {
            let payments = self.payments();
            payments.values().filter(|payment| payment.channel == channel).cloned().collect()
        };
        for payment in payments {
            let name = &payment.name;
            let told = self.told_ago(name, KNOWN_AFTER);
            let all = payment.way.events(Occasion::Paid).iter().all(|word| told(word));
            let as_told = payment.due_as_told(&told).unwrap_or(0);
            let by_hand = self.partner().owed.get(name).copied().unwrap_or(0);
            let moved = days_in_books(self, name) + by_hand;
            let known = self.was_answered(payment.way.source());
            // Nobody can know whose an alias or a customer is that nobody named.
            let named = moved > 0 || (payment.pointer == channel && payment.way != Way::Customer);
            let restored = self.inner().restored;
            if all
                && known
                && named
                && !restored
                && payment.due().min(as_told) > moved
                && !is_excused(self, name)
            {
                self.inner()
                    .wrong
                    .push(format!("retired: {channel} goes, and days of {name} are owed on it"));
            }
        }
    }
}

/// Her way to the partner.
struct AtHand<'a> {
    partners: process::Partners,
    world: &'a World,
    how: Deletes,
}

#[async_trait]
impl Partner for AtHand<'_> {
    async fn read(&self, channel: &ChannelId) -> Result<Reading, ReadError> {
        self.partners.read(channel).await
    }

    async fn extend(&self, channel: &ChannelId, days: u32, comment: &str, trace_id: &str) -> Reply {
        self.partners.extend(channel, days, comment, trace_id).await
    }

    async fn make_live(&self, channel: &ChannelId) -> Result<(), ReadError> {
        self.partners.make_live(channel).await
    }

    async fn delete(&self, channel: &ChannelId) -> Deletion {
        self.world.little_while(20).await;
        let deletion = self.world.deletes(channel.as_str(), self.how);
        self.world.note(&format!("delete {channel}: {deletion:?}"));
        if matches!(deletion, Deletion::Unclear(_)) {
            sleep(Duration::from_secs(5)).await;
        }
        deletion
    }

    async fn list(&self, offset: u32, count: u32) -> Result<ChannelPage, ReadError> {
        self.partners.list(offset, count).await
    }

    async fn health(&self) -> Result<(), ReadError> {
        self.partners.health().await
    }

    async fn clock(&self) -> Option<i64> {
        self.partners.clock().await
    }
}

impl Person {
    /// Plans which channels go, looks at the plan, and applies it; once more where something of it is left to do.
    pub async fn retires(&self, how: Deletes) {
        let selection = RetireSelection { expired_for_ms: Some(EXPIRED_FOR_MS), ended: false };
        let plan = match self.ledger.retire_plan(ACCOUNT, selection, ACT.who, self.world.now()).await {
            Ok(Some(plan)) => plan,
            Ok(None) => return,
            Err(why) => return self.world.note(&format!("person: nothing retired: {why}")),
        };
        self.world.little_while(5_000).await;
        self.applies(&plan, how).await;
        if let Ok(Some(plan)) = self.ledger.retire_planned(&plan.hash).await {
            self.world.little_while(40_000).await;
            self.applies(&plan, Deletes::Told).await;
        }
    }

    async fn applies(&self, plan: &RetirePlan, how: Deletes) {
        let partners = process::Partners { world: self.world.clone(), life: Life::new() };
        let partner = AtHand { partners, world: &self.world, how };
        let retiring = Retiring {
            partner: &partner,
            ledger: &self.ledger,
            clock: &self.world.time(),
            act: ACT,
            call_timeout: Duration::from_secs(10),
            settle_window: Duration::from_millis(u64::try_from(SETTLE_WINDOW_MS).unwrap()),
            pause: Duration::from_millis(100),
        };
        let tell = |one: &RetireChannel| {
            self.world.note(&format!("person: {} {}: {:?}", one.channel, one.state, one.note));
        };
        if let Err(why) = retiring.apply(plan, tell).await {
            self.world.note(&format!("person: {} not applied: {why}", plan.hash));
        }
    }
}
