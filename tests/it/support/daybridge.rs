//! daybridge's own processes, as an operator starts them: one settings file, one folder, real ports.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use daybridge::{
    config::{self, Source},
    provider::sample::Sample,
    webhook::signature,
};
use secrecy::SecretString;
use serde_json::Value;
use tempfile::TempDir;

use super::{
    rabbitmq::{free_ports, spawn},
    wait::until,
};

/// Signing secret of the source `stripe`.
pub(crate) const SECRET: &str = "whsec_it_0123456789abcdef0123456789";

/// Partner token of the simulator.
pub(crate) const TOKEN: &str = "it-partner-token";

const BINARY: &str = env!("CARGO_BIN_EXE_daybridge");

/// A folder with settings, the simulator, and the processes started from it.
pub(crate) struct House {
    folder: TempDir,
    pub(crate) server: u16,
    console: u16,
    worker_console: u16,
    admin: u16,
    processes: BTreeMap<String, Child>,
    http: reqwest::Client,
}

impl House {
    /// `queue` and `ledger` as in the settings; `extra` is appended to the file. The ledger may grant whatever was
    /// paid, for bodies that tests have are old.
    pub(crate) async fn build(queue: &str, ledger: Option<&str>, extra: &str) -> Self {
        let house = Self::new(queue, ledger, extra).await;
        let adopted = house.command(&["ledger", "adopt", "--since", "1970-01-02"]);
        assert!(adopted.status.success(), "{}", String::from_utf8_lossy(&adopted.stderr));
        house
    }

    /// The same, with no ledger yet.
    pub(crate) async fn new(queue: &str, ledger: Option<&str>, extra: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let [server, console, worker_console, api, admin] = free_ports();
        let ledger =
            ledger.map_or_else(|| format!("sqlite:{}/ledger.db", folder.path().display()), str::to_owned);
        let text = format!(
            r#"
[server]
listen = "127.0.0.1:{server}"
[console]
listen = "127.0.0.1:{console}"
[queue]
url = "{queue}"
[ledger]
url = "{ledger}"
[partner]
base_url = "http://127.0.0.1:{api}"
token = "{TOKEN}"
calls_per_second_max = 500
call_timeout = "2s"
settle_window = "5s"
{extra}
"#
        );
        // Tests pay more for a few channels than such an account would.
        let text = if text.contains("[brake]") {
            text
        } else {
            format!("[brake]\naccount_days_min = 30000\n{text}")
        };
        let text = if text.contains("[sources.") {
            text
        } else {
            format!("{text}\n[sources.stripe]\nprovider = \"stripe\"\nsecrets = [\"{SECRET}\"]\n")
        };
        config::load::parse(&text, Vec::new()).unwrap();
        fs::write(folder.path().join("daybridge.toml"), text).unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut house =
            Self { folder, server, console, worker_console, admin, processes: BTreeMap::new(), http };
        house.start_sim(api).await;
        house
    }

    async fn start_sim(&mut self, api: u16) {
        let (listen, admin) = (format!("127.0.0.1:{api}"), format!("127.0.0.1:{}", self.admin));
        let arguments =
            ["sim", "--listen", &listen, "--admin", &admin, "--token", TOKEN, "--balance", "1000000"];
        self.spawn("sim", &arguments, &[]);
        until("the simulator is up", || async { self.sim_state().await }).await;
    }

    fn spawn(&mut self, name: &str, arguments: &[&str], env: &[(&str, String)]) {
        self.spawn_after("", name, arguments, env);
    }

    /// `before`: a line of the shell that starts it.
    fn spawn_after(&mut self, before: &str, name: &str, arguments: &[&str], env: &[(&str, String)]) {
        let log = self.log_path(name);
        let mut command = Command::new("sh");
        let line = "cd \"$1\" && shift && log=$1 && shift && exec \"$@\" >>\"$log\" 2>&1";
        command.args(["-c", &format!("{before}\n{line}"), "sh"]);
        command.arg(self.folder.path()).arg(log).arg(BINARY).args(arguments);
        for (name, value) in env {
            command.env(name, value);
        }
        self.processes.insert(name.to_owned(), spawn(command));
    }

    fn log_path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    /// All that a process has logged.
    pub(crate) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.log_path(name)).unwrap_or_default()
    }

    /// Replaces a text of the settings file, which must stand there.
    pub(crate) fn set(&self, from: &str, to: &str) {
        let path = self.path("daybridge.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} is not in the settings");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    /// What the panel's Billing History shows: a line for each extension that was applied, with its comment.
    pub(crate) async fn billing_history(&self) -> String {
        let state = self.sim_state().await.unwrap();
        let applied = state["extends"].as_array().unwrap().iter().filter(|e| e["applied"] == true);
        applied.map(|e| format!("{} {} {}\n", e["at"], e["days"], e["comment"])).collect()
    }

    /// Path inside the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts `run`, `serve` or `work` and waits until it is ready.
    pub(crate) async fn start(&mut self, role: &str) {
        self.start_as(role, role, &[]).await;
        self.ready(role).await;
    }

    /// Starts a role in a shell that has said something before, such as `ulimit -n 300`, and waits until it is ready.
    pub(crate) async fn start_after(&mut self, before: &str, role: &str) {
        self.spawn_after(before, role, &[role], &[]);
        self.ready(role).await;
    }

    /// Starts a role under another name, with more variables; does not wait.
    pub(crate) async fn start_as(&mut self, name: &str, role: &str, env: &[(&str, String)]) {
        let mut env = env.to_vec();
        if role == "work" {
            env.insert(0, ("DAYBRIDGE_CONSOLE__LISTEN", format!("127.0.0.1:{}", self.worker_console)));
        }
        self.spawn(name, &[role], &env);
    }

    /// Starts a command; does not wait.
    pub(crate) fn begin(&mut self, name: &str, arguments: &[&str]) {
        self.spawn(name, arguments, &[]);
    }

    /// Waits until a command has ended; returns its exit code.
    pub(crate) async fn ended(&mut self, name: &str) -> Option<i32> {
        let mut child = self.processes.remove(name).unwrap();
        tokio::task::spawn_blocking(move || child.wait().unwrap().code()).await.unwrap()
    }

    /// Waits until a role is ready.
    pub(crate) async fn ready(&self, role: &str) {
        let port = if role == "work" { self.worker_console } else { self.console };
        let url = format!("http://127.0.0.1:{port}/readyz");
        until(&format!("{role} is ready"), || async {
            let answer = self.http.get(&url).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// What a role's console answers at a path; `None`: it does not listen.
    pub(crate) async fn look(&self, role: &str, path: &str) -> Option<(u16, String)> {
        let port = if role == "work" { self.worker_console } else { self.console };
        let answer = self.http.get(format!("http://127.0.0.1:{port}{path}")).send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// The lines that a process has logged, at a level.
    pub(crate) fn lines(&self, name: &str, level: &str) -> Vec<Value> {
        let log = self.log(name);
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["level"] == level).collect()
    }

    /// Address of the console of `run` or `serve`.
    pub(crate) fn site(&self) -> String {
        format!("http://127.0.0.1:{}", self.console)
    }

    /// Text of a console's page.
    pub(crate) async fn console(&self, path: &str) -> (u16, String) {
        let answer = self.http.get(self.site() + path).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The most memory that a process has ever had, in KiB.
    pub(crate) fn memory_kib(&self, name: &str) -> u64 {
        self.status_kib(name, "VmHWM:")
    }

    /// The memory that a process has now, in KiB.
    pub(crate) fn resident_kib(&self, name: &str) -> u64 {
        self.status_kib(name, "VmRSS:")
    }

    fn status_kib(&self, name: &str, key: &str) -> u64 {
        let status = self.proc(name, "status");
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    pub(crate) fn pid(&self, name: &str) -> u32 {
        self.processes[name].id()
    }

    /// What a line of the shell prints, run in the folder with the program as `$0`.
    pub(crate) fn shell(&self, line: &str) -> String {
        let output =
            Command::new("sh").args(["-c", line, BINARY]).current_dir(self.folder.path()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What the system tells of a process.
    pub(crate) fn proc(&self, name: &str, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.processes[name].id())).unwrap()
    }

    /// kill -9
    pub(crate) fn kill(&mut self, name: &str) {
        let mut child = self.processes.remove(name).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM; returns the exit code.
    pub(crate) async fn stop(&mut self, name: &str) -> Option<i32> {
        let mut child = self.processes.remove(name).unwrap();
        assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
        tokio::task::spawn_blocking(move || child.wait().unwrap().code()).await.unwrap()
    }

    /// Runs a command to its end.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        self.command_with(arguments, Stdio::null())
    }

    /// The same, with more variables.
    pub(crate) fn command_in(&self, arguments: &[&str], env: &[(&str, String)]) -> Output {
        let mut command = Command::new(BINARY);
        command.stdin(Stdio::null()).args(arguments).current_dir(self.folder.path()).env("RUST_LOG", "off");
        command.envs(env.iter().map(|(name, value)| (name, value))).output().unwrap()
    }

    /// The same, with something on its standard input.
    pub(crate) fn command_with(&self, arguments: &[&str], input: Stdio) -> Output {
        Command::new(BINARY)
            .stdin(input)
            .args(arguments)
            .current_dir(self.folder.path())
            .env("RUST_LOG", "off")
            .output()
            .unwrap()
    }

    /// Runs a command that prints JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Declares the ledger restored, of however many transfers that holds.
    pub(crate) fn restored(&self, since: &str) -> Output {
        let declare = ["ledger", "restored", "--since", since, "--json"];
        let would = self.command(&[&declare[..], &["--dry-run"]].concat());
        let would: Value = serde_json::from_slice(&would.stdout).unwrap_or(Value::Null);
        let count = would["count"].as_u64().unwrap_or(0).to_string();
        self.command(&[&declare[..], &["--yes", &count]].concat())
    }

    /// Waits until a payment is in a state; returns it whole.
    pub(crate) async fn payment_is(&self, key: &str, state: &str) -> Value {
        let mut last = Value::Null;
        for _ in 0..600 {
            let output = self.command(&["payments", "show", key, "--json"]);
            last = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
            if last["state"] == state {
                return last;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{key} is not {state}: {last:#}\n{}", self.log("work") + self.log("run").as_str());
    }

    /// A sample event of the source `stripe`.
    pub(crate) fn event(kind: &str, event: &str, payment: &str, channel: &str, days: &str) -> Vec<u8> {
        let sample = Sample {
            event_id: event.into(),
            payment: payment.into(),
            channel: channel.into(),
            days: days.into(),
            amount: 900,
            currency: "usd".into(),
            livemode: true,
            created_s: now_s(),
        };
        sample.body(&Source::of_preset("stripe").unwrap(), kind).unwrap()
    }

    /// Posts a signed body; returns the status, or 0 where there was no answer.
    pub(crate) async fn post(&self, body: &[u8]) -> u16 {
        self.post_to(&format!("http://127.0.0.1:{}/webhooks/stripe", self.server), body, &sign(body, now_s()))
            .await
    }

    /// Posts a body with a signature of one's own.
    pub(crate) async fn post_to(&self, url: &str, body: &[u8], signature: &str) -> u16 {
        let request = self.http.post(url).header("stripe-signature", signature).body(body.to_vec());
        request.send().await.map_or(0, |answer| answer.status().as_u16())
    }

    /// The simulator's ground truth.
    pub(crate) async fn sim_state(&self) -> Option<Value> {
        let url = format!("http://127.0.0.1:{}/_sim/state", self.admin);
        let text = self.http.get(url).send().await.ok()?.text().await.ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Changes the simulator.
    pub(crate) async fn sim(&self, path: &str, body: Value) {
        let url = format!("http://127.0.0.1:{}/_sim/{path}", self.admin);
        let answer = self.http.post(url).body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }

    /// Takes something away from the simulator.
    pub(crate) async fn sim_without(&self, path: &str) {
        let url = format!("http://127.0.0.1:{}/_sim/{path}", self.admin);
        let answer = self.http.delete(url).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }

    /// How often the partner applied days whose comment names this payment.
    pub(crate) async fn applied(&self, key: &str) -> usize {
        assert!(!key.contains('#'), "{key} is a transfer, and this counts those of a payment");
        let state = self.sim_state().await.unwrap();
        let key = format!(" {key}#");
        let extends = state["extends"].as_array().unwrap();
        extends
            .iter()
            .filter(|e| e["applied"] == true && e["comment"].as_str().is_some_and(|c| c.contains(&key)))
            .count()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for child in self.processes.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Seconds since epoch.
pub(crate) fn now_s() -> i64 {
    daybridge::clock::now_ms() / 1000
}

/// A good signature of [`SECRET`] at a time.
pub(crate) fn sign(body: &[u8], at_s: i64) -> String {
    let source = Source::of_preset("stripe").unwrap();
    let signed = signature::sign(&source, &SecretString::from(SECRET), body, "", at_s * 1000).unwrap();
    signed.headers[0].1.clone()
}
