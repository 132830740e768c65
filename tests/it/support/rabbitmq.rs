//! A private RabbitMQ node of Debian's package: own folder, ports, cookie and epmd; the system's broker is
//! not touched. Nothing stays behind: every child is killed by the kernel when the test process ends, however
//! it ends. The kernel ties that to the *thread* that started the child, so one thread starts them all and
//! lives as long as the process.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// Where Debian keeps the real scripts; those in the path change user and folder.
const SCRIPTS: &str = "/usr/lib/rabbitmq/bin";

/// Variable with the folder of another Debian (debootstrap, with this machine's `/tmp`, `/proc` and `/dev`) whose
/// RabbitMQ is to be tried instead of this machine's; the system temporary folder must be the same in both.
const ROOT: &str = "RABBITMQ_ROOT";

/// Longest time for a node to start; it takes 5 to 8 s on an idle machine.
const START_MAX: Duration = Duration::from_secs(120);

/// Virtual hosts made at a time: each call of `rabbitmqctl` takes seconds.
const VHOSTS: usize = 8;

/// A node, killed when dropped.
pub(crate) struct Broker {
    dir: PathBuf,
    port: u16,
    dist_port: u16,
    epmd_port: u16,
    epmd: Mutex<Child>,
    node: Mutex<Option<Child>>,
    vhosts: Mutex<Vec<String>>,
}

impl Broker {
    /// Starts a node and waits until it takes connections.
    pub(crate) fn start() -> Self {
        Self::start_with("[].\n", "")
    }

    /// The same with the management API on a port.
    pub(crate) fn start_managed(port: u16) -> Self {
        let broker = Self::start_with(
            "[rabbitmq_management].\n",
            &format!("management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {port}\n"),
        );
        await_port(port);
        broker
    }

    /// The same with a TLS port beside the plain one; it asks every client for a certificate of the authority.
    pub(crate) fn start_tls(port: u16, ca: &Path, cert: &Path, key: &Path) -> Self {
        let broker = Self::start_with(
            "[rabbitmq_auth_mechanism_ssl].\n",
            &format!(
                "listeners.ssl.1 = 127.0.0.1:{port}\nnum_acceptors.ssl = 2\nssl_options.cacertfile = {}\n\
                 ssl_options.certfile = {}\nssl_options.keyfile = {}\nssl_options.verify = verify_peer\n\
                 ssl_options.fail_if_no_peer_cert = true\nauth_mechanisms.1 = PLAIN\nauth_mechanisms.2 = EXTERNAL\n\
                 ssl_cert_login_from = common_name\n",
                ca.display(),
                cert.display(),
                key.display()
            ),
        );
        await_port(port);
        broker
    }

    fn start_with(plugins: &str, conf: &str) -> Self {
        sweep_old();
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("{PREFIX}{}-{number}", std::process::id()));
        fs::create_dir_all(dir.join("home")).unwrap();
        let [port, dist_port, epmd_port] = free_ports();
        let home = dir.join("home");
        let cookie = home.join(".erlang.cookie");
        fs::write(&cookie, "DAYBRIDGETEST").unwrap();
        fs::set_permissions(&cookie, fs::Permissions::from_mode(0o400)).unwrap();
        fs::write(home.join("enabled_plugins"), plugins).unwrap();
        fs::write(home.join("env.conf"), "").unwrap();
        fs::write(
            home.join("rabbitmq.conf"),
            format!("listeners.tcp.1 = 127.0.0.1:{port}\nnum_acceptors.tcp = 2\nlog.console = false\n{conf}"),
        )
        .unwrap();
        let mut epmd = Command::new("epmd");
        epmd.args(["-port", &epmd_port.to_string(), "-address", "127.0.0.1"]);
        let epmd = Mutex::new(spawn(epmd));
        await_port(epmd_port);
        let broker =
            Self { dir, port, dist_port, epmd_port, epmd, node: Mutex::new(None), vhosts: Mutex::default() };
        broker.start_again();
        broker
    }

    /// One node for all tests that do not kill it.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// URL of a virtual host; `%2f` is the default one.
    pub(crate) fn amqp_url(&self, vhost: &str) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/{vhost}", self.port)
    }

    /// A user without a tag, with these rights (configure, write, read) on a virtual host; URL of the two.
    pub(crate) fn new_user(&self, name: &str, vhost: &str, rights: [&str; 3]) -> String {
        self.ctl(&["add_user", name, "password"]);
        self.ctl(&[&["set_permissions", "-p", vhost, name], &rights[..]].concat());
        format!("amqp://{name}:password@127.0.0.1:{}/{vhost}", self.port)
    }

    /// A virtual host nobody used.
    pub(crate) fn new_vhost(&self) -> String {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let mut vhosts = self.vhosts.lock().unwrap();
        if vhosts.is_empty() {
            let first = NUMBER.fetch_add(VHOSTS, Ordering::Relaxed);
            vhosts.extend((first..first + VHOSTS).map(|number| format!("t{number}")));
            let names: Vec<_> = vhosts.iter().map(|name| format!("<<\"{name}\">>")).collect();
            self.ctl(&[
                "eval",
                &format!(
                    "[begin rabbit_vhost:add(V, <<\"test\">>), rabbit_auth_backend_internal:set_permissions(\
                     <<\"guest\">>, V, <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"test\">>) end || V <- [{}]].",
                    names.join(",")
                ),
            ]);
        }
        vhosts.pop().unwrap()
    }

    /// Kills the node as `kill -9` does. Its data stay.
    pub(crate) fn kill(&self) {
        if let Some(mut node) = self.node.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = node.kill();
            let _ = node.wait();
        }
    }

    /// Removes the data of a node that is down.
    pub(crate) fn lose_disk(&self) {
        assert!(self.node.lock().unwrap().is_none(), "the node runs");
        fs::remove_dir_all(self.dir.join("mnesia")).unwrap();
    }

    /// Starts the node on the same data and ports, and waits until it takes connections.
    pub(crate) fn start_again(&self) {
        let mut node = self.node.lock().unwrap();
        assert!(node.is_none(), "the node runs");
        *node = Some(spawn(self.script("rabbitmq-server")));
        await_port(self.port);
    }

    /// Runs `rabbitmqctl` and gives its output.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> String {
        let output = self.script("rabbitmqctl").args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "rabbitmqctl {arguments:?}: {} {}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs lines of a page in a shell whose `rabbitmqctl` is this node's, from the checkout.
    pub(crate) fn shell(&self, lines: &str, env: &[(&str, &str)]) {
        let ctl = self.script("rabbitmqctl");
        let words: Vec<_> = std::iter::once(ctl.get_program()).chain(ctl.get_args()).collect();
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        let mut shell = Command::new("sh");
        shell.args(["-euc", &format!("rabbitmqctl() {{ {} \"$@\"; }}\n{lines}", words.join(" "))]);
        for (name, value) in ctl.get_envs() {
            shell.env(name, value.unwrap());
        }
        shell.envs(env.iter().copied()).current_dir(env!("CARGO_MANIFEST_DIR"));
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{lines}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn script(&self, name: &str) -> Command {
        let home = self.dir.join("home");
        let script = Path::new(SCRIPTS).join(name);
        let mut command = match std::env::var_os(ROOT) {
            Some(root) => {
                let mut command = Command::new("chroot");
                command.arg(root).arg(script);
                command
            }
            None => Command::new(script),
        };
        command
            .env("HOME", &home)
            .env("RABBITMQ_NODENAME", format!("t{}@localhost", self.port))
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_DIST_PORT", self.dist_port.to_string())
            .env("RABBITMQ_MNESIA_BASE", self.dir.join("mnesia"))
            .env("RABBITMQ_LOG_BASE", self.dir.join("log"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", home.join("enabled_plugins"))
            .env("RABBITMQ_CONFIG_FILE", home.join("rabbitmq"))
            .env("RABBITMQ_CONF_ENV_FILE", home.join("env.conf"))
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            // Ours runs; a missing one must be an error, not a daemon that stays.
            .env("ERL_AFLAGS", "-start_epmd false")
            // The script becomes the node instead of waiting for it, so that killing it kills the node.
            .env("RUNNING_UNDER_SYSTEMD", "true")
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+sbwt none +sbwtdcpu none +sbwtdio none")
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
        let mut epmd = self.epmd.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = epmd.kill();
        let _ = epmd.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Starts a child that dies with this process.
pub(crate) fn spawn(command: Command) -> Child {
    type Order = (Command, mpsc::Sender<std::io::Result<Child>>);
    static SPAWNER: OnceLock<Mutex<mpsc::Sender<Order>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, done) in inbox {
                let _ = done.send(command.spawn());
            }
        });
        Mutex::new(orders)
    });
    let mut bound = Command::new("setpriv");
    bound.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        bound.env(name, value.unwrap());
    }
    bound.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let (done, child) = mpsc::channel();
    spawner.lock().unwrap().send((bound, done)).unwrap();
    child.recv().unwrap().unwrap()
}

/// Where the system takes no port from for a connection out (32768 and up on Linux): a port that is free now stays so
/// until its server starts, however many connections the other tests make.
const PORTS: std::ops::Range<u16> = 12_000..32_000;

/// Ports nobody listens on now, each given once by this process.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let span = u32::from(PORTS.end - PORTS.start);
    // Two processes of tests begin at different places.
    let first = std::process::id().wrapping_mul(97);
    std::array::from_fn(|_| {
        for _ in 0..span {
            let step = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % span;
            let port = PORTS.start + u16::try_from(step).unwrap();
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
        panic!("no port of {PORTS:?} is free");
    })
}

fn await_port(port: u16) {
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(start.elapsed() < START_MAX, "nobody listens on port {port}");
        thread::sleep(Duration::from_millis(50));
    }
}

const PREFIX: &str = "daybridge-rabbit-";

/// Removes folders of test processes that are gone: the shared node's is never dropped.
fn sweep_old() {
    for entry in fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        if let Some(pid) = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next())
            && !Path::new("/proc").join(pid).exists()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
