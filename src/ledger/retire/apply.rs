//! One channel of a plan after the other: whether it may still be deleted, and what became of it.

use super::{
    plan::{PLANNED, planned},
    why::why,
};
use crate::{
    domain::{Ms, id::ChannelId, reply::Reading},
    ledger::{
        Act, Claim, Ledger, LedgerError, RetireChannel, RetireState, RetireTurn, Retired,
        db::{Fault, Tx, args, fault::refused},
        decide::audit::{self, Entry},
        settle::{
            claim::{LEASE_MS_MAX, RETIRE, RETIRE_IN_DOUBT},
            queue::ensure,
            schedule::FREE,
        },
        storable,
        view::{Action, MarkKind},
    },
};

/// A channel of a plan of an account.
#[derive(Debug, Clone, Copy)]
pub struct OfPlan<'a> {
    /// The plan's hash.
    pub plan: &'a str,
    /// The partner account.
    pub account: &'a str,
    /// The channel.
    pub channel: &'a ChannelId,
}

struct Kept {
    plan: String,
    account: String,
    channel: ChannelId,
}

impl OfPlan<'_> {
    fn kept(&self) -> Kept {
        let [plan, account] = [self.plan, self.account].map(str::to_owned);
        Kept { plan, account, channel: self.channel.clone() }
    }
}

impl Kept {
    fn lent(&self) -> OfPlan<'_> {
        OfPlan { plan: &self.plan, account: &self.account, channel: &self.channel }
    }
}

impl Ledger {
    /// Whether a channel that was just read may be deleted. If so it is *unknown* from now on, and in no worker's hands until
    /// `lease_until`; if not, it is left out for good.
    pub async fn retire_begin(
        &self,
        one: OfPlan<'_>,
        reading: &Reading,
        lease_until: Ms,
        now: Ms,
    ) -> Result<RetireTurn, LedgerError> {
        let (one, reading) = (one.kept(), reading.clone());
        self.db.alone(move |tx| tx.retire_begin(one.lent(), &reading, lease_until, now)).await
    }

    /// What became of a channel that was taken. Where that is not known it stays taken until its lease ends.
    pub async fn retire_end(
        &self,
        one: OfPlan<'_>,
        claim: &Claim,
        retired: &Retired,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<RetireChannel, LedgerError> {
        let (one, claim, retired, act) = (one.kept(), claim.clone(), retired.clone(), act.kept());
        self.db.alone(move |tx| tx.retire_end(one.lent(), &claim, &retired, &act.lent(), now)).await
    }

    /// The partner knows a channel no more. If it was asked to delete it, it did.
    pub async fn retire_gone(
        &self,
        one: OfPlan<'_>,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<RetireChannel, LedgerError> {
        let (one, act) = (one.kept(), act.kept());
        self.db.alone(move |tx| tx.retire_gone(one.lent(), &act.lent(), now)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn retire_begin(
        &mut self,
        one: OfPlan<'_>,
        reading: &Reading,
        lease_until: Ms,
        now: Ms,
    ) -> Result<RetireTurn, Fault> {
        let row = of_plan(self, one)?;
        if matches!(row.state, RetireState::Deleted | RetireState::LeftOut) {
            return Ok(RetireTurn::No(row));
        }
        let why = match changed(&row, reading) {
            Some(changed) => Some(changed),
            None => kept_back(self, one)?,
        };
        if let Some(mut why) = why {
            if row.state == RetireState::Unknown {
                why.push_str("; the partner was asked to delete it before, and may still do so");
            }
            write(self, one, RetireState::LeftOut, Some(&why), None, now)?;
            self.commit();
            return Ok(RetireTurn::No(of_plan(self, one)?));
        }
        let Some(epoch) = lease(self, one, lease_until, now)? else {
            return Ok(RetireTurn::No(RetireChannel {
                note: Some("somebody has it in hand: apply the plan again in a minute".into()),
                ..row
            }));
        };
        write(self, one, RetireState::Unknown, Some("the partner is asked to delete it"), None, now)?;
        self.commit();
        Ok(RetireTurn::Go(Claim { account: one.account.to_owned(), channel: one.channel.clone(), epoch }))
    }

    pub(in crate::ledger) fn retire_end(
        &mut self,
        one: OfPlan<'_>,
        claim: &Claim,
        retired: &Retired,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<RetireChannel, Fault> {
        match retired {
            Retired::Deleted(days) => deleted(self, one, *days, act, now)?,
            Retired::Refused(why) => {
                write(self, one, RetireState::Refused, Some(why), None, now)?;
                note(self, one, act, format!("refused: {why}"), now)?;
            }
            Retired::NotSent { prior, why } => write(self, one, *prior, Some(why), None, now)?,
            Retired::Unknown(why) => {
                write(self, one, RetireState::Unknown, Some(why), None, now)?;
                note(self, one, act, format!("outcome unknown: {why}"), now)?;
            }
        }
        match retired {
            Retired::Unknown(_) => keep(self, claim)?,
            Retired::Deleted(_) | Retired::Refused(_) | Retired::NotSent { .. } => give_back(self, claim)?,
        }
        self.commit();
        of_plan(self, one)
    }

    pub(in crate::ledger) fn retire_gone(
        &mut self,
        one: OfPlan<'_>,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<RetireChannel, Fault> {
        let row = of_plan(self, one)?;
        match row.state {
            RetireState::Unknown => deleted(self, one, None, act, now)?,
            RetireState::Planned | RetireState::Refused => {
                write(
                    self,
                    one,
                    RetireState::LeftOut,
                    Some("the partner does not know it any more"),
                    None,
                    now,
                )?;
                unlist(self, one)?;
            }
            RetireState::Deleted | RetireState::LeftOut => {}
        }
        self.commit();
        of_plan(self, one)
    }
}

fn of_plan(tx: &mut Tx, one: OfPlan<'_>) -> Result<RetireChannel, Fault> {
    let row = tx.optional(
        &format!("{PLANNED} WHERE plan = $1 AND channel = $2"),
        args![one.plan, one.channel.as_str()],
    )?;
    let row = row.ok_or_else(|| refused(format!("the plan {} has no channel {}", one.plan, one.channel)))?;
    planned(&row)
}

/// What was read is not what the plan was made of.
fn changed(row: &RetireChannel, reading: &Reading) -> Option<String> {
    if reading.active_till != row.active_till {
        return Some("its activeTill has changed since the plan was made".into());
    }
    match (&row.mode, &reading.mode) {
        (Some(then), Some(now)) if then != now => Some(format!("its mode was {then}, and is {now} now")),
        _ => None,
    }
}

fn kept_back(tx: &mut Tx, one: OfPlan<'_>) -> Result<Option<String>, Fault> {
    let row = tx.optional(
        &format!("SELECT {} AS why FROM listed_channels x WHERE x.account = $1 AND x.channel = $2", why()),
        args![one.account, one.channel.as_str()],
    )?;
    row.map_or_else(|| Ok(Some("the partner does not list it any more".into())), |row| row.get("why"))
}

/// Takes the channel as a worker would, or from a deletion whose outcome is not known; `None`: somebody has it.
fn lease(tx: &mut Tx, one: OfPlan<'_>, lease_until: Ms, now: Ms) -> Result<Option<i64>, Fault> {
    ensure(tx, one.account, one.channel.as_str())?;
    // A longer one is not believed by those who claim.
    let lease_until = lease_until.min(now.saturating_add(LEASE_MS_MAX));
    let row = tx.optional(
        "UPDATE channels SET epoch = epoch + 1, lease_owner = $6, lease_until = $3 \
         WHERE account = $1 AND channel = $2 AND (lease_until <= $4 OR lease_owner = $5) RETURNING epoch",
        args![one.account, one.channel.as_str(), lease_until, now, RETIRE_IN_DOUBT, RETIRE],
    )?;
    row.map(|row| row.get("epoch")).transpose()
}

/// The deletion may still be applied, and days that are given meanwhile would be lost with the channel.
fn keep(tx: &mut Tx, claim: &Claim) -> Result<(), Fault> {
    tx.send(
        "UPDATE channels SET lease_owner = $4 WHERE account = $2 AND channel = $3 AND epoch = $1",
        args![claim.epoch, &*claim.account, claim.channel.as_str(), RETIRE_IN_DOUBT],
    )
}

/// Without a transfer there is nothing to remember of it.
fn give_back(tx: &mut Tx, claim: &Claim) -> Result<(), Fault> {
    tx.send(
        &format!(
            "UPDATE channels SET epoch = epoch{FREE} WHERE account = $2 AND channel = $3 AND epoch = $1"
        ),
        args![claim.epoch, &*claim.account, claim.channel.as_str()],
    )?;
    tx.send(
        "DELETE FROM channels WHERE account = $1 AND channel = $2 AND due_at IS NULL AND slice_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.account = $1 AND t.channel = $2)",
        args![&*claim.account, claim.channel.as_str()],
    )
}

fn deleted(tx: &mut Tx, one: OfPlan<'_>, days: Option<u32>, act: &Act<'_>, now: Ms) -> Result<(), Fault> {
    let mut told = match days {
        Some(days) => format!("deleted, {days} days came back"),
        None => "deleted; how many days came back was not told".to_owned(),
    };
    let moved = moved_meanwhile(tx, one)?;
    if moved > 0 {
        tracing::warn!(channel = %one.channel, days = moved, "days moved to a channel that was deleted after all");
        told.push_str(&format!(
            "; {moved} days moved to it since the plan was made: `daybridge channels show {}` names who paid, \
             `daybridge grant` gives them to another channel",
            one.channel
        ));
    }
    write(tx, one, RetireState::Deleted, Some(&told), days, now)?;
    if let Some(days) = days.filter(|days| *days > 0) {
        tx.send(
            "INSERT INTO balance_marks (account, at, kind, days, who, reason) VALUES ($1, $2, $3, $4, $5, $6)",
            args![
                one.account,
                now,
                MarkKind::Returned,
                i64::from(days),
                act.who,
                format!("{} was deleted by the plan {}", one.channel, one.plan)
            ],
        )?;
    }
    unlist(tx, one)?;
    note(tx, one, act, told, now)
}

/// Days that were given to a channel whose deletion was applied later than any call should be. Before it was asked for none
/// were: its `activeTill` was still the plan's.
fn moved_meanwhile(tx: &mut Tx, one: OfPlan<'_>) -> Result<i64, Fault> {
    let row = tx.one(
        "SELECT CAST(COALESCE(SUM(t.days), 0) AS BIGINT) AS days FROM transfers t JOIN retire_plans r ON r.hash = $1 \
         WHERE t.account = $2 AND t.channel = $3 AND t.settled_at > r.made_at",
        args![one.plan, one.account, one.channel.as_str()],
    )?;
    row.get("days")
}

fn unlist(tx: &mut Tx, one: OfPlan<'_>) -> Result<(), Fault> {
    tx.send(
        "DELETE FROM listed_channels WHERE account = $1 AND channel = $2",
        args![one.account, one.channel.as_str()],
    )
}

fn write(
    tx: &mut Tx,
    one: OfPlan<'_>,
    state: RetireState,
    note: Option<&str>,
    returned: Option<u32>,
    now: Ms,
) -> Result<(), Fault> {
    tx.send(
        "UPDATE retire_channels SET state = $3, note = $4, returned = $5, changed_at = $6 \
         WHERE plan = $1 AND channel = $2",
        args![one.plan, one.channel.as_str(), state, note.map(storable::text), returned.map(i64::from), now],
    )
}

fn note(tx: &mut Tx, one: OfPlan<'_>, act: &Act<'_>, after: String, now: Ms) -> Result<(), Fault> {
    let key = format!("channel:{}/{}", one.account, one.channel);
    let before = Some(format!("of the plan {}", one.plan));
    let after = Some(storable::text(&after));
    audit::add(tx, Entry { action: Action::RetireApply, key: &key, act: *act, before, after }, now)
}
