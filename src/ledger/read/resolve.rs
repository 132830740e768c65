//! Which payment, or event, a name means.

use crate::ledger::{
    db::{Fault, Tx, args, fault::refused},
    storable,
};

/// Most payments or events of one name that are told.
const NAMED_MAX: i64 = 20;

/// The key of the payment that a key, a transfer's key, or any provider id names; refused where an id names several, in
/// other realms, connected accounts or modes.
pub(in crate::ledger) fn resolve(connection: &mut Tx, name: &str) -> Result<Option<String>, Fault> {
    let mut named = named(connection, name)?;
    if named.len() > 1 {
        return Err(refused(format!(
            "{name} names several payments: {}; name one of them by its key",
            named.join(", ")
        )));
    }
    Ok(named.pop())
}

/// The keys of all payments that a name fits.
pub(in crate::ledger) fn named(connection: &mut Tx, name: &str) -> Result<Vec<String>, Fault> {
    let name = &*storable::text(name);
    let key = name.rsplit_once('#').map_or(name, |(key, _)| key);
    let row = connection.optional("SELECT key, merged_into FROM payments WHERE key = $1", args![key])?;
    if let Some(row) = row {
        let merged: Option<String> = row.get("merged_into")?;
        return Ok(vec![match merged {
            Some(key) => key,
            None => row.get("key")?,
        }]);
    }
    let rows = connection.all(
        "SELECT DISTINCT payment FROM aliases WHERE id = $1 ORDER BY payment LIMIT $2",
        args![name, NAMED_MAX],
    )?;
    rows.iter().map(|row| row.get("payment")).collect()
}

/// Source and id of the event that `ID` or `SOURCE/ID` names; refused where several sources know the id. `source`: only
/// this one is looked at.
pub(in crate::ledger) fn event_named(
    connection: &mut Tx,
    name: &str,
    source: Option<&str>,
) -> Result<Option<(String, String)>, Fault> {
    let name = &*storable::text(name);
    let (prefix, id) = name.split_once('/').unwrap_or(("", name));
    let rows = connection.all(
        "SELECT source, event_id FROM events WHERE event_id = $1 \
         UNION SELECT source, event_id FROM events WHERE event_id = $2 AND source = $3 \
         ORDER BY source, event_id LIMIT $4",
        args![name, id, prefix, NAMED_MAX],
    )?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let one: (String, String) = (row.get("source")?, row.get("event_id")?);
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
