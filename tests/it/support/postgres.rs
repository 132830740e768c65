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
        atomic::{AtomicBool, AtomicU32, Ordering},
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
/// Commits are on the disk before they are answered, as a benchmark wants it; tests stop the server, not the machine.
pub(crate) static SYNCED: AtomicBool = AtomicBool::new(false);
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

/// Runs a statement as the cluster's superuser on the database of a URL; what it tells, a row a line.
pub(crate) fn sql(url: &str, statement: &str) -> String {
    let arguments = ["-v", "ON_ERROR_STOP=1", "-Atc", statement, url];
    let told = Command::new(binaries().join("psql")).args(arguments).output().unwrap();
    assert!(told.status.success(), "{statement}: {}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8_lossy(&told.stdout).trim().to_owned()
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

    /// One that was kept.
    pub(crate) fn kept(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
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
pub(super) fn command(program: &Path) -> Command {
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
    let home = home("postgres");
    let data = home.join("data");
    init(&binaries, &data);
    let [port] = super::rabbitmq::free_ports();
    let cluster = Postgres { port, binaries };
    serve(&cluster, &home, &data);
    cluster
}

/// A directory for servers of this process.
pub(super) fn home(name: &str) -> PathBuf {
    let base = std::env::temp_dir().join("daybridge-tests");
    fs::create_dir_all(&base).unwrap();
    let _ = fs::set_permissions(&base, fs::Permissions::from_mode(0o777));
    remove_leftovers(&base);
    let home = base.join(format!("{name}-{}", std::process::id()));
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o777)).unwrap();
    home
}

fn init(binaries: &Path, data: &Path) {
    let made = command(&binaries.join("initdb"))
        .args(["-U", "daybridge", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
        .arg(data)
        .output()
        .unwrap();
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
}

/// Starts a server on a directory, and waits until it is ready.
fn serve(cluster: &Postgres, home: &Path, data: &Path) {
    let log = fs::File::options().create(true).append(true).open(home.join("log")).unwrap();
    let (started, wait) = mpsc::channel();
    let (program, port, data) = (cluster.binaries.join("postgres"), cluster.port, data.to_owned());
    std::thread::spawn(move || {
        let mut server = command(&program)
            .arg("-D")
            .arg(&data)
            // A second address: a pool may know a server by several.
            .args(["-h", "127.0.0.1,127.0.0.2", "-p", &port.to_string(), "-k", ""])
            .args(["-c", &format!("fsync={}", if SYNCED.load(Ordering::Relaxed) { "on" } else { "off" })])
            .args(["-c", "max_connections=300", "-c", "shared_buffers=64MB"])
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
    let until = Instant::now() + Duration::from_secs(START_S_MAX);
    while !ready(cluster) {
        let log = || fs::read_to_string(home.join("log")).unwrap_or_default();
        assert!(Instant::now() < until, "PostgreSQL did not start: {}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A primary and its asynchronous standby, which takes over at the same address. Every call blocks.
pub(crate) struct Pair {
    home: PathBuf,
    primary: Postgres,
    standby: Postgres,
}

static PAIRS: AtomicU32 = AtomicU32::new(0);

impl Pair {
    /// Both run; the standby follows.
    pub(crate) fn start() -> Self {
        let home = home(&format!("pair{}", PAIRS.fetch_add(1, Ordering::Relaxed)));
        let [one, two] = super::rabbitmq::free_ports();
        let node = |port| Postgres { port, binaries: binaries() };
        let pair = Self { primary: node(one), standby: node(two), home };
        init(&pair.primary.binaries, &pair.data("primary"));
        serve(&pair.primary, &pair.home, &pair.data("primary"));
        let copied = command(&pair.primary.binaries.join("pg_basebackup"))
            .args(["-h", "127.0.0.1", "-U", "daybridge", "-p", &one.to_string()])
            .args(["-R", "-X", "stream", "--no-sync", "-c", "fast", "-D"])
            .arg(pair.data("standby"))
            .output()
            .unwrap();
        assert!(copied.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&copied.stderr));
        serve(&pair.standby, &pair.home, &pair.data("standby"));
        pair
    }

    fn data(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// Where the ledger is, whoever serves it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://daybridge@127.0.0.1:{}/postgres", self.primary.port)
    }

    /// The standby alone.
    pub(crate) fn url_of_standby(&self) -> String {
        format!("postgres://daybridge@127.0.0.1:{}/postgres", self.standby.port)
    }

    /// Both of them, the standby first.
    pub(crate) fn url_of_both(&self) -> String {
        format!(
            "postgres://daybridge@127.0.0.1:{},127.0.0.1:{}/postgres",
            self.standby.port, self.primary.port
        )
    }

    /// Gives a file to the user that the servers run as, who alone may read it.
    pub(crate) fn owns(&self, file: &Path) {
        let like = fs::metadata(self.data("primary")).unwrap();
        let (user, group) =
            (std::os::unix::fs::MetadataExt::uid(&like), std::os::unix::fs::MetadataExt::gid(&like));
        std::os::unix::fs::chown(file, Some(user), Some(group)).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Waits until the standby has all, and stops it: what is committed from now on, it will never have.
    pub(crate) fn part(&self) {
        let now = ask(&self.primary, "SELECT pg_current_wal_lsn()");
        let until = Instant::now() + Duration::from_secs(START_S_MAX);
        while ask(&self.standby, &format!("SELECT pg_last_wal_replay_lsn() >= '{now}'")) != "t" {
            assert!(Instant::now() < until, "the standby does not follow");
            std::thread::sleep(Duration::from_millis(50));
        }
        self.stop("standby");
    }

    /// The standby takes over beside the primary, which nobody stops.
    pub(crate) fn promote_beside(&self) {
        let promoted = self.control(&["promote", "-w", "-t", "120"], "standby");
        assert!(promoted.status.success(), "promote: {}", String::from_utf8_lossy(&promoted.stderr));
    }

    /// The primary dies, and the standby takes over at its address.
    pub(crate) fn fail_over(&self) {
        self.stop("primary");
        serve(&self.primary, &self.home, &self.data("standby"));
        self.promote_beside();
    }

    /// The old primary is let in again.
    pub(crate) fn take_back(&self) {
        self.stop("standby");
        serve(&self.primary, &self.home, &self.data("primary"));
    }

    fn stop(&self, name: &str) {
        let stopped = self.control(&["stop", "-m", "immediate", "-w", "-t", "120"], name);
        assert!(stopped.status.success(), "stop: {}", String::from_utf8_lossy(&stopped.stderr));
    }

    fn control(&self, arguments: &[&str], name: &str) -> std::process::Output {
        let control = self.primary.binaries.join("pg_ctl");
        command(&control).args(arguments).arg("-D").arg(self.data(name)).output().unwrap()
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for name in ["primary", "standby"] {
            let _ = self.control(&["stop", "-m", "immediate"], name);
        }
    }
}

/// A cluster of a test's own, which it starts and stops. Every call blocks.
pub(crate) struct Own {
    home: PathBuf,
    cluster: Postgres,
}

static OWN: AtomicU32 = AtomicU32::new(0);

impl Own {
    /// Made, and not running.
    pub(crate) fn stopped() -> Self {
        let home = home(&format!("own{}", OWN.fetch_add(1, Ordering::Relaxed)));
        let [port] = super::rabbitmq::free_ports();
        let own = Self { cluster: Postgres { port, binaries: binaries() }, home };
        init(&own.cluster.binaries, &own.home.join("data"));
        own
    }

    /// Before it starts: it takes nobody but by TLS, with a certificate of this CA whose name is the role's.
    pub(crate) fn asks_for_certificates(&self, ca: &Path, cert: &Path, key: &Path) {
        let data = self.home.join("data");
        let like = fs::metadata(&data).unwrap();
        let (user, group) =
            (std::os::unix::fs::MetadataExt::uid(&like), std::os::unix::fs::MetadataExt::gid(&like));
        std::os::unix::fs::chown(key, Some(user), Some(group)).unwrap();
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
        let settings = data.join("postgresql.conf");
        let more = format!(
            "ssl = on\nssl_ca_file = '{}'\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
            ca.display(),
            cert.display(),
            key.display()
        );
        fs::write(&settings, fs::read_to_string(&settings).unwrap() + more.as_str()).unwrap();
        fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 cert\n").unwrap();
    }

    /// Where its database is, running or not.
    pub(crate) fn url(&self) -> String {
        format!("postgres://daybridge@127.0.0.1:{}/postgres", self.cluster.port)
    }

    /// Waits until it is ready.
    pub(crate) fn start(&self) {
        serve(&self.cluster, &self.home, &self.home.join("data"));
    }

    /// At once, connections or not.
    pub(crate) fn stop(&self) {
        let stopped = self.control();
        assert!(stopped.status.success(), "stop: {}", String::from_utf8_lossy(&stopped.stderr));
    }

    fn control(&self) -> std::process::Output {
        command(&self.cluster.binaries.join("pg_ctl"))
            .args(["stop", "-m", "immediate", "-w", "-t", "120", "-D"])
            .arg(self.home.join("data"))
            .output()
            .unwrap()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.control();
    }
}

/// One value that a server tells.
fn ask(cluster: &Postgres, question: &str) -> String {
    let told = Command::new(cluster.binaries.join("psql"))
        .args(["-h", "127.0.0.1", "-U", "daybridge", "-p", &cluster.port.to_string(), "-Atc", question])
        .arg("postgres")
        .output()
        .unwrap();
    assert!(told.status.success(), "{question}: {}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8_lossy(&told.stdout).trim().to_owned()
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
        let ours =
            |name: &&str| ["postgres-", "pair", "own", "pool"].iter().any(|kind| name.starts_with(kind));
        let pid = name.to_str().filter(ours).and_then(|name| name.rsplit('-').next());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
