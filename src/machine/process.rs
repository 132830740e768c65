//! Which process this is, and whether one that was named so is gone for certain.
//!
//! A name holds the machine's boot and the space that process numbers are of, so that a process of another machine or
//! container is never taken for one that has ended here.

use std::{fs, sync::LazyLock};

use rustix::{
    io::Errno,
    process::{Pid, getpid, test_kill_process},
};

/// This process's name; empty where the system does not tell, and then nobody can say that it is gone.
pub fn here() -> &'static str {
    static HERE: LazyLock<String> = LazyLock::new(|| named(getpid()).unwrap_or_default());
    &HERE
}

/// Host and process, for people.
pub fn label() -> &'static str {
    static LABEL: LazyLock<String> = LazyLock::new(labelled);
    &LABEL
}

fn labelled() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "this machine" } else { host.trim() };
    format!("process {} on {host}", getpid().as_raw_nonzero())
}

fn named(pid: Pid) -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let numbers = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {} {}", boot.trim(), numbers.display(), pid.as_raw_nonzero()))
}

/// Whether the process of this name has ended. `false` also where it cannot be known, as of another machine's.
pub fn gone(name: &str) -> bool {
    let pid = name.rsplit(' ').next().and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw);
    let Some(pid) = pid else { return false };
    let of_here = named(pid).is_some_and(|here| here == name);
    of_here && test_kill_process(pid) == Err(Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ended_here_is_gone() {
        assert!(!gone(here()), "it runs");
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let name = named(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap()).unwrap();
        child.wait().unwrap();
        assert!(gone(&name));
        let elsewhere = name.replacen(|c: char| c.is_ascii_hexdigit(), "x", 1);
        assert!(!gone(&elsewhere), "another machine's: {elsewhere}");
        assert!(!gone(""));
    }
}
