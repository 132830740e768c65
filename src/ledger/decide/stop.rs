//! A person stops a payment, lets it go on, or says that what is left of it is another channel's; and sends one slice now.

use super::audit::{self, Entry};
use crate::{
    domain::{
        Ms,
        closed::HeldCause,
        id::ChannelId,
        settle::{Cause, Kept, Outcome, State, planned_again},
        slices::Ahead,
    },
    ledger::{
        Act, Ledger, LedgerError,
        db::{Fault, Tx, args, fault::refused},
        read::resolve::resolve,
        row::{self, narrow},
        settle::{schedule, slices, transition},
        storable,
        view::Action,
    },
};

/// A payment that was granted.
struct Granted {
    key: String,
    account: String,
    channel: String,
    sliced: bool,
    left: u32,
    out: bool,
    stop: Option<HeldCause>,
    last: Option<(String, State)>,
}

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

    /// What is left of a payment is another channel's; `returned`: days that came back from the one before, and are owed
    /// again.
    pub async fn move_rest(
        &self,
        payment: &str,
        channel: &ChannelId,
        returned: u32,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<(), LedgerError> {
        let (payment, channel, act) = (payment.to_owned(), channel.clone(), act.kept());
        self.db.alone(move |tx| tx.move_rest(&payment, &channel, returned, &act.lent(), now)).await
    }

    /// One slice of a payment is sent now, of so many days where that is said. Returns the transfer's key.
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
        let granted = granted(self, name)?;
        if granted.stop.is_some() {
            return Err(refused(format!("{} is stopped already", granted.key)));
        }
        let reason = storable::text(&format!("{} by {}", act.reason, act.who));
        let nothing = || {
            refused(format!(
                "no day of {} is left to stop: its days have moved, or are on their way",
                granted.key
            ))
        };
        if granted.sliced {
            if granted.left == 0 {
                return Err(nothing());
            }
            self.execute(
                "UPDATE payments SET stop = $2, stop_reason = $3 WHERE key = $1",
                args![&*granted.key, HeldCause::Stopped, &*reason],
            )?;
        }
        match &granted.last {
            Some((key, from @ State::Planned { last, retried, .. })) => {
                let to = State::Held {
                    cause: Cause::Stopped(reason),
                    outcome: Outcome::None,
                    at: now,
                    last: *last,
                    retried: *retried,
                };
                step(self, key, from, &to, act, now)?;
                schedule::schedule_channel(self, &granted.account, &granted.channel, now)?;
            }
            _ if !granted.sliced => return Err(nothing()),
            Some((_, State::Settled { .. })) | None => {
                let cause = Cause::Stopped(reason);
                slices::hold_rest(self, &granted.key, cause, Some(act), now)?;
                slices::plan(self, &granted.account, &granted.channel, None, now)?;
            }
            // What is on its way is settled first; what is held waits for a person anyway.
            Some(_) => {}
        }
        told(self, Action::PaymentStop, &granted.key, act, ("moves", "stopped"), now)
    }

    pub(in crate::ledger) fn go(&mut self, name: &str, act: &Act<'_>, now: Ms) -> Result<(), Fault> {
        let granted = granted(self, name)?;
        let stopped = granted.last.as_ref().filter(|(_, state)| is_stopped(state));
        if granted.stop.is_none() && stopped.is_none() {
            return Err(refused(format!("{} is not stopped", granted.key)));
        }
        self.execute(
            "UPDATE payments SET stop = NULL, stop_reason = NULL WHERE key = $1",
            args![&*granted.key],
        )?;
        if let Some((key, from)) = stopped
            && let Some(to) = planned_again(from, now)
        {
            step(self, key, from, &to, act, now)?;
            schedule::schedule_channel(self, &granted.account, &granted.channel, now)?;
        }
        told(self, Action::PaymentGo, &granted.key, act, ("stopped", "moves"), now)
    }

    pub(in crate::ledger) fn move_rest(
        &mut self,
        name: &str,
        channel: &ChannelId,
        returned: u32,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<(), Fault> {
        let granted = granted(self, name)?;
        must_move(&granted, channel, returned)?;
        if returned > 0 {
            self.execute(
                "UPDATE payments SET days = days + $2, days_more = days_more + $2 WHERE key = $1",
                args![&*granted.key, i64::from(returned)],
            )?;
        }
        if let Some((key, state)) = &granted.last
            && matches!(state, State::Planned { .. } | State::Held { .. })
        {
            let Some(slice) = slices::of(self, key)? else {
                return Err(refused("only what moves in slices can be moved to another channel"));
            };
            slices::moves_to(self, key, &slice, channel.as_str())?;
            let to = planned_again(state, now)
                .unwrap_or_else(|| State::sliced(Ahead::QUEUED, now, Kept::default()));
            let to = if is_stopped(state) { state.clone() } else { to };
            step(self, key, state, &to, act, now)?;
        } else {
            slices::rest_to(self, &granted.key, &granted.account, channel.as_str())?;
        }
        slices::replan(self, &granted.key, now)?;
        slices::plan(self, &granted.account, &granted.channel, None, now)?;
        for channel in [&*granted.channel, channel.as_str()] {
            schedule::schedule_channel(self, &granted.account, channel, now)?;
        }
        let after = match returned {
            0 => channel.to_string(),
            days => format!("{channel}, and {days} days that came back"),
        };
        told(self, Action::PaymentMove, &granted.key, act, (&granted.channel, &after), now)
    }

    pub(in crate::ledger) fn slice_now(
        &mut self,
        name: &str,
        days: Option<u32>,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<String, Fault> {
        let granted = granted(self, name)?;
        let asked = days.unwrap_or(1);
        if !granted.sliced || asked == 0 || asked > granted.left {
            return Err(refused(format!(
                "{} has {} days that are owed and move in slices: name 1 to so many",
                granted.key, granted.left
            )));
        }
        let Some((key, from @ State::Planned { ahead: Some(ahead), last: None, retried, .. })) =
            &granted.last
        else {
            return Err(refused(format!(
                "no slice of {} is planned: it waits for older payments of its channel, is stopped, or one is on its way",
                granted.key
            )));
        };
        if *ahead == Ahead::QUEUED {
            return Err(refused(format!("{} waits for older payments of its channel", granted.key)));
        }
        let ahead = Ahead { at: now, days: days.unwrap_or(ahead.days), level_ms: None, sure: ahead.sure };
        let to = State::sliced(ahead, now, Kept { last: None, retried: *retried });
        slices::resize(self, key, ahead.days)?;
        step(self, key, from, &to, act, now)?;
        schedule::schedule_channel(self, &granted.account, &granted.channel, now)?;
        let after = format!("{} days now", ahead.days);
        told(self, Action::PaymentSlice, &granted.key, act, ("planned", &after), now)?;
        Ok(key.clone())
    }
}

fn is_stopped(state: &State) -> bool {
    matches!(state, State::Held { cause: Cause::Stopped(_) | Cause::Ended(_), .. })
}

/// Refuses what cannot be moved.
fn must_move(granted: &Granted, channel: &ChannelId, returned: u32) -> Result<(), Fault> {
    let key = &granted.key;
    let why = if !granted.sliced {
        format!(
            "{key} does not move in slices, so nothing of it is left for another channel: `daybridge held set` says the channel of what is held"
        )
    } else if granted.channel == channel.as_str() {
        format!("{key} is for {channel} already")
    } else if granted.left == 0 && returned == 0 {
        format!("no day of {key} is left to move")
    } else if returned > 0 && granted.out {
        format!("money of {key} is out: `daybridge held set` says how many days are due")
    } else {
        match &granted.last {
            Some((key, State::Intended { .. } | State::Doubtful { .. })) => {
                format!("{key} is on its way to {}: try again when it is settled", granted.channel)
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
                    granted.channel
                )
            }
            _ => return Ok(()),
        }
    };
    Err(refused(why))
}

fn granted(tx: &mut Tx, name: &str) -> Result<Granted, Fault> {
    let key = resolve(tx, name)?
        .ok_or_else(|| refused(format!("no payment is named {name}: see `daybridge payments list`")))?;
    let row = tx.one(
        "SELECT p.granted, p.sliced, COALESCE(p.partner, t.account) AS partner, p.channel, p.days_left, p.stop, \
         p.refunded + p.disputed AS out_now, t.key AS transfer, t.detail FROM payments p \
         LEFT JOIN transfers t ON t.payment = p.key AND t.n = p.last_n WHERE p.key = $1",
        args![&*key],
    )?;
    if row.get::<i64>("granted")? == 0 {
        return Err(refused(format!(
            "no day of {key} was granted: `daybridge payments show '{key}'` says why"
        )));
    }
    Ok(Granted {
        account: row.get::<Option<String>>("partner")?.unwrap_or_default(),
        channel: row.get::<Option<String>>("channel")?.unwrap_or_default(),
        sliced: row.get::<i64>("sliced")? != 0,
        left: narrow(row.get("days_left")?),
        out: row.get::<i64>("out_now")? != 0,
        stop: row.get("stop")?,
        last: match row.get::<Option<String>>("transfer")? {
            Some(transfer) => Some((transfer, row::state(&row)?)),
            None => None,
        },
        key,
    })
}

fn step(tx: &mut Tx, key: &str, from: &State, to: &State, act: &Act<'_>, now: Ms) -> Result<(), Fault> {
    match transition::compare_and_set(tx, key, from, to, Some((act.who, act.reason)), now)? {
        true => Ok(()),
        false => Err(Fault::Conflict(format!("{key} went on meanwhile"))),
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
