//! The unit and the example settings: what can be checked of a service on a machine that systemd does not run.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use daybridge::config::{Config, check, load};
use serde_json::json;

use super::{committed, edited};
use crate::support::{daybridge::House, rabbitmq::spawn, wait::soon};

const BINARY: &str = env!("CARGO_BIN_EXE_daybridge");
const UNIT: &str = "systemd/daybridge@.service";
const ROLES: [&str; 3] = ["run", "serve", "work"];

/// systemd's own measure, in tenths: 0 is safest, 100 is a service without any limits.
const EXPOSURE_TENTHS_MAX: &str = "15";

fn example() -> Config {
    load::parse(&committed("daybridge.toml"), Vec::new()).unwrap()
}

/// The one value of a key in a file of `key=value` or `key value;` lines.
fn value(text: &str, key: &str) -> String {
    let mut lines = text.lines().filter_map(|line| line.trim().strip_prefix(key));
    let found = lines.next().unwrap_or_else(|| panic!("no {key:?}"));
    assert!(lines.next().is_none(), "{key:?} stands there twice");
    found.trim_end_matches(';').trim().to_owned()
}

fn seconds(text: &str, key: &str) -> Duration {
    humantime::parse_duration(&value(text, key)).unwrap()
}

#[test]
fn the_example_settings_hold_together() {
    let config = example();
    assert_eq!(check::contradictions(&config), Vec::<String>::new());
    let text = committed("daybridge.toml");
    for section in ["server", "console", "queue", "ledger", "partner", "worker", "sources.stripe"] {
        assert!(text.contains(&format!("\n[{section}]\n")), "{section}");
    }
    // The optional parts parse too once their `# ` is gone, and show the defaults.
    let is_key = |line: &str| {
        line.split_once(" = ")
            .is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    let uncommented: String = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if is_key(rest) || rest.starts_with("[[") || rest.starts_with("[s") => rest,
            Some(_) | None => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let whole =
        load::parse(&uncommented, Vec::new()).unwrap_or_else(|error| panic!("{error}\n{uncommented}"));
    assert_eq!(check::contradictions(&whole), Vec::<String>::new());
    let (shown, defaults) = (format!("{:?}", whole.server), format!("{:?}", Config::default().server));
    assert_eq!(shown, defaults);
    assert_eq!(format!("{:?}", whole.worker), format!("{:?}", Config::default().worker));
    let source = whole.sources.get("stripe").unwrap();
    assert_eq!((source.prices.len(), source.per_day.as_ref().unwrap().amount), (1, 30));
}

#[test]
fn the_limits_of_proxies_unit_and_settings_fit() {
    let (config, unit) = (example(), committed(UNIT));
    let (site, locations) = (committed("nginx/daybridge.conf"), committed("nginx/daybridge-locations.conf"));
    assert_eq!(value(&locations, "client_max_body_size "), config.server.max_body_bytes.to_string());
    assert!(seconds(&locations, "proxy_read_timeout ") > config.server.confirm_timeout);
    assert!(seconds(&site, "keepalive_timeout ") < config.server.head_timeout);
    assert_eq!(value(&site, "server 127"), format!(".0.0.1:{} max_fails=0", 8080));
    assert_eq!(config.server.listen, "127.0.0.1:8080");
    let (haproxy, caddy) = (committed("haproxy/daybridge.cfg"), committed("caddy/Caddyfile"));
    let long = format!("gt {} }}", config.server.max_body_bytes);
    assert!(haproxy.contains(&long), "{long}");
    assert!(seconds(&haproxy, "timeout server ") > config.server.confirm_timeout);
    assert!(
        seconds(&haproxy, "server receiver 127.0.0.1:8080 pool-purge-delay ") < config.server.head_timeout
    );
    assert_eq!(value(&caddy, "max_size "), config.server.max_body_bytes.to_string());
    let long = format!("> {}\n", config.server.max_body_bytes);
    assert!(caddy.contains(&long), "{long}");
    assert!(seconds(&caddy, "response_header_timeout ") > config.server.confirm_timeout);
    assert!(seconds(&caddy, "keepalive ") < config.server.head_timeout);
    assert!(caddy.contains(&format!("reverse_proxy {} {{", config.server.listen)));
    let fronts = format!("{site}{locations}{haproxy}{caddy}");
    assert!(!fronts.contains(&config.console.listen), "the console is not proxied");
    let stop = config.server.stop_timeout + config.worker.stop_timeout;
    assert!(seconds(&unit, "TimeoutStopSec=") >= stop + Duration::from_secs(10));
}

/// The unit as an instance, with this build's binary.
fn instance(folder: &Path, role: &str) -> std::path::PathBuf {
    let unit =
        edited(&committed(UNIT), "ExecStart=/usr/local/bin/daybridge ", &format!("ExecStart={BINARY} "));
    let path = folder.join(format!("daybridge@{role}.service"));
    fs::write(&path, unit).unwrap();
    path
}

#[test]
fn systemd_finds_the_unit_correct_and_narrow() {
    if Command::new("systemd-analyze").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("not checked: no systemd-analyze here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for role in ROLES {
        let path = instance(folder.path(), role);
        let verify =
            Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&verify.stderr).into_owned();
        // It also reads the machine's own units; only ours matters.
        assert!(verify.status.success() && !said.contains("daybridge@"), "{said}");
        let security = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--threshold", EXPOSURE_TENTHS_MAX])
            .arg(&path)
            .output()
            .unwrap();
        assert!(security.status.success(), "{}", String::from_utf8_lossy(&security.stdout));
    }
}

/// ExecStart with the example settings; only addresses, files and secrets are this test's.
#[tokio::test(flavor = "multi_thread")]
async fn exec_start_runs_with_the_example_settings() {
    let house = House::build("embedded", None, "").await;
    house.sim("channels", json!({"id": "DEMOCH-AB12C", "days": 10, "mode": "live"})).await;
    let own: toml::Table = fs::read_to_string(house.path("daybridge.toml")).unwrap().parse().unwrap();
    let mut env = BTreeMap::new();
    variables("DAYBRIDGE", &toml::Value::Table(own), &mut env);
    let example = house.path("example.toml");
    fs::write(&example, committed("daybridge.toml")).unwrap();
    let start = value(&committed(UNIT), "ExecStart=");
    let start = edited(&start, "/usr/local/bin/daybridge", BINARY);
    let start = edited(&start, "/etc/daybridge/daybridge.toml", example.to_str().unwrap());
    let start = edited(&start, "%i", "run");
    let mut command = Command::new("setpriv");
    let log = house.path("run.log");
    command.args([
        "--no-new-privs",
        "--",
        "sh",
        "-c",
        "umask 0077; log=$1; shift; exec \"$@\" 2>\"$log\"",
        "sh",
    ]);
    command.arg(&log).args(start.split(' ')).envs(&env);
    let mut child = spawn(command);
    house.ready("run").await;
    let body = House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "30");
    assert_eq!(house.post(&body).await, 200);
    house.payment_is("stripe/pi_1", "credited").await;
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
    assert!(soon("it stops", ended).await.unwrap().success(), "{}", house.log("run"));
}

/// Every key of a settings file as the variable that sets it.
fn variables(name: &str, value: &toml::Value, into: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            let joint = if name == "DAYBRIDGE" { "_" } else { "__" };
            for (key, value) in table {
                variables(&format!("{name}{joint}{}", key.to_uppercase()), value, into);
            }
        }
        toml::Value::String(_)
        | toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_) => {
            into.insert(name.to_owned(), value.to_string());
        }
    }
}
