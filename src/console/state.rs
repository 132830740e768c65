//! What pages are made from.

use std::sync::Arc;

use super::{
    auth::Auth,
    jobs::{Doors, Jobs},
};
use crate::{
    clock::millis, config::Config, ledger::Ledger, ops::held, queue::Queue, webhook::Refused,
    worker::Interpreter,
};

/// The console's own.
pub(super) struct AppState {
    pub(super) config: Config,
    pub(super) queue: Arc<dyn Queue>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) interpreter: Arc<Interpreter>,
    pub(super) auth: Auth,
    pub(super) jobs: Arc<Jobs>,
    pub(super) refused: Option<Arc<Refused>>,
}

impl AppState {
    pub(super) fn new(
        config: &Config,
        queue: Arc<dyn Queue>,
        ledger: Arc<Ledger>,
        interpreter: Interpreter,
        refused: Option<Arc<Refused>>,
    ) -> anyhow::Result<Self> {
        let auth = Auth::new(config)?;
        let (interpreter, jobs) = (Arc::new(interpreter), Arc::new(Jobs::new()));
        Ok(Self { config: config.clone(), queue, ledger, interpreter, auth, jobs, refused })
    }

    /// For what runs in the background.
    pub(super) fn doors(&self) -> Doors {
        Doors {
            ledger: self.ledger.clone(),
            queue: self.queue.clone(),
            interpreter: self.interpreter.clone(),
        }
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
