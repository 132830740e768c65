//! Watches what is known of the balance: says once when it runs out soon, or is not known any more, and lets slices shrink
//! while it is short. Each of several workers says it.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::Config,
    domain::allocation::forecast::{Alarm, Levels},
    ledger::{Ledger, view},
};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(60);

/// Of one worker's account.
pub struct BalanceWatch {
    ledger: Arc<Ledger>,
    clock: Arc<dyn Clock>,
    account: String,
    levels: Levels,
    shrink: bool,
    told: Told,
}

/// What was told, and is true still.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Told {
    alarm: Alarm,
    stale: bool,
    short: bool,
}

impl BalanceWatch {
    /// By the settings.
    pub fn new(config: &Config, ledger: Arc<Ledger>, clock: Arc<dyn Clock>) -> Self {
        Self {
            ledger,
            clock,
            account: config.partner.account.clone(),
            levels: config.balance.levels(),
            shrink: config.balance.shrink,
            told: Told::default(),
        }
    }

    /// Looks again and again until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.look().await;
            let _ = tokio::time::timeout(EVERY, stop.cancelled()).await;
        }
    }

    /// While the ledger is away nothing is known to have changed.
    async fn look(&mut self) {
        let balance = match self.ledger.balance(&self.account, None, self.clock.now_ms()).await {
            Ok(balance) => balance,
            Err(error) => return tracing::debug!(%error, "how long the balance lasts cannot be looked up"),
        };
        let alarm = balance.runway_days.map_or(Alarm::None, |days| self.told.alarm.after(days, self.levels));
        let now = Told { alarm, stale: balance.stale, short: self.shrink && balance.short };
        self.ledger.shrink_slices(now.short);
        self.tell(now, &balance);
        self.told = now;
    }

    fn tell(&self, now: Told, balance: &view::Balance) {
        let (account, before) = (&*self.account, self.told);
        let (low, high, runway_days, owed) = (balance.low, balance.high, balance.runway_days, balance.owed);
        match (before.alarm, now.alarm) {
            (Alarm::None | Alarm::Warn, Alarm::Critical) => tracing::error!(
                cause = "balance_critical",
                account,
                low,
                high,
                runway_days,
                owed,
                next = "top up the balance, then `daybridge balance add DAYS`; `daybridge balance forecast` says how many",
                "the balance of days has nearly run out: channels go dark"
            ),
            (Alarm::None, Alarm::Warn) => tracing::warn!(
                cause = "balance_low",
                account,
                low,
                high,
                runway_days,
                owed,
                next = "top up the balance, then `daybridge balance add DAYS`; `daybridge balance forecast` says how many",
                "the balance of days runs out soon"
            ),
            (Alarm::Warn | Alarm::Critical, Alarm::None) => {
                tracing::info!(account, low, high, runway_days, "the balance of days lasts again");
            }
            _ => {}
        }
        if now.stale && !before.stale {
            tracing::warn!(
                cause = "balance_stale",
                account,
                next = "look at the partner's dashboard, then `daybridge balance set DAYS`",
                "the balance is not known any more: what was said does not fit what happened since"
            );
        }
        if now.short != before.short {
            tracing::info!(
                account,
                high,
                short = now.short,
                "slices have one day while the balance is short"
            );
        }
    }
}
