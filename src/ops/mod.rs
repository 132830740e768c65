//! What an operator reads and decides. Nothing here calls the partner: a replay goes through the queue like
//! any delivery, a decision changes the ledger and the worker acts on it.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use crate::{
    config::Config,
    domain::{Ms, id::CommentTemplate},
    envelope::{Envelope, Trigger, new_traceparent},
    ledger::{Entry, Ledger, LedgerError, SourceRules},
    queue::{NotConfirmed, Queue},
    worker::{self, Reader},
};

/// A frozen preview, then exactly that, through the queue.
pub mod replay;

/// What waits for a person: tried again, corrected, closed.
pub mod held;

/// Longest an operator's command waits for the queue to come back before it gives up.
const PATIENCE: Duration = Duration::from_secs(15);

/// Wait between its tries.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// What bodies mean by the settings of today, as the worker would record them.
pub struct Interpreter {
    reader: Reader,
    sources: BTreeMap<String, SourceRules>,
    account: String,
    comment: CommentTemplate,
}

impl Interpreter {
    /// Looks up since when each source's rules hold; notes nothing.
    pub async fn new(config: &Config, ledger: &dyn Ledger, reader: Reader, now: Ms) -> anyhow::Result<Self> {
        let mut sources = BTreeMap::new();
        for (name, source) in &config.sources {
            let since = ledger.rules_since(source.realm(name), source.money_in.as_str(), now).await?;
            sources.insert(name.clone(), worker::source_rules(name, source, since));
        }
        let comment = worker::comment_template(config)?;
        Ok(Self { reader, sources, account: config.partner.account.clone(), comment })
    }

    /// The partner account that pays.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The comment of what is planned.
    pub fn comment(&self) -> &CommentTemplate {
        &self.comment
    }

    /// Names of the sources.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(String::as_str)
    }

    async fn rehearse(
        &self,
        ledger: &dyn Ledger,
        envelopes: &[Envelope],
        now: Ms,
    ) -> Result<Vec<crate::ledger::view::Planned>, LedgerError> {
        let facts: Vec<_> = envelopes.iter().map(|e| (self.reader)(&e.source, &e.body)).collect();
        let entries: Vec<Entry<'_>> = envelopes
            .iter()
            .zip(&facts)
            .map(|(envelope, facts)| Entry {
                envelope,
                dead: false,
                facts: facts.as_ref().map_err(String::as_str),
                source: self.sources.get(&envelope.source),
                account: &self.account,
                comment: &self.comment,
            })
            .collect();
        ledger.rehearse(&entries, now).await
    }
}

/// Makes a stored event a delivery of its own.
fn again(mut envelope: Envelope, delivery: String) -> Envelope {
    envelope.trigger = Trigger::Replay;
    envelope.delivery = delivery;
    envelope.traceparent = new_traceparent();
    envelope
}

/// Publishes until it is confirmed. A second copy of the same delivery is recorded once, so that trying again
/// after an unknown outcome is safe here.
async fn publish(queue: &dyn Queue, envelope: Envelope) -> Result<(), NotConfirmed> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match queue.publish(envelope.clone()).await {
            Err(cause) if Instant::now() >= deadline => return Err(cause),
            Err(_) => tokio::time::sleep(TRY_AGAIN).await,
            Ok(()) => return Ok(()),
        }
    }
}
