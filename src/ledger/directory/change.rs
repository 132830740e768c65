//! The directory is changed: what would change is worked out, and the same is then done, whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::listed;
use crate::{
    domain::{
        Ms,
        id::ChannelId,
        payment::directory::{Name, NameKind},
    },
    ledger::{
        Act, Assignment, DirectoryChange, DirectoryGo, DirectoryOrder, DirectoryPlan, Ledger, LedgerError,
        Place,
        db::{Arg, Bind as _, Fault, Tx, args, fault::refused},
        decide::audit::{self, Entry},
        storable,
    },
};

/// Names that one statement asks for or writes.
const AT_ONCE: usize = 100;

/// Digits of a plan's hash.
const HASH_DIGITS: usize = 16;

/// Most channels that an error names.
const NAMED_MAX: usize = 10;

impl Ledger {
    /// Changes what names stand for, or only tells what would change.
    pub async fn change_directory(
        &self,
        order: DirectoryOrder,
        now: Ms,
    ) -> Result<DirectoryPlan, LedgerError> {
        match order.go {
            DirectoryGo::Look => self.db.read(move |tx| plan(tx, &order)).await,
            DirectoryGo::Now | DirectoryGo::AsPlanned(_) => {
                self.db.alone(move |tx| tx.change_directory(&order, now)).await
            }
        }
    }
}

impl Tx {
    /// Alone: what is planned is what is done, and which payments wait for it is known when it is.
    pub(in crate::ledger) fn change_directory(
        &mut self,
        order: &DirectoryOrder,
        now: Ms,
    ) -> Result<DirectoryPlan, Fault> {
        let plan = plan(self, order)?;
        if let DirectoryGo::AsPlanned(hash) = &order.go
            && *hash != plan.hash
        {
            return Err(refused(format!(
                "it is not the plan {hash} any more: the file or the directory changed since; look at it again without --apply (it is {} now). Nothing was changed",
                plan.hash
            )));
        }
        if !order.force
            && let Some(first) = plan.unlisted.first()
        {
            return Err(unlisted(&plan.unlisted, first));
        }
        let act = Act { who: &order.who, reason: &order.reason };
        write(self, &plan.changes, act, now)?;
        note(self, order, &plan, now)?;
        self.commit();
        Ok(plan)
    }
}

fn unlisted(channels: &BTreeSet<String>, first: &str) -> Fault {
    let named: Vec<&str> = channels.iter().take(NAMED_MAX).map(String::as_str).collect();
    let more = if channels.len() > NAMED_MAX { " …" } else { "" };
    refused(format!(
        "the partner lists no channel {}{more}: correct it, or read the list again with `daybridge channels sync`; --force takes {first} all the same. Nothing was changed",
        named.join(", ")
    ))
}

fn plan(tx: &mut Tx, order: &DirectoryOrder) -> Result<DirectoryPlan, Fault> {
    let present = present(tx, &order.wanted)?;
    let mut changes = Vec::new();
    for Assignment { place, channels } in &order.wanted {
        let before = present.get(place).cloned().unwrap_or_default();
        let after: BTreeSet<String> = channels.iter().map(ToString::to_string).collect();
        if before != after {
            let Place { realm, account, name: Name { kind, id } } = place.clone();
            changes.push(DirectoryChange { realm, account, kind, id, before, after });
        }
    }
    let new: BTreeSet<String> =
        changes.iter().flat_map(|change| change.after.difference(&change.before)).cloned().collect();
    let synced_at = listed::synced_at(tx, &order.partner)?;
    let unlisted = match synced_at {
        Some(_) => listed::unlisted(tx, &order.partner, new)?,
        None => BTreeSet::new(),
    };
    let unchanged = order.wanted.len().saturating_sub(changes.len());
    Ok(DirectoryPlan {
        hash: hash(&changes)?,
        unchanged: u64::try_from(unchanged).unwrap_or(u64::MAX),
        changes,
        unlisted,
        synced_at,
    })
}

fn hash(changes: &[DirectoryChange]) -> Result<String, Fault> {
    let mut hex = hex::encode(Sha256::digest(serde_json::to_string(changes)?));
    hex.truncate(HASH_DIGITS);
    Ok(hex)
}

/// What the names stand for now.
fn present(tx: &mut Tx, wanted: &[Assignment]) -> Result<BTreeMap<Place, BTreeSet<String>>, Fault> {
    let mut found: BTreeMap<Place, BTreeSet<String>> = BTreeMap::new();
    for some in wanted.chunks(AT_ONCE) {
        let values: Vec<Arg<'_>> = some.iter().flat_map(|one| key(&one.place)).collect();
        let text = format!(
            "SELECT realm, account, kind, id, channel FROM directory WHERE (realm, account, kind, id) IN (VALUES {})",
            places(some.len(), 4)
        );
        for row in tx.all(&text, &values)? {
            let name = Name { kind: row.get("kind")?, id: row.get("id")? };
            let place = Place { realm: row.get("realm")?, account: row.get("account")?, name };
            found.entry(place).or_default().insert(row.get("channel")?);
        }
    }
    Ok(found)
}

fn key(place: &Place) -> [Arg<'_>; 4] {
    [place.realm.arg(), place.account.arg(), Arg::Text(Some(place.name.kind.as_str())), place.name.id.arg()]
}

/// `($1, $2), ($3, $4)` for so many rows of so many columns.
fn places(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let first = row.saturating_mul(columns).saturating_add(1);
        let row: Vec<String> = (first..).take(columns).map(|place| format!("${place}")).collect();
        format!("({})", row.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

fn write(tx: &mut Tx, changes: &[DirectoryChange], act: Act<'_>, now: Ms) -> Result<(), Fault> {
    let mut added = Vec::new();
    for change in changes {
        for gone in change.before.difference(&change.after) {
            tx.send(
                "DELETE FROM directory WHERE realm = $1 AND account = $2 AND kind = $3 AND id = $4 AND channel = $5",
                args![change.realm, change.account, change.kind, change.id, gone],
            )?;
        }
        added.extend(change.after.difference(&change.before).map(|channel| (change, channel)));
    }
    let reason = storable::text(act.reason);
    for some in added.chunks(AT_ONCE) {
        let mut values: Vec<Arg<'_>> = Vec::new();
        for (change, channel) in some {
            values.extend_from_slice(args![
                change.realm,
                change.account,
                change.kind,
                change.id,
                *channel,
                act.who,
                reason,
                now
            ]);
        }
        let text = format!(
            "INSERT INTO directory (realm, account, kind, id, channel, who, reason, at) VALUES {}",
            places(some.len(), 8)
        );
        tx.send(&text, &values)?;
    }
    Ok(())
}

/// One act in the audit log, however many names it changes: each row of the directory tells who and when itself.
fn note(tx: &mut Tx, order: &DirectoryOrder, plan: &DirectoryPlan, now: Ms) -> Result<(), Fault> {
    let shown = |channels: &BTreeSet<String>| {
        (!channels.is_empty()).then(|| channels.iter().map(String::as_str).collect::<Vec<_>>().join(" "))
    };
    let (key, before, after) = match plan.changes.as_slice() {
        [] => return Ok(()),
        [one] => (format!("{} {}/{}", one.kind, one.realm, one.id), shown(&one.before), shown(&one.after)),
        many => (plan.hash.clone(), None, Some(format!("{} names", many.len()))),
    };
    let act = Act { who: &order.who, reason: &order.reason };
    audit::add(tx, Entry { action: order.action, key: &key, act, before, after }, now)
}

/// Adds a channel to a name's, or makes it its only one; `false`: nothing changed.
pub(super) fn assign(
    tx: &mut Tx,
    place: &Place,
    channel: &ChannelId,
    act: Act<'_>,
    now: Ms,
) -> Result<(bool, usize), Fault> {
    let asked = Assignment { place: place.clone(), channels: BTreeSet::new() };
    let before = present(tx, &[asked])?.remove(place).unwrap_or_default();
    let mut after = BTreeSet::from([channel.to_string()]);
    // A customer may have several channels; a subscription and an alias mean one.
    if place.name.kind == NameKind::Customer {
        after.extend(before.iter().cloned());
    }
    let many = after.len();
    let Place { realm, account, name: Name { kind, id } } = place.clone();
    let changes = before != after;
    if changes {
        write(tx, &[DirectoryChange { realm, account, kind, id, before, after }], act, now)?;
    }
    Ok((changes, many))
}
