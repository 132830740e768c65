//! The partner's books, pure: the balance, the channels, and every extend. `now` is an argument, so that a
//! seeded simulation can use the same model as the HTTP simulator. An extend is never idempotent: each accepted
//! call debits the balance and adds the days in one step, whatever its comment.

use std::collections::{BTreeMap, VecDeque};

use super::{
    record::{By, Extend, SimChannel, SimRefusal, TRIAL_ACTIVE_DAYS, TRIAL_DAYS, blank},
    switches::{ExpiredBase, Switches, TooLittleBalance},
};
use crate::domain::{DAY_MS, Ms};

/// Creations within [`CREATIONS_WINDOW_MS`]; one more is answered 429.
pub const CREATIONS_MAX: usize = 20;

/// See [`CREATIONS_MAX`], in ms.
pub const CREATIONS_WINDOW_MS: i64 = 30 * 60_000;

/// Past states kept per channel for stale reads; older ones are forgotten.
pub const HISTORY_MAX: usize = 256;

/// Lines of the extend log kept; older ones are forgotten.
pub const EXTENDS_MAX: usize = 100_000;

#[derive(Debug, Clone)]
struct Entry {
    channel: SimChannel,
    /// What it was from when on, oldest first; the newest equals `channel`.
    history: VecDeque<(Ms, SimChannel)>,
}

/// The partner's books.
#[derive(Debug, Clone, Default)]
pub struct Book {
    balance_days: i64,
    /// A days webhook fires when the balance falls to this or below.
    pub days_limit: Option<i64>,
    channels: BTreeMap<String, Entry>,
    extends: VecDeque<Extend>,
    creations: VecDeque<Ms>,
    created: u64,
    crossed: VecDeque<i64>,
}

impl Book {
    /// Books with a balance and nothing else.
    pub fn new(balance_days: i64) -> Self {
        Self { balance_days, ..Self::default() }
    }

    /// Days on the account; below zero where debts are allowed.
    pub fn balance(&self) -> i64 {
        self.balance_days
    }

    /// Sets the balance.
    pub fn set_balance(&mut self, days: i64) {
        self.move_balance(days.saturating_sub(self.balance_days));
    }

    /// Every extend asked for, oldest first.
    pub fn extends(&self) -> impl Iterator<Item = &Extend> {
        self.extends.iter()
    }

    /// The next balance at which the limit was crossed downwards, once each.
    pub fn take_crossed(&mut self) -> Option<i64> {
        self.crossed.pop_front()
    }

    /// Writes a line about an extend that did not reach the books.
    pub fn note(&mut self, line: Extend) {
        if self.extends.len() >= EXTENDS_MAX {
            self.extends.pop_front();
        }
        self.extends.push_back(line);
    }

    /// Adds days to a channel for an API call; each accepted call does it again.
    pub fn extend(
        &mut self,
        now: Ms,
        id: &str,
        days: i64,
        comment: Option<&str>,
        switches: &Switches,
    ) -> Result<SimChannel, SimRefusal> {
        let done = self.apply(now, id, days, comment, By::Api, switches);
        self.note(Extend {
            at: now,
            channel: id.to_owned(),
            days,
            comment: comment.map(str::to_owned),
            applied: done.is_ok(),
            by: By::Api,
            note: done.as_ref().err().map(|why| format!("{} {why}", why.status())).unwrap_or_default(),
        });
        done
    }

    /// Adds days behind the caller's back: by the panel or a card renewal.
    pub fn move_days(
        &mut self,
        now: Ms,
        id: &str,
        days: i64,
        by: By,
        switches: &Switches,
    ) -> Result<SimChannel, SimRefusal> {
        let done = self.apply(now, id, days, Some(""), by, switches)?;
        let (channel, note) = (id.to_owned(), String::new());
        self.note(Extend { at: now, channel, days, comment: None, applied: true, by, note });
        Ok(done)
    }

    fn apply(
        &mut self,
        now: Ms,
        id: &str,
        days: i64,
        comment: Option<&str>,
        by: By,
        switches: &Switches,
    ) -> Result<SimChannel, SimRefusal> {
        let entry = self.channels.get_mut(id).ok_or(SimRefusal::UnknownChannel)?;
        if days < 1 && !switches.accept_bad_days {
            return Err(SimRefusal::BadDays);
        }
        if by == By::Api
            && comment.is_none_or(|text| text.trim().is_empty())
            && !switches.accept_missing_comment
        {
            return Err(SimRefusal::MissingComment);
        }
        if by != By::Renewal
            && days > self.balance_days
            && let Some(status) = TooLittleBalance::status(switches.too_little_balance)
        {
            return Err(SimRefusal::TooLittleBalance(status));
        }
        let till = entry.channel.active_till;
        let base = match switches.expired_base {
            ExpiredBase::Now => till.max(now),
            ExpiredBase::Old => till,
        };
        entry.channel.active_till = base.saturating_add(days.saturating_mul(DAY_MS));
        entry.remember(now);
        let channel = entry.channel.clone();
        if by != By::Renewal {
            self.move_balance(days.saturating_neg());
        }
        Ok(shown(channel, now, switches))
    }

    fn move_balance(&mut self, by: i64) {
        let before = self.balance_days;
        self.balance_days = before.saturating_add(by);
        if self.days_limit.is_some_and(|limit| before > limit && self.balance_days <= limit) {
            self.crossed.push_back(self.balance_days);
        }
    }

    /// A channel as `GET` shows it: up to `stale_reads_ms` old, never older than its creation.
    pub fn read(&self, now: Ms, id: &str, switches: &Switches) -> Result<SimChannel, SimRefusal> {
        let entry = self.channels.get(id).ok_or(SimRefusal::UnknownChannel)?;
        let seen = now.saturating_sub(switches.stale_reads_ms);
        let past = entry.history.iter().rev().find(|(since, _)| *since <= seen).or(entry.history.front());
        let channel = past.map_or_else(|| entry.channel.clone(), |(_, channel)| channel.clone());
        Ok(shown(channel, now, switches))
    }

    /// Every channel as it is, in order of ids.
    pub fn channels(&self, now: Ms, switches: &Switches) -> Vec<SimChannel> {
        self.channels.values().map(|entry| shown(entry.channel.clone(), now, switches)).collect()
    }

    /// Creates a channel for an API call.
    pub fn create(
        &mut self,
        now: Ms,
        name: &str,
        project_id: &str,
        phone: Option<&str>,
        switches: &Switches,
    ) -> Result<SimChannel, SimRefusal> {
        while self.creations.front().is_some_and(|at| now.saturating_sub(*at) >= CREATIONS_WINDOW_MS) {
            self.creations.pop_front();
        }
        if self.creations.len() >= CREATIONS_MAX {
            return Err(SimRefusal::TooManyCreations);
        }
        self.creations.push_back(now);
        self.created = self.created.saturating_add(1);
        let mut channel = blank(&format!("SIMCHN-{:05X}", self.created), now);
        name.clone_into(&mut channel.name);
        project_id.clone_into(&mut channel.project_id);
        channel.phone = phone.map(str::to_owned);
        if switches.trial_on_create {
            channel.trial = Some(now.saturating_add(TRIAL_DAYS * DAY_MS));
            channel.active_till = now.saturating_add(TRIAL_ACTIVE_DAYS * DAY_MS);
            channel.mode = Some("trial".into());
        }
        self.add(now, channel.clone())?;
        Ok(channel)
    }

    /// Puts a channel of one's own making into the books; see [`blank`].
    pub fn add(&mut self, now: Ms, channel: SimChannel) -> Result<(), SimRefusal> {
        if self.channels.contains_key(&channel.id) {
            return Err(SimRefusal::Exists);
        }
        let mut entry = Entry { channel, history: VecDeque::new() };
        entry.remember(now);
        self.channels.insert(entry.channel.id.clone(), entry);
        Ok(())
    }

    /// Deletes a channel; its whole unused days go back to the balance, a trial's do not.
    pub fn delete(&mut self, now: Ms, id: &str) -> Result<i64, SimRefusal> {
        let Entry { channel, .. } = self.channels.remove(id).ok_or(SimRefusal::UnknownChannel)?;
        let whole = channel.active_till.saturating_sub(now).max(0) / DAY_MS;
        let days = if channel.mode.as_deref() == Some("live") { whole } else { 0 };
        self.move_balance(days);
        Ok(days)
    }

    /// Sets the mode; idempotent.
    pub fn set_mode(
        &mut self,
        now: Ms,
        id: &str,
        mode: &str,
        switches: &Switches,
    ) -> Result<SimChannel, SimRefusal> {
        let entry = self.channels.get_mut(id).ok_or(SimRefusal::UnknownChannel)?;
        entry.channel.mode = Some(mode.to_owned());
        entry.remember(now);
        Ok(shown(entry.channel.clone(), now, switches))
    }
}

impl Entry {
    fn remember(&mut self, now: Ms) {
        if self.history.len() >= HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back((now, self.channel.clone()));
    }
}

fn shown(mut channel: SimChannel, now: Ms, switches: &Switches) -> SimChannel {
    channel.stopped = now.saturating_sub(channel.active_till) > switches.stop_delay_ms;
    channel
}
