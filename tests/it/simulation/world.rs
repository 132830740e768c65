//! A world in a time of its own, on one thread: the providers, the queue, the workers and the partner, as they are now.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use daybridge::{
    clock::Clock,
    config::Config,
    domain::Ms,
    envelope::Envelope,
    ledger::{LedgerError, MemoryDatabase, Time as _},
    provider::readers::Readers,
};
use tokio::time::sleep;

use super::{
    api::{self, Fault},
    delivery::delivery,
    history::Stripes,
    judge::days_in_books,
    partner::Partner,
    payment::{Payment, Way, alias_of},
    process::Life,
    queue::Broker,
    settings::Settings,
    slices::{self, Terms},
    story::{Step, Story},
    tables::{BEGINS_MS, Right, Tables, WorldTime},
};

/// A call is made so long after its intent, at most, and some ms.
const CALL_AFTER_MAX: Duration = Duration::from_secs(15);

/// A body that a provider delivered, and was told is kept.
#[derive(Debug, Clone)]
pub struct Told {
    pub payment: String,
    pub envelope: Envelope,
}

#[derive(Default)]
pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) clocks: BTreeMap<usize, i64>,
    pub(super) lives: BTreeMap<usize, Arc<Life>>,
    pub(super) ledger_away_until: Ms,
    pub(super) ledger_full_until: Ms,
    pub(super) meets: u32,
    /// What befalls the providers' APIs, and until when; and those that it ever befell.
    pub(super) api: Option<(Fault, Ms)>,
    pub(super) api_failed: BTreeSet<String>,
    /// What payments were, whose provider's API is asked.
    pub(super) past: BTreeMap<String, Vec<Payment>>,
    /// How the person's program reads bodies, by its settings.
    readers: BTreeMap<String, Readers>,
    pub(super) closed: bool,
    pub(super) backup: Option<(Vec<u8>, Ms)>,
    /// A worker's clock was set to another time than is allowed for: its readings seem to be of other times.
    pub(super) clock_was_set: bool,
    /// A copy was put back once.
    pub(super) restored: bool,
    /// What was wrong when it happened.
    pub(super) wrong: Vec<String>,
    /// Of a copy that was put back without a word: when it had been made, and when it was put back.
    pub(super) forgot: Option<(Ms, Ms)>,
    /// Payments that the person is to mistake, and those that she has.
    pub(super) errs: BTreeMap<String, bool>,
    /// Payments that she closed because their channel was gone.
    pub(super) given_up: BTreeSet<String>,
    /// What was seen of days in slices.
    pub(super) slices: slices::Seen,
    /// The story is over.
    pub(super) rests: bool,
    pub(super) history: Vec<String>,
    pub(super) told: Vec<Told>,
    pub(super) rng: fastrand::Rng,
}

/// See the module.
pub struct World {
    time: Arc<WorldTime>,
    pub memory: MemoryDatabase,
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

impl World {
    pub(super) fn new(story: &Story, tables: &Tables) -> Arc<Self> {
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
        world.inner().slices.terms = Terms::of(story);
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

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
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

    pub(super) fn now_s(&self) -> i64 {
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

    /// The settings of now.
    pub fn config(&self) -> Arc<Config> {
        self.inner().settings.read()
    }

    /// How a new process reads bodies.
    pub fn readers(self: &Arc<Self>, life: &Arc<Life>) -> Readers {
        Readers::by(&self.config(), |source| api::door(self, life, source)).unwrap()
    }

    /// How the person's program does.
    pub fn readers_of_person(self: &Arc<Self>) -> Readers {
        let text = self.inner().settings.text();
        if let Some(readers) = self.inner().readers.get(&text) {
            return readers.clone();
        }
        let readers = self.readers(&Life::new());
        self.inner().readers.insert(text, readers.clone());
        readers
    }

    pub fn told(&self) -> Vec<Told> {
        self.inner().told.clone()
    }

    /// Which events of a payment were read so long ago.
    pub(super) fn told_ago(&self, name: &str, ago: Duration) -> impl Fn(&str) -> bool + use<> {
        let acked = self.broker.acked(ago);
        let name = name.to_owned();
        move |word: &str| {
            let begins = format!("{}-", delivery(&name, word));
            acked.iter().any(|delivery| delivery.starts_with(&begins))
        }
    }

    /// Whether what was read tells that all of a payment's names are one's.
    pub fn is_joined(&self, name: &str) -> bool {
        let told = self.told_ago(name, Duration::ZERO);
        self.payments().get(name).is_some_and(|payment| payment.due_as_told(told).is_some())
    }

    /// Notes what is wrong with a call that is made now.
    pub fn watch_call(&self, name: &str, days: u32) {
        let told = self.told_ago(name, CALL_AFTER_MAX);
        let due = {
            let payments = self.payments();
            // What was told and could not be asked for is not known yet.
            let payment = payments.get(name).filter(|payment| self.was_answered(payment.way.source()));
            payment.and_then(|payment| payment.due_as_told(told))
        };
        let in_all = days_in_books(self, name) + days;
        let mut inner = self.inner();
        if due.is_some_and(|due| due < in_all) && !inner.restored && !inner.errs.contains_key(name) {
            let due = due.unwrap_or_default();
            inner
                .wrong
                .push(format!("in spite: {in_all} days are moved for {name}, {due} are due as was told"));
        }
    }

    /// What events of a payment say of its channel.
    pub(super) fn pointer(&self, channel: &str, way: Way) -> String {
        match self.inner().settings.get("alias") {
            "on" if way.source() == "stripe" => alias_of(channel),
            _ => channel.to_owned(),
        }
    }

    /// The payment that a comment, or a key in one, names.
    pub fn payment_of(&self, comment: &str) -> Option<String> {
        let key = comment.split_whitespace().find(|word| word.contains('/'))?;
        let id = key.split_once('/')?.1;
        let id = id.split('#').next()?;
        let name = id.split_once('_').map_or(id, |(_, name)| name);
        let payments = self.payments();
        if payments.contains_key(name) {
            return Some(name.to_owned());
        }
        let own = |payment: &Payment| match payment.way {
            Way::At(life) => life.key(&payment.name).is_some_and(|own| own == id),
            Way::Direct | Way::Customer | Way::Checkout | Way::Subscription | Way::Granted => false,
        };
        payments.values().find(|payment| own(payment)).map(|payment| payment.name.clone())
    }

    pub(super) fn life(&self, worker: usize) -> Option<Arc<Life>> {
        self.inner().lives.get(&worker).cloned()
    }

    pub(super) fn with(&self, payment: &str, work: impl FnOnce(&mut Payment)) {
        let mut payments = self.payments();
        let Some(payment) = payments.get_mut(payment) else {
            return;
        };
        if matches!(payment.way, Way::At(life) if life.is_asked()) {
            self.inner().past.entry(payment.name.clone()).or_default().push(payment.clone());
        }
        work(payment);
    }

    /// The provider's list, where it is asked.
    pub fn history(self: &Arc<Self>) -> Option<Stripes> {
        (self.inner().settings.get("backfill") == "on").then(|| Stripes(self.clone()))
    }

    /// Whether a channel ever moved, or was made again, without a call.
    pub fn was_extended_by_hand(&self) -> bool {
        let partner = self.partner();
        let inner = self.inner();
        !partner.by_hand.is_empty() || partner.was_remade || inner.restored || inner.clock_was_set
    }

    /// Whether nobody answers a read now.
    pub fn reads_fail(&self) -> bool {
        self.now() < self.partner().reads_fail_until
    }
}
