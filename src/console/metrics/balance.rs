//! What is owed on channels, and what is known of the balance, as gauges.
//!
//! Every channel on which days are owed is looked at for it. So what was read counts for twenty times as long as it took: with
//! few channels it is read at each scrape, with 50,000 every some seconds.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use tokio::sync::Mutex;

use super::{
    MEASURES_TIMEOUT, in_time,
    text::{Text, whole},
};
use crate::{
    clock,
    domain::Ms,
    ledger::{Ledger, view::Balance},
};

/// How many times as long as it took it counts.
const COUNTS: u32 = 20;

/// What was read last, and until when it counts.
#[derive(Default)]
pub(in crate::console) struct Looked(Mutex<Option<(Balance, Instant)>>);

impl Looked {
    /// `None`: the ledger does not tell.
    pub(super) async fn look(&self, ledger: &OnceLock<Arc<Ledger>>, account: &str) -> Option<Balance> {
        let mut looked = self.0.lock().await;
        let begun = Instant::now();
        if let Some((balance, _)) = looked.as_ref().filter(|(_, until)| begun < *until) {
            return Some(balance.clone());
        }
        *looked = None;
        let read = in_time(MEASURES_TIMEOUT, ledger.get()?.balance(account, None, clock::now_ms())).await;
        match read {
            Some(Ok(balance)) => {
                let until = begun + begun.elapsed().saturating_mul(COUNTS);
                *looked = Some((balance.clone(), until));
                Some(balance)
            }
            Some(Err(error)) => {
                tracing::warn!(%error, "the ledger does not tell what is owed");
                None
            }
            None => {
                tracing::warn!("the ledger takes too long to tell what is owed");
                None
            }
        }
    }
}

/// What nobody knows of the balance is not there.
pub(super) fn write(text: &mut Text, balance: &Balance, now: Ms) {
    let account = || ("account", balance.account.clone());
    let bounds = [("low", balance.low), ("high", balance.high)].into_iter();
    text.gauge(
        "daybridge_balance_channeldays",
        "Days on the account's balance: at least (low) and at most (high).",
        bounds
            .filter_map(|(bound, at)| Some((vec![account(), ("bound", bound.to_owned())], count(at?))))
            .collect(),
    );
    text.gauge(
        "daybridge_balance_mark_age_seconds",
        "Time since a person said what is on the balance; +Inf: nobody did.",
        vec![(
            vec![account()],
            balance.marked_at.map_or(f64::INFINITY, |at| count(now.saturating_sub(at)) / 1_000.0),
        )],
    );
    text.gauge(
        "daybridge_balance_stale",
        "1: what was said of the balance does not fit what happened since.",
        vec![(vec![account()], f64::from(u8::from(balance.stale)))],
    );
    text.gauge(
        "daybridge_balance_runway_seconds",
        "For how long the balance is enough for what is owed; a year: or longer.",
        balance.runway_days.map(|days| (vec![account()], f64::from(days) * 86_400.0)).into_iter().collect(),
    );
    text.gauge(
        "daybridge_owed_channeldays",
        "Days bought that still have to move.",
        vec![(vec![account()], count(balance.owed))],
    );
    let many = |channels: usize| vec![(vec![account()], whole(u64::try_from(channels).unwrap_or(u64::MAX)))];
    text.gauge(
        "daybridge_dark_channels",
        "Channels that have run out while days are owed on them.",
        many(balance.dark),
    );
    text.gauge(
        "daybridge_late_channels",
        "Channels whose slice is more than an hour late.",
        many(balance.late),
    );
}

#[allow(clippy::cast_precision_loss, reason = "beyond 2^53 a graph shows no difference")]
fn count(value: i64) -> f64 {
    value as f64
}
