//! One payment or event with all that is known of it.

use sqlx::{AnyConnection, Row as _};

use super::{
    SqlLedger, account,
    fault::{Fault, refused},
    list::{self, event_sql, payment_sql, transfer_sql},
    pause,
    rows::narrow,
    storable, words,
    zlib::unpack,
};
use crate::{
    domain::{covered::Covered, settle::AccountNews},
    ledger::view,
};

/// Most rows of a kind shown with one payment or event.
const ROWS_MAX: i64 = 1_000;

/// Most payments or events of one name that are told.
const NAMED_MAX: i64 = 20;

/// The key of the payment that a key, a transfer's key, or any provider id names; refused where an id names several, in
/// other realms, connected accounts or modes.
pub(super) async fn resolve(connection: &mut AnyConnection, name: &str) -> Result<Option<String>, Fault> {
    let mut named = named(connection, name).await?;
    if named.len() > 1 {
        return Err(refused(format!(
            "{name} names several payments: {}; name one of them by its key",
            named.join(", ")
        )));
    }
    Ok(named.pop())
}

/// The keys of all payments that a name fits.
pub(super) async fn named(connection: &mut AnyConnection, name: &str) -> Result<Vec<String>, Fault> {
    let name = &*storable::text(name);
    let key = name.rsplit_once('#').map_or(name, |(key, _)| key);
    let row = sqlx::query("SELECT key, merged_into FROM payments WHERE key = $1")
        .bind(key)
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(row) = row {
        let merged: Option<String> = row.try_get("merged_into")?;
        return Ok(vec![match merged {
            Some(key) => key,
            None => row.try_get("key")?,
        }]);
    }
    let rows = sqlx::query("SELECT DISTINCT payment FROM aliases WHERE id = $1 ORDER BY payment LIMIT $2")
        .bind(name)
        .bind(NAMED_MAX)
        .fetch_all(&mut *connection)
        .await?;
    rows.iter().map(|row| Ok(row.try_get("payment")?)).collect()
}

/// Source and id of the event that `ID` or `SOURCE/ID` names; refused where several sources know the id. `source`: only
/// this one is looked at.
pub(super) async fn event_named(
    connection: &mut AnyConnection,
    name: &str,
    source: Option<&str>,
) -> Result<Option<(String, String)>, Fault> {
    let name = &*storable::text(name);
    let (prefix, id) = name.split_once('/').unwrap_or(("", name));
    let rows = sqlx::query(
        "SELECT source, event_id FROM events WHERE event_id = $1 \
         UNION SELECT source, event_id FROM events WHERE event_id = $2 AND source = $3 \
         ORDER BY source, event_id LIMIT $4",
    )
    .bind(name)
    .bind(id)
    .bind(prefix)
    .bind(NAMED_MAX)
    .fetch_all(&mut *connection)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let one: (String, String) = (row.try_get("source")?, row.try_get("event_id")?);
        if source.is_none_or(|source| source == one.0) {
            found.push(one);
        }
    }
    if found.len() > 1 {
        let all: Vec<String> = found.iter().map(|(source, id)| format!("{source}/{id}")).collect();
        return Err(refused(format!(
            "{name} names events of several sources: {}; name one of them so",
            all.join(", ")
        )));
    }
    Ok(found.pop())
}

/// Unpacks a stored body; `None` where it was dropped to save room.
pub(super) async fn body(connection: &mut AnyConnection, event: i64) -> Result<Option<Vec<u8>>, Fault> {
    let row = sqlx::query("SELECT zlib FROM bodies WHERE event = $1")
        .bind(event)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let packed: Vec<u8> = row.try_get("zlib")?;
    unpack(&packed, &format!("event number {event}")).map(Some)
}

impl SqlLedger {
    pub(super) async fn payment_once(&self, name: &str) -> Result<Option<view::PaymentWhole>, Fault> {
        let mut connection = self.read.acquire().await?;
        let Some(key) = resolve(&mut connection, name).await? else { return Ok(None) };
        let row =
            sqlx::query(payment_sql!("WHERE p.key = $1")).bind(&*key).fetch_one(&mut *connection).await?;
        let mut payment = list::payment(&row)?;
        let owner: String = row.try_get("owner")?;
        let ids = sqlx::query("SELECT id FROM aliases WHERE payment = $1 ORDER BY strength, id LIMIT $2")
            .bind(&*key)
            .bind(ROWS_MAX)
            .fetch_all(&mut *connection)
            .await?;
        let events = sqlx::query(event_sql!("WHERE e.payment = $1 ORDER BY d.number LIMIT $2"))
            .bind(&*key)
            .bind(ROWS_MAX)
            .fetch_all(&mut *connection)
            .await?;
        let found = sqlx::query(transfer_sql!("WHERE payment = $1 ORDER BY n LIMIT $2"))
            .bind(&*key)
            .bind(ROWS_MAX)
            .fetch_all(&mut *connection)
            .await?;
        let mut transfers = Vec::with_capacity(found.len());
        let mut movements = Vec::new();
        for row in &found {
            let mut transfer = list::transfer(row)?;
            transfer.steps = steps(&mut connection, &transfer.key).await?;
            let rows = sqlx::query(
                "SELECT account, channel, at, low, high FROM movements WHERE account = $1 AND channel = $2 \
                 ORDER BY number DESC LIMIT $3",
            )
            .bind(&*transfer.account)
            .bind(&*transfer.channel)
            .bind(ROWS_MAX)
            .fetch_all(&mut *connection)
            .await?;
            movements = rows.iter().map(list::movement).collect::<Result<_, _>>()?;
            if transfer.state == "planned"
                && let Some(next) = waits_for(&mut connection, &transfer).await?
            {
                payment.next = Some(next.clone());
                transfer.next = Some(next);
            }
            transfers.push(transfer);
        }
        let money_out = money_out(&mut connection, &key).await?;
        let adjustments = adjustments(&mut connection, &key).await?;
        Ok(Some(view::PaymentWhole {
            money_out,
            adjustments,
            payment,
            realm: row.try_get("realm")?,
            account: Some(owner).filter(|owner| !owner.is_empty()),
            livemode: row.try_get::<i64, _>("livemode")? != 0,
            ids: ids.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?,
            events: events.iter().map(list::event).collect::<Result<_, _>>()?,
            transfers,
            movements,
        }))
    }

    pub(super) async fn event_once(&self, id: &str) -> Result<Vec<view::EventWhole>, Fault> {
        let mut connection = self.read.acquire().await?;
        let (source, event) = id.split_once('/').unwrap_or(("", id));
        let rows = sqlx::query(event_sql!(
            "WHERE d.event IN (SELECT number FROM events WHERE event_id = $1 \
             UNION SELECT number FROM events WHERE event_id = $2 AND source = $3 \
             UNION SELECT event FROM deliveries WHERE delivery = $1) ORDER BY d.number LIMIT $4"
        ))
        .bind(id)
        .bind(event)
        .bind(source)
        .bind(ROWS_MAX)
        .fetch_all(&mut *connection)
        .await?;
        let mut events = Vec::with_capacity(rows.len());
        for row in &rows {
            let body = body(&mut connection, row.try_get("event_number")?).await?;
            events.push(view::EventWhole {
                event: list::event(row)?,
                digest: row.try_get("digest")?,
                bytes: body.as_ref().map_or(0, Vec::len),
                body: body.and_then(|bytes| String::from_utf8(bytes).ok()),
            });
        }
        Ok(events)
    }
}

/// What a planned transfer waits for, but its own time.
async fn waits_for(
    connection: &mut AnyConnection,
    transfer: &view::Transfer,
) -> Result<Option<String>, Fault> {
    if let Some(paused) = pause::waits(connection, &transfer.account, &transfer.channel).await? {
        return Ok(Some(paused));
    }
    let hold = account::hold(connection, &transfer.account).await?;
    Ok(hold.filter(|hold| hold.keeps_back(&transfer.key, transfer.days)).map(|hold| {
        words::waits_for_account(&transfer.key, transfer.days, hold.news == AccountNews::NoToken)
    }))
}

async fn money_out(connection: &mut AnyConnection, key: &str) -> Result<Option<view::MoneyOut>, Fault> {
    let row = sqlx::query(
        "SELECT refunded, disputed, days_due, days_reduced, days_spent, days_owed, gap, covered FROM payments \
         WHERE key = $1 AND covered IS NOT NULL",
    )
    .bind(key)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let covered: Covered = serde_json::from_str(&row.try_get::<String, _>("covered")?)?;
    Ok(Some(view::MoneyOut {
        refunded: row.try_get("refunded")?,
        disputed: row.try_get("disputed")?,
        days_due: row.try_get::<Option<i64>, _>("days_due")?.map(narrow),
        days_reduced: row.try_get("days_reduced")?,
        days_spent: narrow(row.try_get("days_spent")?),
        days_owed: narrow(row.try_get("days_owed")?),
        waits: row.try_get("gap")?,
        words: covered.words,
    }))
}

/// Of the payment, and of those that became a part of it.
async fn adjustments(connection: &mut AnyConnection, key: &str) -> Result<Vec<view::Adjustment>, Fault> {
    let rows = sqlx::query(
        "SELECT at, kind, amount, days, event, note FROM adjustments WHERE payment = $1 \
         OR payment IN (SELECT key FROM payments WHERE merged_into = $1) ORDER BY number LIMIT $2",
    )
    .bind(key)
    .bind(ROWS_MAX)
    .fetch_all(&mut *connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(view::Adjustment {
                at: row.try_get("at")?,
                kind: row.try_get("kind")?,
                amount: row.try_get("amount")?,
                days: row.try_get("days")?,
                event: row.try_get("event")?,
                note: row.try_get("note")?,
            })
        })
        .collect()
}

async fn steps(connection: &mut AnyConnection, transfer: &str) -> Result<Vec<view::TransferStep>, Fault> {
    let rows = sqlx::query(
        "SELECT at, state, attempt, note, who FROM steps WHERE transfer = $1 ORDER BY number LIMIT $2",
    )
    .bind(transfer)
    .bind(ROWS_MAX)
    .fetch_all(&mut *connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(view::TransferStep {
                at: row.try_get("at")?,
                state: row.try_get("state")?,
                attempt: narrow(row.try_get("attempt")?),
                note: row.try_get("note")?,
                who: row.try_get("who")?,
            })
        })
        .collect()
}
