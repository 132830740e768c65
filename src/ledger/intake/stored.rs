//! The row of a payment: what is kept of it, and what an evaluation writes.

use super::{
    evaluate::Evaluated,
    identity::Identity,
    names::{Space, ids, name},
    recording::Recording,
    seen::Seen,
};
use crate::{
    domain::{
        closed::{HeldCause, PaymentDecision, PaymentState, TransferState},
        facts::{Facts, Money},
        hold::Hold,
        id::ChannelId,
        payment::{Corrections, Decision, directory::Directory, memory::Memory},
    },
    ledger::{
        db::{Fault, Tx, args},
        row::narrow,
    },
};

/// Most events of one payment that are evaluated, the newest first: so many of money in, and so many others. A payment
/// has a handful.
const EVENTS_PER_PAYMENT_MAX: i64 = 200;

/// Where a payment stands.
pub(in crate::ledger) enum Disposition {
    /// This recording granted its days.
    Now,
    /// They were granted before.
    Before {
        /// And they are on the channel.
        settled: bool,
    },
    /// It waits for a person or a later event.
    Held(String),
    /// It grants nothing: no days in it, or a person closed it.
    Nothing(String),
    /// No money in it yet.
    Linked,
}

/// What is kept of a payment.
#[derive(Default)]
pub(super) struct Stored {
    /// It was granted, or a person closed it.
    pub(super) decided: Option<Disposition>,
    pub(super) days: Option<u32>,
    pub(super) money: Option<Money>,
    pub(super) corrections: Corrections,
    /// Some event tells of money that went out.
    pub(super) reversed: bool,
    pub(super) memory: Memory,
}

/// `received_at + 0` keeps the index by time out: PostgreSQL would walk it from the oldest event on.
const STORED: &str = "SELECT p.granted, p.decision, p.reason, p.set_channel, p.set_days, p.days, \
     p.amount, p.currency, p.out_known, p.due_decided, p.days_despite, t.state, \
     (SELECT MIN(e.received_at + 0) FROM events e WHERE e.payment = p.key) AS received_at \
     FROM payments p LEFT JOIN transfers t ON t.payment = p.key AND t.n = p.last_n WHERE p.key = $1";

/// What is kept of the payment of a recording.
pub(super) fn load(tx: &mut Tx, recording: &Recording<'_>, identity: &Identity) -> Result<Stored, Fault> {
    let own = recording.received_at();
    let Seen { memory, .. } = recording.seen;
    if !identity.stored {
        let memory = Memory { received_at: Some(own), ..*memory };
        return Ok(Stored { memory, ..Stored::default() });
    }
    let row = tx.one(STORED, args![identity.key])?;
    let number = |column: &str| Ok::<_, Fault>(row.get::<Option<i64>>(column)?.map(narrow));
    let decided = if row.get::<i64>("granted")? != 0 {
        let state: Option<TransferState> = row.get("state")?;
        Some(Disposition::Before { settled: state == Some(TransferState::Settled) })
    } else if row.get::<PaymentDecision>("decision")? == PaymentDecision::Cancelled {
        let reason: Option<String> = row.get("reason")?;
        Some(Disposition::Nothing(reason.unwrap_or_else(|| "cancelled".into())))
    } else {
        None
    };
    Ok(Stored {
        decided,
        days: number("days")?,
        money: row
            .get::<Option<i64>>("amount")?
            .zip(row.get::<Option<String>>("currency")?)
            .map(|(amount, currency)| Money { amount, currency }),
        corrections: Corrections {
            channel: row.get::<Option<String>>("set_channel")?.as_deref().and_then(ChannelId::parse),
            days: number("set_days")?,
            despite: number("days_despite")?.zip(number("due_decided")?),
            directory: Directory::default(),
        },
        reversed: row.get::<i64>("out_known")? != 0,
        memory: Memory { received_at: row.get("received_at")?, ..*memory },
    })
}

/// The facts of a payment's events. The rules take a set, so what is told over and over counts once, and however often
/// money in is told, it does not push out that it went back.
pub(in crate::ledger) fn facts_of(tx: &mut Tx, payment: &str) -> Result<Vec<Facts>, Fault> {
    let mut events = Vec::new();
    for money_in in ["family IS NOT NULL", "family IS NULL"] {
        let rows = tx.all(
            &format!(
                "SELECT facts FROM events WHERE payment = $1 AND facts IS NOT NULL AND {money_in} \
             GROUP BY facts ORDER BY MAX(number) DESC LIMIT $2"
            ),
            args![payment, EVENTS_PER_PAYMENT_MAX],
        )?;
        for row in rows {
            events.push(serde_json::from_str(&row.get::<String>("facts")?)?);
        }
    }
    Ok(events)
}

/// What is written of a decision.
struct Written<'a> {
    decision: PaymentDecision,
    state: PaymentState,
    cause: Option<HeldCause>,
    reason: Option<String>,
    next: Option<&'a str>,
    channel: Option<&'a str>,
    days: Option<u32>,
    granted: bool,
}

impl<'a> Written<'a> {
    fn of(evaluated: &'a Evaluated, decision: &'a Decision) -> Self {
        let (channel, days) = (evaluated.channel.as_ref().map(ChannelId::as_str), evaluated.days);
        let plain = |decision, state| Self {
            decision,
            state,
            cause: None,
            reason: None,
            next: None,
            channel: None,
            days: None,
            granted: false,
        };
        match decision {
            Decision::NoMoneyYet => plain(PaymentDecision::Linked, PaymentState::Linked),
            Decision::Nothing(why) => Self {
                reason: Some(why.clone()),
                channel,
                days,
                ..plain(PaymentDecision::Nothing, PaymentState::Nothing)
            },
            Decision::Hold(hold) => {
                let (channel, days) = held_for(hold).unwrap_or((channel, days));
                Self {
                    channel,
                    days,
                    cause: Some(hold.cause()),
                    reason: Some(hold.to_string()),
                    next: Some(hold.next()),
                    ..plain(PaymentDecision::Held, PaymentState::Held)
                }
            }
            Decision::Grant { channel, days: moves } => Self {
                channel: Some(channel.as_str()),
                days: days.or(Some(*moves)),
                granted: true,
                ..plain(PaymentDecision::Granted, PaymentState::Planned)
            },
        }
    }
}

/// The channel and days that a hold itself names.
fn held_for(hold: &Hold) -> Option<(Option<&str>, Option<u32>)> {
    match hold {
        Hold::Restored { channel, days }
        | Hold::RestoredRefunded { channel, days, .. }
        | Hold::BeforeLedger { channel, days }
        | Hold::BeforeLedgerRefunded { channel, days, .. }
        | Hold::OtherRealm { channel, days, .. }
        | Hold::SuspectedDuplicate { channel, days, .. } => Some((Some(channel.as_str()), Some(*days))),
        Hold::Refunded { channel, days, .. } | Hold::Disputed { channel, days, .. } => {
            Some((channel.as_ref().map(ChannelId::as_str), *days))
        }
        _ => None,
    }
}

/// Writes what a payment came to; its row and its names where there was none.
pub(super) fn store(
    tx: &mut Tx,
    recording: &Recording<'_>,
    identity: &Identity,
    evaluated: &Evaluated,
    decision: &Decision,
) -> Result<Disposition, Fault> {
    let written = Written::of(evaluated, decision);
    let (days, granted) = (written.days.map(i64::from), i64::from(written.granted));
    let (amount, currency) = evaluated.money.as_ref().map(|money| (money.amount, &*money.currency)).unzip();
    let slice = evaluated.slice.map(i64::from);
    let mut values = args![
        identity.key,
        recording.now,
        written.decision,
        written.state,
        written.cause,
        written.reason,
        written.next,
        written.channel,
        days,
        amount,
        currency,
        granted,
        evaluated.customer,
        slice,
    ]
    .to_vec();
    if identity.stored {
        tx.send(
            "UPDATE payments SET since = CASE WHEN decision = $3 THEN since ELSE $2 END, decision = $3, state = $4, \
             cause = $5, reason = $6, next = $7, channel = $8, days = $9, amount = $10, currency = $11, granted = $12, \
             customer = $13, slice = $14 WHERE key = $1",
            &values,
        )?;
    } else {
        let space = Space::of(recording.facts, &recording.source.realm);
        values.extend_from_slice(args![
            space.realm,
            space.account,
            space.livemode,
            recording.entry.envelope.source
        ]);
        tx.send(
            "INSERT INTO payments (key, first_seen_at, since, decision, state, cause, reason, next, channel, days, amount, \
             currency, granted, customer, slice, realm, account, livemode, source) \
             VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            &values,
        )?;
        name(tx, &space, &ids(recording.facts), &identity.key)?;
    }
    Ok(match decision {
        Decision::NoMoneyYet => Disposition::Linked,
        Decision::Nothing(why) => Disposition::Nothing(why.clone()),
        Decision::Hold(hold) => Disposition::Held(hold.to_string()),
        Decision::Grant { .. } => Disposition::Now,
    })
}
