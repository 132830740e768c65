//! What daybridge takes of the machine: open files, and files that others must not read.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use tokio::net::TcpStream;

use crate::support::{daybridge::House, wait::until};

/// Soft and hard limit of open files of a process.
fn limits(house: &House, name: &str) -> (String, String) {
    let text = house.proc(name, "limits");
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let mut values = line.split_whitespace().map(str::to_owned);
    (values.next().unwrap(), values.next().unwrap())
}

/// The usual soft limit is 1024: idle strangers would take the last file from health and worker.
#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_leave_files_for_health_and_worker() {
    const FILES: usize = 300;
    let mut house = House::build("embedded", None, "").await;
    house.start_after("ulimit -Sn 200", "run").await;
    let (soft, hard) = limits(&house, "run");
    assert_eq!(soft, hard, "raised at start");
    assert_eq!(house.stop("run").await, Some(0));

    house.start_after(&format!("ulimit -n {FILES}"), "run").await;
    assert!(house.log("run").contains("fewer connections than server.connections_max"));
    let mut idle = Vec::new();
    for _ in 0..FILES + 50 {
        idle.push(TcpStream::connect(("127.0.0.1", house.server)).await.unwrap());
    }
    for _ in 0..20 {
        // A connection of its own each time.
        assert_eq!(house.console("/healthz").await.0, 204);
        assert_eq!(house.console("/readyz").await.0, 200);
    }
    let open = fs::read_dir(format!("/proc/{}/fd", house.pid("run"))).unwrap().count();
    assert!(open < FILES - 50, "{open} of {FILES} files are open");
    drop(idle);
    let body = House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "7");
    until("the receiver is back", || async { (house.post(&body).await == 200).then_some(()) }).await;
}

#[test]
fn check_tells_what_the_open_files_come_to() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let house = runtime.block_on(House::build("embedded", None, ""));
    let check = |line: &str| house.shell(&format!("{line}; exec \"$0\" check"));
    let few = check("ulimit -n 600");
    assert!(few.contains("warn  files") && few.contains("300 connections instead of"), "{few}");
    assert!(few.contains("4608") && few.contains("LimitNOFILE"), "{few}");
    let many = check("ulimit -Sn 300");
    assert!(many.contains("ok    files") || many.contains("connections instead of"), "{many}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode()
        & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn ledger_and_queue_are_their_owners_alone_whatever_the_umask() {
    let mut house = House::new("embedded", None, "").await;
    house.start_after("umask 000", "run").await;
    let body = House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "7");
    assert_eq!(house.post(&body).await, 200);
    let databases = ["ledger.db", "ledger.queue.db"];
    let files = || databases.iter().flat_map(|name| ["", "-wal", "-shm"].map(|end| format!("{name}{end}")));
    for file in files() {
        assert_eq!(mode(&house.path(&file)), 0o600, "{file}");
    }
    // Those of an earlier version, too.
    assert_eq!(house.stop("run").await, Some(0));
    for name in databases {
        fs::set_permissions(house.path(name), Permissions::from_mode(0o644)).unwrap();
    }
    house.start_after("umask 022", "run").await;
    for file in files() {
        assert_eq!(mode(&house.path(&file)), 0o600, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_warns_of_files_that_others_read_or_own() {
    let house = House::build("embedded", None, "").await;
    let settings = house.path("daybridge.toml");
    let check = || String::from_utf8(house.command(&["check"]).stdout).unwrap();
    fs::set_permissions(&settings, Permissions::from_mode(0o644)).unwrap();
    let told = check();
    assert!(
        told.contains("warn  settings") && told.contains("partner.token, sources.stripe.secrets"),
        "{told}"
    );
    assert!(told.contains("chmod o-rwx") && !told.contains("whsec_"), "{told}");
    fs::set_permissions(&settings, Permissions::from_mode(0o640)).unwrap();
    let told = check();
    assert!(!told.contains("warn  settings") && !told.contains("warn  ledger"), "{told}");
    // Only root may give a file away.
    if std::os::unix::fs::chown(house.path("ledger.db"), Some(12_345), None).is_ok() {
        let told = check();
        assert!(
            told.contains("warn  ledger") && told.contains("uid 12345") && told.contains("sudo -u"),
            "{told}"
        );
    }
}
