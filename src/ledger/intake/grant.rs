//! The transfer of a payment's days, made once.

use crate::{
    domain::{
        Ms,
        channel::Channel,
        id::{ChannelId, CommentTemplate, transfer_key},
        settle::State,
    },
    ledger::{
        Claim, Take,
        db::{Fault, Tx, args},
        settle::{schedule, steps::add_step},
        storable,
    },
};

/// See the module.
pub(in crate::ledger) struct FirstTransfer<'a> {
    pub(in crate::ledger) account: &'a str,
    pub(in crate::ledger) channel: &'a ChannelId,
    pub(in crate::ledger) days: u32,
    pub(in crate::ledger) comment: &'a CommentTemplate,
    pub(in crate::ledger) traceparent: &'a str,
    /// Where it begins.
    pub(in crate::ledger) state: State,
    /// What its first step says.
    pub(in crate::ledger) note: String,
    /// Who decided so, where it was a person.
    pub(in crate::ledger) who: Option<&'a str>,
}

/// A channel that nobody holds is taken at once by who asks for that, as a claim would: its token tells whether it was.
const MAKE_DUE_AND_TAKE: &str = "INSERT INTO channels (account, channel, epoch, lease_owner, lease_until, due_at, deferred, \
     detail) VALUES ($1, $2, COALESCE((SELECT MAX(declared_at) FROM restorations), 0) + 1, $5, $6, $3, 0, $4) \
     ON CONFLICT (account, channel) DO UPDATE SET \
     due_at = CASE WHEN channels.due_at IS NULL OR channels.due_at > $3 THEN $3 ELSE channels.due_at END, \
     epoch = CASE WHEN channels.lease_until <= $3 THEN channels.epoch + 1 ELSE channels.epoch END, \
     lease_owner = CASE WHEN channels.lease_until <= $3 THEN $5 ELSE channels.lease_owner END, \
     lease_until = CASE WHEN channels.lease_until <= $3 THEN $6 ELSE channels.lease_until END \
     RETURNING epoch, lease_owner";

impl FirstTransfer<'_> {
    /// Returns its key.
    pub(in crate::ledger) fn insert(&self, tx: &mut Tx, payment: &str, now: Ms) -> Result<String, Fault> {
        let Self { account, channel, days, state, .. } = self;
        let key = transfer_key(payment, 1);
        tx.send(
            "INSERT INTO transfers (key, payment, n, account, channel, days, comment, state, attempt, epoch, \
             open, due_at, detail, traceparent, created_at) \
             VALUES ($1, $2, 1, $3, $4, $5, $6, $7, 0, 0, 0, $8, $9, $10, $11)",
            args![
                key,
                payment,
                *account,
                channel.as_str(),
                i64::from(*days),
                self.comment.render(&key, *days),
                state.word(),
                state.due(),
                storable::json(state)?,
                self.traceparent,
                now
            ],
        )?;
        add_step(tx, &key, state, &self.note, self.who, now)?;
        Ok(key)
    }

    /// Makes its channel due, and takes it for a worker that wants to go on with it.
    pub(in crate::ledger) fn make_due(
        &self,
        tx: &mut Tx,
        take: Option<Take<'_>>,
        now: Ms,
    ) -> Result<Option<Claim>, Fault> {
        let Some(take) = take else {
            schedule::schedule_channel(tx, self.account, self.channel.as_str(), now)?;
            return Ok(None);
        };
        make_due_and_take(tx, self.account, self.channel, take, now)
    }
}

/// Makes a channel due, and takes it for who wants it where nobody has it.
pub(in crate::ledger) fn make_due_and_take(
    tx: &mut Tx,
    account: &str,
    channel: &ChannelId,
    Take { token, lease_until }: Take<'_>,
    now: Ms,
) -> Result<Option<Claim>, Fault> {
    let detail = serde_json::to_string(&Channel::default())?;
    let row = tx.one(MAKE_DUE_AND_TAKE, args![account, channel.as_str(), now, detail, token, lease_until])?;
    let epoch = row.get("epoch")?;
    let taken = row.get::<String>("lease_owner")? == token;
    Ok(taken.then(|| Claim { account: account.to_owned(), channel: channel.clone(), epoch }))
}
