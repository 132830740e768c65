//! Channels that nobody pays for are deleted, one by one, because a person says so of a plan.
//!
//! A deletion cannot be taken back, so each channel is read again, and looked at again in the ledger. Its outcome is not
//! believed: where it is not known, the channel is read, and it is deleted where the partner knows it no more. Where it
//! still knows it, nothing is said but that: the call may be applied later, and the plan may be applied again. For as long
//! as that may be, no worker gives the channel days.

use std::time::Duration;

use super::settling::lease_ms;
use crate::{
    clock::{Clock, millis},
    domain::{
        id::ChannelId,
        reply::{Deletion, ReadError},
    },
    ledger::{Act, Ledger, LedgerError, OfPlan, RetireChannel, RetirePlan, RetireState, RetireTurn, Retired},
    partner::Partner,
};

/// Why no further channel is deleted; what is done is kept.
#[derive(Debug, thiserror::Error)]
pub enum RetireError {
    /// The ledger's word.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The token was refused.
    #[error("the partner token was refused; correct partner.token, then apply the plan again")]
    Unauthorized,
}

/// What a deletion needs.
pub struct Retiring<'a> {
    /// Where channels are deleted.
    pub partner: &'a dyn Partner,
    /// Where everything is recorded.
    pub ledger: &'a Ledger,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Who says so, and why.
    pub act: Act<'a>,
    /// Longest one call may take, and how late after the channel was taken it may still be sent.
    pub call_timeout: Duration,
    /// How long after its call a deletion whose outcome is not known may still be applied.
    pub settle_window: Duration,
    /// The wait between two calls.
    pub pause: Duration,
}

/// Whether a channel of a plan is still to be tried.
pub fn to_do(one: &RetireChannel) -> bool {
    match one.state {
        RetireState::Planned | RetireState::Unknown | RetireState::Refused => true,
        RetireState::Deleted | RetireState::LeftOut => false,
    }
}

impl Retiring<'_> {
    /// Deletes what is still to be deleted of a plan; each is told as it ends.
    pub async fn apply(
        &self,
        plan: &RetirePlan,
        mut tell: impl FnMut(&RetireChannel),
    ) -> Result<Vec<RetireChannel>, RetireError> {
        let mut ended = Vec::new();
        for row in plan.channels.iter().filter(|row| to_do(row)) {
            let Some(channel) = ChannelId::parse(&row.channel) else { continue };
            let one = OfPlan { plan: &plan.hash, account: &plan.account, channel: &channel };
            let row = self.one(one, row).await?;
            tell(&row);
            ended.push(row);
        }
        Ok(ended)
    }

    async fn one(&self, one: OfPlan<'_>, row: &RetireChannel) -> Result<RetireChannel, RetireError> {
        tokio::time::sleep(self.pause).await;
        let reading = match self.partner.read(one.channel).await {
            Ok(reading) => reading,
            Err(ReadError::UnknownChannel) => {
                return Ok(self.ledger.retire_gone(one, &self.act, self.clock.now_ms()).await?);
            }
            Err(ReadError::Unauthorized) => return Err(RetireError::Unauthorized),
            Err(ReadError::Failed(why)) => {
                return Ok(RetireChannel { note: Some(format!("it cannot be read: {why}")), ..row.clone() });
            }
        };
        let (now, taken) = (self.clock.now_ms(), self.clock.boot());
        let in_hand = lease_ms(self.call_timeout).saturating_add(millis(self.settle_window));
        let lease_until = now.saturating_add(in_hand);
        let claim = match self.ledger.retire_begin(one, &reading, lease_until, now).await? {
            RetireTurn::Go(claim) => claim,
            RetireTurn::No(row) => return Ok(row),
        };
        let retired = if self.clock.boot().saturating_sub(taken) > self.call_timeout {
            // A process that stood still may find a channel that is paid for again.
            Retired::NotSent { prior: row.state, why: "the deadline passed before the call was sent".into() }
        } else {
            self.delete(one, row.state).await
        };
        let now = self.clock.now_ms();
        Ok(self.ledger.retire_end(one, &claim, &retired, &self.act, now).await?)
    }

    async fn delete(&self, one: OfPlan<'_>, prior: RetireState) -> Retired {
        match self.partner.delete(one.channel).await {
            Deletion::Deleted { days } => Retired::Deleted(days),
            Deletion::Refused { status, message } => Retired::Refused(format!("{status} {message}")),
            Deletion::NotSent(why) => Retired::NotSent { prior, why },
            Deletion::UnknownChannel => self.looked(one, Retired::Refused("404".into())).await,
            Deletion::Unclear(why) => self.looked(one, Retired::Unknown(why)).await,
        }
    }

    /// Whether the partner knows a channel after a deletion whose answer does not tell; where it does, `otherwise`.
    async fn looked(&self, one: OfPlan<'_>, otherwise: Retired) -> Retired {
        tokio::time::sleep(self.pause).await;
        match (self.partner.read(one.channel).await, otherwise) {
            (Err(ReadError::UnknownChannel), _) => Retired::Deleted(None),
            (Ok(_), otherwise) => otherwise,
            (Err(_), Retired::Refused(why)) => Retired::Unknown(why),
            (Err(_), otherwise) => otherwise,
        }
    }
}
