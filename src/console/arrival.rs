//! The ledger may come later than the process: health and the receiver are open before it, and the pages once it is
//! there.

use std::sync::{Arc, OnceLock};

use super::state::AppState;
use crate::{config::Config, ledger::Ledger, queue::Queue, webhook::Refused, worker::Interpreter};

/// Where the console is told that the ledger has come.
#[derive(Clone)]
pub struct Arrival {
    pub(super) config: Config,
    pub(super) queue: Arc<dyn Queue>,
    pub(super) refused: Option<Arc<Refused>>,
    pub(super) ledger: Arc<OnceLock<Arc<Ledger>>>,
    pub(super) pages: Pages,
}

/// What the pages are made from, once the ledger has come.
pub(super) type Pages = Arc<OnceLock<Arc<AppState>>>;

impl Arrival {
    /// It is there; with an interpreter where there are pages. Only the first time counts.
    pub fn ledger(&self, ledger: Arc<Ledger>, interpreter: Option<Interpreter>) -> anyhow::Result<()> {
        if let Some(interpreter) = interpreter.filter(|_| self.config.console.has_pages()) {
            let (queue, refused) = (self.queue.clone(), self.refused.clone());
            let app = AppState::new(&self.config, queue, ledger.clone(), interpreter, refused)?;
            let _ = self.pages.set(Arc::new(app));
        }
        let _ = self.ledger.set(ledger);
        Ok(())
    }
}
