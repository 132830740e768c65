//! A story as it happens to a world, and what comes after it: nothing befalls anything any more, and a person decides until
//! nothing is left.

use std::{sync::Arc, time::Duration};

use daybridge::{envelope::Envelope, ledger::Ledger};
use tokio::{task::JoinHandle, time::sleep};

use super::{
    judge,
    partner::Habit,
    payment::{Payment, Way},
    person::Person,
    process::{self, Life},
    settings::SETTLE_WINDOW_MS,
    slices,
    story::{Step, Story, parsed},
    tables::Tables,
    world::World,
};

/// How often a person decides after the story, at most.
const ROUNDS_MAX: usize = 60;

/// Of these, one after the other; then one a week, where days move in slices.
const ROUNDS_SOON: usize = 8;

const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// By how much clocks may be wrong.
const SKEW_MS: i64 = 1_000;

/// A longer wait is none in which every second counts.
const LONG: Duration = Duration::from_secs(600);

/// How a story ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// What the judge found wrong; empty: nothing.
    pub wrong: Vec<String>,
    /// What happened, a line each.
    pub history: Vec<String>,
}

/// Plays a story to its end.
pub fn play(story: &Story) -> Ended {
    fastrand::seed(7);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let ended = runtime.block_on(async {
        let tables = Tables::take().await;
        tables.begin().await;
        let world = World::new(story, &tables);
        let wrong = world.clone().tell(story).await;
        let history = std::mem::take(&mut world.inner().history);
        tables.give_back();
        Ended { wrong, history }
    });
    drop(runtime);
    ended
}

impl World {
    /// Plays the story, lets the world come to rest, and judges.
    async fn tell(self: Arc<Self>, story: &Story) -> Vec<String> {
        let person = Person::new(self.clone()).await;
        let workers = self.inner().settings.number("workers");
        let keepers: Vec<JoinHandle<()>> = (1..=usize::try_from(workers).unwrap())
            .map(|number| tokio::spawn(process::keep(self.clone(), number)))
            .collect();
        let allocation = self.config().ledger.allocation.clone();
        let around = process::Ledgers { world: self.clone(), life: Life::new(), allocation };
        let looked = Ledger::in_memory(&self.memory, Arc::new(around), self.now()).await.unwrap();
        for step in &story.steps {
            self.note(&format!("> {step}"));
            self.happen(step, &person).await;
            let takes_nothing = || self.ledger_is_there(true).is_err();
            if takes_nothing() && looked.health().await.is_ok() && takes_nothing() {
                self.inner()
                    .wrong
                    .push("ready: the ledger takes nothing, and says that it is well".to_owned());
            }
        }
        let mut wrong = self.rest(&person).await;
        if wrong.is_empty() {
            person.reconcile(true).await;
        }
        keepers.iter().for_each(JoinHandle::abort);
        wrong.append(&mut self.inner().wrong);
        wrong.extend(person.wrong());
        wrong.extend(judge::judge(&self, &person.ledger).await);
        wrong.extend(slices::judge::judge(&self, &person.ledger).await);
        wrong
    }

    async fn happen(&self, step: &Step, person: &Person) {
        let now_s = self.now_s();
        match step {
            Step::Channel { .. } => {}
            Step::Set { key, value } => self.inner().settings.set(key, value),
            Step::Balance(days) => {
                self.partner().balance = *days;
                if self.balance_changed() {
                    person.mark().await;
                }
            }
            Step::Partner { habit, value } => {
                let habit =
                    parsed(Habit::ALL, Habit::word, habit).unwrap_or_else(|| panic!("no habit {habit}"));
                self.partner().habit(habit, value);
            }
            Step::Pay { payment, channel, days, amount, way } => {
                let pointer = self.pointer(channel, *way);
                let paid = Payment::new((payment, *way), (channel, &pointer), *days, *amount, now_s);
                self.payments().insert(payment.clone(), paid);
            }
            Step::Tried { payment } => self.with(payment, Payment::tried),
            Step::Aside { payment } => self.with(payment, |payment| payment.aside(now_s)),
            Step::Ends { payment } => self.with(payment, |payment| payment.ends(now_s)),
            // Nobody is billed for a subscription that has ended.
            Step::Behind { payment } if self.was_ended(payment) => {}
            Step::Behind { payment } => self.with(payment, |payment| payment.behind(now_s)),
            Step::Refund { payment, refund, amount } => {
                self.with(payment, |payment| payment.refund(refund, *amount, now_s));
            }
            Step::RefundFails { payment, refund } => {
                self.with(payment, |payment| payment.refund_fails(refund, now_s));
            }
            Step::Dispute { payment } => self.with(payment, |payment| payment.dispute(now_s)),
            Step::DisputeEnds { payment, won } => {
                self.with(payment, |payment| payment.dispute_ends(*won, now_s));
            }
            Step::Tell { payment, event, anew } => self.deliver(payment, event, *anew),
            Step::Call { payment, number, fate } => self.partner().fate(payment, *number, *fate),
            Step::ReadsFail(time) => self.partner().reads_fail_until = self.now() + ms(*time),
            Step::Api { fault, time } => {
                let until = self.now() + ms(*time);
                self.inner().api = Some((*fault, until));
            }
            Step::Hand { channel, days } => self.partner().by_hand(channel, *days, self.now()),
            Step::Delete(channel) => self.partner().delete(channel),
            Step::Remake(channel) => self.partner().remake(channel, self.now()),
            Step::LedgerAway(time) => {
                let until = self.now() + ms(*time);
                self.inner().ledger_away_until = until;
            }
            Step::LedgerFull(time) => {
                let until = self.now() + ms(*time);
                self.inner().ledger_full_until = until;
            }
            Step::Meets(times) => self.inner().meets = *times,
            Step::QueueBreaks => self.broker.breaks(),
            Step::QueueNode(time) => {
                let seed = self.inner().rng.u64(..);
                self.broker.loses_node(*time, seed);
            }
            Step::QueueRepeats => self.broker.repeats(),
            Step::DeadLetters => self.broker.gives_up(),
            Step::Crash { worker, .. }
            | Step::Freeze { worker, .. }
            | Step::Clock { worker, .. }
            | Step::Restart { worker }
            | Step::Unheard { worker, .. } => self.befall(*worker, step),
            Step::Stop => {
                let mut inner = self.inner();
                inner.closed = true;
                inner.lives.values().for_each(|life| life.stop.cancel());
            }
            Step::Start => self.inner().closed = false,
            Step::Backup => {
                let now = self.now();
                self.inner().backup = self.memory.copy().ok().map(|copy| (copy, now));
            }
            Step::Restore { declared } => self.restore(person, *declared).await,
            Step::Errs(payment) => {
                self.inner().errs.entry(payment.clone()).or_default();
            }
            Step::Decide => person.decide().await,
            Step::Reconcile => person.reconcile(false).await,
            Step::Replay(payment) => person.replay(payment).await,
            Step::StopPayment(_)
            | Step::Go(_)
            | Step::Move { .. }
            | Step::SliceNow { .. }
            | Step::Grant { .. } => person.acts(step).await,
            Step::Assign { channel, channels } => person.assigns(channel, channels).await,
            Step::Retire(how) => person.retires(*how).await,
            Step::Mark => person.mark().await,
            Step::Wait(time) if *time > LONG => self.passes(*time, person).await,
            Step::Wait(time) => sleep(*time).await,
        }
    }

    fn befall(&self, worker: usize, step: &Step) {
        let Some(life) = self.life(worker) else {
            return;
        };
        match step {
            Step::Crash { effect, after, .. } => life.crash(*effect, *after),
            Step::Freeze { effect, time, .. } => life.freeze(*effect, *time),
            Step::Unheard { effect, .. } => life.unheard(*effect),
            Step::Restart { .. } => life.stop.cancel(),
            Step::Clock { ms, .. } => {
                let mut inner = self.inner();
                inner.clocks.insert(worker, *ms);
                inner.clock_was_set |= ms.abs() > SKEW_MS;
            }
            _ => {}
        }
    }

    /// What a person does who finds the ledger lost: all workers stop, the copy is put back, the gap is declared, or not.
    async fn restore(&self, person: &Person, declared: bool) {
        let Some((copy, made_at)) = self.inner().backup.take() else {
            return;
        };
        {
            let mut inner = self.inner();
            (inner.closed, inner.restored) = (true, true);
            inner.slices.disturbed_at = self.now();
        }
        self.forgets_grants(made_at);
        self.forgets_gifts(made_at);
        for life in self.inner().lives.values() {
            life.kill();
        }
        self.memory.put_back(&copy).unwrap();
        self.broker.forgets();
        // So long a heartbeat of before is fresh.
        sleep(Duration::from_secs(40)).await;
        if declared {
            person.restored(made_at).await;
        } else {
            let now = self.now();
            self.inner().forgot = Some((made_at, now));
        }
        self.broker.heal();
        self.told_again();
        self.inner().closed = false;
    }

    /// What she granted since the copy was made is hers to grant again.
    fn forgets_grants(&self, made_at: i64) {
        let payments = self.payments();
        let granted = payments.values().filter(|payment| payment.way == Way::Granted);
        for payment in granted.filter(|payment| payment.paid_s * 1000 + 1000 >= made_at) {
            self.gives_up(&payment.name);
        }
    }

    /// The provider's own list has all that was told: it comes again, as by the backfill. What was told before the copy was
    /// made may have been on the queue still.
    fn told_again(&self) {
        let told: Vec<Envelope> = self.inner().told.iter().map(|told| told.envelope.clone()).collect();
        for mut envelope in told {
            envelope.received_at_ms = self.now();
            self.broker.publish(envelope);
        }
    }

    /// Nothing befalls anything any more; the providers tell what they have not told; a person decides until nothing is
    /// held. Returns what did not come to an end.
    async fn rest(&self, person: &Person) -> Vec<String> {
        self.note("> rest");
        self.inner().closed = false;
        self.partner().heal();
        self.partner().balance = 1_000_000;
        self.balance_changed();
        {
            let mut inner = self.inner();
            inner.rests = true;
            inner.lives.values().for_each(|life| life.heal());
            inner.clocks.clear();
            inner.api = None;
            self.broker.heal();
            (inner.ledger_away_until, inner.ledger_full_until, inner.meets) = (0, 0, 0);
        }
        let untold: Vec<(String, String)> = {
            let payments = self.payments();
            let events = payments.values().flat_map(|payment| {
                let untold = payment.events.iter().filter(|(_, event)| event.is_untold());
                untold.map(|(word, _)| (payment.name.clone(), word.clone()))
            });
            events.collect()
        };
        for (payment, event) in untold {
            self.note(&format!("> tell {payment} {event}"));
            self.deliver(&payment, &event, false);
        }
        let sliced = self.inner().slices.terms.is_on();
        for round in 0..ROUNDS_MAX {
            let time = Duration::from_millis(u64::try_from(SETTLE_WINDOW_MS).unwrap() + 15_000);
            if sliced && round >= ROUNDS_SOON {
                self.passes(WEEK, person).await;
            }
            sleep(time).await;
            person.decide().await;
            if self.broker.is_empty() && person.nothing_left().await {
                return Vec::new();
            }
        }
        person.left().await
    }
}

fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap()
}
