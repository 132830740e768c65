//! Which file stands at a path. SQLite goes on writing into a file that was removed or replaced, and says that all is well;
//! nothing of that is there after the process ends.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

/// A file, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// The file at a path now; an error where there is none.
    pub fn at(path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        Ok(Self { device: found.dev(), inode: found.ino() })
    }

    /// Whether it is still the file at the path.
    pub fn stands_at(self, path: &Path) -> bool {
        Self::at(path).is_ok_and(|found| found == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_itself_and_not_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let (path, away) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&path, "1").unwrap();
        let file = FileId::at(&path).unwrap();
        fs::write(&path, "longer").unwrap();
        assert!(file.stands_at(&path));
        fs::rename(&path, &away).unwrap();
        assert!(!file.stands_at(&path) && FileId::at(&path).is_err());
        fs::write(&path, "1").unwrap();
        assert!(!file.stands_at(&path), "another one of its name");
        fs::rename(&away, &path).unwrap();
        assert!(file.stands_at(&path));
    }
}
