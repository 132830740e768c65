//! The file, open. It is opened anew after a failure, for what broke may stay with a connection, and where another file
//! stands in its place: what goes on in the old one is kept nowhere. A file that was removed is not made again: it held
//! messages that were confirmed, and somebody must know.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::store;
use crate::machine::file_id::FileId;

/// See the module.
pub(super) struct File {
    path: PathBuf,
    db: Connection,
    id: Option<FileId>,
    /// The connection failed.
    spoiled: bool,
}

impl File {
    /// Made where it is missing.
    pub(super) fn make(path: &Path) -> Result<Self, rusqlite::Error> {
        Ok(Self::of(path, store::make(path)?))
    }

    /// One that is there.
    pub(super) fn open(path: &Path) -> Result<Self, rusqlite::Error> {
        Ok(Self::of(path, store::open(path)?))
    }

    fn of(path: &Path, db: Connection) -> Self {
        Self { path: path.to_owned(), db, id: FileId::at(path).ok(), spoiled: false }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The connection.
    pub(super) fn db(&mut self) -> Result<&mut Connection, rusqlite::Error> {
        let stands = self.id.is_some_and(|id| id.stands_at(&self.path));
        if self.spoiled || !stands {
            self.db = store::open(&self.path)?;
            (self.id, self.spoiled) = (FileId::at(&self.path).ok(), false);
            if !stands {
                tracing::error!(
                    file = %self.path.display(),
                    "another queue file stands here than before; messages that were only in that one are not in it"
                );
            }
        }
        Ok(&mut self.db)
    }

    /// It is opened anew before it is used again.
    pub(super) fn spoil(&mut self) {
        self.spoiled = true;
    }

    /// Checkpoints the file. An error leaves a log that the next open reads.
    pub(super) fn close(self) {
        let _ = self.db.close();
    }
}
