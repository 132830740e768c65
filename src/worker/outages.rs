//! Says once, in one line that nobody can overlook, when calls begin to rest, and once when they go on.
//!
//! Each worker compares what holds with what it has told: after each step that may have begun or ended something, and
//! every `worker.poll`, for a person or another worker may have. So a worker that starts while calls rest says so once,
//! and of several workers each says it once. Not for the ledger's absence, which whoever needs it tells, nor for a
//! failover, which the ledger tells when it notices.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::Mutex;

use super::breaker::Breaker;
use crate::{
    domain::{
        Ms,
        closed::{HeldCause, PauseCause},
        settle::AccountSignal,
    },
    ledger::{AccountHold, Ledger, LedgerError, Scope, measures::KeptBack, view},
};

/// Most lines of one look, for pauses of channels may be many; one more says how many there are.
const LINES_MAX: usize = 20;

/// Tells of one worker's account.
pub struct Outages {
    ledger: Arc<Ledger>,
    account: String,
    told: Mutex<BTreeSet<Outage>>,
}

/// Why calls rest; ordered so that what keeps most back comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Outage {
    NoToken { since: Ms },
    NoBalance { since: Ms },
    Paused { scope: Scope, cause: PauseCause, since: Ms, who: String, reason: String },
    Breaker { since: Ms },
}

impl Outages {
    /// Of an account.
    pub fn new(ledger: Arc<Ledger>, account: String) -> Self {
        Self { ledger, account, told: Mutex::default() }
    }

    /// Tells what began and ended since the last look. While the ledger is away nothing is known to have.
    pub async fn look(&self, breaker: &Breaker) {
        let mut told = self.told.lock().await;
        if let Err(error) = self.compare(&mut told, breaker).await {
            tracing::debug!(%error, "whether calls rest cannot be looked up");
        }
    }

    async fn compare(&self, told: &mut BTreeSet<Outage>, breaker: &Breaker) -> Result<(), LedgerError> {
        let hold = self.ledger.account_hold(&self.account).await?;
        let pauses = self.ledger.pauses().await?;
        let least = hold.as_ref().map_or(1, least);
        let hold = hold.map(|hold| match hold.news {
            AccountSignal::NoToken => Outage::NoToken { since: hold.since },
            _ => Outage::NoBalance { since: hold.since },
        });
        let breaker = breaker.open_since().map(|since| Outage::Breaker { since });
        let pauses = pauses.into_iter().filter(|pause| self.concerns(pause)).map(paused);
        let stands: BTreeSet<Outage> = hold.into_iter().chain(pauses).chain(breaker).collect();
        for ended in told.difference(&stands).take(LINES_MAX) {
            self.tell_end(ended);
        }
        told.retain(|outage| stands.contains(outage));
        let begun: Vec<Outage> = stands.difference(told).cloned().collect();
        for (place, outage) in begun.iter().enumerate() {
            if place < LINES_MAX {
                let kept = self.ledger.kept_back(&self.scope(outage), least_of(outage, least)).await?;
                // A refusal is told once its transfer waits for the balance; until then there is nothing to do.
                if matches!(outage, Outage::NoBalance { .. }) && kept.transfers == 0 {
                    continue;
                }
                self.tell_begin(outage, least, kept);
            }
            told.insert(outage.clone());
        }
        if let Some(more) = begun.len().checked_sub(LINES_MAX).filter(|more| *more > 0) {
            tracing::error!(more, "no call is made elsewhere, too; `daybridge pauses` names all pauses");
        }
        Ok(())
    }

    fn concerns(&self, pause: &view::Pause) -> bool {
        match &pause.scope {
            Scope::Account(account) | Scope::Channel(account, _) => *account == self.account,
            Scope::All => true,
        }
    }

    fn scope(&self, outage: &Outage) -> Scope {
        let account = || Scope::Account(self.account.clone());
        match outage {
            Outage::Paused { scope: scope @ Scope::Channel(..), .. } => scope.clone(),
            Outage::Paused { .. }
            | Outage::NoToken { .. }
            | Outage::NoBalance { .. }
            | Outage::Breaker { .. } => account(),
        }
    }

    fn tell_begin(&self, outage: &Outage, least: u32, kept: KeptBack) {
        let KeptBack { transfers, days } = kept;
        let account = &*self.account;
        match outage {
            Outage::NoToken { .. } => tracing::error!(
                cause = HeldCause::Unauthorized.as_str(),
                account,
                transfers,
                days,
                reason = "the partner token was refused",
                next = "set a valid token and restart the worker; it goes on by itself when a read passes",
                "no call is made: the account is held"
            ),
            Outage::NoBalance { .. } => tracing::error!(
                cause = HeldCause::Balance.as_str(),
                account,
                transfers,
                days,
                reason = format!("the account's balance is below {least} days"),
                next = format!(
                    "top up the balance: {days} days move all that wait; they go on by themselves, at once with `daybridge held retry KEY`"
                ),
                "no call is made of {least} days or more: the account is held"
            ),
            // The ledger has told it, with what to do.
            Outage::Paused { cause: PauseCause::Failover, .. } => {}
            Outage::Paused { scope, cause, who, reason, .. } => tracing::error!(
                cause = cause.as_str(),
                scope = scope.word(),
                account,
                transfers,
                days,
                who,
                reason,
                next = "look at what waits, then `daybridge resume` for this scope",
                "no call is made: paused {}",
                by(*cause)
            ),
            Outage::Breaker { .. } => tracing::error!(
                cause = "breaker",
                account,
                transfers,
                days,
                reason = "several calls in a row, over all channels, ended unclear",
                next = "see whether the partner is well; it goes on by itself when a channel reads again",
                "no call is made: the circuit breaker is open"
            ),
        }
    }

    fn tell_end(&self, outage: &Outage) {
        let account = &*self.account;
        match outage {
            Outage::NoToken { since } => {
                tracing::info!(
                    cause = HeldCause::Unauthorized.as_str(),
                    account,
                    since,
                    "the partner token is good: calls go on"
                );
            }
            Outage::NoBalance { since } => {
                tracing::info!(
                    cause = HeldCause::Balance.as_str(),
                    account,
                    since,
                    "the balance suffices: calls go on"
                );
            }
            Outage::Paused { scope, cause, since, .. } => {
                tracing::info!(
                    cause = cause.as_str(),
                    scope = scope.word(),
                    account,
                    since,
                    "the pause is over: calls go on"
                );
            }
            Outage::Breaker { since } => {
                tracing::info!(
                    cause = "breaker",
                    account,
                    since,
                    "the circuit breaker is closed: the partner reads again, and calls go on"
                );
            }
        }
    }
}

/// A failover has no time of its own.
fn paused(pause: view::Pause) -> Outage {
    let view::Pause { scope, cause, since, who, reason } = pause;
    if cause == PauseCause::Failover {
        return Outage::Paused { scope, cause, since: 0, who, reason: String::new() };
    }
    Outage::Paused { scope, cause, since, who, reason }
}

fn by(cause: PauseCause) -> &'static str {
    match cause {
        PauseCause::Brake => "by the brake",
        PauseCause::Refund => "for a refund",
        PauseCause::Dispute => "for a dispute",
        PauseCause::Operator | PauseCause::Failover => "by a person",
    }
}

/// The fewest days of a transfer that the account's hold keeps back.
fn least(hold: &AccountHold) -> u32 {
    hold.ceiling.filter(|_| hold.news == AccountSignal::NoBalance).map_or(1, |ceiling| ceiling.days)
}

fn least_of(outage: &Outage, least: u32) -> u32 {
    if matches!(outage, Outage::NoBalance { .. }) { least } else { 0 }
}
