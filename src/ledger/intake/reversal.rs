//! Money that went out of a payment: what the rules make of it is kept with the payment, so that every later step of its
//! transfer, by whomever, finds it.
//!
//! A worker in its turn must not call for days that a refund has just taken off. So whoever weighs the money of a granted
//! payment has locked the channel's row first (`seen`), which every commit of a turn locks first too: one of the two comes
//! second and sees the other's work. And where the transfer changes, the claim is taken from the worker.

use super::coverage;
use crate::{
    domain::{
        Ms,
        closed::{PauseCause, PaymentDecision},
        facts::ReversalKind,
        id::{ChannelId, CommentTemplate, transfer_key},
        payment::entitlement::{Entitlement, days_due},
        settle::{Cause, State, reversal::Stage},
    },
    ledger::{
        Act, Scope,
        db::{Fault, Tx, args},
        row,
        settle::{account, claim::take_from_worker, pause, queue, schedule, transition},
        storable,
        view::AdjustmentKind,
    },
};

/// What weighing a payment found of its money.
pub(in crate::ledger) struct Found<'a> {
    pub(in crate::ledger) covered: &'a Entitlement,
    /// Days that move, as far as nothing is granted yet.
    pub(in crate::ledger) moves: Option<u32>,
    /// For whom, where that is coverage.
    pub(in crate::ledger) channel: Option<&'a ChannelId>,
    pub(in crate::ledger) account: &'a str,
    pub(in crate::ledger) comment: &'a CommentTemplate,
    /// The event that is recorded.
    pub(in crate::ledger) event: &'a str,
}

/// What came of it.
#[derive(Default)]
pub(in crate::ledger) struct Reversed {
    /// What changed, in a sentence.
    pub(in crate::ledger) note: Option<String>,
    /// The transfer that goes on.
    pub(in crate::ledger) planned: Option<String>,
}

/// A payment as it was before.
struct Before {
    refunded: i64,
    disputed: i64,
    paused_out: i64,
    closed: bool,
    sliced: bool,
    transfer: Option<Transfer>,
}

struct Transfer {
    key: String,
    account: String,
    channel: String,
    days: u32,
    state: State,
}

/// Marks a payment of which some event tells of money out, before anything else is known of it.
pub(in crate::ledger) fn mark(tx: &mut Tx, payment: &str) -> Result<(), Fault> {
    tx.execute("UPDATE payments SET out_known = 1 WHERE key = $1", args![payment])?;
    Ok(())
}

/// Keeps what was found of a payment's money, and carries it out on a transfer that no call may have applied.
pub(in crate::ledger) fn keep(
    tx: &mut Tx,
    payment: &str,
    found: &Found<'_>,
    now: Ms,
) -> Result<Reversed, Fault> {
    let before = before(tx, payment)?;
    let covered = found.covered;
    let paused_out = paused(tx, payment, found, &before, now)?;
    let reduced = covered.bought.zip(found.moves).map_or(0, |(bought, moves)| bought.saturating_sub(moves));
    tx.execute(
        "UPDATE payments SET out_known = 1, refunded = $1, disputed = $2, covered = $3, comment = $4, \
         days_due = $5, days_reduced = $6, paused_out = $7 WHERE key = $8",
        args![
            covered.refunded,
            covered.disputed,
            storable::json(covered)?,
            found.comment.of(&transfer_key(payment, 1)),
            covered.due.map(i64::from),
            i64::from(reduced),
            paused_out,
            payment
        ],
    )?;
    let (mut done, effect) = match &before.transfer {
        Some(transfer) => carry_out(tx, transfer, now)?,
        None => {
            let stage = if before.closed { Stage::Closed } else { Stage::Weighed };
            if let Some(coverage) = coverage::of_payment(tx, payment)? {
                coverage.refresh(tx, stage, now)?;
            }
            (Reversed::default(), None)
        }
    };
    let effect = match before.sliced {
        true => rest(tx, payment, before.transfer.as_ref(), effect, now)?,
        false => effect,
    };
    let changed = before.refunded != covered.refunded || before.disputed != covered.disputed;
    if changed || effect.is_some() {
        let effect = effect.map_or(String::new(), |effect| format!("; {effect}"));
        let note = format!("{}{effect}", covered.words);
        adjust(tx, payment, found, &before, &note, now)?;
        done.note = Some(note);
    }
    Ok(done)
}

fn before(tx: &mut Tx, payment: &str) -> Result<Before, Fault> {
    let row = tx.one(
        "SELECT p.refunded, p.disputed, p.paused_out, p.decision, p.sliced, t.key AS transfer, t.account, t.channel, \
         t.days, t.detail FROM payments p LEFT JOIN transfers t ON t.payment = p.key AND t.n = p.last_n \
         WHERE p.key = $1",
        args![payment],
    )?;
    let transfer = match row.get::<Option<String>>("transfer")? {
        Some(key) => Some(Transfer {
            key,
            account: row.get("account")?,
            channel: row.get("channel")?,
            days: row::narrow(row.get("days")?),
            state: row::state(&row)?,
        }),
        None => None,
    };
    Ok(Before {
        refunded: row.get("refunded")?,
        disputed: row.get("disputed")?,
        paused_out: row.get("paused_out")?,
        closed: row.get::<PaymentDecision>("decision")? == PaymentDecision::Cancelled,
        sliced: row.get::<i64>("sliced")? != 0,
        transfer,
    })
}

/// What is left of a payment in slices is another number of days now, or waits for a person. A worker in its turn knows the
/// slice as it was: the claim is taken from it.
fn rest(
    tx: &mut Tx,
    payment: &str,
    transfer: Option<&Transfer>,
    effect: Option<String>,
    now: Ms,
) -> Result<Option<String>, Fault> {
    if let Some(transfer) = transfer {
        take_from_worker(tx, &transfer.account, &transfer.channel)?;
        schedule::schedule_channel(tx, &transfer.account, &transfer.channel, now)?;
    }
    let held = queue::replan(tx, payment, now)?;
    Ok(effect.or_else(|| held.map(|_| "the rest of its days is held".to_owned())))
}

/// Does to a transfer what its money makes of it; what that is, in words, where it is something.
fn carry_out(tx: &mut Tx, transfer: &Transfer, now: Ms) -> Result<(Reversed, Option<String>), Fault> {
    let Some(coverage) = coverage::of_transfer(tx, &transfer.key)? else {
        return Ok((Reversed::default(), None));
    };
    let (to, days) = coverage.ask().uncovered(&transfer.state, transfer.days, now);
    if to == transfer.state && days == transfer.days {
        coverage.refresh(tx, Stage::Granted(&to, days), now)?;
        let gap = coverage.ask().gap(Stage::Granted(&to, days));
        let effect = match (gap.spent, gap.owed) {
            (0, 0) => None,
            (0, owed) => Some(format!("{owed} days of it have not moved, and are owed")),
            (spent, _) => Some(format!("{spent} days of the others were spent already")),
        };
        return Ok((Reversed::default(), effect.filter(|_| gap.open)));
    }
    if !transition::compare_and_set(tx, &transfer.key, &transfer.state, &to, None, now)? {
        return Err(Fault::Conflict(format!("{} went on meanwhile", transfer.key)));
    }
    take_from_worker(tx, &transfer.account, &transfer.channel)?;
    schedule::schedule_channel(tx, &transfer.account, &transfer.channel, now)?;
    if matches!(to, State::Held { cause: Cause::Balance(_), .. }) {
        account::goes_on_below(tx, &transfer.account, now)?;
    }
    let was_planned = matches!(transfer.state, State::Planned { .. });
    let effect = match &to {
        State::Held { .. } => "its transfer is held".to_owned(),
        State::Cancelled { .. } => "its days will not move".to_owned(),
        State::Planned { .. } if was_planned => format!("{days} days move instead of {}", transfer.days),
        _ => format!("its {days} days are planned again"),
    };
    let goes_on = matches!(to, State::Planned { .. }) && !was_planned;
    Ok((Reversed { note: None, planned: goes_on.then(|| transfer.key.clone()) }, Some(effect)))
}

/// Pauses the channel where money went out for which it was not paused yet, so that nobody's resume is undone by what
/// is told again. Returns for how much it has been.
fn paused(tx: &mut Tx, payment: &str, found: &Found<'_>, before: &Before, now: Ms) -> Result<i64, Fault> {
    let covered = found.covered;
    let (account, channel) = match &before.transfer {
        Some(transfer) => (&*transfer.account, ChannelId::parse(&transfer.channel)),
        None => (found.account, found.channel.cloned()),
    };
    let (Some(kind), Some(channel)) = (covered.pause, channel) else {
        return Ok(before.paused_out.min(covered.pauses));
    };
    if covered.pauses > before.paused_out {
        let cause = match kind {
            ReversalKind::Refund => PauseCause::Refund,
            ReversalKind::Dispute => PauseCause::Dispute,
        };
        let reason = format!("{payment}: {}", covered.words);
        let act = Act { who: pause::DAYBRIDGE, reason: &reason };
        pause::begin(tx, &Scope::Channel(account.to_owned(), channel), cause, &act, now)?;
    }
    Ok(covered.pauses)
}

/// A row for each kind whose money changed, with what that made of the days that are due.
fn adjust(
    tx: &mut Tx,
    payment: &str,
    found: &Found<'_>,
    before: &Before,
    note: &str,
    now: Ms,
) -> Result<(), Fault> {
    let covered = found.covered;
    let due = |refunded: i64, disputed: i64| {
        days_due(covered.bought, refunded.saturating_add(disputed), covered.whole).map(i64::from)
    };
    let was = due(before.refunded, before.disputed);
    let between = due(covered.refunded, before.disputed);
    let is = due(covered.refunded, covered.disputed);
    for (kind, amount, from, to) in [
        (ReversalKind::Refund, covered.refunded.saturating_sub(before.refunded), was, between),
        (ReversalKind::Dispute, covered.disputed.saturating_sub(before.disputed), between, is),
    ] {
        if amount == 0 {
            continue;
        }
        tx.execute(
            "INSERT INTO adjustments (payment, at, kind, amount, days, event, note) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            args![
                payment,
                now,
                AdjustmentKind::from(kind),
                amount,
                from.zip(to).filter(|_| covered.bought.is_some()).map(|(from, to)| to.saturating_sub(from)),
                found.event,
                note
            ],
        )?;
    }
    Ok(())
}
