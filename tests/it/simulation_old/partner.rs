//! The partner as the simulation sees it: one book of channels, with every switch and fault of the facts
//! sheet drawn from the seed, and the ground truth of what was applied for whom.

use daybridge::domain::{
    DAY_MS, Ms,
    reply::{ReadError, Reading, Reply},
};

/// What one seed decides once.
#[derive(Debug, Clone)]
pub struct Switches {
    pub expired_base_is_now: bool,
    /// 0 full channel, 1 `{"success":true}`, 2 empty.
    pub answer: u8,
    pub fault_percent: u32,
    pub stale_ms_max: i64,
    pub late_ms_max: i64,
    pub balance: i64,
    pub postpaid: bool,
    /// A refusal and a throttle may come after the debit.
    pub hides: bool,
}

#[derive(Debug, Clone)]
struct Channel {
    /// (time, activeTill), oldest first.
    history: Vec<(Ms, Ms)>,
}

/// An extension on its way: applied when its time comes.
#[derive(Debug, Clone)]
struct Late {
    at: Ms,
    channel: usize,
    days: u32,
    transfer: usize,
}

pub struct Partner {
    pub switches: Switches,
    channels: Vec<Channel>,
    late: Vec<Late>,
    /// How often each transfer's days were applied.
    pub applied: Vec<u32>,
    pub balance: i64,
}

impl Partner {
    pub fn new(switches: Switches, channels: &[Ms], transfers: usize) -> Self {
        let balance = switches.balance;
        Self {
            switches,
            channels: channels.iter().map(|till| Channel { history: vec![(Ms::MIN, *till)] }).collect(),
            late: Vec::new(),
            applied: vec![0; transfers],
            balance,
        }
    }

    pub fn active_till(&self, channel: usize) -> Ms {
        self.channels[channel].history.last().unwrap().1
    }

    fn apply(&mut self, channel: usize, days: u32, now: Ms) -> Ms {
        let before = self.active_till(channel);
        let base = if before < now && self.switches.expired_base_is_now { now } else { before };
        let after = base + i64::from(days) * DAY_MS;
        self.channels[channel].history.push((now, after));
        self.balance -= i64::from(days);
        after
    }

    /// The next time something happens by itself.
    pub fn next_late(&self) -> Option<Ms> {
        self.late.iter().map(|l| l.at).min()
    }

    pub fn run_late(&mut self, now: Ms) {
        let (due, rest): (Vec<_>, Vec<_>) = self.late.drain(..).partition(|l| l.at <= now);
        self.late = rest;
        for late in due {
            self.apply(late.channel, late.days, now);
            self.applied[late.transfer] += 1;
        }
    }

    /// Somebody presses Extend on the panel.
    pub fn by_hand(&mut self, channel: usize, days: u32, now: Ms) {
        self.apply(channel, days, now);
    }

    pub fn read(&self, channel: usize, now: Ms, rng: &mut fastrand::Rng) -> Result<Reading, ReadError> {
        if rng.u32(..100) < self.switches.fault_percent / 2 {
            return Err(ReadError::Failed("503".into()));
        }
        let seen_at = now - rng.i64(0..=self.switches.stale_ms_max);
        let history = &self.channels[channel].history;
        let (_, active_till) = *history.iter().rev().find(|(at, _)| *at <= seen_at).unwrap();
        Ok(Reading { active_till, mode: None })
    }

    /// One extend call. The second value: the partner's page was an HTML 403 of its CDN.
    pub fn extend(
        &mut self,
        channel: usize,
        days: u32,
        transfer: usize,
        now: Ms,
        rng: &mut fastrand::Rng,
    ) -> (Reply, bool) {
        if !self.switches.postpaid && self.balance < i64::from(days) {
            return (Reply::Refused { status: 402, message: "not enough days".into(), balance: true }, false);
        }
        let unclear = |text: &str| Reply::Unclear(text.to_owned());
        if rng.u32(..100) < self.switches.fault_percent {
            let applied = rng.bool();
            match rng.u8(..9) {
                0 => return (Reply::NotSent("refused".into()), false),
                1 => {
                    self.maybe(applied && self.switches.hides, channel, days, transfer, now);
                    return (Reply::Throttled { retry_after_ms: rng.bool().then_some(3_000) }, false);
                }
                2 => {
                    self.maybe(applied && self.switches.hides, channel, days, transfer, now);
                    let (status, balance) = if rng.u8(..4) == 0 { (402, true) } else { (422, false) };
                    return (Reply::Refused { status, message: "no".into(), balance }, false);
                }
                3 | 4 => {
                    let at = now + rng.i64(1..=self.switches.late_ms_max);
                    self.late.push(Late { at, channel, days, transfer });
                    return (unclear("timeout"), false);
                }
                5 => {
                    self.maybe(applied, channel, days, transfer, now);
                    return (unclear("403 with HTML"), true);
                }
                // 200 {"success":false}, or 200 cut: read as unclear by the client.
                6 => return (unclear("200 success false"), false),
                _ => {
                    self.maybe(applied, channel, days, transfer, now);
                    return (unclear("reset"), false);
                }
            }
        }
        let after = self.apply(channel, days, now);
        self.applied[transfer] += 1;
        let reply = match self.switches.answer {
            0 => Reply::Accepted { active_till: Some(after) },
            1 => Reply::Accepted { active_till: None },
            _ => unclear("200 empty"),
        };
        (reply, false)
    }

    fn maybe(&mut self, applied: bool, channel: usize, days: u32, transfer: usize, now: Ms) {
        if applied {
            self.apply(channel, days, now);
            self.applied[transfer] += 1;
        }
    }
}
