//! What pages are made from.

use std::sync::Arc;

use super::{gate::Gate, jobs::Jobs};
use crate::{
    clock::millis, config::Config, ledger::Ledger, ops::held, provider::Refused, queue::Queue,
    worker::Interpreter,
};

/// The console's own.
pub(super) struct Site {
    pub(super) config: Config,
    pub(super) queue: Arc<dyn Queue>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) interpreter: Interpreter,
    pub(super) gate: Gate,
    pub(super) jobs: Jobs,
    pub(super) refused: Option<Arc<Refused>>,
}

impl Site {
    pub(super) fn new(
        config: &Config,
        queue: Arc<dyn Queue>,
        ledger: Arc<Ledger>,
        interpreter: Interpreter,
        refused: Option<Arc<Refused>>,
    ) -> anyhow::Result<Self> {
        let gate = Gate::new(config)?;
        Ok(Self { config: config.clone(), queue, ledger, interpreter, gate, jobs: Jobs::new(), refused })
    }

    /// Where held things are decided.
    pub(super) fn desk(&self) -> held::Desk<'_> {
        held::Desk {
            ledger: self.ledger.as_ref(),
            queue: self.queue.as_ref(),
            interpreter: &self.interpreter,
            settle_window_ms: millis(self.config.partner.settle_window),
        }
    }

    /// Names of the sources, for filters.
    pub(super) fn sources(&self) -> Vec<String> {
        self.interpreter.sources().map(str::to_owned).collect()
    }
}
