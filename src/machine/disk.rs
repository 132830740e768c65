//! Room on the disk under a database file. SQLite writes over what its log no longer needs, so a small write may go
//! through on a full disk where the next event does not.

use std::path::Path;

/// Below this many free bytes a disk counts as full: less than one event and its share of the log.
const FREE_BYTES_MIN: u64 = 1024 * 1024;

/// `Err`: what to do. A disk that cannot be asked counts as having room; the write says what is wrong.
pub fn has_room(file: &Path) -> Result<(), String> {
    let Ok(disk) = rustix::fs::statvfs(file) else { return Ok(()) };
    if disk.f_bavail.saturating_mul(disk.f_frsize) < FREE_BYTES_MIN {
        return Err(format!("the disk under {} is full: free some space", file.display()));
    }
    Ok(())
}
