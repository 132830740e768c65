//! What an event says of an agreement (subscription), kept beside its payments.
//!
//! No payment is joined by an agreement, and none is granted by one. An event of an agreement is recorded once whatever
//! becomes of its payment: what counts is when it happened by the provider's clock ([`Standing`]).

use super::{names::Space, recording::Recording};
use crate::{
    domain::{
        Ms,
        closed::HeldCause,
        facts::Facts,
        payment::agreement::{AgreementState, OnEnd, Standing},
        settle::Cause,
    },
    ledger::{
        Act,
        db::{Fault, Tx, args},
        settle::{pause, stops},
    },
};

/// Most payments of one agreement that its end or its going on reaches, the newest first.
const PAYMENTS_MAX: i64 = 1_000;

/// An agreement of a provider's account.
struct Agreement<'a> {
    space: Space<'a>,
    id: &'a str,
}

impl<'a> Agreement<'a> {
    /// The one that an event belongs to.
    fn of(facts: &'a Facts, realm: &'a str) -> Option<Self> {
        Some(Self { space: Space::of(facts, realm), id: facts.agreement.as_deref()? })
    }

    /// As it is told: `realm/sub_…`.
    fn key(&self) -> String {
        self.space.key(self.id)
    }
}

/// Keeps what an event says of its agreement, and what that makes of the agreement's payments. Called after the event's
/// payment was brought up to date.
pub(super) fn keep(tx: &mut Tx, recording: &Recording<'_>, payment: Option<&str>) -> Result<(), Fault> {
    let Recording { facts, source, now, .. } = *recording;
    let Some(agreement) = Agreement::of(facts, &source.realm) else {
        return match (payment, source.rules.on_end) {
            (Some(payment), OnEnd::Stop) => keep_joined(tx, recording, payment),
            _ => Ok(()),
        };
    };
    if let Some(payment) = payment {
        tx.send(
            "UPDATE payments SET agreement = $1 WHERE key = $2 AND agreement IS NULL",
            args![agreement.id, payment],
        )?;
    }
    let before = known(tx, &agreement)?;
    let after = before.with(Standing::told(facts));
    if after != before {
        write(tx, &agreement, &after, facts.customer.as_deref(), now)?;
    }
    // A payment may become known as the agreement's only after its end was told: then its days end, too.
    if after.stops(source.rules.on_end) && (after != before || payment.is_some()) {
        agreement_ended(tx, &agreement, now)?;
    } else if before.stops(OnEnd::Stop) && !after.stops(OnEnd::Stop) {
        agreement_goes_on(tx, &agreement, now)?;
    }
    Ok(())
}

/// An event that names no agreement may be what joins its payment to one, or grants it, after the agreement's end was told.
fn keep_joined(tx: &mut Tx, recording: &Recording<'_>, payment: &str) -> Result<(), Fault> {
    let Recording { facts, source, now, .. } = *recording;
    let row = tx.one("SELECT agreement FROM payments WHERE key = $1", args![payment])?;
    let Some(id) = row.get::<Option<String>>("agreement")? else { return Ok(()) };
    let agreement = Agreement { space: Space::of(facts, &source.realm), id: &id };
    match known(tx, &agreement)?.stops(OnEnd::Stop) {
        true => agreement_ended(tx, &agreement, now),
        false => Ok(()),
    }
}

fn known(tx: &mut Tx, agreement: &Agreement<'_>) -> Result<Standing, Fault> {
    let row =
        tx.optional("SELECT said, said_at, paid_at FROM agreements WHERE key = $1", args![agreement.key()])?;
    let Some(row) = row else { return Ok(Standing::default()) };
    let said: Option<AgreementState> = row.get("said")?;
    Ok(Standing { said: row.get::<Option<Ms>>("said_at")?.zip(said), paid_at: row.get("paid_at")? })
}

fn write(
    tx: &mut Tx,
    agreement: &Agreement<'_>,
    standing: &Standing,
    customer: Option<&str>,
    now: Ms,
) -> Result<(), Fault> {
    let Some((state, state_at)) = standing.state() else { return Ok(()) };
    let (said_at, said) = standing.said.unzip();
    let Agreement { space, id } = agreement;
    tx.send(
        "INSERT INTO agreements (key, realm, account, livemode, id, said, said_at, paid_at, state, state_at, customer, \
         told_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (key) DO UPDATE SET said = excluded.said, said_at = excluded.said_at, paid_at = excluded.paid_at, \
         state = excluded.state, state_at = excluded.state_at, \
         customer = COALESCE(excluded.customer, agreements.customer), told_at = excluded.told_at",
        args![
            agreement.key(),
            space.realm,
            space.account,
            space.livemode,
            *id,
            said,
            said_at,
            standing.paid_at,
            state,
            state_at,
            customer,
            now
        ],
    )
}

/// The agreement has ended, and the source's `on_end` is `stop`: what is owed for its payments stays. It may be called
/// again for the same end, for a payment that is known as the agreement's only now.
fn agreement_ended(tx: &mut Tx, agreement: &Agreement<'_>, now: Ms) -> Result<(), Fault> {
    let key = agreement.key();
    let act = Act { who: pause::DAYBRIDGE, reason: "its agreement ended" };
    for payment in granted(tx, agreement)? {
        let left = stops::left(tx, &payment)?;
        if left.sliced && left.stops.is_none() && !left.let_go {
            stops::stop(tx, &payment, &left, &Cause::Ended(key.clone()), &act, now)?;
        }
    }
    Ok(())
}

/// The agreement had ended and goes on: it was taken up again, or a new payment of it came in. What a person stopped stays
/// so.
fn agreement_goes_on(tx: &mut Tx, agreement: &Agreement<'_>, now: Ms) -> Result<(), Fault> {
    let act = Act { who: pause::DAYBRIDGE, reason: "its agreement goes on" };
    for payment in granted(tx, agreement)? {
        let left = stops::left(tx, &payment)?;
        if left.stops == Some(HeldCause::Ended) {
            stops::go(tx, &payment, &left, &act, now)?;
        }
        if left.let_go {
            stops::remember_let_go(tx, &payment, false)?;
        }
    }
    Ok(())
}

/// The keys of the agreement's payments whose days were granted, the newest first.
fn granted(tx: &mut Tx, agreement: &Agreement<'_>) -> Result<Vec<String>, Fault> {
    let Agreement { space, id } = agreement;
    let rows = tx.all(
        "SELECT key FROM payments WHERE agreement = $1 AND realm = $2 AND account = $3 AND livemode = $4 \
         AND granted = 1 AND merged_into IS NULL ORDER BY first_seen_at DESC, key DESC LIMIT $5",
        args![*id, space.realm, space.account, space.livemode, PAYMENTS_MAX],
    )?;
    rows.iter().map(|row| row.get("key")).collect()
}
