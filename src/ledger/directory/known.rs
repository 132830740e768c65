//! What the directory knows of some names.

use std::collections::BTreeSet;

use crate::{
    domain::{
        id::ChannelId,
        payment::directory::{Directory, Name},
    },
    ledger::db::{Fault, Tx, args},
};

/// Most names of one payment that are looked up.
const NAMES_MAX: usize = 16;

/// One statement a name: nearly every payment has one or two.
pub(in crate::ledger) fn known(
    tx: &mut Tx,
    realm: &str,
    account: &str,
    names: BTreeSet<Name>,
) -> Result<Directory, Fault> {
    let mut directory = Directory::default();
    for name in names.into_iter().take(NAMES_MAX) {
        let rows = tx.all(
            "SELECT channel FROM directory WHERE realm = $1 AND account = $2 AND kind = $3 AND id = $4",
            args![realm, account, name.kind, name.id],
        )?;
        for row in rows {
            if let Some(channel) = ChannelId::parse(&row.get::<String>("channel")?) {
                directory.add(name.clone(), channel);
            }
        }
    }
    Ok(directory)
}
