//! A ledger and short words to say things to it.

use std::{
    collections::BTreeMap,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use bytes::Bytes;
use daybridge::{
    config,
    domain::{
        channel::Channel,
        closed::HeldCause,
        facts::{Facts, Family, Found, Meaning, Money, PaymentId, Unread},
        id::CommentTemplate,
        payment::{Rules, agreement::OnEnd, entitlement::OnReversal},
        settle::{AccountSignal, Cause, Order, Outcome as Open, State, Step},
    },
    envelope::{self, Envelope, Trigger},
    ledger::{
        Claim, Decided, Entry, Ledger, LedgerError, Recorded, SourceRules, Take,
        query::{EventQuery, HeldQuery, Page, PaymentQuery, TransferQuery},
        view,
    },
};
use secrecy::ExposeSecret as _;

use crate::support::{postgres::Postgres, sql::Sql};

pub(crate) const ACCOUNT: &str = "main";
pub(crate) const NOW: i64 = 1_800_000_000_000;

pub(crate) struct Kit {
    pub(crate) ledger: Ledger,
    pub(crate) settings: config::LedgerSettings,
    pub(crate) _directory: Option<tempfile::TempDir>,
}

impl std::ops::Deref for Kit {
    type Target = Ledger;
    fn deref(&self) -> &Ledger {
        &self.ledger
    }
}

/// The first rows of each list, whatever they are.
impl Kit {
    /// Of a ledger that another one keeps.
    pub(crate) fn of(ledger: Ledger) -> Self {
        Self { ledger, settings: settings(""), _directory: None }
    }

    /// Its database, from outside.
    pub(crate) async fn sql(&self) -> Sql {
        Sql::open(self.settings.url.resolve().unwrap().expose_secret()).await
    }

    pub(crate) async fn payments(&self, limit: u32) -> Result<Vec<view::Payment>, LedgerError> {
        self.ledger.payments(&PaymentQuery::default(), &Page::first(limit)).await
    }

    pub(crate) async fn transfers(&self, limit: u32) -> Result<Vec<view::TransferRow>, LedgerError> {
        self.ledger.transfers(&TransferQuery::default(), &Page::first(limit)).await
    }

    pub(crate) async fn events(&self, limit: u32) -> Result<Vec<view::Event>, LedgerError> {
        self.ledger.events(&EventQuery::default(), &Page::first(limit)).await
    }

    pub(crate) async fn held(&self, limit: u32, now: i64) -> Result<Vec<view::Held>, LedgerError> {
        self.ledger.held(&HeldQuery::default(), limit, now).await
    }
}

pub(crate) fn settings(url: &str) -> config::LedgerSettings {
    config::LedgerSettings { url: config::Secret::plain(url), ..config::LedgerSettings::default() }
}

pub(crate) async fn sqlite() -> Kit {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(&format!("sqlite:{}/ledger.db", directory.path().display()));
    let ledger = Ledger::open(&settings).await.unwrap();
    Kit { ledger, settings, _directory: Some(directory) }
}

pub(crate) async fn postgres() -> Kit {
    let url = tokio::task::spawn_blocking(Postgres::url_of_new_database).await.unwrap();
    let settings = settings(&url);
    let ledger = Ledger::open(&settings).await.unwrap();
    Kit { ledger, settings, _directory: None }
}

pub(crate) fn rules() -> SourceRules {
    SourceRules {
        realm: "stripe".into(),
        provider: "stripe".into(),
        rules: Rules {
            money_in: Family::new("charges"),
            money_in_since: None,
            channel_pointers: vec!["/metadata/channel_id".into()],
            channel_alias: false,
            days_pointers: vec!["/metadata/days".into()],
            prices: BTreeMap::new(),
            slices: BTreeMap::new(),
            per_day: None,
            amounts: BTreeMap::new(),
            period: false,
            days_max: 3650,
            on_refund: OnReversal::Report,
            on_dispute: OnReversal::Report,
            on_end: OnEnd::Finish,
        },
    }
}

/// Ids by their prefix: `pi_` is rank 0, `ch_` 1, `in_` 2, anything else 3.
pub(crate) fn facts(meaning: Meaning, ids: &[&str]) -> Facts {
    let rank = |id: &str| match id.split('_').next() {
        Some("pi") => 0,
        Some("ch") => 1,
        Some("in") => 2,
        _ => 3,
    };
    let money = matches!(meaning, Meaning::MoneyIn(_));
    Facts {
        occurred_at: NOW - 5_000,
        paid_at: money.then_some(NOW - 5_000),
        livemode: true,
        account: None,
        meaning,
        ids: ids.iter().map(|id| PaymentId { rank: rank(id), id: (*id).to_owned() }).collect(),
        channel: vec![],
        days: vec![],
        money: money.then(|| Money { amount: 900, currency: "usd".into() }),
        amount_unread: None,
        unclear: None,
        customer: None,
        ..Facts::ignored(0, String::new())
    }
}

/// Paid at a time, and told then.
pub(crate) fn paid_at(mut facts: Facts, at: i64) -> Facts {
    (facts.occurred_at, facts.paid_at) = (at, Some(at));
    facts
}

pub(crate) fn charge(ids: &[&str]) -> Facts {
    facts(Meaning::MoneyIn(Family::new("charges")), ids)
}

pub(crate) fn to(mut facts: Facts, channel: &str, days: u32) -> Facts {
    facts.channel = vec![Found { pointer: 0, value: channel.into() }];
    facts.days = vec![Found { pointer: 0, value: days.to_string() }];
    facts
}

pub(crate) fn comment() -> &'static CommentTemplate {
    static COMMENT: OnceLock<CommentTemplate> = OnceLock::new();
    COMMENT.get_or_init(|| CommentTemplate::parse("daybridge {key} {days}d", 16, 3650).unwrap())
}

pub(crate) fn decided(order: Order) -> Decided<'static> {
    Decided {
        days: None,
        order,
        cause: None,
        who: "ada",
        reason: "seen in Billing History",
        settle_window_ms: 0,
        account: ACCOUNT,
        comment: comment(),
    }
}

pub(crate) fn decided_for(order: Order, cause: HeldCause) -> Decided<'static> {
    Decided { cause: Some(cause), ..decided(order) }
}

static DELIVERIES: AtomicU32 = AtomicU32::new(0);

/// A delivery of its own of an event; its body is made of the event's id.
pub(crate) fn delivery(event: &str) -> Envelope {
    Envelope {
        body: Bytes::from(format!("{{\"id\":\"{event}\"}}")),
        content_type: "application/json".into(),
        source: "stripe".into(),
        event_id: event.into(),
        event_type: "charge.succeeded".into(),
        received_at_ms: NOW - 1_000,
        delivery: format!("d{}", DELIVERIES.fetch_add(1, Ordering::Relaxed)),
        trigger: Trigger::Webhook,
        traceparent: envelope::new_traceparent(),
    }
}

impl Kit {
    pub(crate) async fn record(&self, event: &str, facts: &Facts) -> Recorded {
        self.record_as(&delivery(event), Ok(facts), &rules(), false).await
    }

    pub(crate) async fn record_as(
        &self,
        envelope: &Envelope,
        facts: Result<&Facts, &str>,
        source: &SourceRules,
        dead: bool,
    ) -> Recorded {
        self.record_at(envelope, facts, source, dead, NOW).await
    }

    pub(crate) async fn record_at(
        &self,
        envelope: &Envelope,
        facts: Result<&Facts, &str>,
        source: &SourceRules,
        dead: bool,
        now: i64,
    ) -> Recorded {
        let unread = facts.err().map(|why| Unread::Unreadable(why.to_owned()));
        let facts = unread.as_ref().map_or_else(|| facts.map_err(|_| unreachable!()), Err);
        let entry = Entry {
            envelope,
            dead,
            facts,
            source: Some(source),
            account: ACCOUNT,
            comment: comment(),
            take: None,
            asked: None,
        };
        self.ledger.record(&entry, now).await.unwrap()
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.settings.url.resolve().unwrap().expose_secret().starts_with("postgres")
    }

    /// Of who goes on with the channel.
    pub(crate) async fn record_and_take(
        &self,
        event: &str,
        facts: &Facts,
        take: Take<'_>,
        now: i64,
    ) -> Recorded {
        let envelope = delivery(event);
        let source = rules();
        let entry = Entry {
            envelope: &envelope,
            dead: false,
            facts: Ok(facts),
            source: Some(&source),
            account: ACCOUNT,
            comment: comment(),
            take: Some(take),
            asked: None,
        };
        self.ledger.record(&entry, now).await.unwrap()
    }

    /// A granted payment of 30 days; returns its transfer's key.
    pub(crate) async fn grant(&self, name: &str, channel: &str) -> String {
        let facts = to(charge(&[&format!("pi_{name}")]), channel, 30);
        self.record(&format!("evt_{name}"), &facts).await.planned.unwrap()
    }

    pub(crate) async fn claim_one(&self, now: i64) -> Claim {
        let mut claims = self.ledger.claim(ACCOUNT, "w", now, now + 60_000, 1).await.unwrap();
        claims.pop().expect("a channel is due")
    }

    /// Takes the transfer of a claimed channel to a state.
    pub(crate) async fn put(&self, claim: &Claim, key: &str, from: &State, to: State, now: i64) -> bool {
        self.ledger.advance(claim, key, from, &step(to), false, now).await.unwrap().is_some()
    }
}

pub(crate) fn step(state: State) -> Step {
    Step {
        state,
        channel: Channel::default(),
        effect: daybridge::domain::settle::Effect::Rest,
        movement: None,
        account: None::<AccountSignal>,
    }
}

pub(crate) fn call(attempt: u32) -> daybridge::domain::settle::Call {
    daybridge::domain::settle::Call {
        attempt,
        before: 5_000,
        at: NOW,
        settles: 0,
        number: 1,
        moved_ms: 0,
        days: 30,
    }
}

pub(crate) fn intended(epoch: i64) -> State {
    State::Intended { call: call(1), epoch, prior: None, since: NOW, tries: 0, retried: false, ahead: None }
}

pub(crate) fn held(cause: Cause, outcome: Open) -> State {
    State::Held { cause, outcome, at: NOW, last: Some(call(1)), retried: false }
}

pub(crate) fn settled() -> State {
    State::Settled {
        how: daybridge::domain::settle::How::Answered,
        before: 5_000,
        after: Some(9_000),
        at: NOW,
        attempt: 1,
        watch: None,
    }
}
