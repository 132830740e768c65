//! A person says which channel, or how many days, something held is for.

use super::{
    audit::{self, Entry},
    held::{is_of_another_family, must_be_held, must_be_held_for, other_family_needs},
};
use crate::{
    domain::{
        Ms,
        closed::HeldCause,
        settle::{Cause, Outcome, State, planned_again},
    },
    ledger::{
        Correction, Ledger, LedgerError,
        db::{Fault, Row, Tx, args, fault::refused},
        directory,
        read::resolve::{event_named, resolve},
        row,
        settle::{
            queue, schedule,
            slices::{self, Slice},
            transition,
        },
        view::Action,
    },
};

impl Ledger {
    /// A person says which channel or how many days a held payment or transfer is for. A payment is evaluated again
    /// when its events are replayed; a transfer is planned anew.
    pub async fn correct(&self, key: &str, correction: &Correction<'_>, now: Ms) -> Result<(), LedgerError> {
        let (key, correction) = (key.to_owned(), correction.kept());
        self.db.alone(move |tx| tx.correct(&key, &correction.lent(), now)).await
    }
}

impl Tx {
    /// Alone: what may be corrected depends on rows that others write.
    pub(in crate::ledger) fn correct(
        &mut self,
        key: &str,
        correction: &Correction<'_>,
        now: Ms,
    ) -> Result<(), Fault> {
        must_be_held_for(self, key, correction.cause, now)?;
        let row = self.optional(
            "SELECT account, channel, days, detail, payment FROM transfers WHERE key = $1",
            args![key],
        )?;
        if let (Some(channel), false) = (&correction.channel, correction.force) {
            directory::must_be_listed(self, correction.account, channel.as_str())?;
        }
        let (payment, (before, after)) = match row {
            Some(row) => (row.get("payment")?, transfer(self, key, &row, correction, now)?),
            None => match resolve(self, key)? {
                Some(payment) => {
                    let changed = payment_held(self, &payment, correction)?;
                    (payment, changed)
                }
                None => return Err(no_payment(self, key)?),
            },
        };
        let after = match &correction.channel {
            Some(channel) if correction.remember => {
                let remembered = directory::remember(self, &payment, channel, correction.act, now)?;
                format!("{after}; {remembered}")
            }
            _ => after,
        };
        let entry = Entry {
            action: Action::HeldSet,
            key,
            act: correction.act,
            before: Some(before),
            after: Some(after),
        };
        audit::add(self, entry, now)?;
        self.commit();
        Ok(())
    }
}

/// What helps where a name is no payment's: the payment of an event, or what else can be done about the event.
fn no_payment(tx: &mut Tx, name: &str) -> Result<Fault, Fault> {
    let Some((source, id)) = event_named(tx, name, None)? else {
        return Ok(refused(format!("no payment or transfer is named {name}: see `daybridge held list`")));
    };
    let row = tx.optional(
        "SELECT payment FROM events WHERE source = $1 AND event_id = $2 AND payment IS NOT NULL \
         ORDER BY number DESC LIMIT 1",
        args![source, id],
    )?;
    let payment: Option<String> = row.map(|row| row.get("payment")).transpose()?;
    Ok(refused(match payment {
        Some(key) => format!("{name} is an event of the payment {key}: `daybridge held set '{key}' …`"),
        None => format!(
            "{name} is an event that names no payment yet: where the settings were wrong, correct them, restart the worker and `daybridge held retry '{name}'`; `daybridge held cancel '{name}'` closes it"
        ),
    }))
}

fn shown(channel: Option<&str>, days: Option<i64>) -> String {
    let days = days.map_or_else(|| "-".to_owned(), |days| days.to_string());
    format!("channel {}, days {days}", channel.unwrap_or("-"))
}

/// It is planned anew. On the same channel its last call stays known, for a refusal may have hidden a success, and the
/// next reading tells. On another channel it cannot tell; so a transfer that was called stays where it is, unless the
/// partner does not know the channel.
fn transfer(
    tx: &mut Tx,
    key: &str,
    row: &Row,
    correction: &Correction<'_>,
    now: Ms,
) -> Result<(String, String), Fault> {
    let from = row::state(row)?;
    if !matches!(from, State::Held { outcome: Outcome::None, .. }) {
        return Err(refused(
            "only a held transfer whose call was certainly not applied can be corrected: settle its outcome first",
        ));
    }
    let (account, channel): (String, String) = (row.get("account")?, row.get("channel")?);
    let days: i64 = row.get("days")?;
    let new_channel = correction.channel.as_ref().map_or(&*channel, |c| c.as_str());
    let new_days = correction.days.map_or(days, i64::from);
    let elsewhere = new_channel != channel;
    if elsewhere && from.attempt() > 0 && !matches!(from, State::Held { cause: Cause::UnknownChannel, .. }) {
        return Err(refused(format!(
            "it was called on {channel}, and a refusal may have hidden a success: `held retry` reads the channel and tells; or `held cancel` it, and extend the other channel by hand"
        )));
    }
    let to = if elsewhere { None } else { planned_again(&from, now) };
    let to = to.unwrap_or_else(|| State::planned(now));
    if let Some(slice) = slices::of(tx, key)? {
        return sliced(tx, key, &slice, (&from, &to), correction, now);
    }
    tx.execute(
        "UPDATE transfers SET channel = $1, days = $2, comment = $3 WHERE key = $4",
        args![new_channel, new_days, correction.comment.render(key, row::narrow(new_days)), key],
    )?;
    correct_payment(tx, &row.get::<String>("payment")?, new_channel, new_days, correction)?;
    let act = (correction.act.who, correction.act.reason);
    if !transition::compare_and_set(tx, key, &from, &to, Some(act), now)? {
        return Err(Fault::Conflict(format!("{key} went on meanwhile")));
    }
    schedule::schedule_channel(tx, &account, new_channel, now)?;
    Ok((shown(Some(&channel), Some(days)), shown(Some(new_channel), Some(new_days))))
}

/// The same of a slice: what is said of its days is said of all of its payment's.
fn sliced(
    tx: &mut Tx,
    key: &str,
    slice: &Slice,
    (from, to): (&State, &State),
    correction: &Correction<'_>,
    now: Ms,
) -> Result<(String, String), Fault> {
    let row = tx.one("SELECT days, days_moved FROM payments WHERE key = $1", args![&*slice.payment])?;
    let (days, moved): (i64, i64) = (row.get::<Option<i64>>("days")?.unwrap_or(0), row.get("days_moved")?);
    let new_days = correction.days.map_or(days, i64::from);
    if correction.days.is_some() && new_days <= moved {
        return Err(refused(format!(
            "{moved} of its days have moved already, so it cannot be for {new_days}: `daybridge held cancel '{key}' --reason …` takes the rest off"
        )));
    }
    let new_channel = correction.channel.as_ref().map_or(&*slice.channel, |channel| channel.as_str());
    if new_channel != slice.channel {
        queue::moves_to(tx, key, slice, new_channel)?;
    }
    if correction.days.is_some() && despite(tx, &slice.payment, correction.days)? {
        correct_payment(
            tx,
            &slice.payment,
            new_channel,
            new_days,
            &Correction { days: None, ..correction.clone() },
        )?;
    } else {
        correct_payment(tx, &slice.payment, new_channel, new_days, correction)?;
    }
    let act = (correction.act.who, correction.act.reason);
    if !transition::compare_and_set(tx, key, from, to, Some(act), now)? {
        return Err(Fault::Conflict(format!("{key} went on meanwhile")));
    }
    queue::plan(tx, &slice.account, &slice.channel, None, now)?;
    Ok((shown(Some(&slice.channel), Some(days)), shown(Some(new_channel), Some(new_days))))
}

/// What a correction of its transfer makes of a payment.
fn correct_payment(
    tx: &mut Tx,
    payment: &str,
    new_channel: &str,
    new_days: i64,
    correction: &Correction<'_>,
) -> Result<(), Fault> {
    let days_due = if correction.days.is_some() { Some(new_days) } else { bought(tx, payment)? };
    if correction.days.is_some() && despite(tx, payment, None)? {
        tx.execute(
            "UPDATE payments SET channel = $1, set_channel = COALESCE($2, set_channel) WHERE key = $3",
            args![
                new_channel,
                correction.channel.as_ref().map(|channel| channel.as_str().to_owned()),
                payment
            ],
        )?;
    } else {
        tx.execute(
            "UPDATE payments SET channel = $1, days = $2, set_channel = COALESCE($3, set_channel), \
             set_days = COALESCE($4, set_days), covered = CASE WHEN refunded = 0 AND disputed = 0 THEN NULL \
             ELSE covered END WHERE key = $5",
            args![
                new_channel,
                days_due,
                correction.channel.as_ref().map(|channel| channel.as_str().to_owned()),
                correction.days.map(i64::from),
                payment
            ],
        )?;
    }
    Ok(())
}

fn bought(tx: &mut Tx, payment: &str) -> Result<Option<i64>, Fault> {
    let row = tx.one("SELECT days FROM payments WHERE key = $1", args![payment])?;
    row.get("days")
}

/// A person who says how many days a payment is for while money of it is out says how many are due in spite of that:
/// what was bought stays what it was. `false`: nothing is out.
fn despite(tx: &mut Tx, payment: &str, days: Option<u32>) -> Result<bool, Fault> {
    let done = tx.execute(
        "UPDATE payments SET due_decided = COALESCE(days_due, 0), days_despite = COALESCE($1, days_despite) \
         WHERE key = $2 AND (refunded > 0 OR disputed > 0)",
        args![days.map(i64::from), payment],
    )?;
    Ok(done > 0)
}

fn payment_held(tx: &mut Tx, key: &str, correction: &Correction<'_>) -> Result<(String, String), Fault> {
    let row = tx.one(
        "SELECT decision, granted, cause, channel, days, set_channel, set_days FROM payments WHERE key = $1",
        args![key],
    )?;
    if is_of_another_family(tx, key)? {
        return Err(other_family_needs(key));
    }
    must_be_held(&row, key)?;
    let channel: Option<String> = row.get("set_channel")?;
    let days: Option<i64> = row.get("set_days")?;
    let new_channel = correction.channel.as_ref().map(|c| c.as_str().to_owned()).or_else(|| channel.clone());
    let asked = matches!(row.get("cause")?, Some(HeldCause::Refunded | HeldCause::Disputed));
    let in_spite = asked && correction.days.is_some() && despite(tx, key, correction.days)?;
    let new_days = correction.days.filter(|_| !in_spite).map(i64::from).or(days);
    tx.execute(
        "UPDATE payments SET set_channel = $1, set_days = $2 WHERE key = $3",
        args![new_channel.as_deref(), new_days, key],
    )?;
    let before: (Option<String>, Option<i64>) = (row.get("channel")?, row.get("days")?);
    Ok((
        shown(channel.as_deref().or(before.0.as_deref()), days.or(before.1)),
        shown(new_channel.as_deref(), correction.days.map(i64::from).or(new_days)),
    ))
}
