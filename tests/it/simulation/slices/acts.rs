//! What a person does about days that are owed, and what the dashboard shows her.

use daybridge::{
    domain::{Ms, id::ChannelId},
    ledger::{Grant, LedgerError, Moved, view::MarkKind},
};

use super::{
    super::{
        payment::{Payment, Way},
        person::{ACCOUNT, ACT, Person},
        story::Step,
        world::World,
    },
    judge::numbered,
};

impl World {
    /// Hand-made days so far.
    fn hand_days(&self) -> i64 {
        self.partner().by_hand.iter().map(|line| i64::from(line.days)).sum()
    }

    /// A payment is another channel's now; whose it was.
    fn given(&self, name: &str, channel: &str) -> Option<String> {
        let mut payments = self.payments();
        payments.get_mut(name).map(|payment| std::mem::replace(&mut payment.channel, channel.to_owned()))
    }

    /// A copy of the ledger that was made then knows of no gift since.
    pub fn forgets_gifts(&self, made_at: Ms) {
        let mut gifts = std::mem::take(&mut self.inner().slices.gifts);
        let kept = gifts.partition_point(|(at, ..)| *at < made_at);
        for (_, name, before) in gifts.drain(kept..).rev() {
            self.given(&name, &before);
        }
        self.inner().slices.gifts = gifts;
    }

    /// What a person said of the balance is not so any more.
    pub fn balance_changed(&self) -> bool {
        let mut inner = self.inner();
        inner.slices.disturbed_at = self.now();
        inner.slices.marked.take().is_some()
    }
}

impl Person {
    /// What a step says of a payment.
    pub async fn acts(&self, step: &Step) {
        let (name, done) = match step {
            Step::StopPayment(name) => (name, self.stop(name).await),
            Step::Go(name) => (name, self.go(name).await),
            Step::Move { payment, channel } => (payment, self.gives(payment, channel).await),
            Step::SliceNow { payment, days } => (payment, self.slice_now(payment, *days).await),
            Step::Grant { key, channel, days } => (key, self.grant(key, channel, *days).await),
            _ => return,
        };
        if let Err(why) = done {
            self.world.note(&format!("person: {name}: not done: {why}"));
        }
    }

    async fn known(&self, name: &str) -> Result<String, LedgerError> {
        self.key_of(name).await.ok_or_else(|| LedgerError::Refused("it is not known yet".to_owned()))
    }

    async fn stop(&self, name: &str) -> Result<(), LedgerError> {
        let (key, now) = (self.known(name).await?, self.world.now());
        self.ledger.stop(&key, &ACT, now).await?;
        let seen = &mut self.world.inner().slices;
        seen.stopped.insert(name.to_owned(), now);
        seen.touched.insert(name.to_owned());
        Ok(())
    }

    pub async fn go(&self, name: &str) -> Result<(), LedgerError> {
        let (key, now) = (self.known(name).await?, self.world.now());
        self.ledger.go(&key, &ACT, now).await?;
        let seen = &mut self.world.inner().slices;
        seen.stopped.remove(name);
        seen.gone_on.insert(name.to_owned());
        Ok(())
    }

    /// What is left of a payment is another channel's.
    pub async fn gives(&self, name: &str, channel: &str) -> Result<(), LedgerError> {
        let (key, now) = (self.known(name).await?, self.world.now());
        let moved = Moved { channel: ChannelId::parse(channel).unwrap(), returned: 0, force: false };
        self.ledger.move_rest(&key, &moved, &ACT, now).await?;
        let before = self.world.given(name, channel);
        let seen = &mut self.world.inner().slices;
        seen.gifts.extend(before.map(|before| (now, name.to_owned(), before)));
        seen.moved.insert(name.to_owned(), now);
        seen.touched.insert(name.to_owned());
        Ok(())
    }

    async fn slice_now(&self, name: &str, days: u32) -> Result<(), LedgerError> {
        let (key, now) = (self.known(name).await?, self.world.now());
        let transfer = self.ledger.slice_now(&key, Some(days), &ACT, now).await?;
        let slice = numbered(&self.world, &transfer);
        self.world.inner().slices.now.extend(slice);
        Ok(())
    }

    /// Once per key: what is granted first is what was bought.
    async fn grant(&self, key: &str, channel: &str, days: u32) -> Result<(), LedgerError> {
        let (account, now) = (ACCOUNT.to_owned(), self.world.now());
        let channel_id = ChannelId::parse(channel).unwrap();
        let grant =
            Grant { key: key.to_owned(), channel: channel_id, days, account, new: false, force: false };
        let known = self.world.payments().contains_key(key);
        if known && self.world.inner().restored {
            return Err(LedgerError::Refused("a restored ledger may not know it any more".to_owned()));
        }
        let (_, before) = self.ledger.grant(&grant, &ACT, now).await?;
        if before != known {
            let said = if before { "granted before" } else { "granted anew" };
            self.world.inner().wrong.push(format!("grant: {key} is {said}"));
        }
        let granted =
            || Payment::new((key, Way::Granted), (channel, ""), days, i64::from(days) * 30, now / 1000);
        self.world.payments().entry(key.to_owned()).or_insert_with(granted);
        Ok(())
    }

    /// She looks whether what is known of the balance has in it what the dashboard shows, and says that.
    pub async fn mark(&self) {
        self.look_at_balance().await;
        // A late debit may leave less than nothing there, which cannot be said.
        let (shown, now) = (self.world.partner().balance, self.world.now());
        self.ledger.mark_balance(ACCOUNT, MarkKind::Set, shown.max(0), &ACT, now).await.unwrap();
        let by_hand = self.world.hand_days();
        self.world.inner().slices.marked = (shown >= 0).then_some(by_hand);
    }

    pub async fn look_at_balance(&self) {
        let known = self.ledger.balance(ACCOUNT, None, self.world.now()).await.unwrap();
        let by_hand = self.world.hand_days();
        let (truth, lied) = {
            let partner = self.world.partner();
            // A late debit may leave less than nothing, which nobody can know.
            (partner.balance.max(0), partner.lied)
        };
        let mut inner = self.world.inner();
        let Some(before) = inner.slices.marked.filter(|_| !inner.restored && inner.clocks.is_empty()) else {
            return;
        };
        let (Some(low), Some(high)) = (known.low, known.high) else { return };
        // What is said rests on refusals. What hands moved is known with the next reading of their channel.
        if !lied && (truth > high || truth < low - (by_hand - before)) {
            inner.wrong.push(format!("balance: {truth} days are on it, and {low} to {high} are told"));
        }
    }
}
