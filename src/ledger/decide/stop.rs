//! A person stops a payment, lets it go on, or says that what is left of it is another channel's; and sends one slice now.

use super::audit::{self, Entry};
use crate::{
    domain::{
        Ms,
        allocation::slices::Ahead,
        closed::HeldCause,
        id::ChannelId,
        settle::{Cause, Kept, Outcome, State, planned_again},
    },
    ledger::{
        Act, Ledger, LedgerError, Moved,
        db::{Fault, Tx, args, fault::refused},
        directory,
        read::resolve::resolve,
        settle::{
            queue, schedule, slices,
            stops::{self, Left, is_stopped, step},
        },
        storable,
        view::Action,
    },
};

impl Ledger {
    /// No more days of a payment move until [`go`](Ledger::go). What is on its way is settled first.
    pub async fn stop(&self, payment: &str, act: &Act<'_>, now: Ms) -> Result<(), LedgerError> {
        let (payment, act) = (payment.to_owned(), act.kept());
        self.db.alone(move |tx| tx.stop(&payment, &act.lent(), now)).await
    }

    /// A payment that was stopped, or whose agreement ended, goes on.
    pub async fn go(&self, payment: &str, act: &Act<'_>, now: Ms) -> Result<(), LedgerError> {
        let (payment, act) = (payment.to_owned(), act.kept());
        self.db.alone(move |tx| tx.go(&payment, &act.lent(), now)).await
    }

    /// What is left of a payment is another channel's.
    pub async fn move_rest(
        &self,
        payment: &str,
        moved: &Moved,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<(), LedgerError> {
        let (payment, moved, act) = (payment.to_owned(), moved.clone(), act.kept());
        self.db.alone(move |tx| tx.move_rest(&payment, &moved, &act.lent(), now)).await
    }

    /// One slice of a payment is sent now, of so many days where that is said; where a transfer is named, only that one.
    /// Returns the transfer's key.
    pub async fn slice_now(
        &self,
        payment: &str,
        days: Option<u32>,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<String, LedgerError> {
        let (payment, act) = (payment.to_owned(), act.kept());
        self.db.alone(move |tx| tx.slice_now(&payment, days, &act.lent(), now)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn stop(&mut self, name: &str, act: &Act<'_>, now: Ms) -> Result<(), Fault> {
        let key = granted(self, name)?;
        let left = stops::left(self, &key)?;
        if left.stops.is_some() || left.last.as_ref().is_some_and(|(_, state)| is_stopped(state)) {
            return Err(refused(format!("{key} is stopped already")));
        }
        let cause = Cause::Stopped(storable::text(&format!("{} by {}", act.reason, act.who)));
        if !stops::stop(self, &key, &left, &cause, act, now)? {
            return Err(refused(format!(
                "no day of {key} is left to stop: its days have moved, are on their way, or wait for a person"
            )));
        }
        told(self, Action::PaymentStop, &key, act, ("moves", "stopped"), now)
    }

    pub(in crate::ledger) fn go(&mut self, name: &str, act: &Act<'_>, now: Ms) -> Result<(), Fault> {
        let key = granted(self, name)?;
        let left = stops::left(self, &key)?;
        if !stops::go(self, &key, &left, act, now)? {
            return Err(refused(format!("{key} is not stopped")));
        }
        stops::remember_let_go(self, &key, left.stops == Some(HeldCause::Ended))?;
        told(self, Action::PaymentGo, &key, act, ("stopped", "moves"), now)
    }

    pub(in crate::ledger) fn move_rest(
        &mut self,
        name: &str,
        moved: &Moved,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<(), Fault> {
        let Moved { channel, returned, force } = moved;
        let returned = *returned;
        let payment = granted(self, name)?;
        let left = stops::left(self, &payment)?;
        must_move(self, &payment, &left, channel, returned)?;
        if !force {
            directory::must_be_listed(self, &left.account, channel.as_str())?;
        }
        if returned > 0 {
            self.execute(
                "UPDATE payments SET days = days + $2, days_more = days_more + $2 WHERE key = $1",
                args![&*payment, i64::from(returned)],
            )?;
        }
        if let Some((key, state)) = &left.last
            && matches!(state, State::Planned { .. } | State::Held { .. })
        {
            let Some(slice) = slices::of(self, key)? else {
                return Err(refused("only what moves in slices can be moved to another channel"));
            };
            queue::moves_to(self, key, &slice, channel.as_str())?;
            let to = planned_again(state, now)
                .unwrap_or_else(|| State::sliced(Ahead::QUEUED, now, Kept::default()));
            let to = if is_stopped(state) { state.clone() } else { to };
            step(self, key, state, &to, act, now)?;
        } else {
            queue::rest_to(self, &payment, &left.account, channel.as_str())?;
        }
        queue::replan(self, &payment, now)?;
        queue::plan(self, &left.account, &left.channel, None, now)?;
        for channel in [&*left.channel, channel.as_str()] {
            schedule::schedule_channel(self, &left.account, channel, now)?;
        }
        let after = match returned {
            0 => channel.to_string(),
            days => format!("{channel}, and {days} days that came back"),
        };
        told(self, Action::PaymentMove, &payment, act, (&left.channel, &after), now)
    }

    pub(in crate::ledger) fn slice_now(
        &mut self,
        name: &str,
        days: Option<u32>,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<String, Fault> {
        let payment = granted(self, name)?;
        let left = stops::left(self, &payment)?;
        let slice = name.rsplit_once('#').filter(|(of, _)| *of == payment);
        if slice.is_some() && left.last.as_ref().is_none_or(|(key, _)| key != name) {
            return Err(refused(format!(
                "{name} is not the next slice of {payment} any more; nothing was changed"
            )));
        }
        let asked = days.unwrap_or(1);
        if !left.sliced || asked == 0 || asked > left.days {
            return Err(refused(format!(
                "{} has {} days that are owed and move in slices: name 1 to so many",
                payment, left.days
            )));
        }
        let Some((key, from @ State::Planned { ahead: Some(ahead), last: None, retried, .. })) = &left.last
        else {
            return Err(refused(format!(
                "no slice of {0} is planned: it waits for older payments of its channel, is held or stopped, or one is on its way; `daybridge payments show '{0}'` says which",
                payment
            )));
        };
        if *ahead == Ahead::QUEUED {
            return Err(refused(format!("{} waits for older payments of its channel", payment)));
        }
        let ahead = Ahead { at: now, days: days.unwrap_or(ahead.days), level_ms: None, sure: ahead.sure };
        let to = State::sliced(ahead, now, Kept { last: None, retried: *retried });
        slices::resize(self, key, ahead.days)?;
        step(self, key, from, &to, act, now)?;
        schedule::schedule_channel(self, &left.account, &left.channel, now)?;
        let after = format!("{} days now", ahead.days);
        told(self, Action::PaymentSlice, &payment, act, ("planned", &after), now)?;
        Ok(key.clone())
    }
}

/// Refuses what cannot be moved.
fn must_move(
    tx: &mut Tx,
    payment: &str,
    left: &Left,
    channel: &ChannelId,
    returned: u32,
) -> Result<(), Fault> {
    let why = if !left.sliced {
        format!(
            "{payment} does not move in slices, so nothing of it is left for another channel: `daybridge held set` says the channel of what is held"
        )
    } else if left.channel == channel.as_str() {
        format!("{payment} is for {channel} already")
    } else if left.days == 0 && returned == 0 {
        format!("no day of {payment} is left to move")
    } else if returned > 0 && is_out(tx, payment)? {
        format!("money of {payment} is out: `daybridge held set` says how many days are due")
    } else {
        match &left.last {
            Some((key, State::Planned { ahead: Some(Ahead { sure: Some(_), .. }), .. })) => {
                format!(
                    "{key} may have moved in the time that the restored ledger has forgotten: `daybridge payments stop '{payment}' --reason …` holds it, then Billing History tells"
                )
            }
            Some((key, State::Intended { .. } | State::Doubtful { .. })) => {
                format!("{key} is on its way to {}: try again when it is settled", left.channel)
            }
            Some((key, State::Held { outcome: Outcome::Open | Outcome::Forgotten, .. })) => {
                format!("nobody knows whether {key} moved: settle it first, `daybridge held show '{key}'`")
            }
            Some((key, state @ (State::Planned { .. } | State::Held { .. }))) => {
                let unknown = matches!(state, State::Held { cause: Cause::UnknownChannel, .. });
                if state.attempt() == 0 || unknown {
                    return Ok(());
                }
                format!(
                    "{key} was called on {}, and a refusal may have hidden a success: `daybridge held retry '{key}'` reads the channel and tells",
                    left.channel
                )
            }
            _ => return Ok(()),
        }
    };
    Err(refused(why))
}

fn is_out(tx: &mut Tx, payment: &str) -> Result<bool, Fault> {
    let row = tx.one("SELECT refunded + disputed AS out_now FROM payments WHERE key = $1", args![payment])?;
    Ok(row.get::<i64>("out_now")? != 0)
}

/// The key of a payment that was granted.
fn granted(tx: &mut Tx, name: &str) -> Result<String, Fault> {
    let key = resolve(tx, name)?
        .ok_or_else(|| refused(format!("no payment is named {name}: see `daybridge payments list`")))?;
    let row = tx.one("SELECT granted FROM payments WHERE key = $1", args![&*key])?;
    match row.get::<i64>("granted")? {
        0 => Err(refused(format!("no day of {key} was granted: `daybridge payments show '{key}'` says why"))),
        _ => Ok(key),
    }
}

fn told(
    tx: &mut Tx,
    action: Action,
    key: &str,
    act: &Act<'_>,
    (before, after): (&str, &str),
    now: Ms,
) -> Result<(), Fault> {
    let (before, after) = (Some(before.to_owned()), Some(after.to_owned()));
    audit::add(tx, Entry { action, key, act: *act, before, after }, now)?;
    tx.commit();
    Ok(())
}
