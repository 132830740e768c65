//! Files and connections this process may have open. Each connection of the receiver is a file; without a bound below the
//! system's, idle strangers would take the last one from the worker, the ledger and the health checks.

use std::fs;

use rustix::process::{Resource, Rlimit, setrlimit};

/// Files kept for everything that is not a connection of the receiver: ledger, queue, calls out, console. Of a limit below
/// twice this, half.
pub const RESERVED: u64 = 512;

/// The system's limits; `None`: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimits {
    /// What holds now.
    pub soft: Option<u64>,
    /// What this process may raise it to.
    pub hard: Option<u64>,
}

/// Asks the system. Read from `/proc`, because a service's filter of system calls may forbid the question itself.
pub fn limits() -> Option<FileLimits> {
    parse(&fs::read_to_string("/proc/self/limits").ok()?)
}

fn parse(text: &str) -> Option<FileLimits> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let mut values = line.split_whitespace().map(|value| match value {
        "unlimited" => Ok(None),
        number => number.parse().map(Some),
    });
    Some(FileLimits { soft: values.next()?.ok()?, hard: values.next()?.ok()? })
}

/// Raises the soft limit to the hard one, and tells what holds now.
pub fn raise() -> Option<FileLimits> {
    let found = limits()?;
    if found.soft != found.hard {
        // Where it is forbidden, the bound below follows from what there is.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: found.hard, maximum: found.hard });
    }
    limits()
}

/// Connections that the receiver may have: as set, or what this many files leave.
pub fn connections(set: usize, files: Option<u64>) -> usize {
    let Some(files) = files else { return set };
    let left = files.saturating_sub(RESERVED.min(files / 2));
    set.min(usize::try_from(left).unwrap_or(usize::MAX)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_the_rest() {
        for (set, files, want) in [
            (4096, None, 4096),
            (4096, Some(524_288), 4096),
            (4096, Some(4096), 3584),
            (4096, Some(1024), 512),
            (4096, Some(256), 128),
            (100, Some(1024), 100),
            (4096, Some(0), 1),
        ] {
            assert_eq!(connections(set, files), want, "{set} of {files:?}");
        }
    }

    #[test]
    fn the_systems_table_is_read() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max processes             127450               127450               processes \n\
                    Max open files            1024                 unlimited            files     \n";
        assert_eq!(parse(text), Some(FileLimits { soft: Some(1024), hard: None }));
        assert_eq!(parse("nothing"), None);
        assert!(limits().is_some());
    }
}
