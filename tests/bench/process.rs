//! The servers under test as processes of their own, and what the kernel knows of them.

use std::{
    fs,
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

use crate::{
    THREADS,
    events::SECRET,
    rabbitmq::{free_ports, spawn},
    wire::Wire,
};

/// daybridge, built in release beside this program.
pub(crate) const DAYBRIDGE: &str = env!("CARGO_BIN_EXE_daybridge");

/// Longest time for a process to be ready.
const READY_MAX: Duration = Duration::from_secs(60);

/// Kernel ticks of /proc per second; fixed for user space.
const TICKS_PER_S: f64 = 100.0;

/// A running server, killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it takes webhooks.
    pub(crate) port: u16,
    /// Where it tells of itself; 0: nowhere.
    pub(crate) console: u16,
}

impl Server {
    /// This program again, as another server; `arguments` follow the port.
    pub(crate) async fn own(role: &str, arguments: &[&str]) -> Self {
        let [port] = free_ports();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(role).arg(port.to_string()).args(arguments);
        let server = Self { child: spawn(command), port, console: 0 };
        until(role, || async { Wire::open(port).await.is_ok() }).await;
        server
    }

    /// A role of daybridge in a folder of its own, `extra` appended to its settings.
    pub(crate) async fn daybridge(role: &str, folder: &Path, queue: &str, partner: u16, extra: &str) -> Self {
        let ledger = format!("sqlite:{}/ledger.db", folder.display());
        Self::daybridge_on(DAYBRIDGE, role, folder, queue, &ledger, partner, extra).await
    }

    /// The same of any program, on any ledger.
    pub(crate) async fn daybridge_on(
        program: &str,
        role: &str,
        folder: &Path,
        queue: &str,
        ledger: &str,
        partner: u16,
        extra: &str,
    ) -> Self {
        let [port, console] = free_ports();
        let settings = folder.join(format!("{role}-{port}.toml"));
        let text = format!(
            r#"
[server]
listen = "127.0.0.1:{port}"
threads = {THREADS}
[console]
listen = "127.0.0.1:{console}"
[queue]
url = "{queue}"
[ledger]
url = "{ledger}"
[partner]
base_url = "http://127.0.0.1:{partner}"
token = "bench-token"
calls_per_second_max = 1000
[brake]
multiple = 0
[sources.stripe]
provider = "stripe"
secrets = ["{SECRET}"]
{extra}
"#
        );
        fs::write(&settings, text).unwrap();
        let mut command = Command::new(program);
        command.arg("--config").arg(&settings).arg(role);
        let server = Self { child: spawn(command), port, console };
        until(role, || async {
            let Ok(mut wire) = Wire::open(console).await else { return false };
            wire.get("/readyz").await.is_ok_and(|status| status == 200)
        })
        .await;
        server
    }

    /// Any other process.
    pub(crate) fn other(command: Command, port: u16) -> Self {
        Self { child: spawn(command), port, console: 0 }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for something to become true.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    let start = Instant::now();
    while !done().await {
        assert!(start.elapsed() < READY_MAX, "{what} is not ready");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Time on the processors, in kernel and user code, of all threads.
pub(crate) fn cpu_ms(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name in brackets may hold spaces.
    let rest: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = rest[11].parse::<f64>().unwrap() + rest[12].parse::<f64>().unwrap();
    ticks * 1000.0 / TICKS_PER_S
}

/// A line of /proc/PID/status in MiB: `VmHWM`, the most memory it ever had, or `VmRSS`, what it has now.
pub(crate) fn memory_mib(pid: u32, name: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// How often its threads gave the processor up, and the KiB that it had written.
pub(crate) fn switches_and_kib(pid: u32) -> (f64, f64) {
    let mut switches = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
        // A thread may end meanwhile.
        let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        switches += line.map_or(0.0, |count| count.trim().parse().unwrap());
    }
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap();
    (switches, written.trim().parse::<f64>().unwrap() / 1024.0)
}
