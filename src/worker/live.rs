//! A channel whose days moved is switched to live.

use std::time::Instant;

use super::{meters, turn::Turns};
use crate::{
    domain::{channel::Channel, reply::ReadError},
    ledger::{Claim, LedgerError},
};

impl Turns {
    pub(super) async fn make_live(&self, claim: &Claim, channel: &mut Channel) -> Result<(), LedgerError> {
        if channel.not_live_since.is_some() && self.is_live(claim, channel).await {
            tracing::info!(channel = %claim.channel, "channel is live by now");
        } else {
            self.limiter.until_ready().await;
            let begun = Instant::now();
            let switched = self.partner.make_live(&claim.channel).await;
            meters::called("make_live", begun, &switched);
            match switched {
                Ok(()) => {
                    channel.made_live(self.clock.now_ms());
                    tracing::info!(channel = %claim.channel, "channel switched to live");
                }
                Err(error) => {
                    tracing::warn!(channel = %claim.channel, ?error, "channel not switched to live yet");
                    channel.not_made_live(told(&error), self.clock.now_ms());
                }
            }
        }
        self.ledger.save_channel(claim, channel).await?;
        Ok(())
    }

    /// Whether somebody has switched it meanwhile: it restarts with every switch, so it gets none that it does not need.
    async fn is_live(&self, claim: &Claim, channel: &mut Channel) -> bool {
        self.limiter.until_ready().await;
        let begun = Instant::now();
        let read = self.partner.read(&claim.channel).await;
        meters::called("read", begun, &read);
        if let Ok(reading) = read {
            channel.noted(&reading);
        }
        channel.not_live_since.is_none()
    }
}

fn told(error: &ReadError) -> String {
    match error {
        ReadError::UnknownChannel => "the partner does not know the channel".into(),
        ReadError::Unauthorized => "the partner token was refused".into(),
        ReadError::Failed(text) => text.clone(),
    }
}
