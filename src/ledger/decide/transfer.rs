//! What a person decides about a transfer.

use crate::{
    domain::{
        Ms,
        channel::Channel,
        settle::{Cause, Order, Outcome, State, order},
    },
    ledger::{
        Decided,
        db::{Fault, Tx, args, fault::refused},
        intake::coverage,
        row,
        settle::{account, claim::take_from_worker, pause, schedule, slices, stops, transition},
        storable,
    },
};

/// Returns the word of the new state.
pub(super) fn decide(tx: &mut Tx, key: &str, decided: &Decided<'_>, now: Ms) -> Result<&'static str, Fault> {
    let transfer = TransferDecided::load(tx, key)?;
    if decided.order == Order::Retry && matches!(transfer.from, State::Planned { .. }) {
        transfer.retry_waiting(tx, decided, now)?;
        return Ok(transfer.from.word().as_str());
    }
    transfer.refuse_stopped(decided)?;
    transfer.despite_money_out(tx, decided)?;
    transfer.take_days_of_history(tx, decided)?;
    let to = transfer.carry_out(tx, decided, now)?;
    transfer.probe_its_account(tx, decided, &to, now)?;
    account::end_without_waiting(tx, &transfer.account, now)?;
    // Not what was ordered, where money went out meanwhile.
    let row = tx.one("SELECT detail FROM transfers WHERE key = $1", args![key])?;
    Ok(row::state(&row)?.word().as_str())
}

/// The transfer that is decided about, as it stood before.
struct TransferDecided<'a> {
    key: &'a str,
    account: String,
    channel: String,
    days: u32,
    from: State,
}

impl<'a> TransferDecided<'a> {
    fn load(tx: &mut Tx, key: &'a str) -> Result<Self, Fault> {
        let row =
            tx.one("SELECT account, channel, days, detail FROM transfers WHERE key = $1", args![key])?;
        let (account, channel): (String, String) = (row.get("account")?, row.get("channel")?);
        let from = row::state(&row)?;
        let days = row::narrow(row.get("days")?);
        Ok(Self { key, account, channel, days, from })
    }

    fn refuse_stopped(&self, decided: &Decided<'_>) -> Result<(), Fault> {
        if decided.order == Order::Retry && stops::is_stopped(&self.from) {
            return Err(refused(
                "its payment is stopped: `daybridge payments go KEY --reason …` lets it go on; `held cancel` takes the rest of its days off",
            ));
        }
        Ok(())
    }

    /// Where money went out, a retry names that cause; whatever is decided, the rules ask no more about what is out now.
    fn despite_money_out(&self, tx: &mut Tx, decided: &Decided<'_>) -> Result<(), Fault> {
        let State::Held { cause: cause @ (Cause::Refunded(_) | Cause::Disputed(_)), .. } = &self.from else {
            return Ok(());
        };
        let Self { key, days, .. } = self;
        if decided.order == Order::Retry && decided.cause.is_none() {
            let what = match slices::of(tx, key)? {
                Some(_) => "all days that its payment has left".to_owned(),
                None => format!("its {days} days"),
            };
            return Err(refused(format!(
                "{cause}: `held retry '{key}' --cause {}` moves {what} all the same, unless its channel shows that they have moved; `held set '{key}' --days …` others",
                cause.word()
            )));
        }
        if decided.order != Order::Applied {
            tx.execute(
                "UPDATE payments SET due_decided = days_due, \
                 days_despite = CASE WHEN sliced = 1 THEN NULL ELSE days_despite END \
                 WHERE key = (SELECT payment FROM transfers WHERE key = $1)",
                args![*key],
            )?;
        }
        Ok(())
    }

    /// What was applied are the days that Billing History shows.
    fn take_days_of_history(&self, tx: &mut Tx, decided: &Decided<'_>) -> Result<(), Fault> {
        if decided.order != Order::Applied {
            return Ok(());
        }
        let shown = days_in_history(&self.from, self.days, decided.days)?;
        if shown != self.days {
            moved_others(tx, self.key, (self.days, shown))?;
        }
        Ok(())
    }

    /// Commits what the rules make of the order to the transfer and its channel. Returns its new state.
    fn carry_out(&self, tx: &mut Tx, decided: &Decided<'_>, now: Ms) -> Result<State, Fault> {
        let Self { account, channel, days, from, .. } = self;
        let found = tx.optional(
            "SELECT detail FROM channels WHERE account = $1 AND channel = $2",
            args![&**account, &**channel],
        )?;
        let before = found.as_ref().map(row::channel).transpose()?.unwrap_or_else(Channel::default);
        let window = decided.settle_window_ms;
        let (to, after) = order(*days, from, &before, decided.order, decided.reason, window, now)
            .map_err(|error| refused(error.to_string()))?;
        self.step(tx, &to, decided, now)?;
        if after != before {
            tx.send(
                "UPDATE channels SET detail = $1, active_till = $4 WHERE account = $2 AND channel = $3",
                args![storable::json(&after)?, &**account, &**channel, row::expiry(&after)],
            )?;
            take_from_worker(tx, account, channel)?;
        }
        Ok(to)
    }

    /// A step to a new state, after which its channel is looked at again.
    fn step(&self, tx: &mut Tx, to: &State, decided: &Decided<'_>, now: Ms) -> Result<(), Fault> {
        let by = Some((decided.who, decided.reason));
        if !transition::compare_and_set(tx, self.key, &self.from, to, by, now)? {
            return Err(Fault::Conflict(format!("{} went on meanwhile", self.key)));
        }
        schedule::schedule_channel(tx, &self.account, &self.channel, now)
    }

    /// What waited for its account and is tried again shows whether the account is well.
    fn probe_its_account(
        &self,
        tx: &mut Tx,
        decided: &Decided<'_>,
        to: &State,
        now: Ms,
    ) -> Result<(), Fault> {
        let waited = matches!(self.from, State::Held { cause: Cause::Balance(_) | Cause::Unauthorized, .. });
        if waited && decided.order == Order::Retry && matches!(to, State::Planned { .. }) {
            name_probe(tx, self.key, &self.account, now)?;
        }
        Ok(())
    }

    /// What waits for its account becomes the probe; what waits for something else is told what.
    fn retry_waiting(&self, tx: &mut Tx, decided: &Decided<'_>, now: Ms) -> Result<(), Fault> {
        let Self { key, account, channel, days, from } = self;
        if let Some(paused) = pause::waits(tx, account, channel)? {
            return Err(refused(paused));
        }
        let hold = account::hold(tx, account)?;
        if hold.is_none_or(|hold| !hold.keeps_back(key, *days)) {
            return Err(refused("it is planned and will be called by itself"));
        }
        let open = tx.optional(
            "SELECT key FROM transfers WHERE account = $1 AND channel = $2 AND open = 1",
            args![&**account, &**channel],
        )?;
        if let Some(open) = open {
            let open: String = open.get("key")?;
            return Err(refused(format!(
                "it waits for another transfer of its channel to be settled first: {open}"
            )));
        }
        self.step(tx, &from.due_by(now), decided, now)?;
        name_probe(tx, key, account, now)
    }
}

/// The days that Billing History shows: those of the call, which may be others than those of now, for money went out or
/// came back since; or those that the person found, where the ledger forgot the call.
fn days_in_history(from: &State, days: u32, found: Option<u32>) -> Result<u32, Fault> {
    let State::Held { outcome, last, .. } = from else { return Ok(days) };
    let sent = last.filter(|_| *outcome != Outcome::Forgotten).map(|call| call.sent(days));
    match (sent, found) {
        (Some(sent), Some(found)) if found != sent => {
            Err(refused(format!("its call was for {sent} days, not for {found}")))
        }
        (Some(sent), _) => Ok(sent),
        (None, Some(found)) => Ok(found),
        (None, None) if *outcome != Outcome::None => Ok(days),
        (None, None) => Err(refused(
            "no call for it is known: where Billing History shows its key all the same, `held resolve KEY --applied --days N` with the days that stand there; else `held retry KEY` or `held cancel KEY`",
        )),
    }
}

/// A transfer whose days are others than those that moved: the rest is owed.
fn moved_others(tx: &mut Tx, key: &str, (days, moved): (u32, u32)) -> Result<(), Fault> {
    let row = tx.one(
        "SELECT p.key, p.days FROM transfers t JOIN payments p ON p.key = t.payment WHERE t.key = $1",
        args![key],
    )?;
    let bought = row.get::<Option<i64>>("days")?.map_or(days, row::narrow);
    coverage::others_moved(tx, &row.get::<String>("key")?, bought)?;
    tx.execute("UPDATE transfers SET days = $1 WHERE key = $2", args![i64::from(moved), key])?;
    Ok(())
}

fn name_probe(tx: &mut Tx, key: &str, account: &str, now: Ms) -> Result<(), Fault> {
    tx.execute("UPDATE accounts SET probe = $1, probe_at = $2 WHERE account = $3", args![key, now, account])?;
    Ok(())
}
