//! What a delivery comes to by the settings of today: the same for intake, which records it, and for an operator's plan,
//! which only wants to know.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::away;
use crate::{
    clock::Clock,
    config::{Config, Source},
    domain::{
        Ms,
        facts::{Facts, Unread},
        id::CommentTemplate,
    },
    envelope::Envelope,
    ledger::{Entry, Ledger, LedgerError, SourceRules},
    provider::readers::Readers,
};

/// Reads bodies, and knows what each source grants.
pub struct Interpreter {
    readers: Arc<Readers>,
    sources: BTreeMap<String, SourceRules>,
    fetching: BTreeSet<String>,
    account: String,
    comment: CommentTemplate,
}

impl Interpreter {
    /// Notes each source's rules in the ledger and learns since when they hold; waits for the ledger.
    pub async fn noting(
        config: &Config,
        ledger: &Ledger,
        readers: Arc<Readers>,
        clock: &dyn Clock,
        stop: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let mut sources = BTreeMap::new();
        for (name, source) in &config.sources {
            let mut tries = 0;
            let rules = loop {
                match noted(ledger, name, source, clock.now_ms()).await {
                    Err(LedgerError::Unavailable(why)) if !stop.is_cancelled() => {
                        tracing::warn!(%why, "the ledger is away; waiting");
                        away(&mut tries, stop).await;
                    }
                    answer => break answer?,
                }
            };
            sources.insert(name.clone(), rules);
        }
        Self::with(config, readers, sources)
    }

    /// Looks up since when each source's rules hold; notes nothing.
    pub async fn looking(
        config: &Config,
        ledger: &Ledger,
        readers: Arc<Readers>,
        now: Ms,
    ) -> anyhow::Result<Self> {
        let mut sources = BTreeMap::new();
        for (name, source) in &config.sources {
            let since = ledger.rules_since(source.realm(name), source.money_in.as_str(), now).await?;
            sources.insert(name.clone(), source_rules(name, source, since));
        }
        Self::with(config, readers, sources)
    }

    fn with(
        config: &Config,
        readers: Arc<Readers>,
        sources: BTreeMap<String, SourceRules>,
    ) -> anyhow::Result<Self> {
        let comment = config.comment().map_err(anyhow::Error::msg)?;
        let fetching = config.sources.iter().filter(|(_, source)| source.fetch.is_some());
        let fetching = fetching.map(|(name, _)| name.clone()).collect();
        Ok(Self { readers, sources, fetching, account: config.partner.account.clone(), comment })
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

    /// Whether the provider's API is asked what events of a source say: the same bytes may say something else today.
    pub fn fetches(&self, source: &str) -> bool {
        self.fetching.contains(source)
    }

    /// Sources of other realms than this one's.
    pub fn other_realms(&self, source: &str) -> Vec<String> {
        let realm = self.sources.get(source).map(|rules| &rules.realm);
        let others = self.sources.iter().filter(|(_, rules)| Some(&rules.realm) != realm);
        others.map(|(name, _)| name.clone()).collect()
    }

    /// A message for each event of one that brings several; else the message itself.
    pub fn split(&self, envelope: &Envelope) -> Vec<Envelope> {
        self.readers.split(envelope)
    }

    /// Whether a provider's API is asked before an event is believed.
    pub fn asks(&self, envelope: &Envelope) -> bool {
        self.readers.asks(envelope)
    }

    /// What an event says, or why it cannot be read; a provider's API that must be asked gets so much patience.
    pub async fn read(&self, envelope: &Envelope, patience: Duration) -> Result<Facts, Unread> {
        self.readers.read(envelope, patience).await
    }

    /// The delivery as the ledger takes it.
    pub fn entry<'a>(
        &'a self,
        envelope: &'a Envelope,
        facts: &'a Result<Facts, Unread>,
        dead: bool,
    ) -> Entry<'a> {
        Entry {
            envelope,
            dead,
            facts: facts.as_ref(),
            source: self.sources.get(&envelope.source),
            account: &self.account,
            comment: &self.comment,
            take: None,
            asked: None,
        }
    }
}

async fn noted(ledger: &Ledger, name: &str, source: &Source, now: Ms) -> Result<SourceRules, LedgerError> {
    let since = ledger.note_rules(source.realm(name), source.money_in.as_str(), now).await?;
    let rules = source_rules(name, source, since);
    ledger.note_source(name, &rules).await?;
    Ok(rules)
}

fn source_rules(name: &str, source: &Source, since: Option<Ms>) -> SourceRules {
    SourceRules {
        realm: source.realm(name).to_owned(),
        provider: source.provider.clone(),
        rules: source.rules(since),
    }
}
