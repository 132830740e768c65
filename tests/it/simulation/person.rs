//! A person who looks at what is held and decides by the books: Billing History and the provider's pages show what happened.
//! Whoever decides also looks whether each reason is true.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use daybridge::{
    domain::{
        closed::{HeldCause, PaymentState},
        hold::may_have_moved,
    },
    ledger::{
        Act, Around, Correction, Ledger, LedgerError, Selection,
        query::{HeldQuery, Page, PaymentQuery},
        view::{CallOutcome, Held, HeldKind},
    },
    ops::{
        held::{Choice, Decision, Desk},
        replay::{Applying, Feed, PER_SECOND, apply, plan},
    },
    worker::{Interpreter, settle_policy},
};
use tokio_util::sync::CancellationToken;

use super::{
    judge::{self, days_in_books},
    process::Life,
    queue, reconcile,
    world::World,
};

/// Most rows that one look shows.
const ROWS_MAX: u32 = 1_000;

const ACT: Act<'static> = Act { who: "ada", reason: "by the books" };

/// Nothing befalls its transactions.
pub struct Untroubled;

#[async_trait]
impl Around for Untroubled {
    async fn before(&self, _writes: bool) -> Result<u32, LedgerError> {
        Ok(0)
    }

    async fn after(&self, _writes: bool) -> Result<(), LedgerError> {
        Ok(())
    }
}

/// What to do about a row.
enum About {
    Later,
    Decide(Decision),
    /// So many days stand in Billing History.
    Stands(u32),
    /// So many days are right.
    Days(u32),
    /// The account was topped up.
    TopUp,
    /// Days that are owed are extended on the panel, and the question is closed.
    ByHand(u32),
}

/// See the module.
pub struct Person {
    world: Arc<World>,
    pub ledger: Ledger,
    queue: queue::Door,
    wrong: Mutex<Vec<String>>,
}

impl Person {
    pub async fn new(world: Arc<World>) -> Self {
        let ledger = world.ledger().await;
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
            HeldKind::Event => return About::Decide(Decision::Retry),
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
            let more = due.saturating_sub(moved + by_hand);
            return match row.cause {
                // As is said: they would be taken for those of a call whose outcome is open.
                HeldCause::DaysOwed if more > 0 && self.is_busy(&channel).await => About::Later,
                HeldCause::DaysOwed if more > 0 => About::ByHand(more),
                _ => About::Decide(Decision::Cancel),
            };
        }
        let forgotten = may_have_moved(row.cause);
        let open = row.outcome == Some(CallOutcome::Open) || forgotten;
        if moved + by_hand > 0 && (open || row.kind == HeldKind::Transfer) {
            return About::Stands(moved + by_hand);
        }
        if !world.partner().knows(&channel) {
            let open = row.outcome == Some(CallOutcome::Open);
            if !open {
                world.gives_up(&name);
            }
            return About::Decide(if open { Decision::NotApplied } else { Decision::Cancel });
        }
        if due == 0 {
            // Whoever closes it for its money looks whether the ledger knows that too.
            return match row.outcome {
                Some(CallOutcome::Open) => About::Decide(Decision::NotApplied),
                _ if self.all_out(named, amount).await => About::Decide(Decision::Cancel),
                _ => About::Later,
            };
        }
        if open {
            return About::Decide(Decision::NotApplied);
        }
        match row.cause {
            // What she knows beyond what was told is told yet, and weighed then.
            HeldCause::Refunded | HeldCause::Disputed => match self.told_due(named).await {
                Some(told) if told > 0 => About::Days(told),
                Some(_) | None => About::Later,
            },
            _ => About::Decide(Decision::Retry),
        }
    }

    /// Whether a call for the channel is to come, or in doubt.
    async fn is_busy(&self, channel: &str) -> bool {
        let query = PaymentQuery { channel: Some(channel.to_owned()), ..PaymentQuery::default() };
        let rows = self.ledger.payments(&query, &Page::first(ROWS_MAX)).await.unwrap();
        rows.iter().any(|row| matches!(row.state, PaymentState::Planned | PaymentState::Doubtful))
    }

    /// What she makes of it who mistakes Billing History.
    fn mistaken(&self, row: &Held, about: About) -> About {
        let named = row.payment.as_deref().unwrap_or(&row.key);
        let errs = |world: &World| world.payment_of(named).is_some_and(|name| world.errs(&name));
        match about {
            About::Stands(_) if errs(&self.world) => About::Decide(Decision::NotApplied),
            About::Decide(Decision::NotApplied) if errs(&self.world) => About::Decide(Decision::Applied),
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
                "topped up".to_owned()
            }
            About::Decide(decision) => {
                let decided = desk.decide(&row.key, Choice { decision, cause, days: None }, ACT, now).await;
                // Where reading it again says the same, she says herself what it bought.
                match (decided, row.kind, decision) {
                    (Err(_), HeldKind::Payment, Decision::Retry) => self.says_days(&desk, row, now).await?,
                    (decided, ..) => decided?,
                }
                format!("{decision:?}")
            }
            About::Stands(days) => {
                let choice = |days| Choice { decision: Decision::Applied, cause, days };
                // Where its call is known, those are its days.
                if desk.decide(&row.key, choice(Some(days)), ACT, now).await.is_err() {
                    desk.decide(&row.key, choice(None), ACT, now).await?;
                }
                format!("applied, {days} days")
            }
            About::Days(days) => {
                let comment = interpreter.comment();
                let correction = Correction {
                    channel: None,
                    days: Some(days),
                    remember: false,
                    force: false,
                    account: "main",
                    cause,
                    act: ACT,
                    comment,
                };
                desk.correct(&row.key, &correction, now).await?;
                format!("{days} days")
            }
            About::ByHand(days) => {
                let name = self.world.payment_of(&row.key).unwrap_or_default();
                let channel = self.world.payments()[&name].channel.clone();
                let choice = Choice { decision: Decision::Cancel, cause, days: None };
                desk.decide(&row.key, choice, ACT, now).await?;
                self.world.partner().owed_by_hand(&name, &channel, days, now);
                format!("{days} days by hand")
            }
        };
        self.world.note(&format!("person: {} {} ({}): {told}", row.kind, row.key, row.cause));
        Ok(())
    }

    async fn says_days(&self, desk: &Desk<'_>, row: &Held, now: i64) -> anyhow::Result<()> {
        let name = self.world.payment_of(&row.key).unwrap_or_default();
        // What went out of it is weighed then.
        let days = self.world.payments().get(&name).map(|payment| payment.days);
        let comment = desk.interpreter.comment();
        let correction = Correction {
            channel: None,
            days,
            remember: false,
            force: false,
            account: "main",
            cause: Some(row.cause),
            act: ACT,
            comment,
        };
        desk.correct(&row.key, &correction, now).await?;
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
        counts.planned + counts.doubtful + counts.held == 0
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

    async fn key_of(&self, name: &str) -> Option<String> {
        let rows = self.ledger.payments(&PaymentQuery::default(), &Page::first(ROWS_MAX)).await.unwrap();
        rows.into_iter().map(|row| row.key).find(|key| self.world.payment_of(key).as_deref() == Some(name))
    }
}
