//! A private PostgreSQL cluster, started once per test process and gone with it.
//!
//! Its parent is a thread that lives as long as the process, because the death signal of a child belongs to
//! the *thread* that started it; its directory is removed by the next run, since statics are not dropped.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

/// How long the cluster may take to start, in seconds; the machine may be busy.
const START_S_MAX: u64 = 120;

/// A running cluster.
pub(crate) struct Postgres {
    port: u16,
    binaries: PathBuf,
}

static CLUSTER: OnceLock<Postgres> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

impl Postgres {
    /// The URL of a fresh, empty database.
    pub(crate) fn url_of_new_database() -> String {
        let cluster = CLUSTER.get_or_init(start);
        let name = format!("daybridge_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let made = Command::new(cluster.binaries.join("createdb"))
            .args(["-h", "127.0.0.1", "-U", "daybridge", "-p", &cluster.port.to_string(), &name])
            .output()
            .unwrap();
        assert!(made.status.success(), "createdb: {}", String::from_utf8_lossy(&made.stderr));
        format!("postgres://daybridge@127.0.0.1:{}/{name}", cluster.port)
    }
}

/// A copy of a running database, as `pg_dump` makes it, put into a new one whose URL comes back.
pub(crate) struct Dump(Vec<u8>);

impl Dump {
    /// Of the database at a URL.
    pub(crate) fn of(url: &str) -> Self {
        let dumped = Command::new(binaries().join("pg_dump")).arg(url).output().unwrap();
        assert!(dumped.status.success(), "pg_dump: {}", String::from_utf8_lossy(&dumped.stderr));
        Self(dumped.stdout)
    }

    /// Into a new database; its URL.
    pub(crate) fn restore(&self) -> String {
        use std::io::Write as _;
        let url = Postgres::url_of_new_database();
        let mut psql = Command::new(binaries().join("psql"))
            .args(["-q", "-v", "ON_ERROR_STOP=1", &url])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        psql.stdin.take().unwrap().write_all(&self.0).unwrap();
        assert!(psql.wait().unwrap().success());
        url
    }
}

fn binaries() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed");
    let mut found: Vec<PathBuf> =
        versions.map(|v| v.unwrap().path().join("bin")).filter(|p| p.join("initdb").exists()).collect();
    found.sort();
    found.pop().expect("PostgreSQL has its binaries")
}

/// The command as a user that PostgreSQL accepts: it refuses to run as root. It dies with its parent thread.
fn command(program: &Path) -> Command {
    let root = fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    let mut command = Command::new("setpriv");
    if root {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.args(["--pdeathsig", "KILL", "--"]).arg(program).process_group(0).current_dir("/");
    command
}

fn start() -> Postgres {
    let binaries = binaries();
    let base = std::env::temp_dir().join("daybridge-tests");
    fs::create_dir_all(&base).unwrap();
    let _ = fs::set_permissions(&base, fs::Permissions::from_mode(0o777));
    remove_leftovers(&base);
    let home = base.join(format!("postgres-{}", std::process::id()));
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o777)).unwrap();
    let data = home.join("data");
    let made = command(&binaries.join("initdb"))
        .args(["-U", "daybridge", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
        .arg(&data)
        .output()
        .unwrap();
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let [port] = super::rabbitmq::free_ports();
    let log = fs::File::create(home.join("log")).unwrap();
    let (started, wait) = mpsc::channel();
    let program = binaries.join("postgres");
    std::thread::spawn(move || {
        let mut server = command(&program)
            .arg("-D")
            .arg(&data)
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k", ""])
            .args(["-c", "fsync=off", "-c", "max_connections=300", "-c", "shared_buffers=64MB"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        started.send(()).unwrap();
        // Keeps this thread, whose end would end the server.
        let _ = server.wait();
    });
    wait.recv().unwrap();
    let cluster = Postgres { port, binaries };
    let until = Instant::now() + Duration::from_secs(START_S_MAX);
    while !ready(&cluster) {
        let log = || fs::read_to_string(home.join("log")).unwrap_or_default();
        assert!(Instant::now() < until, "PostgreSQL did not start: {}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
    cluster
}

fn ready(cluster: &Postgres) -> bool {
    Command::new(cluster.binaries.join("pg_isready"))
        .args(["-q", "-h", "127.0.0.1", "-p", &cluster.port.to_string()])
        .status()
        .is_ok_and(|status| status.success())
}

/// Removes the directories of processes that are gone.
fn remove_leftovers(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix("postgres-"));
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
