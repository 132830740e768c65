//! Making and reading a plan.

use sha2::{Digest as _, Sha256};

use super::why::{AGREEMENT, why};
use crate::{
    domain::{DAY_MS, Ms},
    ledger::{
        Act, Ledger, LedgerError, RetireChannel, RetirePlan, RetireSelection, RetireState,
        db::{Fault, Row, Tx, args, fault::refused},
        decide::audit::{self, Entry},
        directory::synced_at,
        read::GRANTED_FOR,
        view::Action,
    },
};

/// Most channels of a plan.
const CHANNELS_MAX: i64 = 1_000;

/// A list of the partner's that is older tells too little, ms: a worker reads it every hour.
const LIST_AGE_MS_MAX: i64 = 7_200_000;

/// Hex digits of a plan's hash.
const HASH_HEX: usize = 16;

impl Ledger {
    /// Makes a plan of channels that nobody pays for; `None`: none fits.
    pub async fn retire_plan(
        &self,
        account: &str,
        selection: RetireSelection,
        who: &str,
        now: Ms,
    ) -> Result<Option<RetirePlan>, LedgerError> {
        let (account, who) = (account.to_owned(), who.to_owned());
        self.db.write(move |tx| tx.retire_plan(&account, selection, &who, now)).await
    }

    /// A plan by its hash, with what became of its channels.
    pub async fn retire_planned(&self, hash: &str) -> Result<Option<RetirePlan>, LedgerError> {
        let hash = hash.to_owned();
        self.db.read(move |tx| tx.retire_planned(&hash)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn retire_plan(
        &mut self,
        account: &str,
        selection: RetireSelection,
        who: &str,
        now: Ms,
    ) -> Result<Option<RetirePlan>, Fault> {
        let synced_at = fresh_list(self, account, now)?;
        let channels = fitting(self, account, selection, synced_at, now)?;
        if channels.is_empty() {
            return Ok(None);
        }
        let plan = RetirePlan {
            hash: hash_of(account, selection, &channels, now),
            account: account.to_owned(),
            selection,
            made_by: who.to_owned(),
            made_at: now,
            days: channels.iter().map(|one| one.days).sum(),
            channels,
        };
        insert(self, &plan)?;
        let entry = Entry {
            action: Action::RetirePlan,
            key: &plan.hash,
            act: Act { who, reason: "no reason given" },
            before: None,
            after: Some(format!("{} channels, {} days", plan.channels.len(), plan.days)),
        };
        audit::add(self, entry, now)?;
        self.commit();
        Ok(Some(plan))
    }

    pub(in crate::ledger) fn retire_planned(&mut self, hash: &str) -> Result<Option<RetirePlan>, Fault> {
        let row = self.optional(
            "SELECT account, expired_for, ended, made_by, made_at FROM retire_plans WHERE hash = $1",
            args![hash],
        )?;
        let Some(row) = row else { return Ok(None) };
        let rows = self.all(&format!("{PLANNED} WHERE plan = $1 ORDER BY position"), args![hash])?;
        let channels = rows.iter().map(planned).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(RetirePlan {
            hash: hash.to_owned(),
            account: row.get("account")?,
            selection: RetireSelection {
                expired_for_ms: row.get("expired_for")?,
                ended: row.get::<i64>("ended")? != 0,
            },
            made_by: row.get("made_by")?,
            made_at: row.get("made_at")?,
            days: channels.iter().map(|one| one.days).sum(),
            channels,
        }))
    }
}

/// What [`planned`] needs.
pub(super) const PLANNED: &str = "SELECT channel, name, phone, mode, active_till, days, payment, paid_at, state, note, \
     returned FROM retire_channels";

pub(super) fn planned(row: &Row) -> Result<RetireChannel, Fault> {
    Ok(RetireChannel {
        channel: row.get("channel")?,
        name: row.get("name")?,
        phone: row.get("phone")?,
        active_till: row.get("active_till")?,
        mode: row.get("mode")?,
        days: row.get("days")?,
        payment: row.get("payment")?,
        paid_at: row.get("paid_at")?,
        state: row.get("state")?,
        note: row.get("note")?,
        returned: row.get("returned")?,
    })
}

/// When the partner's list of channels was read whole; refused where that is too long ago.
fn fresh_list(tx: &mut Tx, account: &str, now: Ms) -> Result<Ms, Fault> {
    let oldest = now.saturating_sub(LIST_AGE_MS_MAX);
    synced_at(tx, account)?.filter(|at| *at > oldest).ok_or_else(|| {
        refused(format!(
            "the partner's list of channels of the account {account} was not read within the last 2 hours: `daybridge channels sync` first"
        ))
    })
}

fn insert(tx: &mut Tx, plan: &RetirePlan) -> Result<(), Fault> {
    let RetirePlan { hash, account, selection, made_by, made_at, channels, .. } = plan;
    tx.send(
        "INSERT INTO retire_plans (hash, account, expired_for, ended, made_by, made_at) VALUES ($1, $2, $3, $4, $5, $6)",
        args![hash, account, selection.expired_for_ms, i64::from(selection.ended), made_by, *made_at],
    )?;
    for (position, one) in (0_i64..).zip(channels) {
        tx.send(
            "INSERT INTO retire_channels (plan, position, channel, name, phone, mode, active_till, days, payment, paid_at, state) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            args![
                hash,
                position,
                one.channel,
                one.name,
                one.phone,
                one.mode,
                one.active_till,
                one.days,
                one.payment,
                one.paid_at,
                one.state
            ],
        )?;
    }
    Ok(())
}

/// Channels of the list that fit and that nothing keeps, along their expiry. One whose `activeTill` cannot be used never
/// fits.
fn fitting(
    tx: &mut Tx,
    account: &str,
    selection: RetireSelection,
    synced_at: Ms,
    now: Ms,
) -> Result<Vec<RetireChannel>, Fault> {
    let until = selection.expired_for_ms.map_or(i64::MAX - 1, |span| now.saturating_sub(span));
    let ended = format!(
        "EXISTS (SELECT 1 FROM payments q {AGREEMENT} WHERE q.channel = x.channel AND a.state = 'ended')"
    );
    let rows = tx.all(
        &format!(
            "SELECT x.channel, x.name, x.phone, x.mode, x.active_till, pay.key AS payment, pay.first_seen_at AS paid_at \
             FROM listed_channels x LEFT JOIN payments pay ON pay.key = (SELECT q.key FROM payments q \
             WHERE {GRANTED_FOR} ORDER BY q.channel DESC, q.first_seen_at DESC LIMIT 1) \
             WHERE x.account = $1 AND x.seen_at >= $2 AND x.active_till <= $3 AND ($4 = 0 OR {ended}) \
             AND ({}) IS NULL ORDER BY x.active_till, x.account, x.channel LIMIT $5",
            why()
        ),
        args![account, synced_at, until, i64::from(selection.ended), CHANNELS_MAX],
    )?;
    rows.iter()
        .map(|row| {
            let (active_till, mode): (Ms, Option<String>) = (row.get("active_till")?, row.get("mode")?);
            // Days of a trial are the partner's.
            let trial = mode.as_deref() == Some("trial");
            let left = active_till.saturating_sub(now).max(0).div_euclid(DAY_MS);
            Ok(RetireChannel {
                channel: row.get("channel")?,
                name: row.get("name")?,
                phone: row.get("phone")?,
                active_till,
                mode,
                days: if trial { 0 } else { left },
                payment: row.get("payment")?,
                paid_at: row.get("paid_at")?,
                state: RetireState::Planned,
                note: None,
                returned: None,
            })
        })
        .collect()
}

fn hash_of(account: &str, selection: RetireSelection, channels: &[RetireChannel], now: Ms) -> String {
    let mut digest = Sha256::new();
    digest.update(format!("{account}\n{selection:?}\n{now}\n"));
    for one in channels {
        digest.update(format!("{} {} {:?}\n", one.channel, one.active_till, one.mode));
    }
    let mut hash = hex::encode(digest.finalize());
    hash.truncate(HASH_HEX);
    hash
}
