//! What the model consists of, and every step it can take.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use daybridge::domain::{
    DAY_MS, Ms,
    allocation::slices::Ahead,
    channel::Channel,
    reply::{Reading, Reply},
    settle::{Call, Effect, How, Input, Kept, Moment, Outcome, Policy, State, planned_again, step},
};
use stateright::{Expectation, Model, Property};

use super::time::{back, plain, state_back};

const WINDOW_MS: Ms = 3_000;
const CALL_TIMEOUT_MS: Ms = 1_000;
const LEASE_MS: Ms = 3_000;

/// Longest from a call to its late application; with the call's deadline it ends before the window does.
pub(super) const LATE_MS_MAX: Ms = 1_000;

/// `activeTill` before anything, far in the future.
const TILL: Ms = 1_000 * DAY_MS;
/// Of both transfers: what one of them moved looks like what the other would have moved.
const DAYS: u32 = 7;
/// Of the newest claim, whichever it is: older ones are told by how far they are behind.
const EPOCH: i64 = 1;
/// More applications than this are all the same: too many.
const APPLIED_MAX: u8 = 2;
/// How often a person has a refused transfer tried again.
const RETRIES_MAX: u8 = 1;

const POLICY: Policy =
    Policy { settle_window_ms: WINDOW_MS, retry_unmoved: true, skew_ms: 0, ensure_live: false };

/// A rule that is taken out, to see that its loss is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Removed {
    /// The intent is not committed before the call.
    Intent,
    /// Commits do not check the channel's epoch.
    Epoch,
    /// Calls are sent however late.
    Deadline,
    /// A doubtful call is planned again at once.
    Doubt,
    /// A channel with an open outcome takes another transfer.
    OneOpen,
    /// A yes is believed without `activeTill`.
    Evidence,
    /// Once another transfer is settled, what is expected is the channel's last reading.
    OwnBefore,
    /// What moved the channel proves a call, though another was refused since.
    OthersRefused,
    /// Leases end at once.
    Lease,
    /// Both.
    LeaseAndEpoch,
    /// The second slice does not wait for the first.
    Order,
    /// A slice is sent whatever the channel has.
    Level,
}

/// What the two transfers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Moves {
    /// Of a payment each.
    Payments,
    /// One after the other of one payment, and the channel has less than it needs until both have moved.
    Slices,
    /// Likewise, and with the first of them it has enough.
    OneSlice,
}

impl Moves {
    /// What a slice keeps its channel above, in ms.
    fn level_ms(self) -> i64 {
        TILL + match self {
            Moves::Payments | Moves::Slices => 9 * i64::from(DAYS) * DAY_MS,
            Moves::OneSlice => 1,
        }
    }

    fn next_slice(self) -> State {
        let ahead = Ahead { at: 0, days: DAYS, level_ms: Some(self.level_ms()), sure: None };
        State::sliced(ahead, 0, UNCALLED)
    }

    fn transfers(self, removed: Option<Removed>) -> [State; 2] {
        match self {
            Moves::Payments => [State::planned(0), State::planned(0)],
            Moves::Slices | Moves::OneSlice if removed == Some(Removed::Order) => {
                [self.next_slice(), self.next_slice()]
            }
            Moves::Slices | Moves::OneSlice => [self.next_slice(), State::sliced(Ahead::QUEUED, 0, UNCALLED)],
        }
    }
}

const UNCALLED: Kept = Kept { last: None, retried: false };

/// A worker's hold of a transfer, as it was when it looked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct At {
    transfer: usize,
    /// Claims of the channel since this one.
    behind: u8,
    state: State,
    channel: Channel,
    /// Until when the call may be sent.
    deadline: Ms,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Worker {
    Idle,
    Step(At, Input),
    Effect(At, Effect),
}

/// A call that the partner will apply by then, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Late {
    transfer: usize,
    until: Ms,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    transfers: [State; 2],
    /// Claims of the channel since the intent of a transfer that is intended.
    intended_behind: [u8; 2],
    channel: Channel,
    lease_until: Ms,
    workers: [Worker; 2],
    applied: [u8; 2],
    /// Its last answer was a refusal, and its days moved.
    hidden: [bool; 2],
    /// Retries that a person has asked for.
    retries: [u8; 2],
    late: Vec<Late>,
    called_without_intent: bool,
}

/// What a call comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fate {
    Answered,
    AnswerLost,
    RequestLost,
    /// 200 without `activeTill`, and not applied.
    Lie,
    Late,
    Refused,
    /// A refusal after the debit.
    Hidden,
}

const FATES: [Fate; 7] =
    [Fate::Answered, Fate::AnswerLost, Fate::RequestLost, Fate::Lie, Fate::Late, Fate::Refused, Fate::Hidden];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Action {
    Claim(usize, usize),
    Take(usize),
    Read(usize),
    Call(usize, Fate),
    TooLate(usize),
    Crash(usize),
    Commit(usize),
    Never(usize),
    Wait(Ms),
    /// `held retry`.
    Retry(usize),
}

pub(super) struct Protocol {
    pub(super) moves: Moves,
    pub(super) removed: Option<Removed>,
    /// The one property that is looked at; none: all.
    pub(super) only: Option<&'static str>,
}

impl World {
    fn due(&self, transfer: usize) -> bool {
        let state = &self.transfers[transfer];
        let orphan = matches!(state, State::Intended { .. }) && self.intended_behind[transfer] > 0;
        orphan || due(state).is_some_and(|due| due <= 0)
    }

    fn till(&self) -> Ms {
        TILL + self.applied.iter().map(|n| i64::from(*n) * i64::from(DAYS) * DAY_MS).sum::<Ms>()
    }

    fn apply(&mut self, transfer: usize) {
        self.applied[transfer] = (self.applied[transfer] + 1).min(APPLIED_MAX);
    }

    /// The next instant at which anything changes by itself.
    fn next_instant(&self) -> Option<Ms> {
        let mut instants = vec![self.lease_until];
        instants.extend(self.transfers.iter().filter_map(due));
        instants.extend(self.late.iter().map(|late| late.until));
        for worker in &self.workers {
            if let Worker::Effect(at, Effect::Call) = worker {
                instants.push(at.deadline);
            }
        }
        instants.into_iter().filter(|at| *at > 0 && *at < Ms::MAX).min()
    }

    fn wait(&mut self, by: Ms) {
        self.lease_until = (self.lease_until - by).max(0);
        self.transfers.iter_mut().for_each(|state| state_back(state, by));
        self.late.iter_mut().for_each(|late| late.until -= by);
        for worker in &mut self.workers {
            if let Worker::Step(at, _) | Worker::Effect(at, _) = worker {
                at.deadline = back(at.deadline, by);
                state_back(&mut at.state, by);
            }
        }
    }
}

/// When there is something to do, also with a slice that has its own time for it.
fn due(state: &State) -> Option<Ms> {
    state.due().or_else(|| state.wanted())
}

/// Any order will do, as long as it is always the same.
fn rank(part: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    part.hash(&mut hasher);
    hasher.finish()
}

/// Where commits check the epoch, a worker whose claim is lost can do one thing more: send a call whose deadline has
/// not passed. Whatever else it knows is lost with its next commit.
fn forget_what_is_stale(worker: &mut Worker) {
    match worker {
        Worker::Effect(at, Effect::Call) if at.behind > 0 => {
            at.state = State::planned(0);
            at.channel = Channel::default();
        }
        Worker::Step(at, _) | Worker::Effect(at, _) if at.behind > 0 => *worker = Worker::Idle,
        _ => {}
    }
}

impl World {
    /// The workers are alike, and so are payments: one world stands for all that differ only in which is which.
    fn standing_for_its_equals(mut self, moves: Moves) -> Self {
        self.sort();
        if moves != Moves::Payments {
            return self;
        }
        let mut other = self.clone();
        other.transfers.swap(0, 1);
        other.intended_behind.swap(0, 1);
        other.applied.swap(0, 1);
        other.hidden.swap(0, 1);
        other.retries.swap(0, 1);
        other.late.iter_mut().for_each(|late| late.transfer = 1 - late.transfer);
        for worker in &mut other.workers {
            if let Worker::Step(at, _) | Worker::Effect(at, _) = worker {
                at.transfer = 1 - at.transfer;
            }
        }
        other.sort();
        if rank(&other) < rank(&self) { other } else { self }
    }

    fn sort(&mut self) {
        self.workers.sort_by_key(rank);
        self.late.sort();
    }
}

impl Protocol {
    fn without(&self, rule: Removed) -> bool {
        let both = self.removed == Some(Removed::LeaseAndEpoch);
        self.removed == Some(rule) || both && matches!(rule, Removed::Lease | Removed::Epoch)
    }

    /// The transfers of the channel that a claim may turn to, as the ledger picks them: the open one and no other,
    /// else a planned one, else one that is watched.
    fn turns(&self, world: &World) -> Vec<usize> {
        let due = |t: &usize| world.due(*t);
        let open: Vec<usize> = (0..2).filter(|t| world.transfers[*t].open()).collect();
        if !open.is_empty() && !self.without(Removed::OneOpen) {
            return open.into_iter().filter(due).collect();
        }
        (0..2).filter(due).collect()
    }

    fn claim(&self, world: &mut World, worker: usize, transfer: usize) {
        world.lease_until = if self.without(Removed::Lease) { 0 } else { LEASE_MS };
        for other in &mut world.workers {
            if let Worker::Step(at, _) | Worker::Effect(at, _) = other {
                at.behind = 1;
            }
        }
        world.intended_behind = [1; 2];
        let at = At {
            transfer,
            behind: 0,
            state: world.transfers[transfer].clone(),
            channel: world.channel.clone(),
            deadline: Ms::MAX,
        };
        world.workers[worker] = Worker::Step(at, Input::Due);
    }

    /// Step, commit by compare-and-set, and only then the effect.
    fn take(&self, world: &mut World, worker: usize) {
        let Worker::Step(mut at, input) = std::mem::replace(&mut world.workers[worker], Worker::Idle) else {
            return;
        };
        let accepted = matches!(input, Input::Reply(Reply::Accepted { .. }));
        if let State::Intended { epoch, .. } = &mut at.state {
            *epoch = EPOCH - i64::from(world.intended_behind[at.transfer]);
        }
        self.spoil_evidence(&mut at);
        if let (State::Planned { ahead, .. }, true) = (&mut at.state, self.without(Removed::Level)) {
            *ahead = None;
        }
        let watched_ms = match at.state {
            State::Doubtful { since, .. } => -since,
            _ => 0,
        };
        let mut next =
            step(DAYS, &at.state, &at.channel, EPOCH, input, Moment { now: 0, watched_ms }, &POLICY);
        self.spoil(&mut next.state, accepted);
        plain(&mut next.state);
        // Readings do not lag here.
        next.channel.quiet_until = 0;
        let current = &world.transfers[at.transfer];
        let stands = (current.word(), current.attempt()) == (at.state.word(), at.state.attempt());
        if !stands || (at.behind > 0 && !self.without(Removed::Epoch)) {
            return;
        }
        let intends = matches!(next.state, State::Intended { .. });
        if intends {
            at.deadline = CALL_TIMEOUT_MS;
            world.intended_behind[at.transfer] = at.behind;
        }
        if !(intends && self.without(Removed::Intent)) {
            world.transfers[at.transfer] = next.state.clone();
            world.channel = next.channel.clone();
        }
        let first_settled = at.transfer == 0 && matches!(next.state, State::Settled { .. });
        let second = &mut world.transfers[1];
        if first_settled && matches!(second, State::Planned { ahead: Some(Ahead::QUEUED), .. }) {
            *second = self.moves.next_slice();
        }
        at.state = next.state;
        at.channel = next.channel;
        if next.effect == Effect::Rest {
            if at.behind == 0 {
                world.lease_until = 0;
            }
        } else {
            world.workers[worker] = Worker::Effect(at, next.effect);
        }
    }

    fn spoil_evidence(&self, at: &mut At) {
        let known = &at.channel;
        let State::Planned { last: Some(call), .. } = &mut at.state else { return };
        if self.without(Removed::OwnBefore) && known.settles > call.settles {
            let before = known.known.unwrap_or(call.before);
            let (settles, number, moved_ms) = (known.settles, known.calls, known.moved_ms);
            *call = Call { before, settles, number, moved_ms, ..*call };
        }
        if self.without(Removed::OthersRefused) && known.settles == call.settles {
            call.number = known.calls;
        }
    }

    fn spoil(&self, state: &mut State, accepted: bool) {
        match state {
            State::Doubtful { call, retried: false, .. } if self.without(Removed::Doubt) => {
                *state = State::Planned {
                    due: 0,
                    since: 0,
                    tries: 0,
                    lag_since: None,
                    lag_reads: 0,
                    reason: None,
                    last: Some(*call),
                    retried: true,
                    ahead: None,
                };
            }
            State::Doubtful { call, .. } if accepted && self.without(Removed::Evidence) => {
                let (before, attempt) = (call.before, call.attempt);
                *state =
                    State::Settled { how: How::Answered, before, after: None, at: 0, attempt, watch: None };
            }
            _ => {}
        }
    }

    fn call(&self, world: &mut World, worker: usize, fate: Fate) {
        let Worker::Effect(at, _) = std::mem::replace(&mut world.workers[worker], Worker::Idle) else {
            return;
        };
        let transfer = at.transfer;
        world.called_without_intent |= !world.transfers[transfer].open();
        let reply = match fate {
            Fate::Answered => {
                world.apply(transfer);
                Reply::Accepted { active_till: Some(world.till()) }
            }
            Fate::AnswerLost => {
                world.apply(transfer);
                Reply::Unclear("lost".into())
            }
            Fate::Lie => Reply::Accepted { active_till: None },
            Fate::RequestLost => Reply::Unclear("lost".into()),
            Fate::Late => {
                world.late.push(Late { transfer, until: LATE_MS_MAX });
                Reply::Unclear("lost".into())
            }
            Fate::Refused => Reply::Refused { status: 400, message: String::new(), balance: false },
            Fate::Hidden => {
                world.apply(transfer);
                Reply::Refused { status: 400, message: String::new(), balance: false }
            }
        };
        world.hidden[transfer] = fate == Fate::Hidden;
        world.workers[worker] = Worker::Step(At { deadline: Ms::MAX, ..at }, Input::Reply(reply));
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let channel = Channel { floor: Some(TILL), known: Some(TILL), ..Channel::default() };
        vec![World {
            transfers: self.moves.transfers(self.removed),
            intended_behind: [0; 2],
            channel,
            lease_until: 0,
            workers: [Worker::Idle, Worker::Idle],
            applied: [0; 2],
            hidden: [false; 2],
            retries: [0; 2],
            late: vec![],
            called_without_intent: false,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for (index, worker) in world.workers.iter().enumerate() {
            match worker {
                Worker::Idle if world.lease_until <= 0 => {
                    actions.extend(self.turns(world).into_iter().map(|t| Action::Claim(index, t)));
                }
                Worker::Idle => {}
                Worker::Step(..) => actions.push(Action::Take(index)),
                Worker::Effect(_, Effect::Read) => actions.push(Action::Read(index)),
                Worker::Effect(at, _) if at.deadline <= 0 && !self.without(Removed::Deadline) => {
                    actions.push(Action::TooLate(index));
                }
                Worker::Effect(..) => actions.extend(FATES.map(|fate| Action::Call(index, fate))),
            }
            if *worker != Worker::Idle {
                actions.push(Action::Crash(index));
            }
        }
        for index in 0..world.late.len() {
            actions.extend([Action::Commit(index), Action::Never(index)]);
        }
        for (transfer, state) in world.transfers.iter().enumerate() {
            if world.retries[transfer] < RETRIES_MAX && planned_again(state, 0).is_some() {
                actions.push(Action::Retry(transfer));
            }
        }
        // A late call is applied before its time is over, or never.
        if world.late.iter().all(|late| late.until > 0)
            && let Some(instant) = world.next_instant()
        {
            actions.push(Action::Wait(instant));
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut world = world.clone();
        match action {
            Action::Claim(worker, transfer) => self.claim(&mut world, worker, transfer),
            Action::Take(worker) => self.take(&mut world, worker),
            Action::Read(worker) => {
                let reading = Reading { active_till: world.till(), mode: None };
                let Worker::Effect(at, _) = std::mem::replace(&mut world.workers[worker], Worker::Idle)
                else {
                    return None;
                };
                world.workers[worker] = Worker::Step(at, Input::Read(Ok(reading)));
            }
            Action::Call(worker, fate) => self.call(&mut world, worker, fate),
            Action::TooLate(worker) => {
                let Worker::Effect(at, _) = std::mem::replace(&mut world.workers[worker], Worker::Idle)
                else {
                    return None;
                };
                world.workers[worker] = Worker::Step(At { deadline: Ms::MAX, ..at }, Input::Unsent);
            }
            Action::Crash(worker) => world.workers[worker] = Worker::Idle,
            Action::Commit(index) => {
                let late = world.late.remove(index);
                world.apply(late.transfer);
            }
            Action::Never(index) => drop(world.late.remove(index)),
            Action::Wait(by) => world.wait(by),
            Action::Retry(transfer) => {
                let mut again = planned_again(&world.transfers[transfer], 0)?;
                plain(&mut again);
                world.transfers[transfer] = again;
                world.retries[transfer] += 1;
            }
        }
        if !self.without(Removed::Epoch) {
            world.workers.iter_mut().for_each(forget_what_is_stale);
        }
        Some(world.standing_for_its_equals(self.moves))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = vec![
            Property::always("days move at most once", |_, world: &World| {
                world.applied.iter().all(|n| *n <= 1)
            }),
            Property::always("one open outcome", |_, world: &World| {
                world.transfers.iter().filter(|state| state.open()).count() <= 1
            }),
            Property::always("no call without an intent", |_, world: &World| !world.called_without_intent),
            Property::always("the ledger is right", |_, world: &World| {
                (0..2).all(|t| match &world.transfers[t] {
                    State::Settled { .. } => world.applied[t] == 1,
                    State::Held { outcome: Outcome::None, .. } | State::Cancelled { .. } => {
                        world.applied[t] == u8::from(world.hidden[t])
                    }
                    _ => true,
                })
            }),
            Property::always("nothing is forgotten", |_, world: &World| {
                world.transfers.iter().all(|state| {
                    let slice = matches!(state, State::Planned { ahead: Some(_), .. });
                    slice
                        || state.due().is_some()
                        || matches!(state, State::Settled { .. } | State::Held { .. })
                })
            }),
            Property::always("slices move in their order", |model: &Self, world: &World| {
                let second = model.moves != Moves::Payments && world.applied[1] > 0;
                !second || matches!(world.transfers[0], State::Settled { .. })
            }),
            Property::always("no slice moves before it is needed", |model: &Self, world: &World| {
                model.moves != Moves::OneSlice || world.applied[1] == 0
            }),
            Property::sometimes("both are credited", |_, world: &World| {
                world.transfers.iter().all(|state| matches!(state, State::Settled { .. }))
            }),
            Property::sometimes("a success that a refusal hid is found", |_, world: &World| {
                (0..2).all(|t| world.hidden[t] == (world.retries[t] > 0))
                    && world.hidden != [false; 2]
                    && world.transfers.iter().all(|state| matches!(state, State::Settled { .. }))
            }),
            Property::sometimes("a doubt is settled by a reading", |_, world: &World| {
                world.transfers.iter().any(|state| matches!(state, State::Settled { how: How::Observed, .. }))
            }),
            Property::sometimes("an unmoved call is tried once more and credited", |_, world: &World| {
                world.transfers.iter().any(|state| matches!(state, State::Settled { attempt: 2, .. }))
            }),
            Property::sometimes("an unmoved call is held in the end", |_, world: &World| {
                world.transfers.iter().any(|state| {
                    matches!(state, State::Held { outcome: Outcome::Open, last: Some(call), .. } if call.attempt == 2)
                })
            }),
        ];
        all.retain(|property| match (self.only, &property.expectation) {
            (Some(only), _) => only == property.name,
            (None, Expectation::Sometimes) => self.moves != Moves::OneSlice,
            (None, _) => true,
        });
        all
    }
}
