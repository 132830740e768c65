//! A person who looks at what is held and decides by the books: Billing History and the provider's pages show what happened.
//! Whoever decides also looks whether each reason is true.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use daybridge::{
    domain::{
        closed::{HeldCause, TransferState},
        hold::may_have_moved,
    },
    ledger::{
        Act, Correction, Ledger, LedgerError, Selection, TransactionHook,
        query::{HeldQuery, Page, PaymentQuery, TransferQuery},
        view::{CallOutcome, Held, HeldKind},
    },
    ops::{
        held::{Choice, Desk, HeldDecision},
        replay::{Applying, Feed, PER_SECOND, apply, plan},
    },
    worker::{Interpreter, settle_policy},
};
use tokio_util::sync::CancellationToken;

use super::{
    directory::wants_channel,
    judge::{self, days_in_books},
    process::Life,
    queue, reconcile,
    slices::judge::{days_of, numbered},
    world::World,
};

/// What comes within this is to come soon.
const SOON_MS: i64 = 600_000;

/// The partner account of all worlds.
pub(super) const ACCOUNT: &str = "main";

/// Most rows that one look shows.
const ROWS_MAX: u32 = 1_000;

pub(super) const ACT: Act<'static> = Act { who: "ada", reason: "by the books" };

/// Nothing befalls its transactions.
pub struct Untroubled;

#[async_trait]
impl TransactionHook for Untroubled {
    async fn before(&self, _writes: bool) -> Result<u32, LedgerError> {
        Ok(0)
    }

    async fn after(&self, _writes: bool) -> Result<(), LedgerError> {
        Ok(())
    }
}

/// Of a command at her desk: by the settings of now.
struct AtDesk(Arc<World>);

#[async_trait]
impl TransactionHook for AtDesk {
    async fn before(&self, _writes: bool) -> Result<u32, LedgerError> {
        self.0.memory.allocate(self.0.config().ledger.allocation.clone());
        Ok(0)
    }

    async fn after(&self, _writes: bool) -> Result<(), LedgerError> {
        Ok(())
    }
}

/// What to do about a row.
enum About {
    Later,
    /// The payment that was stopped goes on.
    Go(String),
    /// Its channel is gone: what is left is another one's.
    Gives(String, String),
    Decide(HeldDecision),
    /// So many days stand in Billing History.
    Stands(u32),
    /// So many days are right.
    Days(u32),
    /// This is its channel.
    Channel(String),
    /// The account was topped up.
    TopUp,
    /// Days that are owed are extended on the panel, and the question is closed.
    ByHand(u32),
}

/// So many days are right for a row.
fn says<'a>(days: Option<u32>, row: &Held, interpreter: &'a Interpreter) -> Correction<'a> {
    Correction {
        channel: None,
        days,
        remember: false,
        force: false,
        account: ACCOUNT,
        cause: Some(row.cause),
        act: ACT,
        comment: interpreter.comment(),
    }
}

/// See the module.
pub struct Person {
    pub(super) world: Arc<World>,
    pub ledger: Ledger,
    queue: queue::Door,
    wrong: Mutex<Vec<String>>,
}

impl Person {
    pub async fn new(world: Arc<World>) -> Self {
        let around = Arc::new(AtDesk(world.clone()));
        let ledger = Ledger::in_memory(&world.memory, around, world.now()).await.unwrap();
        let queue = queue::Door { broker: world.broker.clone(), life: Life::new() };
        Self { world, ledger, queue, wrong: Mutex::default() }
    }

    /// What was not true when it was looked at.
    pub fn wrong(&self) -> Vec<String> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn rows(&self) -> Vec<Held> {
        self.ledger.held(&HeldQuery::default(), ROWS_MAX, self.world.now()).await.unwrap()
    }

    /// Decides all that can be decided now.
    pub async fn decide(&self) {
        self.resume().await;
        let rows = self.rows().await;
        let wrong = judge::reasons(&self.world, &rows);
        let paid = judge::payments(&self.world, &self.ledger).await;
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).extend(wrong.into_iter().chain(paid));
        self.look_at_balance().await;
        for row in &rows {
            let about = self.mistaken(row, self.about(row).await);
            if let Err(error) = self.act(row, about).await {
                self.world.note(&format!("person: {} {} not done: {error}", row.kind, row.key));
            }
        }
    }

    /// Ends every pause: what it was for is decided now.
    async fn resume(&self) {
        for pause in self.ledger.pauses().await.unwrap() {
            self.ledger.resume(&pause.scope, &ACT, self.world.now()).await.unwrap();
            self.world.note(&format!("person: {} ({}): resumed", pause.scope.word(), pause.cause));
        }
    }

    async fn about(&self, row: &Held) -> About {
        let world = &self.world;
        match row.kind {
            HeldKind::Account => return About::TopUp,
            // The worker asks again by itself.
            HeldKind::Event if row.cause == HeldCause::Unfetched => return About::Later,
            HeldKind::Event => return About::Decide(HeldDecision::Retry),
            _ => {}
        }
        let named = row.payment.as_deref().unwrap_or(&row.key);
        let Some(name) = world.payment_of(named) else {
            return About::Later;
        };
        let (due, channel, amount) = {
            let payments = world.payments();
            let payment = &payments[&name];
            (payment.due(), payment.channel.clone(), payment.amount)
        };
        // What she extended by hand stands in Billing History too, without a key.
        let (moved, by_hand) =
            (days_in_books(world, &name), world.partner().owed.get(&name).copied().unwrap_or(0));
        if row.is_gap() {
            return self.gap(row, due.saturating_sub(moved + by_hand), &channel).await;
        }
        let forgotten = may_have_moved(row.cause);
        let open = row.outcome == Some(CallOutcome::Open) || forgotten;
        let sliced = world.inner().slices.terms.is_on();
        // Of a payment in slices each has its own line.
        let stands = match sliced {
            true => days_of(world, &numbered(world, &row.key).unwrap_or((name.clone(), 1))),
            false => moved + by_hand,
        };
        if stands > 0 && (open || row.kind == HeldKind::Transfer) {
            return About::Stands(stands);
        }
        if !world.partner().knows(&channel) {
            return self.gone(row, &name, &channel);
        }
        if due <= moved + by_hand {
            if forgotten && by_hand > 0 && moved == 0 {
                return About::Decide(HeldDecision::Cancel);
            }
            return self.nothing_due(row, named, amount, moved).await;
        }
        if open {
            return About::Decide(HeldDecision::NotApplied);
        }
        match row.cause {
            // What she knows beyond what was told is told yet, and weighed then.
            HeldCause::Refunded | HeldCause::Disputed => match self.told_due(named).await {
                // As the ledger has it by her mistake, they moved.
                Some(_) if world.is_a_persons(&name) => About::Decide(HeldDecision::Cancel),
                Some(told) if told > moved => About::Days(told),
                Some(_) | None => About::Later,
            },
            cause if wants_channel(cause) => About::Channel(channel),
            HeldCause::Stopped | HeldCause::Ended if world.inner().rests => About::Go(name),
            HeldCause::Stopped | HeldCause::Ended => About::Later,
            _ => About::Decide(HeldDecision::Retry),
        }
    }

    /// What she does about days that moved and are not covered, or are and did not: `more` of them.
    async fn gap(&self, row: &Held, more: u32, channel: &str) -> About {
        match row.cause {
            // As is said: they would be taken for those of a call whose outcome is open.
            HeldCause::DaysOwed if more > 0 && self.is_busy(channel).await => About::Later,
            HeldCause::DaysOwed if more > 0 => About::ByHand(more),
            _ => About::Decide(HeldDecision::Cancel),
        }
    }

    /// What she does about a row of which no more days are due. Whoever closes it for its money looks whether the ledger
    /// knows that too.
    async fn nothing_due(&self, row: &Held, named: &str, amount: i64, moved: u32) -> About {
        let told = self.told_due(named).await;
        match row.outcome {
            Some(CallOutcome::Open) => About::Decide(HeldDecision::NotApplied),
            _ if self.all_out(named, amount).await => About::Decide(HeldDecision::Cancel),
            _ if wants_channel(row.cause) => {
                let channel =
                    self.world.payment_of(named).map(|name| self.world.payments()[&name].channel.clone());
                channel.map_or(About::Later, About::Channel)
            }
            _ if moved > 0 && told.is_some_and(|told| told <= moved) => About::Decide(HeldDecision::Cancel),
            // Of days that moved twice, as is said where nobody declares a restored ledger.
            _ if moved > 0 && self.is_excused(named) => About::Decide(HeldDecision::Cancel),
            _ => About::Later,
        }
    }

    fn is_excused(&self, named: &str) -> bool {
        self.world.payment_of(named).is_some_and(|name| judge::is_excused(&self.world, &name))
    }

    /// What she does about a row of a channel that is gone.
    fn gone(&self, row: &Held, name: &str, channel: &str) -> About {
        if row.outcome == Some(CallOutcome::Open) {
            return About::Decide(HeldDecision::NotApplied);
        }
        let other = self.world.partner().any_but(channel);
        match other.filter(|_| row.cause == HeldCause::ChannelUnknown && row.kind == HeldKind::Transfer) {
            Some(other) if self.world.inner().slices.terms.is_on() => About::Gives(name.to_owned(), other),
            _ => {
                self.world.gives_up(name);
                About::Decide(HeldDecision::Cancel)
            }
        }
    }

    /// Whether a call for the channel is to come soon, or in doubt.
    async fn is_busy(&self, channel: &str) -> bool {
        let query = TransferQuery { channel: Some(channel.to_owned()), state: None };
        let rows = self.ledger.transfers(&query, &Page::first(ROWS_MAX)).await.unwrap();
        let soon = self.world.now() + SOON_MS;
        rows.iter().any(|row| match row.state {
            TransferState::Planned => row.next_at.is_none_or(|at| at < soon),
            TransferState::Intended | TransferState::Doubtful => true,
            TransferState::Settled | TransferState::Held | TransferState::Cancelled => false,
        })
    }

    /// What she makes of it who mistakes Billing History.
    fn mistaken(&self, row: &Held, about: About) -> About {
        let named = row.payment.as_deref().unwrap_or(&row.key);
        let errs = |world: &World| world.payment_of(named).is_some_and(|name| world.errs(&name));
        match about {
            About::Stands(_) if errs(&self.world) => About::Decide(HeldDecision::NotApplied),
            About::Decide(HeldDecision::NotApplied) if errs(&self.world) => {
                About::Decide(HeldDecision::Applied)
            }
            about => about,
        }
    }

    /// The days that are due as the ledger was told.
    async fn told_due(&self, key: &str) -> Option<u32> {
        self.ledger.payment(key).await.unwrap()?.money_out?.days_due
    }

    /// Whether the ledger says that all of its money is out.
    async fn all_out(&self, key: &str, amount: i64) -> bool {
        let shown = self.ledger.payment(key).await.unwrap().and_then(|whole| whole.money_out);
        shown.is_some_and(|out| out.refunded.saturating_add(out.disputed) >= amount)
    }

    async fn act(&self, row: &Held, about: About) -> anyhow::Result<()> {
        let now = self.world.now();
        let (config, readers) = (self.world.config(), self.world.readers_of_person());
        let settle_window_ms = settle_policy(&config.partner).settle_window_ms;
        let interpreter = Interpreter::looking(&config, &self.ledger, Arc::new(readers), now).await?;
        let desk =
            Desk { ledger: &self.ledger, queue: &self.queue, interpreter: &interpreter, settle_window_ms };
        let cause = Some(row.cause);
        let told = match about {
            About::Later => return Ok(()),
            About::TopUp => {
                self.world.partner().balance += 10_000;
                if self.world.balance_changed() {
                    self.mark().await;
                }
                "topped up".to_owned()
            }
            About::Go(name) => {
                self.go(&name).await?;
                "goes on".to_owned()
            }
            About::Gives(name, channel) => {
                if let Err(why) = self.gives(&name, &channel).await {
                    self.world.note(&format!("person: {name} not given to {channel}: {why}"));
                    self.world.gives_up(&name);
                    let choice = Choice { decision: HeldDecision::Cancel, cause, days: None };
                    desk.decide(&row.key, choice, ACT, now).await?;
                }
                format!("is {channel}'s")
            }
            About::Decide(decision) => {
                let decided = desk.decide(&row.key, Choice { decision, cause, days: None }, ACT, now).await;
                // Where reading it again says the same, she says herself what it bought.
                match (decided, row.kind, decision) {
                    (Err(_), HeldKind::Payment, HeldDecision::Retry) => {
                        self.says_days(&desk, row, now).await?
                    }
                    (decided, ..) => decided?,
                }
                format!("{decision:?}")
            }
            About::Stands(days) => {
                let choice = |days| Choice { decision: HeldDecision::Applied, cause, days };
                // Where its call is known, those are its days.
                if desk.decide(&row.key, choice(Some(days)), ACT, now).await.is_err() {
                    desk.decide(&row.key, choice(None), ACT, now).await?;
                }
                format!("applied, {days} days")
            }
            About::Days(days) => {
                desk.correct(&row.key, &says(Some(days), row, &interpreter), now).await?;
                format!("{days} days")
            }
            About::Channel(channel) => {
                self.says_channel(&desk, &row.key, &channel, row.cause).await?;
                format!("is for {channel}")
            }
            About::ByHand(days) => {
                let name = self.world.payment_of(&row.key).unwrap_or_default();
                let channel = self.world.payments()[&name].channel.clone();
                let choice = Choice { decision: HeldDecision::Cancel, cause, days: None };
                desk.decide(&row.key, choice, ACT, now).await?;
                self.world.partner().owed_by_hand(&name, &channel, days, now);
                format!("{days} days by hand")
            }
        };
        self.world.note(&format!("person: {} {} ({}): {told}", row.kind, row.key, row.cause));
        // What waited for her may be late.
        self.world.inner().slices.disturbed_at = now;
        Ok(())
    }

    async fn says_days(&self, desk: &Desk<'_>, row: &Held, now: i64) -> anyhow::Result<()> {
        let name = self.world.payment_of(&row.key).unwrap_or_default();
        // What went out of it is weighed then.
        let days = self.world.payments().get(&name).map(|payment| payment.days);
        desk.correct(&row.key, &says(days, row, desk.interpreter), now).await?;
        Ok(())
    }

    /// Compares the ledger with Billing History and Stripe's list of payments.
    pub async fn reconcile(&self, at_rest: bool) {
        let wrong = reconcile::wrong(&self.world, &self.ledger, at_rest).await;
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).extend(wrong);
    }

    /// Declares the ledger restored from a copy of that time.
    pub async fn restored(&self, since: i64) {
        if let Err(error) = self.ledger.restored(since, "ada", self.world.now()).await {
            self.world.note(&format!("person: not declared restored: {error}"));
        }
    }

    /// Nothing is held, and nothing is under way.
    pub async fn nothing_left(&self) -> bool {
        let counts = self.ledger.counts().await.unwrap();
        let query = TransferQuery { state: Some(TransferState::Planned), channel: None };
        // A slice that waits for its time is not counted.
        let later = self.ledger.transfers(&query, &Page::first(1)).await.unwrap();
        counts.planned + counts.doubtful + counts.held == 0 && later.is_empty()
    }

    /// What is.
    pub async fn left(&self) -> Vec<String> {
        let rows = self.rows().await;
        let held = rows
            .iter()
            .map(|row| format!("no end: {} {} ({}): {}", row.kind, row.key, row.cause, row.reason));
        let mut left: Vec<String> = held.collect();
        if left.is_empty() {
            left.push("no end: something is still planned or doubtful, or on the queue".to_owned());
        }
        left
    }

    /// Plans to read all events of a payment again, looks at the plan, and applies it.
    pub async fn replay(&self, name: &str) {
        let selection = Selection { payment: self.key_of(name).await, ..Selection::default() };
        if selection.payment.is_none() {
            return;
        }
        let (config, readers) = (self.world.config(), self.world.readers_of_person());
        let now = self.world.now();
        let interpreter = Interpreter::looking(&config, &self.ledger, Arc::new(readers), now).await.unwrap();
        let feed = Feed::Selection(&selection);
        let Some(plan) = plan(&self.ledger, &interpreter, feed, name, "ada", now).await.unwrap() else {
            return;
        };
        // So long a person looks at it; the world goes on.
        self.world.little_while(3_000).await;
        let with = Applying {
            ledger: &self.ledger,
            queue: &self.queue,
            interpreter: &interpreter,
            act: ACT,
            clock: &self.world.time(),
            per_second: PER_SECOND,
            stop: &CancellationToken::new(),
        };
        let told = match apply(&with, &plan.hash, |_, _| {}).await {
            Ok(_) => "applied".to_owned(),
            Err(error) => error.to_string(),
        };
        self.world.note(&format!("person: replay of {name}: {told}"));
    }

    pub(super) async fn key_of(&self, name: &str) -> Option<String> {
        let rows = self.ledger.payments(&PaymentQuery::default(), &Page::first(ROWS_MAX)).await.unwrap();
        rows.into_iter().map(|row| row.key).find(|key| self.world.payment_of(key).as_deref() == Some(name))
    }
}
