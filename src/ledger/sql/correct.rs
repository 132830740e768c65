//! A person says which channel, or how many days, something held is for.

use sqlx::Row as _;

use super::{
    SqlLedger, Tx,
    audit::{self, Entry},
    decide::must_be_held,
    fault::{Fault, refused},
    rows,
    show::resolve,
};
use crate::{
    domain::{
        Ms,
        settle::{Cause, Outcome, State, planned_again},
    },
    ledger::Correction,
};

impl SqlLedger {
    /// Serializable: what may be corrected depends on rows that others write.
    pub(super) async fn correct_once(
        &self,
        key: &str,
        correction: &Correction<'_>,
        now: Ms,
    ) -> Result<(), Fault> {
        let mut tx = self.serial().await?;
        let row = sqlx::query("SELECT account, channel, days, detail, payment FROM transfers WHERE key = $1")
            .bind(key)
            .fetch_optional(&mut *tx)
            .await?;
        let (before, after) = match row {
            Some(row) => transfer(&mut tx, key, &row, correction, now).await?,
            None => match resolve(&mut tx, key).await? {
                Some(payment) => payment_held(&mut tx, &payment, correction).await?,
                None => {
                    return Err(refused(format!(
                        "no payment or transfer is named {key}; an event gets a channel only through its payment"
                    )));
                }
            },
        };
        let entry =
            Entry { action: "held set", key, act: correction.act, before: Some(before), after: Some(after) };
        audit::add(&mut tx, entry, now).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn shown(channel: Option<&str>, days: Option<i64>) -> String {
    let days = days.map_or_else(|| "-".to_owned(), |days| days.to_string());
    format!("channel {}, days {days}", channel.unwrap_or("-"))
}

/// It is planned anew. On the same channel its last call stays known, for a refusal may have hidden a success, and the
/// next reading tells. On another channel it cannot tell; so a transfer that was called stays where it is, unless the
/// partner does not know the channel.
async fn transfer(
    tx: &mut Tx,
    key: &str,
    row: &sqlx::any::AnyRow,
    correction: &Correction<'_>,
    now: Ms,
) -> Result<(String, String), Fault> {
    let from = rows::state(row)?;
    if !matches!(from, State::Held { outcome: Outcome::None, .. }) {
        return Err(refused(
            "only a held transfer whose call was certainly not applied can be corrected: settle its outcome first",
        ));
    }
    let (account, channel): (String, String) = (row.try_get("account")?, row.try_get("channel")?);
    let days: i64 = row.try_get("days")?;
    let new_channel = correction.channel.as_ref().map_or(&*channel, |c| c.as_str());
    let new_days = correction.days.map_or(days, i64::from);
    let elsewhere = new_channel != channel;
    if elsewhere && from.attempt() > 0 && !matches!(from, State::Held { cause: Cause::UnknownChannel, .. }) {
        return Err(refused(format!(
            "it was called on {channel}, and a refusal may have hidden a success: `held retry` reads the channel and tells; or `held cancel` it, and extend the other channel by hand"
        )));
    }
    let to = if elsewhere { None } else { planned_again(&from, now) };
    let to = to.unwrap_or_else(|| State::planned(now));
    sqlx::query("UPDATE transfers SET channel = $1, days = $2, comment = $3 WHERE key = $4")
        .bind(new_channel)
        .bind(new_days)
        .bind(correction.comment.render(key, rows::narrow(new_days)))
        .bind(key)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "UPDATE payments SET channel = $1, days = $2, set_channel = COALESCE($3, set_channel), \
         set_days = COALESCE($4, set_days) WHERE key = $5",
    )
    .bind(new_channel)
    .bind(new_days)
    .bind(correction.channel.as_ref().map(|channel| channel.as_str().to_owned()))
    .bind(correction.days.map(i64::from))
    .bind(row.try_get::<String, _>("payment")?)
    .execute(&mut **tx)
    .await?;
    let act = (correction.act.who, correction.act.reason);
    if !rows::swap(tx, key, &from, &to, Some(act), now).await? {
        return Err(Fault::Conflict(format!("{key} went on meanwhile")));
    }
    rows::make_due(tx, &account, new_channel, now).await?;
    Ok((shown(Some(&channel), Some(days)), shown(Some(new_channel), Some(new_days))))
}

async fn payment_held(
    tx: &mut Tx,
    key: &str,
    correction: &Correction<'_>,
) -> Result<(String, String), Fault> {
    let row = sqlx::query(
        "SELECT decision, granted, channel, days, set_channel, set_days FROM payments WHERE key = $1",
    )
    .bind(key)
    .fetch_one(&mut **tx)
    .await?;
    must_be_held(&row, key)?;
    let channel: Option<String> = row.try_get("set_channel")?;
    let days: Option<i64> = row.try_get("set_days")?;
    let new_channel = correction.channel.as_ref().map(|c| c.as_str().to_owned()).or_else(|| channel.clone());
    let new_days = correction.days.map(i64::from).or(days);
    sqlx::query("UPDATE payments SET set_channel = $1, set_days = $2 WHERE key = $3")
        .bind(new_channel.as_deref())
        .bind(new_days)
        .bind(key)
        .execute(&mut **tx)
        .await?;
    let before: (Option<String>, Option<i64>) = (row.try_get("channel")?, row.try_get("days")?);
    Ok((
        shown(channel.as_deref().or(before.0.as_deref()), days.or(before.1)),
        shown(new_channel.as_deref(), new_days),
    ))
}
