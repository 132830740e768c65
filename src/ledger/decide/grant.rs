//! Days that a person grants without a payment: a trial, goodwill, money that came in another way.

use super::{
    audit::{self, Entry},
    restored,
};
use crate::domain::id::GRANT_REALM;
use crate::{
    domain::{
        Ms,
        closed::{PaymentDecision, PaymentState},
        id::{ChannelId, payment_key},
        settle::State,
    },
    envelope,
    ledger::{
        Act, Grant, Ledger, LedgerError,
        db::{Fault, Tx, args, fault::refused},
        directory,
        intake::grant::FirstTransfer,
        settle::queue,
        storable,
        view::Action,
    },
};

/// Most days of one grant: those of the largest payment.
const DAYS_MAX: u32 = 3_650;

impl Ledger {
    /// Grants days, once per key. Returns the payment's key, and whether it was granted before.
    pub async fn grant(&self, grant: &Grant, act: &Act<'_>, now: Ms) -> Result<(String, bool), LedgerError> {
        let (grant, act) = (grant.clone(), act.kept());
        self.db.alone(move |tx| tx.grant(&grant, &act.lent(), now)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn grant(
        &mut self,
        grant: &Grant,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<(String, bool), Fault> {
        if grant.days == 0 || grant.days > DAYS_MAX {
            return Err(refused(format!("days must be 1 to {DAYS_MAX}")));
        }
        let key = payment_key(GRANT_REALM, None, &grant.key);
        if granted_before(self, &key, grant)? {
            return Ok((key, true));
        }
        must_be_new(self, &key, grant)?;
        if !grant.force {
            directory::must_be_listed(self, &grant.account, grant.channel.as_str())?;
        }
        let reason = storable::text(&format!("granted by {}: {}", act.who, act.reason));
        insert(self, &key, grant, &reason, now)?;
        plan(self, &key, grant, &reason, act, now)?;
        let after = format!("{} days for {}", grant.days, grant.channel);
        audit::add(
            self,
            Entry { action: Action::Grant, key: &key, act: *act, before: None, after: Some(after) },
            now,
        )?;
        self.commit();
        Ok((key, false))
    }
}

/// Whether the same was; refused where the key was granted with other days, or for another channel.
fn granted_before(tx: &mut Tx, key: &str, grant: &Grant) -> Result<bool, Fault> {
    let known = tx.optional("SELECT channel, days FROM payments WHERE key = $1", args![key])?;
    let Some(row) = known else { return Ok(false) };
    let (channel, days): (Option<String>, Option<i64>) = (row.get("channel")?, row.get("days")?);
    if channel.as_deref() == Some(grant.channel.as_str()) && days == Some(i64::from(grant.days)) {
        return Ok(true);
    }
    Err(refused(format!(
        "{key} was granted before: {} days for {}; nothing was changed. A key is granted once: give this one another",
        days.unwrap_or(0),
        channel.unwrap_or_default()
    )))
}

/// A restored ledger may have forgotten a key.
fn must_be_new(tx: &mut Tx, key: &str, grant: &Grant) -> Result<(), Fault> {
    if !grant.new && restored::declared_at(tx)?.is_some() {
        return Err(refused(format!(
            "{key} is not known, but the ledger was restored from a backup and may have forgotten it: look for {key} in Billing History. If its days are not there, say that the key is new (--new). Nothing was changed"
        )));
    }
    Ok(())
}

fn insert(tx: &mut Tx, key: &str, grant: &Grant, reason: &str, now: Ms) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO payments (key, realm, account, livemode, source, decision, state, granted, first_seen_at, since, \
         channel, days, reason) VALUES ($1, $2, '', 1, $2, $3, $4, 1, $5, $5, $6, $7, $8)",
        args![
            key,
            GRANT_REALM,
            PaymentDecision::Granted,
            PaymentState::Planned,
            now,
            grant.channel.as_str(),
            i64::from(grant.days),
            reason
        ],
    )?;
    tx.execute(
        "INSERT INTO aliases (realm, account, livemode, id, strength, payment) VALUES ($1, '', 1, $2, 0, $3)",
        args![GRANT_REALM, &*grant.key, key],
    )?;
    Ok(())
}

fn plan(tx: &mut Tx, key: &str, grant: &Grant, reason: &str, act: &Act<'_>, now: Ms) -> Result<(), Fault> {
    let channel: &ChannelId = &grant.channel;
    let allocation = tx.place().allocation();
    if allocation.sizes(GRANT_REALM, None).slice > 0 {
        return queue::grant(tx, key, (&grant.account, channel), None, now).map(drop);
    }
    let transfer = FirstTransfer {
        account: &grant.account,
        channel,
        days: grant.days,
        comment: &allocation.comment,
        traceparent: &envelope::new_traceparent(),
        state: State::planned(now),
        note: reason.to_owned(),
        who: Some(act.who),
    };
    transfer.insert(tx, key, now)?;
    transfer.make_due(tx, None, now).map(drop)
}
