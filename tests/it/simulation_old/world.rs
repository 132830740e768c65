//! Two workers, a ledger, a partner and a clock, all driven by one seed. The workers run the real
//! [`step`](daybridge::domain::settle::step) in the order of the real worker: step, commit by
//! compare-and-set, effect. Between any two of these a worker may crash, stop for longer than its lease and
//! the window, or lose its lease.

use daybridge::domain::{
    DAY_MS, Ms,
    channel::{Channel, Movement},
    reply::Reply,
    settle::{Cause, Effect, How, Input, Outcome, Policy, State, Step, step},
};

use super::{
    mutation::Mutation,
    partner::{Partner, Switches},
};

pub const CALL_TIMEOUT_MS: i64 = 10_000;
pub const WINDOW_MS: i64 = 60_000;
const LEASE_MS: i64 = 25_000;
/// Most events of one run; reaching it means that something never comes to rest.
const EVENTS_MAX: usize = 20_000;

/// The three cases that design §6 names as not closed; a seed has at most one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclosed {
    /// A hand-made extension of exactly the same days inside the window.
    SameDaysByHand,
    /// A commit later than the window.
    VeryLateCommit,
    /// A worker frozen between the deadline check and the send.
    FrozenAfterCheck,
}

#[derive(Debug, Clone)]
pub(super) struct Transfer {
    pub(super) channel: usize,
    /// What the money covers now.
    pub(super) days: u32,
    /// What was bought.
    pub(super) bought: u32,
    pub(super) state: State,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) channel: Channel,
    pub(super) epoch: i64,
    pub(super) lease_until: Ms,
}

#[derive(Debug, Clone)]
enum Doing {
    Idle,
    Step {
        at: At,
        deadline: Ms,
        input: Input,
    },
    Effect {
        at: At,
        deadline: Ms,
        effect: Effect,
    },
    /// The deadline check is behind it, the send before it.
    Send {
        at: At,
    },
}

/// A turn as its worker remembers it; the ledger may have gone on.
#[derive(Debug, Clone)]
struct At {
    channel: usize,
    transfer: usize,
    epoch: i64,
    state: State,
    known: Channel,
}

#[derive(Debug, Clone)]
struct Worker {
    doing: Doing,
    wake: Ms,
}

pub struct World {
    pub(super) rng: fastrand::Rng,
    pub(super) now: Ms,
    pub(super) partner: Partner,
    pub(super) rows: Vec<Row>,
    pub(super) transfers: Vec<Transfer>,
    workers: Vec<Worker>,
    movements: Vec<(usize, Movement)>,
    by_hand: Vec<(Ms, usize, u32)>,
    /// When a person looks at what is held, or money goes out or comes back.
    people: Vec<Ms>,
    pub(super) no_balance: bool,
    policy: Policy,
    unclosed: Option<Unclosed>,
    mutation: Option<Mutation>,
    pub log: Vec<String>,
}

impl World {
    pub fn new(seed: u64, mutation: Option<Mutation>) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let now = 1_800_000_000_000;
        let unclosed = match rng.u8(..10) {
            0 => Some(Unclosed::SameDaysByHand),
            1 => Some(Unclosed::VeryLateCommit),
            2 => Some(Unclosed::FrozenAfterCheck),
            _ => None,
        };
        let channels: Vec<Ms> =
            (0..2).map(|_| now + rng.i64(-40..40) * DAY_MS + rng.i64(-5_000..5_000) * 1_000).collect();
        let same_days = rng.bool();
        let channels_used = rng.usize(1..=2);
        let transfers: Vec<Transfer> = (0..rng.usize(2..=5))
            .map(|_| {
                let days = if same_days { 30 } else { rng.u32(30..=31) };
                let state = State::planned(now + rng.i64(0..90_000));
                Transfer { channel: rng.usize(..channels_used), days, bought: days, state }
            })
            .collect();
        let switches = Switches {
            expired_base_is_now: rng.bool(),
            answer: rng.u8(..3),
            fault_percent: [0, 20, 50, 80][rng.usize(..4)],
            stale_ms_max: [0, 2_000, 6_000][rng.usize(..3)],
            late_ms_max: if unclosed == Some(Unclosed::VeryLateCommit) {
                4 * WINDOW_MS
            } else {
                WINDOW_MS / 2
            },
            balance: if rng.u8(..5) == 0 { 45 } else { 10_000 },
            postpaid: rng.u8(..5) == 0,
            hides: rng.bool(),
        };
        let by_hand = (0..rng.usize(..3))
            .map(|_| {
                let days = if unclosed == Some(Unclosed::SameDaysByHand) { 30 } else { 7 };
                (now + rng.i64(0..180_000), rng.usize(..2), days)
            })
            .collect();
        let people = (0..rng.usize(..8)).map(|_| now + rng.i64(0..10 * WINDOW_MS)).collect();
        let policy = Policy {
            settle_window_ms: WINDOW_MS,
            retry_unmoved: rng.u8(..4) != 0,
            skew_ms: 2_000,
            ensure_live: false,
        };
        Self {
            partner: Partner::new(switches, &channels, transfers.len()),
            rows: vec![Row::default(); 2],
            transfers,
            workers: vec![
                Worker { doing: Doing::Idle, wake: now },
                Worker { doing: Doing::Idle, wake: now + 7 },
            ],
            movements: Vec::new(),
            by_hand,
            people,
            no_balance: false,
            policy,
            unclosed,
            mutation,
            log: Vec::new(),
            now,
            rng,
        }
    }

    fn broken(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// Runs to rest, lets an operator decide by the ground truth, runs to rest again, and checks after each.
    pub fn run(&mut self) -> Result<(), String> {
        self.come_to_rest()?;
        self.check()?;
        for round in 0..4 {
            if !self.operate() {
                break;
            }
            self.come_to_rest().map_err(|e| format!("round {round}: {e}"))?;
            self.check()?;
        }
        Ok(())
    }

    fn come_to_rest(&mut self) -> Result<(), String> {
        for _ in 0..EVENTS_MAX {
            let late = self.partner.next_late();
            let hand = self.by_hand.iter().map(|(at, ..)| *at).min();
            let person = self.people.iter().copied().min();
            let worker = (0..self.workers.len()).min_by_key(|w| self.worker_wake(*w)).unwrap();
            let wake = self.worker_wake(worker);
            let next =
                [late, hand, person].into_iter().flatten().chain((wake < Ms::MAX).then_some(wake)).min();
            let Some(next) = next else { return Ok(()) };
            self.now = self.now.max(next);
            if late == Some(next) {
                self.partner.run_late(self.now);
            } else if hand == Some(next) {
                let index = self.by_hand.iter().position(|(at, ..)| *at == next).unwrap();
                let (_, channel, days) = self.by_hand.swap_remove(index);
                self.partner.by_hand(channel, days, self.now);
                self.note(format!("by hand: {days} days on channel {channel}"));
            } else if person == Some(next) {
                self.people.retain(|at| *at != next);
                self.somebody_acts();
            } else {
                self.work(worker)?;
            }
        }
        Err("the run does not come to rest".into())
    }

    /// When the worker does something next; never, where it is idle and nothing is due.
    fn worker_wake(&self, worker: usize) -> Ms {
        let this = &self.workers[worker];
        match this.doing {
            Doing::Idle => (0..self.rows.len())
                .filter_map(|c| self.channel_due(c))
                .min()
                .map_or(Ms::MAX, |due| due.max(this.wake)),
            Doing::Step { .. } | Doing::Effect { .. } | Doing::Send { .. } => this.wake,
        }
    }

    fn next_transfer(&self, channel: usize) -> Option<(usize, Ms)> {
        let mine = || self.transfers.iter().enumerate().filter(|(_, t)| t.channel == channel);
        if let Some((index, open)) = mine().find(|(_, t)| t.state.open()) {
            return open.state.due().map(|due| (index, due));
        }
        let planned = mine()
            .filter_map(|(i, t)| matches!(t.state, State::Planned { .. }).then_some(i).zip(t.state.due()))
            .filter(|_| !self.no_balance)
            .min_by_key(|(_, due)| (*due).max(self.now));
        let watched = mine()
            .filter_map(|(i, t)| matches!(t.state, State::Settled { .. }).then_some(i).zip(t.state.due()))
            .min_by_key(|(_, due)| *due);
        planned.into_iter().chain(watched).min_by_key(|(_, due)| (*due).max(self.now))
    }

    fn channel_due(&self, channel: usize) -> Option<Ms> {
        let (_, due) = self.next_transfer(channel)?;
        let lease =
            if self.broken(Mutation::LeaseIgnored) { Ms::MIN } else { self.rows[channel].lease_until };
        Some(due.max(lease).max(self.rows[channel].channel.quiet_until))
    }

    fn work(&mut self, worker: usize) -> Result<(), String> {
        if !matches!(self.workers[worker].doing, Doing::Idle) {
            match self.rng.u32(..100) {
                // Crash: everything in memory is gone, the lease stays in the ledger.
                0..=2 => {
                    self.note(format!("worker {worker} crashes"));
                    let wake = self.now + self.rng.i64(500..5_000);
                    self.workers[worker] = Worker { doing: Doing::Idle, wake };
                    return Ok(());
                }
                // Stop, for longer than anything; not between check and send, unless that is this seed's case.
                3..=5 => {
                    let unclosed = self.unclosed == Some(Unclosed::FrozenAfterCheck);
                    if !matches!(self.workers[worker].doing, Doing::Send { .. }) || unclosed {
                        self.note(format!("worker {worker} stops"));
                        self.workers[worker].wake = self.now + self.rng.i64(1_000..4 * WINDOW_MS);
                        return Ok(());
                    }
                }
                _ => {}
            }
        }
        let doing = std::mem::replace(&mut self.workers[worker].doing, Doing::Idle);
        let (doing, takes_ms) = match doing {
            Doing::Idle => (self.claim(), 1),
            Doing::Step { at, deadline, input } => (self.step(at, deadline, input)?, 1),
            Doing::Effect { at, deadline, effect } => match effect {
                Effect::Rest => {
                    if self.rows[at.channel].epoch == at.epoch {
                        self.rows[at.channel].lease_until = 0;
                    }
                    (Doing::Idle, 1)
                }
                Effect::Read => {
                    let input = Input::Read(self.partner.read(at.channel, self.now, &mut self.rng));
                    (Doing::Step { at, deadline, input }, self.rng.i64(1..2_000))
                }
                Effect::Call if self.now > deadline && !self.broken(Mutation::NoDeadlineCheck) => {
                    (Doing::Step { at, deadline, input: Input::Unsent }, 1)
                }
                Effect::Call => (Doing::Send { at }, 0),
            },
            Doing::Send { at } => {
                let (channel, transfer) = (at.channel, at.transfer);
                let days = self.transfers[transfer].days;
                let (reply, html) = self.partner.extend(channel, days, transfer, self.now, &mut self.rng);
                self.note(format!("extend transfer {transfer} on channel {channel}: {reply:?}"));
                let reply = if html && self.broken(Mutation::HtmlTakenForRefusal) {
                    Reply::Refused { status: 403, message: String::new(), balance: false }
                } else {
                    reply
                };
                let input = Input::Reply(reply);
                let deadline = Ms::MAX;
                (Doing::Step { at, deadline, input }, self.rng.i64(1..CALL_TIMEOUT_MS))
            }
        };
        self.workers[worker] = Worker { doing, wake: self.now + takes_ms };
        Ok(())
    }

    fn claim(&mut self) -> Doing {
        let due: Vec<usize> = (0..self.rows.len())
            .filter(|c| self.channel_due(*c).is_some_and(|due| due <= self.now))
            .collect();
        let Some(channel) = self.rng.choice(due) else { return Doing::Idle };
        let Some((transfer, _)) = self.next_transfer(channel) else { return Doing::Idle };
        let row = &mut self.rows[channel];
        row.epoch += 1;
        row.lease_until = self.now + LEASE_MS;
        let at = At {
            channel,
            transfer,
            epoch: row.epoch,
            state: self.transfers[transfer].state.clone(),
            known: row.channel.clone(),
        };
        Doing::Step { at, deadline: Ms::MAX, input: Input::Due }
    }

    fn step(&mut self, mut at: At, deadline: Ms, input: Input) -> Result<Doing, String> {
        let mut known = at.known.clone();
        let mut state = at.state.clone();
        if let Some(mutation) = self.mutation {
            mutation.spoil_evidence(&mut state, &mut known);
        }
        let believed = matches!(&input, Input::Reply(Reply::Accepted { .. }))
            || matches!(&input, Input::Reply(Reply::Unclear(text)) if text.starts_with("200"));
        let days = self.transfers[at.transfer].days;
        let mut next = step(days, &state, &known, at.epoch, input, self.now, &self.policy);
        if let Some(mutation) = self.mutation {
            mutation.spoil_step(&mut next, believed, self.now);
        }
        let deadline = match next.state {
            State::Intended { call, .. } => call.at + CALL_TIMEOUT_MS,
            _ => deadline,
        };
        if !self.commit(&at, &next)? {
            return Ok(Doing::Idle);
        }
        at.state = next.state;
        at.known = next.channel;
        Ok(Doing::Effect { at, deadline, effect: next.effect })
    }

    /// Compare-and-set, as the ledger does it.
    fn commit(&mut self, at: &At, next: &Step) -> Result<bool, String> {
        let (channel, transfer) = (at.channel, at.transfer);
        let lost = self.rows[channel].epoch != at.epoch && !self.broken(Mutation::LeaseIgnored);
        let current = &self.transfers[transfer].state;
        let same = (current.word(), current.attempt()) == (at.state.word(), at.state.attempt());
        if lost || !same {
            return Ok(false);
        }
        if self.broken(Mutation::NoIntent) && matches!(next.state, State::Intended { .. }) {
            return Ok(true);
        }
        if at.state != next.state {
            self.note(format!("transfer {transfer}: {:?}", next.state));
        }
        let other_open = self
            .transfers
            .iter()
            .enumerate()
            .any(|(i, t)| i != transfer && t.channel == channel && t.state.open());
        if next.state.open() && other_open {
            return Err(format!("channel {channel} has two open outcomes"));
        }
        self.transfers[transfer].state = next.state.clone();
        self.rows[channel].channel = next.channel.clone();
        if let Some(movement) = next.movement {
            self.note(format!("unexplained movement on channel {channel}: {movement:?}"));
            self.movements.push((channel, movement));
        }
        if matches!(next.state, State::Held { cause: Cause::Balance(_), .. }) {
            self.no_balance = true;
        }
        Ok(true)
    }

    /// Compares the ledger with the ground truth.
    fn check(&mut self) -> Result<(), String> {
        for channel in 0..self.rows.len() {
            let open = self.transfers.iter().filter(|t| t.channel == channel && t.state.open()).count();
            if open > 1 {
                return Err(format!("channel {channel} has {open} open outcomes"));
            }
        }
        for (index, transfer) in self.transfers.iter().enumerate() {
            let applied = self.partner.applied[index];
            let wrong = match &transfer.state {
                State::Settled { .. } => applied != 1,
                State::Held { outcome: Outcome::Open | Outcome::Forgotten, .. } => applied > 1,
                // A success that its refusal hid is found by the next reading, where a person asks for one.
                State::Held { outcome: Outcome::None, last, .. } => {
                    applied > u32::from(self.partner.switches.hides && last.is_some())
                }
                State::Cancelled { .. } => applied != 0,
                // Waits behind an open outcome, or for the account's balance.
                State::Planned { last, .. } => {
                    let waits = self.no_balance
                        || self.transfers.iter().any(|t| t.channel == transfer.channel && t.state.open());
                    if !waits {
                        return Err(format!("transfer {index} was left planned"));
                    }
                    // A call that a refusal or a restart hid is found by the next reading.
                    applied > u32::from(last.is_some())
                }
                State::Intended { .. } | State::Doubtful { .. } => {
                    return Err(format!("transfer {index} was left {}", transfer.state.word()));
                }
            };
            if wrong && !self.said(index) {
                return Err(format!(
                    "transfer {index} is {:?} and was applied {applied} times",
                    transfer.state
                ));
            }
        }
        Ok(())
    }

    /// In the three cases that are not closed, the ledger must say that something is odd with the channel:
    /// settled by observation, an unexplained movement (at the latest at its next reading), or an open outcome.
    fn said(&self, index: usize) -> bool {
        if self.unclosed.is_none() {
            return false;
        }
        let channel = self.transfers[index].channel;
        let mut known = self.rows[channel].channel.clone();
        let reading =
            daybridge::domain::reply::Reading { active_till: self.partner.active_till(channel), mode: None };
        self.movements.iter().any(|(c, _)| *c == channel)
            || known.seen(&reading).is_some()
            || self.transfers.iter().filter(|t| t.channel == channel).any(|t| {
                matches!(t.state, State::Settled { how: How::Observed | How::ByOperator, .. })
                    || t.state.open()
                    || matches!(t.state, State::Settled { attempt: 2.., .. })
            })
    }

    pub(super) fn note(&mut self, text: String) {
        self.log.push(format!("{:>9} {text}", self.now - 1_800_000_000_000));
    }
}
