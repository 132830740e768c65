//! A private pgbouncer of Debian's package before a private PostgreSQL: own folder, port and settings. It is stopped when it
//! is dropped, and by the kernel when the test process ends.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Child,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use super::{
    postgres::{command, home},
    rabbitmq::{free_ports, spawn},
};

/// How long it may take to listen; the machine may be busy.
const START_MAX: Duration = Duration::from_secs(60);

/// How long a connection keeps a session of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    Session,
    Transaction,
}

/// A running pool.
pub(crate) struct Pgbouncer {
    home: PathBuf,
    port: u16,
    database: String,
    process: Child,
}

static POOLS: AtomicU32 = AtomicU32::new(0);

impl Pgbouncer {
    /// Before the database of a URL, with so many sessions of the server; `more` are lines of its settings.
    pub(crate) fn start(url: &str, mode: Mode, sessions: u32, more: &str) -> Self {
        let (server, database) = url.rsplit_once('/').unwrap();
        let server_port = server.rsplit_once(':').unwrap().1;
        let home = home(&format!("pool{}", POOLS.fetch_add(1, Ordering::Relaxed)));
        let [port] = free_ports();
        let mode = match mode {
            Mode::Session => "session",
            Mode::Transaction => "transaction",
        };
        // Two addresses of one server, which it uses in turn.
        let settings = format!(
            "[databases]\n{database} = host=127.0.0.1,127.0.0.2 port={server_port} dbname={database}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {home}/users\nlogfile = {home}/log\n\
             pool_mode = {mode}\ndefault_pool_size = {sessions}\nserver_login_retry = 1\n{more}\n",
            home = home.display()
        );
        fs::write(home.join("settings"), settings).unwrap();
        fs::write(home.join("users"), "\"daybridge\" \"\"\n").unwrap();
        let mut program = command(Path::new("/usr/sbin/pgbouncer"));
        program.arg("-q").arg(home.join("settings"));
        let pool = Self { process: spawn(program), database: database.to_owned(), home, port };
        let until = Instant::now() + START_MAX;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "pgbouncer did not start: {}", pool.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        pool
    }

    /// The database, through it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://daybridge@127.0.0.1:{}/{}", self.port, self.database)
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }

    /// Connections to it so far that were let in.
    pub(crate) fn logins(&self) -> usize {
        self.log().matches("login attempt: ").count()
    }
}

impl Drop for Pgbouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.home);
    }
}
