//! The partner: its books, and how it answers. What was applied for whom is the truth that the judge goes by.

use std::{collections::BTreeMap, time::Duration};

use daybridge::{
    domain::{
        DAY_MS, Ms,
        id::ChannelId,
        reply::{ChannelPage, ListedChannel, ReadError, Reading, Reply},
    },
    partner::answer::{self, HttpAnswer as Raw},
};

use super::story::{Answer, Debit, Fate, parsed, words};

words! {
    /// Where its documentation is silent, or its service is slow.
    Habit {
        /// `now` or `old`: from when an extension of a channel that ran out counts.
        ExpiredBase = "expired_base",
        /// `yes` or `no`: it extends without a balance.
        Postpaid = "postpaid",
        /// How a call that nothing befalls is answered: `ok`, `ok_no_till`, `ok_empty`.
        Usual = "usual",
        /// The status of too little balance: `402`, `422`.
        NoBalance = "no_balance",
        /// By how much a read may lag, in seconds.
        Stale = "stale",
    }
}

/// A line of its books.
#[derive(Debug, Clone)]
pub struct Line {
    pub at: Ms,
    pub channel: String,
    pub days: u32,
    pub comment: String,
}

/// A channel: each `activeTill` that it had, since when.
#[derive(Debug, Clone, Default)]
struct Channel {
    history: Vec<(Ms, Ms)>,
    deleted: bool,
}

struct Late {
    at: Ms,
    line: Line,
}

/// See the module.
pub struct Partner {
    pub balance: i64,
    pub lines: Vec<Line>,
    /// Lines without a comment.
    pub by_hand: Vec<Line>,
    channels: BTreeMap<String, Channel>,
    habits: BTreeMap<Habit, String>,
    fates: BTreeMap<(String, u32), Fate>,
    calls: BTreeMap<String, u32>,
    late: Vec<Late>,
    /// Channels that are deleted at a time.
    going: BTreeMap<String, Ms>,
    /// Days that a person extended on the panel for a payment.
    pub owed: BTreeMap<String, u32>,
    pub reads_fail_until: Ms,
    /// A channel was deleted and made again.
    pub was_remade: bool,
    /// Days moved by a call that was refused.
    pub lied: bool,
    reads: u32,
}

impl Partner {
    pub fn new() -> Self {
        Self {
            balance: 100_000,
            lines: Vec::new(),
            by_hand: Vec::new(),
            channels: BTreeMap::new(),
            habits: BTreeMap::new(),
            fates: BTreeMap::new(),
            calls: BTreeMap::new(),
            late: Vec::new(),
            going: BTreeMap::new(),
            owed: BTreeMap::new(),
            reads_fail_until: Ms::MIN,
            was_remade: false,
            lied: false,
            reads: 0,
        }
    }

    pub fn habit(&mut self, habit: Habit, value: &str) {
        self.habits.insert(habit, value.to_owned());
    }

    fn has(&self, habit: Habit, value: &str) -> bool {
        self.habits.get(&habit).is_some_and(|has| has == value)
    }

    pub fn channel(&mut self, name: &str, days: i64, now: Ms) {
        let till = now + days * DAY_MS;
        self.channels.insert(name.to_owned(), Channel { history: vec![(Ms::MIN, till)], deleted: false });
    }

    pub fn delete(&mut self, name: &str) {
        if let Some(channel) = self.channels.get_mut(name) {
            channel.deleted = true;
        }
    }

    /// It is deleted at a time, and the days that it has then go back to the balance; how many, if it is now.
    pub fn deletes_at(&mut self, name: &str, at: Ms, now: Ms) -> Option<u32> {
        self.going.insert(name.to_owned(), at);
        let before = self.balance;
        self.goes(now);
        u32::try_from(self.balance - before).ok()
    }

    fn goes(&mut self, now: Ms) {
        let due: Vec<String> =
            self.going.iter().filter(|(_, at)| **at <= now).map(|(name, _)| name.clone()).collect();
        for name in due {
            let at = self.going.remove(&name).unwrap_or(now);
            if let Some(channel) = self.channels.get_mut(&name).filter(|channel| !channel.deleted) {
                channel.deleted = true;
                self.balance += (channel.history.last().unwrap().1 - at).max(0) / DAY_MS;
            }
        }
    }

    /// Whether it may be gone any moment.
    pub fn may_go(&self, name: &str) -> bool {
        self.going.contains_key(name)
    }

    pub fn remake(&mut self, name: &str, now: Ms) {
        if let Some(channel) = self.channels.get_mut(name).filter(|channel| channel.deleted) {
            *channel = Channel { history: vec![(Ms::MIN, now)], deleted: false };
            self.was_remade = true;
        }
    }

    /// The least `activeTill` that a channel had since then.
    pub fn least_till(&self, name: &str, since: Ms) -> Ms {
        let history = self.channels.get(name).map(|channel| &*channel.history).unwrap_or_default();
        let from = history.iter().rposition(|(at, _)| *at <= since).unwrap_or(0);
        history[from.min(history.len())..].iter().map(|(_, till)| *till).min().unwrap_or(Ms::MIN)
    }

    /// Whether days came to a channel when it had none left.
    pub fn had_run_out(&self, name: &str) -> bool {
        let history = self.channels.get(name).map(|channel| &*channel.history).unwrap_or_default();
        history.windows(2).any(|two| matches!(two, [(_, till), (at, _)] if till < at))
    }

    /// Channels that run out before that time.
    pub fn channels_until(&self, before: Ms) -> Vec<String> {
        let there = self.channels.iter().filter(|(_, channel)| !channel.deleted);
        let low = there.filter(|(_, channel)| channel.history.last().unwrap().1 < before);
        low.map(|(name, _)| name.clone()).collect()
    }

    /// One that it knows.
    pub fn any_but(&self, name: &str) -> Option<String> {
        self.channels.keys().find(|known| *known != name && self.knows(known)).cloned()
    }

    pub fn knows(&self, name: &str) -> bool {
        self.channels.get(name).is_some_and(|channel| !channel.deleted)
    }

    pub fn fate(&mut self, payment: &str, number: u32, fate: Fate) {
        self.fates.insert((payment.to_owned(), number), fate);
    }

    /// Nothing befalls any call any more.
    pub fn heal(&mut self) {
        self.fates.clear();
        self.reads_fail_until = Ms::MIN;
        self.habits.remove(&Habit::Usual);
    }

    /// What is applied by itself at a time.
    pub fn run_late(&mut self, now: Ms) {
        self.goes(now);
        while let Some(first) =
            (0..self.late.len()).filter(|at| self.late[*at].at <= now).min_by_key(|at| self.late[*at].at)
        {
            let late = self.late.remove(first);
            self.apply(late.line, late.at);
        }
    }

    fn apply(&mut self, line: Line, now: Ms) {
        let from_now = !self.has(Habit::ExpiredBase, "old");
        let Some(channel) = self.channels.get_mut(&line.channel) else {
            return;
        };
        let before = channel.history.last().unwrap().1;
        let base = if before < now && from_now { now } else { before };
        channel.history.push((now, base + i64::from(line.days) * DAY_MS));
        self.balance -= i64::from(line.days);
        let lines = if line.comment.is_empty() { &mut self.by_hand } else { &mut self.lines };
        lines.push(Line { at: now, ..line });
    }

    /// Somebody presses Extend on the panel.
    pub fn by_hand(&mut self, channel: &str, days: u32, now: Ms) {
        if self.knows(channel) {
            self.apply(Line { at: now, channel: channel.to_owned(), days, comment: String::new() }, now);
        }
    }

    /// Days that were owed for a payment, extended on the panel.
    pub fn owed_by_hand(&mut self, payment: &str, channel: &str, days: u32, now: Ms) {
        self.by_hand(channel, days, now);
        *self.owed.entry(payment.to_owned()).or_default() += days;
    }

    pub fn read(&mut self, channel: &ChannelId, now: Ms) -> Result<Reading, ReadError> {
        if now < self.reads_fail_until {
            return reading(503, "upstream connect error", channel);
        }
        if !self.knows(channel.as_str()) {
            return reading(404, r#"{"error":{"code":404,"message":"channel not found"}}"#, channel);
        }
        // Each read lags by another time, none by more than the habit says.
        self.reads += 1;
        let stale: i64 = self.habits.get(&Habit::Stale).map_or(0, |text| text.parse().unwrap());
        let seen_at = now - stale * 1000 * i64::from(self.reads % 3) / 2;
        let history = &self.channels[channel.as_str()].history;
        let till = history.iter().rev().find(|(at, _)| *at <= seen_at).map_or(0, |(_, till)| *till);
        let body =
            format!(r#"{{"id":"{}","activeTill":{till},"mode":"live","status":"active"}}"#, channel.as_str());
        reading(200, &body, channel)
    }

    /// One call for a payment.
    pub fn extend(&mut self, payment: &str, line: Line, channel: &ChannelId) -> (Reply, Option<Duration>) {
        let now = line.at;
        let call = self.calls.entry(payment.to_owned()).or_default();
        *call += 1;
        let fate = self.fates.remove(&(payment.to_owned(), *call));
        let usual = self
            .habits
            .get(&Habit::Usual)
            .and_then(|word| parsed(Answer::ALL, Answer::word, word))
            .unwrap_or(Answer::Whole);
        let fate = fate.unwrap_or(Fate { debit: Debit::Applied, answer: usual });
        if !self.knows(channel.as_str()) {
            return (self.answer(Answer::NotFound, channel, now), None);
        }
        if self.balance < i64::from(line.days) && !self.has(Habit::Postpaid, "yes") {
            let answer = if self.has(Habit::NoBalance, "422") { Answer::Invalid } else { Answer::NoBalance };
            return (self.answer(answer, channel, now), None);
        }
        let refusal = matches!(fate.answer, Answer::Invalid | Answer::NoBalance | Answer::Throttled);
        // There are days enough, here.
        let no_balance = matches!(fate.answer, Answer::Invalid | Answer::NoBalance);
        self.lied |= no_balance || (refusal && fate.debit != Debit::Not);
        match fate.debit {
            Debit::Applied => self.apply(line, now),
            Debit::Not => {}
            Debit::Late(late) => {
                let at = now + i64::try_from(late.as_millis()).unwrap();
                self.late.push(Late { at, line });
            }
        }
        let hangs = (fate.answer == Answer::Cut).then_some(Duration::from_secs(5));
        (self.answer(fate.answer, channel, now), hangs)
    }

    fn answer(&self, answer: Answer, channel: &ChannelId, now: Ms) -> Reply {
        let error =
            |code: u16, text: &str| (code, format!(r#"{{"error":{{"code":{code},"message":"{text}"}}}}"#));
        let till = self.channels.get(channel.as_str()).map_or(0, |channel| channel.history.last().unwrap().1);
        let (status, body) = match answer {
            Answer::Cut => {
                return Reply::Unclear("the connection was reset after the call was sent".into());
            }
            Answer::NotSent => return Reply::NotSent("connection refused".into()),
            Answer::Whole => {
                (200, format!(r#"{{"id":"{}","activeTill":{till},"status":"active"}}"#, channel.as_str()))
            }
            Answer::NoTill => (200, r#"{"success":true}"#.to_owned()),
            Answer::Empty => (200, String::new()),
            Answer::SaysNo => (200, r#"{"success":false}"#.to_owned()),
            Answer::Server => (503, "<html>upstream connect error</html>".to_owned()),
            Answer::Html403 => (403, "<html>blocked</html>".to_owned()),
            Answer::Conflict => error(409, "conflict"),
            Answer::NoBalance => error(402, "not enough days on the balance"),
            Answer::Invalid => error(422, "not enough days"),
            Answer::NotFound => error(404, "channel not found"),
            Answer::NoToken => error(401, "unauthorized"),
            Answer::Throttled => error(429, "too many requests"),
        };
        answer::reply(&raw(status, &body), channel, now, "token")
    }

    pub fn list(&self, offset: u32, count: u32) -> ChannelPage {
        let channels = self.channels.iter().filter(|(_, channel)| !channel.deleted);
        let page = channels.skip(offset as usize).take(count as usize);
        let channels: Vec<_> = page
            .map(|(name, channel)| ListedChannel {
                channel: ChannelId::parse(name).unwrap(),
                name: None,
                phone: None,
                mode: None,
                active_till: Some(channel.history.last().unwrap().1),
            })
            .collect();
        ChannelPage { shown: u32::try_from(channels.len()).unwrap(), channels }
    }
}

fn raw(status: u16, body: &str) -> Raw<'_> {
    let content_type = if body.starts_with('<') { "text/html" } else { "application/json" };
    Raw { status, content_type: Some(content_type), retry_after: None, body: body.as_bytes() }
}

fn reading(status: u16, body: &str, channel: &ChannelId) -> Result<Reading, ReadError> {
    answer::reading(&raw(status, body), channel, "token")
}
