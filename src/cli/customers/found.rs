//! `customers show`: by an id, or by the e-mail or phone that the provider told of a customer.

use daybridge::{
    domain::{contact::Contact, payment::directory::NameKind},
    ledger::{
        Ledger, Place,
        query::{DirectoryQuery, Page},
        view::DirectoryEntry,
    },
};
use serde_json::json;

use super::{super::Failure, file::EXPORT_PAGE};
use crate::cli::output::text::{say, say_json};

/// Customers whose e-mail or phone was typed.
pub(super) async fn customers(ledger: &Ledger, typed: &str) -> Result<Vec<Place>, Failure> {
    match Contact::typed(typed) {
        Some(contact) => Ok(ledger.customers_at(&contact).await?),
        None => Ok(Vec::new()),
    }
}

/// Ids that were typed or found. Many an id is written like a phone.
pub(super) fn ids(typed: &str, customers: &[Place]) -> Vec<String> {
    let found = customers.iter().map(|place| place.name.id.clone());
    std::iter::once(typed.to_owned()).chain(found).collect()
}

/// What is known of whoever was typed, and which customers that are.
pub(super) async fn show(ledger: &Ledger, typed: &str, json: bool) -> Result<(), Failure> {
    let customers = customers(ledger, typed).await?;
    let wanted = DirectoryQuery { ids: ids(typed, &customers), ..DirectoryQuery::default() };
    let mut rows = ledger.directory(&wanted, &Page::first(EXPORT_PAGE)).await?;
    // An id that was found is one realm's.
    rows.retain(|row| row.id == typed || customers.iter().any(|place| is_of(row, place)));
    let without: Vec<&Place> =
        customers.iter().filter(|place| !rows.iter().any(|row| is_of(row, place))).collect();
    if json {
        let known = rows.iter().map(|row| json!(row));
        say_json(&known.chain(without.iter().map(|place| unknown(place))).collect::<Vec<_>>());
        return Ok(());
    }
    if rows.is_empty() && customers.is_empty() {
        return Err(Failure::Failed(if Contact::typed(typed).is_some() {
            format!("nothing is known of {typed}, and no event told of a customer with it")
        } else {
            format!("nothing is known of {typed}: `daybridge customers set '{typed}' --channel …`")
        }));
    }
    if !rows.is_empty() {
        super::show(rows, false);
    }
    for Place { realm, account, name } in without {
        let of = if account.is_empty() { String::new() } else { format!(" of {account}") };
        say(format!(
            "{name} of {realm}{of} has it; for which channel is not known: `daybridge customers set '{}' --channel …`",
            name.id
        ));
    }
    Ok(())
}

fn is_of(row: &DirectoryEntry, place: &Place) -> bool {
    row.kind == NameKind::Customer
        && row.id == place.name.id
        && row.realm == place.realm
        && row.account == place.account
}

/// A customer of whom nobody said a channel.
fn unknown(place: &Place) -> serde_json::Value {
    json!({
        "number": null, "realm": place.realm, "account": place.account, "kind": place.name.kind,
        "id": place.name.id, "channel": null, "who": null, "reason": null, "at": null,
    })
}
