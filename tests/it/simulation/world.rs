//! A world in a time of its own, on one thread: the providers, the queue, the workers, the partner and a person, and the
//! story that happens to them. The same story has the same history, byte for byte.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use daybridge::{
    config::Config,
    domain::Ms,
    envelope::{Envelope, Trigger, new_traceparent},
    ledger::{Ledger, LedgerError, Memory, Time},
    provider::{source::Readers, words::words},
    worker::Clock,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use crate::{
    ledger::kit::settings,
    support::postgres::{Postgres, sql},
};

use super::{
    history::Stripes,
    judge,
    partner::{Habit, Partner},
    payment::{Event, PAYER, Payment},
    person::Person,
    process::{self, Life},
    queue::Broker,
    settings::{SETTLE_WINDOW_MS, Settings},
    story::{Step, Story, parsed},
};

/// When every world begins.
const BEGINS_MS: Ms = 1_790_000_000_000;

/// How often a person decides after the story, at most.
const ROUNDS_MAX: usize = 60;

/// A call is made so long after its intent, at most, and some ms.
const CALL_AFTER_MAX: Duration = Duration::from_secs(15);

/// Half of a surrogate pair, which some write where they cut an emoji, and a NUL: a text that nobody needs may hold them.
const ODD_TEXT: &str = r"Anna \ud83d\u0000 Example";

/// A body that a provider delivered, and was told is kept.
#[derive(Debug, Clone)]
pub struct Told {
    pub payment: String,
    pub envelope: Envelope,
}

/// When the world began.
#[derive(Debug)]
struct WorldTime(Mutex<Instant>);

impl WorldTime {
    fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl Time for WorldTime {
    fn now(&self) -> Ms {
        let began = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        BEGINS_MS + i64::try_from((Instant::now() - began).as_millis()).unwrap()
    }
}

/// A clock that is right.
struct Right(Arc<WorldTime>);

impl Clock for Right {
    fn now_ms(&self) -> i64 {
        self.0.now()
    }

    fn boot(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.now()).unwrap())
    }
}

/// A ledger that has its tables and nothing in them, used by one world after the other: its statements stay prepared.
/// With `SIMULATION_LEDGER=postgres` on a server, where no copy of it is made and none put back.
struct Tables {
    memory: Memory,
    time: Arc<WorldTime>,
    server: Option<String>,
}

thread_local! {
    static TABLES: Cell<Option<Tables>> = const { Cell::new(None) };
}

impl Tables {
    async fn new() -> Self {
        let time = Arc::new(WorldTime(Mutex::new(Instant::now())));
        let on_server = std::env::var("SIMULATION_LEDGER").is_ok_and(|ledger| ledger == "postgres");
        let server = on_server.then(Postgres::url_of_new_database);
        let memory = match &server {
            None => Memory::new(None, time.clone()),
            Some(url) => Memory::on_server(&settings(url), time.clone()),
        };
        let tables = Self { memory: memory.unwrap(), time, server };
        tables.make().await;
        tables
    }

    async fn make(&self) {
        Ledger::in_memory(&self.memory, Arc::new(super::person::Untroubled), BEGINS_MS).await.unwrap();
    }

    async fn begin(&self) {
        self.time.begin();
        match &self.server {
            None => self.memory.mark().unwrap(),
            Some(url) => {
                sql(url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
                self.make().await;
            }
        }
    }

    /// Whether it can be used again: not where a story put another one in its place.
    fn end(&self) -> bool {
        self.server.is_some() || self.memory.take_back().is_ok()
    }
}

#[derive(Default)]
struct Inner {
    settings: Settings,
    clocks: BTreeMap<usize, i64>,
    lives: BTreeMap<usize, Arc<Life>>,
    ledger_away_until: Ms,
    ledger_full_until: Ms,
    meets: u32,
    closed: bool,
    backup: Option<(Vec<u8>, Ms)>,
    /// A copy was put back once.
    restored: bool,
    /// What was wrong when it happened.
    wrong: Vec<String>,
    /// Of a copy that was put back without a word: when it had been made, and when it was put back.
    forgot: Option<(Ms, Ms)>,
    /// Payments that the person is to mistake, and those that she has.
    errs: BTreeMap<String, bool>,
    /// Payments that she closed because their channel was gone.
    given_up: BTreeSet<String>,
    history: Vec<String>,
    told: Vec<Told>,
    rng: fastrand::Rng,
}

/// See the module.
pub struct World {
    time: Arc<WorldTime>,
    pub memory: Memory,
    pub broker: Arc<Broker>,
    partner: Mutex<Partner>,
    payments: Mutex<BTreeMap<String, Payment>>,
    inner: Mutex<Inner>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

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
        let tables = match TABLES.take() {
            Some(tables) => tables,
            None => Tables::new().await,
        };
        tables.begin().await;
        let world = World::new(story, &tables);
        let wrong = world.clone().tell(story).await;
        let history = std::mem::take(&mut world.inner().history);
        if tables.end() {
            TABLES.set(Some(tables));
        }
        Ended { wrong, history }
    });
    drop(runtime);
    ended
}

impl World {
    fn new(story: &Story, tables: &Tables) -> Arc<Self> {
        let world = Self {
            memory: tables.memory.clone(),
            time: tables.time.clone(),
            broker: Arc::default(),
            partner: Mutex::new(Partner::new()),
            payments: Mutex::default(),
            inner: Mutex::default(),
        };
        for step in &story.steps {
            world.prepare(step);
        }
        let chance = world.inner().settings.number("chance");
        world.inner().rng = fastrand::Rng::with_seed(chance);
        Arc::new(world)
    }

    /// What holds before the story begins.
    fn prepare(&self, step: &Step) {
        match step {
            Step::Set { key, value } => {
                let mut inner = self.inner();
                if !inner.settings.is_set(key) {
                    inner.settings.set(key, value);
                }
            }
            Step::Channel { name, days } => self.partner().channel(name, *days, self.now()),
            _ => {}
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As it is now.
    pub fn partner(&self) -> MutexGuard<'_, Partner> {
        let mut partner = self.partner.lock().unwrap_or_else(PoisonError::into_inner);
        partner.run_late(self.now());
        partner
    }

    pub fn payments(&self) -> MutexGuard<'_, BTreeMap<String, Payment>> {
        self.payments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn now(&self) -> Ms {
        self.time.now()
    }

    /// The time there, as a clock that is right.
    pub fn time(&self) -> impl Clock + use<> {
        Right(self.time.clone())
    }

    fn now_s(&self) -> i64 {
        self.now() / 1000
    }

    pub fn note(&self, what: &str) {
        let at = self.now() - BEGINS_MS;
        self.inner().history.push(format!("{:>9.3} {what}", at as f64 / 1000.0));
    }

    /// Up to so many ms go by.
    pub async fn little_while(&self, ms_max: u64) {
        let ms = self.inner().rng.u64(0..=ms_max);
        sleep(Duration::from_millis(ms)).await;
    }

    pub fn ledger_is_there(&self, writes: bool) -> Result<(), LedgerError> {
        let (now, inner) = (self.now(), self.inner());
        if now < inner.ledger_away_until {
            return Err(LedgerError::Unavailable("connection refused".to_owned()));
        }
        match writes && now < inner.ledger_full_until {
            true => Err(LedgerError::Unavailable("database or disk is full".to_owned())),
            false => Ok(()),
        }
    }

    /// Whether the person mistakes this payment now; she does so once.
    pub fn errs(&self, payment: &str) -> bool {
        let mut inner = self.inner();
        inner.errs.get_mut(payment).is_some_and(|erred| !std::mem::replace(erred, true))
    }

    /// The person closes it, for its channel is gone.
    pub fn gives_up(&self, payment: &str) {
        self.inner().given_up.insert(payment.to_owned());
    }

    /// Whether a person's word made of a payment what it came to.
    pub fn is_a_persons(&self, payment: &str) -> bool {
        let inner = self.inner();
        inner.errs.get(payment) == Some(&true) || inner.given_up.contains(payment)
    }

    /// Whether the ledger forgot, and was not told, that these days moved.
    pub fn is_forgotten(&self, moved: Ms) -> bool {
        self.inner().forgot.is_some_and(|(from, until)| from <= moved && moved <= until)
    }

    pub fn meets(&self) -> u32 {
        std::mem::take(&mut self.inner().meets)
    }

    pub fn clock_of(&self, worker: usize) -> i64 {
        self.inner().clocks.get(&worker).copied().unwrap_or(0)
    }

    pub fn is_run_by(&self, worker: usize, life: Arc<Life>) {
        self.inner().lives.insert(worker, life);
    }

    /// No worker may start.
    pub fn is_closed(&self) -> bool {
        self.inner().closed
    }

    pub fn settings(&self) -> (Config, Readers) {
        self.inner().settings.read()
    }

    pub fn told(&self) -> Vec<Told> {
        self.inner().told.clone()
    }

    /// Notes what is wrong with a call that is made now.
    pub fn watch_call(&self, name: &str, days: u32) {
        let acked = self.broker.acked(CALL_AFTER_MAX);
        let told = |word: &str| {
            let begins = format!("{}-", delivery(name, word));
            acked.iter().any(|delivery| delivery.starts_with(&begins))
        };
        let due = self.payments().get(name).and_then(|payment| payment.due_as_told(told));
        let mut inner = self.inner();
        if due.is_some_and(|due| due < days) && !inner.restored && !inner.errs.contains_key(name) {
            let due = due.unwrap_or_default();
            inner
                .wrong
                .push(format!("in spite: {days} days are moved for {name}, {due} are due as was told"));
        }
    }

    /// The payment that a comment, or a key in one, names.
    pub fn payment_of(&self, comment: &str) -> Option<String> {
        let key = comment.split_whitespace().find(|word| word.contains('/'))?;
        let id = key.split_once('/')?.1;
        let id = id.split('#').next()?;
        let name = id.split_once('_').map_or(id, |(_, name)| name);
        self.payments().contains_key(name).then(|| name.to_owned())
    }

    fn life(&self, worker: usize) -> Option<Arc<Life>> {
        self.inner().lives.get(&worker).cloned()
    }

    /// Plays the story, lets the world come to rest, and judges.
    async fn tell(self: Arc<Self>, story: &Story) -> Vec<String> {
        let person = Person::new(self.clone()).await;
        let workers = self.inner().settings.number("workers");
        let keepers: Vec<JoinHandle<()>> = (1..=usize::try_from(workers).unwrap())
            .map(|number| tokio::spawn(process::keep(self.clone(), number)))
            .collect();
        let around = process::Ledgers { world: self.clone(), life: Life::new() };
        let looked = Ledger::in_memory(&self.memory, Arc::new(around), self.now()).await.unwrap();
        for step in &story.steps {
            self.note(&format!("> {step}"));
            self.happen(step, &person).await;
            let takes_nothing = self.ledger_is_there(true).is_err();
            if takes_nothing && looked.health().await.is_ok() {
                self.inner()
                    .wrong
                    .push("ready: the ledger takes nothing, and says that it is well".to_owned());
            }
        }
        let mut wrong = self.rest(&person).await;
        keepers.iter().for_each(JoinHandle::abort);
        wrong.append(&mut self.inner().wrong);
        wrong.extend(person.wrong());
        wrong.extend(judge::judge(&self, &person.ledger).await);
        wrong
    }

    async fn happen(&self, step: &Step, person: &Person) {
        let now_s = self.now_s();
        match step {
            Step::Channel { .. } => {}
            Step::Set { key, value } => self.inner().settings.set(key, value),
            Step::Balance(days) => self.partner().balance = *days,
            Step::Partner { habit, value } => {
                let habit =
                    parsed(Habit::ALL, Habit::word, habit).unwrap_or_else(|| panic!("no habit {habit}"));
                self.partner().habit(habit, value);
            }
            Step::Pay { payment, channel, days, amount, way } => {
                let paid = Payment::new(payment, channel, *days, *amount, *way, now_s);
                self.payments().insert(payment.clone(), paid);
            }
            Step::Aside { payment } => self.with(payment, |payment| payment.aside(now_s)),
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
            Step::QueueRepeats => self.broker.repeats(),
            Step::DeadLetters => self.broker.gives_up(),
            Step::Crash { worker, .. }
            | Step::Freeze { worker, .. }
            | Step::Clock { worker, .. }
            | Step::Restart { worker }
            | Step::Unheard { worker, .. } => self.befall(*worker, step),
            Step::Backup => {
                let now = self.now();
                self.inner().backup = self.memory.copy().ok().map(|copy| (copy, now));
            }
            Step::Restore { declared } => self.restore(person, *declared).await,
            Step::Errs(payment) => {
                self.inner().errs.entry(payment.clone()).or_default();
            }
            Step::Decide => person.decide().await,
            Step::Replay(payment) => person.replay(payment).await,
            Step::Wait(time) => sleep(*time).await,
        }
    }

    fn befall(&self, worker: usize, step: &Step) {
        let Some(life) = self.life(worker) else { return };
        match step {
            Step::Crash { effect, after, .. } => life.crash(*effect, *after),
            Step::Freeze { effect, time, .. } => life.freeze(*effect, *time),
            Step::Unheard { effect, .. } => life.unheard(*effect),
            Step::Restart { .. } => life.stop.cancel(),
            Step::Clock { ms, .. } => {
                self.inner().clocks.insert(worker, *ms);
            }
            _ => {}
        }
    }

    fn with(&self, payment: &str, work: impl FnOnce(&mut Payment)) {
        if let Some(payment) = self.payments().get_mut(payment) {
            work(payment);
        }
    }

    /// A body with what payers write.
    fn written(&self, body: String) -> String {
        match self.inner().settings.get("texts") {
            "odd" => body.replace(PAYER, ODD_TEXT),
            _ => body,
        }
    }

    /// What a source's provider made, with the bodies of its list.
    pub fn made_at(&self, source: &str) -> Vec<(Event, String)> {
        let events: Vec<Event> = {
            let payments = self.payments();
            let there = payments.values().filter(|payment| payment.way.source() == source);
            there.flat_map(|payment| payment.events.values().cloned()).collect()
        };
        events.into_iter().map(|event| (event.clone(), self.written(event.body.to_string()))).collect()
    }

    /// The provider's list, where it is asked.
    pub fn history(self: &Arc<Self>) -> Option<Stripes> {
        (self.inner().settings.get("backfill") == "on").then(|| Stripes(self.clone()))
    }

    /// Whether nobody answers a read now.
    pub fn reads_fail(&self) -> bool {
        self.now() < self.partner().reads_fail_until
    }

    fn deliver(&self, name: &str, word: &str, as_new: bool) {
        let (body, source, told) = {
            let mut payments = self.payments();
            let Some(payment) = payments.get_mut(name) else { return };
            let source = payment.way.source();
            let Some(event) = payment.events.get_mut(word) else { return };
            event.told += 1;
            let body = if as_new { event.anew() } else { event.body.clone() };
            (body.to_string(), source, event.told)
        };
        let body = Bytes::from(self.written(body));
        let (config, _) = self.settings();
        // Some name their events in a header.
        let id = match as_new {
            true => format!("msg_{name}_{word}_n{told}"),
            false => format!("msg_{name}_{word}"),
        };
        let words = words(&config.sources[source].events, &|_| Some(id.clone()), &body);
        let envelope = Envelope {
            body,
            content_type: "application/json".into(),
            source: source.into(),
            event_id: words.event_id,
            event_type: words.event_type,
            received_at_ms: self.now(),
            delivery: format!("{}-{told}", delivery(name, word)),
            trigger: Trigger::Webhook,
            traceparent: new_traceparent(),
        };
        self.inner().told.push(Told { payment: name.to_owned(), envelope: envelope.clone() });
        self.broker.publish(envelope);
    }

    /// What a person does who finds the ledger lost: all workers stop, the copy is put back, the gap is declared, or not.
    async fn restore(&self, person: &Person, declared: bool) {
        let Some((copy, made_at)) = self.inner().backup.take() else { return };
        {
            let mut inner = self.inner();
            (inner.closed, inner.restored) = (true, true);
        }
        for life in self.inner().lives.values() {
            life.kill();
        }
        self.memory.put_back(&copy).unwrap();
        // So long a heartbeat of before is fresh.
        sleep(Duration::from_secs(40)).await;
        if declared {
            person.restored(made_at).await;
        } else {
            let now = self.now();
            self.inner().forgot = Some((made_at, now));
        }
        self.told_again();
        self.inner().closed = false;
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
        self.partner().heal();
        self.partner().balance = 1_000_000;
        {
            let mut inner = self.inner();
            inner.lives.values().for_each(|life| life.heal());
            inner.clocks.clear();
            (inner.ledger_away_until, inner.ledger_full_until, inner.meets) = (0, 0, 0);
        }
        let untold: Vec<(String, String)> = {
            let payments = self.payments();
            let events = payments.values().flat_map(|payment| {
                let untold = payment.events.iter().filter(|(_, event)| event.told == 0);
                untold.map(|(word, _)| (payment.name.clone(), word.clone()))
            });
            events.collect()
        };
        for (payment, event) in untold {
            self.note(&format!("> tell {payment} {event}"));
            self.deliver(&payment, &event, false);
        }
        for _ in 0..ROUNDS_MAX {
            sleep(Duration::from_millis(u64::try_from(SETTLE_WINDOW_MS).unwrap() + 15_000)).await;
            person.decide().await;
            if self.broker.is_empty() && person.nothing_left().await {
                return Vec::new();
            }
        }
        person.left().await
    }

    /// A way to the ledger that nothing befalls.
    pub async fn ledger(&self) -> Ledger {
        Ledger::in_memory(&self.memory, Arc::new(super::person::Untroubled), self.now()).await.unwrap()
    }
}

/// How deliveries of an event begin. A dot begins the number of one event of several.
fn delivery(payment: &str, word: &str) -> String {
    format!("{payment}-{}", word.replace('.', "_"))
}

fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap()
}
