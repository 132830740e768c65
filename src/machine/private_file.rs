//! Database files that only their owner reads: ledger and queue hold names, amounts and raw events, and the usual umask
//! would let every user of the machine read them.
//!
//! SQLite gives the files beside a database (`-wal`, `-shm`) the rights of the database itself, so it is enough that the
//! database is there, with these rights, before SQLite opens it.

use std::{
    fs::{self, OpenOptions, Permissions},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

/// Rights of the files: the owner reads and writes.
const MODE: u32 = 0o600;

/// Everything that SQLite writes of one database.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];

/// Makes an empty database file of the owner's where there is none, and takes the rights of others from the user's own
/// files. What fails is left for SQLite to report: it opens the same file.
pub fn prepare(database: &Path) {
    let made = OpenOptions::new().write(true).create_new(true).mode(MODE).open(database);
    if let Ok(file) = made {
        // A umask may have taken even the owner's.
        let _ = file.set_permissions(Permissions::from_mode(MODE));
        return;
    }
    for beside in BESIDE {
        let mut path = database.as_os_str().to_owned();
        path.push(beside);
        let Ok(found) = fs::metadata(&path) else { continue };
        let ours = found.uid() == rustix::process::geteuid().as_raw();
        if found.is_file() && ours && found.mode() & 0o077 != 0 {
            // What its owner may not do stays so: a database may be read-only on purpose.
            let _ = fs::set_permissions(&path, Permissions::from_mode(found.mode() & MODE));
        }
    }
}
