//! The brake's limits now, in days an hour.

use daybridge::{
    clock,
    config::Config,
    domain::allocation::brake::{Limits, limits},
    ledger::{self, LedgerError},
};

/// The brake's limits in a sentence, for `check`. `Err`: the ledger could not be read.
pub async fn limits_now(config: &Config) -> Result<String, LedgerError> {
    let brake = config.brake.rules();
    let account = &config.partner.account;
    let lately = match ledger::open_existing(&config.ledger).await {
        Ok(ledger) => ledger.lately(account, clock::now_ms()).await?,
        Err(LedgerError::Missing(_)) => Default::default(),
        Err(error) => return Err(error),
    };
    Ok(match limits(&brake, &lately) {
        None => "off: [brake] multiple is 0, so nothing pauses when too many days move".into(),
        Some(Limits { account: limit, channel }) => format!(
            "{account} pauses above {limit} days in an hour ({} channels x {}, at least {}; or {} x the mean hour of 7 days), a channel above {channel}; {} days moved in the last hour",
            lately.account_channels,
            brake.account_days_per_channel,
            brake.account_days_min,
            brake.multiple,
            lately.account_hour
        ),
    })
}
