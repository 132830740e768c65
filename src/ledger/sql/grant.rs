//! What a payment comes to, by the facts of all its events; and the transfer that it grants, once.

use super::{
    money_out::{self, Done, Found},
    more::{self, More},
    origin::grants_since,
    rows::{add_step, make_due, narrow, stands},
    storable, twin,
};
use crate::{
    domain::{
        Ms,
        facts::{Facts, Family, Money},
        hold::Hold,
        id::{ChannelId, CommentTemplate, transfer_key},
        memory::Memory,
        money_out::{came_in, tells},
        payment::{Corrections, Decision, covers, decide, sold},
        settle::State,
    },
    ledger::{
        Entry, SourceRules,
        db::{Fault, Tx, args},
    },
};

/// Most events of one payment that are weighed, the newest first: so many of money in, and so many others. A payment has
/// a handful.
const EVENTS_PER_PAYMENT_MAX: i64 = 200;

/// Where a payment stands.
pub(super) enum Standing {
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

/// What weighing did.
pub(super) struct Weighed {
    /// Where the payment stands now.
    pub(super) standing: Standing,
    /// The transfer that it planned, or planned again.
    pub(super) planned: Option<String>,
    /// What became of money that went out, or came in after the grant, in a sentence.
    pub(super) note: Option<String>,
    /// A person has said how many days it is for.
    pub(super) days_by_person: bool,
    /// What money does that came in after the grant; `None`: none did.
    pub(super) more: Option<More>,
}

/// What is written of a decision.
#[derive(Default)]
struct Written<'a> {
    decision: &'a str,
    cause: Option<&'a str>,
    reason: Option<String>,
    next: Option<&'a str>,
    channel: Option<&'a str>,
    days: Option<u32>,
    granted: bool,
}

/// What a payment's events say besides.
struct Told<'a> {
    money: Option<Money>,
    customer: Option<&'a str>,
}

/// What is kept of a payment.
struct Kept {
    decided: Option<Standing>,
    days: Option<u32>,
    money: Option<Money>,
    corrections: Corrections,
    out_known: bool,
    memory: Memory,
}

/// `received_at + 0` keeps the index by time out: PostgreSQL would walk it from the oldest event on, and with that each
/// recording would collide with all others.
pub(super) const KEPT: &str = "SELECT p.granted, p.decision, p.reason, p.set_channel, p.set_days, p.days, p.amount, \
     p.currency, p.out_known, p.due_decided, p.days_despite, t.state, \
     (SELECT MAX(declared_at) FROM restorations WHERE undone_at IS NULL) AS restored_at, o.made_at, o.adopted_since, \
     (SELECT MIN(e.received_at + 0) FROM events e WHERE e.payment = p.key) AS received_at \
     FROM payments p JOIN origin o ON o.one = 1 LEFT JOIN transfers t ON t.payment = p.key AND t.n = 1 \
     WHERE p.key = $1";

fn kept(tx: &mut Tx, key: &str) -> Result<Kept, Fault> {
    let row = tx.one(KEPT, args![key])?;
    let number = |column: &str| Ok::<_, Fault>(row.get::<Option<i64>>(column)?.map(narrow));
    let decided = if row.get::<i64>("granted")? != 0 {
        let state: Option<String> = row.get("state")?;
        Some(Standing::Before { settled: state.as_deref() == Some("settled") })
    } else if row.get::<String>("decision")? == "cancelled" {
        let reason: Option<String> = row.get("reason")?;
        Some(Standing::Nothing(reason.unwrap_or_else(|| "cancelled".into())))
    } else {
        None
    };
    Ok(Kept {
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
        },
        out_known: row.get::<i64>("out_known")? != 0,
        memory: Memory {
            restored_at: row.get("restored_at")?,
            grants_since: grants_since(row.get("made_at")?, row.get("adopted_since")?),
            received_at: row.get("received_at")?,
        },
    })
}

/// Weighs a payment's events and grants its days if they come to that and were not granted before. Of what was granted,
/// or closed by a person, only the money is weighed.
pub(super) fn weigh(
    tx: &mut Tx,
    key: &str,
    entry: &Entry<'_>,
    source: &SourceRules,
    now: Ms,
) -> Result<Weighed, Fault> {
    let Kept { decided, days, money, corrections, out_known, memory } = kept(tx, key)?;
    let out_known = out_known || entry.facts.is_ok_and(tells);
    let rules = &source.rules;
    let event = entry.envelope;
    let found = |covered, moves, channel| Found {
        covered,
        moves,
        channel,
        account: entry.account,
        comment: entry.comment,
        event: &event.event_id,
    };
    if let Some(standing) = decided {
        let granted = matches!(standing, Standing::Before { .. });
        let more = granted && entry.facts.is_ok_and(|facts| more::may_be(facts, rules, money.as_ref()));
        let (mut done, mut came) = (Done::default(), None);
        if out_known || more {
            let events = events(tx, key)?;
            came = match money.filter(|_| more) {
                Some(before) => more::keep(tx, key, &events, rules, &before, &event.event_id, now)?,
                None => None,
            };
            let days = days.map(|days| days.saturating_add(came.as_ref().map_or(0, |came| came.days)));
            let covered = covers(&events, rules, days);
            if out_known || came.is_some() {
                done = money_out::keep(tx, key, &found(&covered, covered.left, None), now)?;
            }
        }
        let (more, note) = match came {
            Some(came) => (Some(came.done(tx, key)?), Some(came.words)),
            None => (None, done.note),
        };
        let days_by_person = corrections.days.is_some() || corrections.despite.is_some();
        return Ok(Weighed { standing, planned: done.planned, note, days_by_person, more });
    }
    let events = events(tx, key)?;
    let told = Told {
        money: came_in(&events, &rules.money_in)
            .or_else(|| events.iter().filter_map(|e| e.money.clone()).max_by_key(|money| money.amount)),
        customer: events.iter().find_map(|e| e.customer.as_deref()),
    };
    let (sold_to, bought) = sold(&events, rules, &corrections);
    let covered = covers(&events, rules, bought);
    let decision = decide(&events, rules, &corrections, &memory);
    let moves = if let Decision::Grant { days, .. } = decision { Some(days) } else { covered.left };
    let decision = match decision {
        Decision::Grant { channel, days } => {
            let all = bought.unwrap_or(days);
            match twin::suspected(tx, key, &channel, all, told.money.as_ref(), &events)? {
                Some(hold) => Decision::Hold(hold),
                None => Decision::Grant { channel, days },
            }
        }
        decision => decision,
    };
    let mut planned = None;
    let standing = match &decision {
        Decision::NoMoneyYet => {
            write(tx, key, &Written { decision: "linked", ..Written::default() }, &told, now)?;
            Standing::Linked
        }
        Decision::Nothing(why) => {
            let (channel, reason) = (sold_to.as_ref().map(ChannelId::as_str), Some(why.clone()));
            let written =
                Written { decision: "nothing", reason, channel, days: bought, ..Written::default() };
            write(tx, key, &written, &told, now)?;
            Standing::Nothing(why.clone())
        }
        Decision::Hold(hold) => {
            let written = held(hold, sold_to.as_ref(), bought);
            write(tx, key, &written, &told, now)?;
            Standing::Held(hold.to_string())
        }
        Decision::Grant { channel, days } => {
            let written = Written {
                decision: "granted",
                channel: Some(channel.as_str()),
                days: bought.or(Some(*days)),
                granted: true,
                ..Written::default()
            };
            write(tx, key, &written, &told, now)?;
            let transfer = FirstTransfer {
                account: entry.account,
                channel,
                days: *days,
                comment: entry.comment,
                traceparent: &event.traceparent,
                state: State::planned(now),
                note: format!("planned by event {} ({})", event.event_id, event.event_type),
                who: None,
            };
            planned = Some(transfer.insert(tx, key, now)?);
            Standing::Now
        }
    };
    let mut note = None;
    if out_known || events.iter().any(tells) {
        // Before the money is known, neither is how much of it is out; where it never will be, all of it is.
        let unread = events.iter().any(|event| event.amount_unread.is_some() || event.unclear.is_some());
        if (covered.whole.is_some() || unread) && !matches!(standing, Standing::Linked) {
            note = money_out::keep(tx, key, &found(&covered, moves, sold_to.as_ref()), now)?.note;
        } else {
            money_out::mark(tx, key)?;
        }
    }
    Ok(Weighed { standing, planned, note, days_by_person: corrections.days.is_some(), more: None })
}

/// `sold_to` and `bought`: what is known of it, each for itself.
fn held<'a>(hold: &'a Hold, sold_to: Option<&'a ChannelId>, bought: Option<u32>) -> Written<'a> {
    let (channel, days) = match hold {
        Hold::Restored { channel, days }
        | Hold::RestoredRefunded { channel, days, .. }
        | Hold::BeforeLedger { channel, days }
        | Hold::BeforeLedgerRefunded { channel, days, .. }
        | Hold::OtherRealm { channel, days, .. }
        | Hold::Twin { channel, days, .. } => (Some(channel.as_str()), Some(*days)),
        Hold::Refunded { channel, days, .. } | Hold::Disputed { channel, days, .. } => {
            (channel.as_ref().map(ChannelId::as_str), *days)
        }
        _ => (sold_to.map(ChannelId::as_str), bought),
    };
    Written {
        decision: "held",
        channel,
        days,
        cause: Some(hold.cause()),
        reason: Some(hold.to_string()),
        next: Some(hold.next()),
        ..Written::default()
    }
}

/// The rules take a set, so what is told over and over counts once, and however often money in is told, it does not push
/// out that it went back.
pub(super) fn events(tx: &mut Tx, key: &str) -> Result<Vec<Facts>, Fault> {
    let mut events = Vec::new();
    for money_in in ["family IS NOT NULL", "family IS NULL"] {
        let rows = tx.all(
            &format!(
                "SELECT facts FROM events WHERE payment = $1 AND facts IS NOT NULL AND {money_in} \
             GROUP BY facts ORDER BY MAX(number) DESC LIMIT $2"
            ),
            args![key, EVENTS_PER_PAYMENT_MAX],
        )?;
        for row in rows {
            events.push(serde_json::from_str(&row.get::<String>("facts")?)?);
        }
    }
    Ok(events)
}

fn write(tx: &mut Tx, key: &str, written: &Written<'_>, told: &Told<'_>, now: Ms) -> Result<(), Fault> {
    tx.execute(
        "UPDATE payments SET since = CASE WHEN decision = $1 THEN since ELSE $2 END, decision = $1, \
         state = CASE WHEN $10 = 1 THEN state ELSE $1 END, \
         cause = $3, reason = $4, next = $5, channel = $6, days = $7, amount = $8, currency = $9, \
         granted = $10, customer = $12 WHERE key = $11",
        args![
            written.decision,
            now,
            written.cause,
            written.reason.as_deref(),
            written.next,
            written.channel,
            written.days.map(i64::from),
            told.money.as_ref().map(|m| m.amount),
            told.money.as_ref().map(|m| m.currency.as_str()),
            i64::from(written.granted),
            key,
            told.customer
        ],
    )?;
    Ok(())
}

/// The transfer of a payment's days.
pub(super) struct FirstTransfer<'a> {
    pub(super) account: &'a str,
    pub(super) channel: &'a ChannelId,
    pub(super) days: u32,
    pub(super) comment: &'a CommentTemplate,
    pub(super) traceparent: &'a str,
    /// Where it begins.
    pub(super) state: State,
    /// What its first step says.
    pub(super) note: String,
    /// Who decided so, where it was a person.
    pub(super) who: Option<&'a str>,
}

impl FirstTransfer<'_> {
    /// Returns its key.
    pub(super) fn insert(self, tx: &mut Tx, payment: &str, now: Ms) -> Result<String, Fault> {
        let Self { account, channel, days, state, .. } = &self;
        let key = transfer_key(payment, 1);
        tx.execute(
            "INSERT INTO transfers (key, payment, n, account, channel, days, comment, state, attempt, epoch, \
             open, due_at, detail, traceparent, created_at) \
             VALUES ($1, $2, 1, $3, $4, $5, $6, $7, 0, 0, 0, $8, $9, $10, $11)",
            args![
                &*key,
                payment,
                *account,
                channel.as_str(),
                i64::from(*days),
                self.comment.render(&key, *days),
                state.word(),
                state.due(),
                storable::json(state)?,
                self.traceparent,
                now
            ],
        )?;
        stands(tx, &key, None, state)?;
        add_step(tx, &key, state, &self.note, self.who, now)?;
        make_due(tx, account, channel.as_str(), now)?;
        Ok(key)
    }
}

/// From the payment to its deliveries; `+ 0`: a minimum is not looked for from the first delivery of all.
pub(super) const FIRST_GRANTS: &str = "UPDATE deliveries SET outcome = 'granted', reason = NULL \
     WHERE number = (SELECT MIN(d.number + 0) FROM events e CROSS JOIN deliveries d \
     WHERE e.payment = $1 AND e.family = $2 AND d.event = e.number)";

/// Along the payment's events, however many other deliveries are held.
pub(super) const HELD_FOR_PAYMENT: &str = "UPDATE deliveries SET outcome = $1, reason = $2 \
     WHERE outcome || '' = 'held' AND number <> $3 \
     AND event IN (SELECT number FROM events WHERE payment = $4 AND held_cause IS NULL)";

/// Takes the payment's standing to the deliveries of its events that were held for it. `own` is the delivery
/// of a granting event that is being recorded: it is the one that granted; else the first of them is.
pub(super) fn tell_others(
    tx: &mut Tx,
    key: &str,
    standing: &Standing,
    own: Option<i64>,
    family: &Family,
) -> Result<(), Fault> {
    let (outcome, reason) = match standing {
        // Its events were held as long as it was another payment, which has become a part of this one.
        Standing::Before { settled: true } => ("duplicate", Some("already credited")),
        Standing::Before { settled: false } | Standing::Now => ("duplicate", Some("already planned")),
        Standing::Held(reason) => ("held", Some(reason.as_str())),
        Standing::Nothing(reason) => ("ignored", Some(reason.as_str())),
        Standing::Linked => ("link", None),
    };
    if own.is_none() && matches!(standing, Standing::Now) {
        tx.execute(FIRST_GRANTS, args![key, family.as_str()])?;
    }
    tx.execute(HELD_FOR_PAYMENT, args![outcome, reason, own.unwrap_or(0), key])?;
    Ok(())
}
