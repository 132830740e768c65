//! What a person grants of what was held: because its days may have moved, or as a suspected duplicate.

use crate::{
    domain::{
        Ms,
        closed::{HeldCause, PaymentState},
        facts::{Family, Money},
        hold::may_have_moved_refunded,
        id::ChannelId,
        settle::{How, Order, State, reversal::Stage},
    },
    envelope,
    ledger::{
        Decided,
        db::{Fault, Row, Tx, args, fault::corrupt},
        intake::{
            self, coverage,
            grant::FirstTransfer,
            stored::{Disposition, facts_of},
        },
        read::words,
        row::narrow,
        settle::{queue, transition},
    },
};

/// Plans the days of a payment that was held because they may have moved. One decision releases many, so what is
/// probably told a second time is held again for that; who decides that too has looked at both. Returns the new state.
pub(in crate::ledger) fn released(
    tx: &mut Tx,
    key: &str,
    decided: &Decided<'_>,
    now: Ms,
) -> Result<&'static str, Fault> {
    let row = tx.one("SELECT COALESCE(set_channel, channel) AS channel, COALESCE(set_days, days) AS days, amount, currency \
         FROM payments WHERE key = $1", args![key])?;
    let (amount, currency): (Option<i64>, Option<String>) = (row.get("amount")?, row.get("currency")?);
    let money = amount.zip(currency).map(|(amount, currency)| Money { amount, currency });
    let channel: Option<String> = row.get("channel")?;
    let days = row.get::<Option<i64>>("days")?.map(narrow);
    let hold = match channel.as_deref().and_then(ChannelId::parse).zip(days) {
        Some((channel, days)) => {
            let events = facts_of(tx, key)?;
            intake::suspected(tx, key, &channel, days, money.as_ref(), &events)?
        }
        None => None,
    };
    let Some(hold) = hold else {
        grant(tx, key, decided, now)?;
        return Ok(PaymentState::Planned.as_str());
    };
    tx.execute(
        "UPDATE payments SET since = $1, cause = $2, reason = $3, next = $4 WHERE key = $5",
        args![now, hold.cause(), hold.to_string(), hold.next(), key],
    )?;
    Ok(PaymentState::Held.as_str())
}

/// Grants a payment that was held because its days may have moved, or for its twin, as a person decided: its days are
/// on the channel, or those that its money covers are planned now.
pub(in crate::ledger) fn grant(tx: &mut Tx, key: &str, decided: &Decided<'_>, now: Ms) -> Result<(), Fault> {
    let held = HeldPayment::load(tx, key, decided)?;
    held.mark_granted(tx, now)?;
    match held.sliced {
        true => held.grant_in_slices(tx, decided, now)?,
        false => held.grant_at_once(tx, decided, now)?,
    }
    held.tell_deliveries(tx)
}

/// A held payment, and what the decision makes of it.
struct HeldPayment<'a> {
    key: &'a str,
    channel: ChannelId,
    /// Days that it bought, or that a person has set.
    days: u32,
    /// Days that move, or moved.
    moves: u32,
    /// They are on the channel.
    applied: bool,
    /// It was held because its money went back, too.
    refunded: bool,
    /// Money of it is out, or was.
    money_out: bool,
    /// Its days move in slices.
    sliced: bool,
    /// The events that grant.
    family: Option<Family>,
}

impl<'a> HeldPayment<'a> {
    fn load(tx: &mut Tx, key: &'a str, decided: &Decided<'_>) -> Result<Self, Fault> {
        let row = tx.one("SELECT COALESCE(set_channel, channel) AS channel, COALESCE(set_days, days) AS days, cause, set_days, days_due, source, slice, \
             days_reduced, covered, (SELECT r.money_in FROM source_rules r WHERE r.realm = payments.realm \
             ORDER BY r.number DESC LIMIT 1) AS money_in FROM payments WHERE key = $1", args![key])?;
        let unreadable = || corrupt(format!("the channel or days of the held payment {key}"));
        let channel: Option<String> = row.get("channel")?;
        let channel = channel.as_deref().and_then(ChannelId::parse).ok_or_else(unreadable)?;
        let days = row.get::<Option<i64>>("days")?.map(narrow).ok_or_else(unreadable)?;
        let family = row.get::<Option<String>>("money_in")?.map(Family::new);
        let applied = decided.order == Order::Applied;
        let refunded = row.get::<Option<HeldCause>>("cause")?.is_some_and(may_have_moved_refunded);
        let moves = match applied {
            true => decided.days.unwrap_or(days),
            false => days_due(&row, days, refunded)?,
        };
        let money_out = row.get::<Option<String>>("covered")?.is_some();
        let (source, slice): (String, Option<i64>) = (row.get("source")?, row.get("slice")?);
        let sliced = tx.place().allocation().sizes(&source, slice.map(narrow)).slice > 0;
        Ok(Self { key, channel, days, moves, applied, refunded, money_out, sliced, family })
    }

    fn mark_granted(&self, tx: &mut Tx, now: Ms) -> Result<(), Fault> {
        tx.execute(
            "UPDATE payments SET since = $1, decision = 'granted', cause = NULL, reason = NULL, next = NULL, \
             granted = 1, channel = $3, days = $4, \
             due_decided = CASE WHEN $5 = 1 THEN days_due ELSE due_decided END WHERE key = $2",
            args![
                now,
                self.key,
                self.channel.as_str(),
                i64::from(self.days),
                i64::from(self.refunded && !self.applied)
            ],
        )?;
        Ok(())
    }

    fn grant_at_once(&self, tx: &mut Tx, decided: &Decided<'_>, now: Ms) -> Result<(), Fault> {
        let begins = match self.applied {
            true => {
                let how = How::ByOperator;
                State::Settled { how, before: 0, after: None, at: now, attempt: 0, watch: None }
            }
            false => State::planned(now),
        };
        let transfer = FirstTransfer {
            account: decided.account,
            channel: &self.channel,
            days: self.moves,
            comment: decided.comment,
            traceparent: &envelope::new_traceparent(),
            note: format!("{}; decided: {}", words::note(&begins), decided.reason),
            state: begins.clone(),
            who: Some(decided.who),
        };
        let inserted = transfer.insert(tx, self.key, now)?;
        transition::apply(tx, &inserted, None, &begins)?;
        transfer.make_due(tx, None, now)?;
        self.refresh_coverage(tx, &inserted, &begins, now)
    }

    /// Where other days moved than were bought, or money is out, what is owed is reckoned again.
    fn refresh_coverage(&self, tx: &mut Tx, transfer: &str, begins: &State, now: Ms) -> Result<(), Fault> {
        let others_moved = self.applied && self.moves != self.days;
        if others_moved {
            coverage::others_moved(tx, self.key, self.days)?;
        }
        if (self.money_out || others_moved)
            && let Some(known) = coverage::of_transfer(tx, transfer)?
        {
            known.refresh(tx, Stage::Granted(begins, self.moves), now)?;
        }
        Ok(())
    }

    /// Where some days are on the channel already, whether more are is asked of the person who looks at Billing History.
    fn grant_in_slices(&self, tx: &mut Tx, decided: &Decided<'_>, now: Ms) -> Result<(), Fault> {
        let Self { key, channel, moves, applied, refunded, .. } = self;
        if *refunded && !applied {
            tx.execute(
                "UPDATE payments SET days_despite = $2 WHERE key = $1",
                args![*key, i64::from(*moves)],
            )?;
        }
        match applied {
            true => queue::found(tx, key, (decided.account, channel), *moves, decided, now),
            false => queue::grant(tx, key, (decided.account, channel), None, now).map(drop),
        }
    }

    /// The deliveries that waited say that the days were granted.
    fn tell_deliveries(&self, tx: &mut Tx) -> Result<(), Fault> {
        if let Some(family) = &self.family {
            intake::update_deliveries(tx, self.key, &Disposition::Now, None, Some(family))?;
        }
        Ok(())
    }
}

/// The days that are planned of a held payment whose days did not move.
fn days_due(row: &Row, days: u32, refunded: bool) -> Result<u32, Fault> {
    if !refunded {
        return Ok(days.saturating_sub(narrow(row.get("days_reduced")?)));
    }
    // A person who has set the days has decided.
    Ok(match row.get::<Option<i64>>("set_days")? {
        Some(set) => narrow(set),
        None => row.get::<Option<i64>>("days_due")?.map_or(days, narrow),
    })
}
