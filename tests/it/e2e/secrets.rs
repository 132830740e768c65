//! Nothing that is said anywhere holds a secret: every role, every command, broken settings, refused logins and
//! a crash, all with `RUST_LOG=trace` and backtraces, and then every text is searched for every secret.

use std::process::{Command, Stdio};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use daybridge::{config::load, provider::Readers, webhook::Sources};
use serde_json::json;

use crate::support::{
    daybridge::{House, SECRET, TOKEN, now_s, sign},
    postgres::Postgres,
    rabbitmq::{Broker, free_ports},
    wait::until,
};

const CHANNEL: &str = "DEMOCH-AB12C";
const BROKER_USER: &str = "bridge";
const BROKER_PASSWORD: &str = "broker/Pw7+Zq81";
const LEDGER_PASSWORD: &str = "ledger/Pw3+Xk59";
const WRONG_PASSWORD: &str = "wrong/Pw5+Mn27";
const WRONG_TOKEN: &str = "wrongToken4Hj72";
const WRONG_SECRET: &str = "whsec_wrong6Bv90";
/// Stands in a body, and in nothing that is kept of it.
const BODY_MARK: &str = "bodyMark8Ty13";

/// What must stand nowhere.
const SECRETS: [&str; 9] = [
    SECRET,
    TOKEN,
    BROKER_PASSWORD,
    LEDGER_PASSWORD,
    WRONG_PASSWORD,
    WRONG_TOKEN,
    WRONG_SECRET,
    BODY_MARK,
    "simChannelToken9Of",
];

fn percent(text: &str) -> String {
    text.replace('/', "%2F").replace('+', "%2B")
}

/// A secret in every form in which it might be printed.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![
        secret.to_owned(),
        percent(secret),
        percent(secret).to_lowercase(),
        hex::encode(secret),
        hex::encode_upper(secret),
        // As Debug shows bytes.
        secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", "),
    ];
    // Inside a longer text, base64 begins at one of three places; the ends depend on the neighbours.
    for before in 0..3 {
        let whole = STANDARD_NO_PAD.encode([&b"..."[..before], secret.as_bytes()].concat());
        let inner = whole[before + 1..whole.len() - 1].to_owned();
        forms.push(inner.replace('+', "-").replace('/', "_"));
        forms.push(inner);
    }
    forms
}

/// Every text that was seen, with where.
#[derive(Default)]
struct Seen(Vec<(String, String)>);

impl Seen {
    fn add(&mut self, place: impl Into<String>, text: impl Into<String>) {
        self.0.push((place.into(), text.into()));
    }

    /// Runs a command in the house's folder at full volume.
    fn command(&mut self, house: &House, arguments: &[&str], env: &[(&str, String)]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_daybridge"));
        command.args(arguments).current_dir(house.path("")).stdin(Stdio::null());
        for (name, value) in loud().iter().chain(env) {
            command.env(name, value);
        }
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        self.add(format!("{arguments:?} {:?}", env.iter().map(|(name, _)| name).collect::<Vec<_>>()), &*text);
        text
    }

    /// Posts, and keeps the answer.
    async fn post(&mut self, url: &str, signature: &str, body: &[u8]) -> u16 {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = http.post(url).header("stripe-signature", signature).body(body.to_vec());
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let head = format!("{:?}", answer.headers());
        self.add(format!("POST {url}"), head + answer.text().await.unwrap().as_str());
        status
    }

    fn assert_clean(&self, more: &[String]) {
        let mut found = Vec::new();
        for secret in SECRETS.iter().map(|secret| (*secret).to_owned()).chain(more.iter().cloned()) {
            for form in forms(&secret) {
                // The one place that is there to show an operator the body.
                let may = |place: &str| secret == BODY_MARK && place.starts_with(r#"["events", "show""#);
                for (place, text) in self.0.iter().filter(|(place, _)| !may(place)) {
                    if let Some(at) = text.find(&form) {
                        let line = text[..at].rsplit('\n').next().unwrap_or_default();
                        found.push(format!("{secret} in {place}: {line}{form}"));
                    }
                }
            }
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

fn loud() -> Vec<(&'static str, String)> {
    vec![("RUST_LOG", "trace".into()), ("RUST_BACKTRACE", "full".into())]
}

/// An event whose body holds the mark.
fn event(payment: &str, channel: &str) -> Vec<u8> {
    let body = House::event("charge.succeeded", &format!("evt_{payment}"), payment, channel, "7");
    let mut marked = format!("{{\"note\":\"{BODY_MARK}\",").into_bytes();
    marked.extend_from_slice(body.strip_prefix(b"{").unwrap());
    marked
}

fn amqp(broker: &Broker, vhost: &str, password: &str) -> String {
    broker.amqp_url(vhost).replace("guest:guest", &format!("{BROKER_USER}:{}", percent(password)))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_told_by_anything() {
    let broker = Broker::shared();
    let vhost = broker.new_vhost();
    broker.ctl(&["add_user", BROKER_USER, BROKER_PASSWORD]);
    broker.ctl(&["set_permissions", "-p", &vhost, BROKER_USER, ".*", ".*", ".*"]);
    let ledger = Postgres::url_of_new_database();
    let ledger = ledger.replace("daybridge@", &format!("daybridge:{}@", percent(LEDGER_PASSWORD)));
    let mut house = House::build(&amqp(broker, &vhost, BROKER_PASSWORD), Some(&ledger), "").await;
    house.sim("channels", json!({"id": CHANNEL, "days": 10, "mode": "trial"})).await;
    house.start_as("serve", "serve", &loud()).await;
    house.start_as("work", "work", &loud()).await;
    house.ready("serve").await;
    house.ready("work").await;
    let mut seen = Seen::default();
    let mut signatures = Vec::new();

    let url = format!("http://127.0.0.1:{}/webhooks/stripe", house.server);
    for (payment, channel) in [("pi_1", CHANNEL), ("pi_unknown", "NOSUCH-ZZZZZ"), ("pi_path", "../x")] {
        let body = event(payment, channel);
        let signature = sign(&body, now_s());
        assert_eq!(seen.post(&url, &signature, &body).await, 200);
        signatures.push(signature);
    }
    let body = event("pi_forged", CHANNEL);
    let forged = sign(b"something else", now_s());
    for (url, signature, want) in [
        (&url, &forged, 400),
        (&url, &sign(&body, now_s() - 400), 400),
        (&url, &format!("t=1,{}", forged.repeat(100)), 400),
        (&format!("{url}/nosuch"), &forged, 404),
    ] {
        assert_eq!(seen.post(url, signature, &body).await, want);
        signatures.push(signature.clone());
    }
    assert_eq!(seen.post(&url, &forged, &event("x", CHANNEL).repeat(800)).await, 413);
    house.payment_is("stripe/pi_1", "credited").await;
    house.payment_is("stripe/pi_unknown", "held").await;

    every_command(&mut seen, &house);
    for path in ["/healthz", "/readyz", "/metrics", "/", "/nosuch?token=x"] {
        let (status, text) = house.console(path).await;
        seen.add(path, format!("{status} {text}"));
    }
    broken(&mut seen, &mut house, broker, &vhost).await;
    crash(&mut seen);
    for process in ["serve", "work", "sim", "refused", "no_ledger", "embedded"] {
        seen.add(process, house.log(process));
    }
    let tags =
        signatures.iter().filter_map(|signature| Some(signature.split("v1=").nth(1)?[..64].to_owned()));
    seen.assert_clean(&tags.collect::<Vec<_>>());
    assert!(house.log("serve").contains("request verified"), "the logs are at full volume");
}

fn every_command(seen: &mut Seen, house: &House) {
    for arguments in [
        &["payments", "list"][..],
        &["payments", "show", "stripe/pi_1"],
        &["payments", "show", "stripe/pi_1", "--json"],
        &["transfers", "list", "--json"],
        &["transfers", "show", "stripe/pi_1#1", "--json"],
        &["events", "list", "--json"],
        &["events", "show", "evt_pi_1", "--json"],
        &["held", "list", "--json"],
        &["held", "show", "stripe/pi_unknown#1"],
        &["held", "retry", "stripe/pi_unknown#1", "--reason", "looked"],
        &["held", "cancel", "stripe/pi_path", "--yes", "1", "--reason", "wrong"],
        &["replay", "plan", "--payment", "stripe/pi_1"],
        &["replay", "apply", "0000"],
        &["send", "--source", "stripe", "--channel", CHANNEL, "--days", "1"],
        &["check"],
        &["demo", "--once"],
        &["nosuch"],
    ] {
        seen.command(house, arguments, &[]);
    }
}

/// Wrong settings, refused logins, a closed port.
async fn broken(seen: &mut Seen, house: &mut House, broker: &Broker, vhost: &str) {
    let [closed] = free_ports();
    let wrong_broker = amqp(broker, vhost, WRONG_PASSWORD);
    let no_ledger = format!("postgres://daybridge:{}@127.0.0.1:{closed}/x", percent(WRONG_PASSWORD));
    let folder = house.path("").display().to_string();
    for (name, value) in [
        ("DAYBRIDGE_QUEUE__URL", wrong_broker.clone()),
        ("DAYBRIDGE_QUEUE__URL", format!("amqp://u:{WRONG_PASSWORD}@127.0.0.1:{closed}/")),
        ("DAYBRIDGE_QUEUE__URL", format!("amqp://u:{}@127.0.0.1:port/", percent(WRONG_PASSWORD))),
        ("DAYBRIDGE_QUEUE__URL", format!("[\"{WRONG_PASSWORD}\"]")),
        ("DAYBRIDGE_LEDGER__URL", no_ledger.clone()),
        ("DAYBRIDGE_LEDGER__URL", format!("postgres://u:{WRONG_PASSWORD}@host:port/x")),
        ("DAYBRIDGE_LEDGER__URL", format!("mysql://u:{WRONG_PASSWORD}@host/x")),
        ("DAYBRIDGE_PARTNER__TOKEN", WRONG_TOKEN.to_owned()),
        ("DAYBRIDGE_PARTNER__TOKEN", format!("\"{WRONG_TOKEN}\\n\"")),
        ("DAYBRIDGE_PARTNER__BASE_URL", format!("https://u:{WRONG_TOKEN}@127.0.0.1:{closed}")),
        ("DAYBRIDGE_SOURCES__STRIPE__SECRETS", WRONG_SECRET.to_owned()),
        ("DAYBRIDGE_SOURCES__STRIPE__SECRETS", format!("[[\"{WRONG_SECRET}\"]]")),
        ("DAYBRIDGE_SOURCES__STRIPE", WRONG_SECRET.to_owned()),
    ] {
        let text = seen.command(house, &["check"], &[(name, value)]);
        assert!(text.contains("FAIL") || text.contains("daybridge: "), "{name}: {text}");
    }
    let refused = seen.command(house, &["check"], &[("DAYBRIDGE_PARTNER__TOKEN", WRONG_TOKEN.into())]);
    assert!(refused.contains("refuses the token"), "{refused}");
    let refused = seen.command(house, &["check"], &[("DAYBRIDGE_QUEUE__URL", wrong_broker.clone())]);
    assert!(refused.contains("access refused"), "{refused}");

    // Roles that cannot reach what they need say so again and again.
    let own = |queue: &str, ledger: &str| {
        let [server, console] = free_ports();
        let mut env = loud();
        env.push(("DAYBRIDGE_SERVER__LISTEN", format!("127.0.0.1:{server}")));
        env.push(("DAYBRIDGE_CONSOLE__LISTEN", format!("127.0.0.1:{console}")));
        env.push(("DAYBRIDGE_QUEUE__URL", queue.to_owned()));
        env.push(("DAYBRIDGE_LEDGER__URL", ledger.to_owned()));
        env.push(("DAYBRIDGE_PARTNER__TOKEN", WRONG_TOKEN.into()));
        (server, env)
    };
    let sqlite = format!("sqlite:{folder}/embedded.db");
    let (refused, env) = own(&wrong_broker, &sqlite);
    house.start_as("refused", "serve", &env).await;
    house.start_as("no_ledger", "run", &own("embedded", &no_ledger).1).await;
    let (embedded, env) = own("embedded", &sqlite);
    house.start_as("embedded", "run", &env).await;
    for (process, words) in [
        ("refused", "publishing connection is down"),
        ("no_ledger", "the ledger is away"),
        ("embedded", "daybridge is up"),
    ] {
        until(words, || async { house.log(process).contains(words).then_some(()) }).await;
    }
    let body = event("pi_2", CHANNEL);
    let signature = sign(&body, now_s());
    let url = |port| format!("http://127.0.0.1:{port}/webhooks/stripe");
    assert_eq!(seen.post(&url(refused), &signature, &body).await, 503);
    assert_eq!(seen.post(&url(embedded), &signature, &body).await, 200);
    // The refusal is told in the ledger.
    let ledger = [("DAYBRIDGE_LEDGER__URL", sqlite)];
    let looks = [&["held", "list"][..], &["held", "list", "--json"], &["payments", "show", "stripe/pi_2"]];
    until("the partner refuses the token", || async {
        let text = Seen::default().command(house, looks[0], &ledger);
        text.contains("token").then_some(())
    })
    .await;
    for arguments in looks {
        seen.command(house, arguments, &ledger);
    }
}

/// What a crash prints of a thread that had everything in hand.
fn crash(seen: &mut Seen) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "e2e::secrets::a_thread_with_everything_in_hand_crashes",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .envs(loud())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(text.contains("crashed with Config {") && text.contains("Keys(1)"), "{text}");
    assert!(text.contains("stack backtrace"), "{text}");
    seen.add("crash", text);
}

#[test]
#[ignore = "panics: run by the test above"]
fn a_thread_with_everything_in_hand_crashes() {
    let text = format!(
        "queue.url = 'amqp://u:{BROKER_PASSWORD}@host'\nledger.url = 'postgres://u:{LEDGER_PASSWORD}@host/x'\n\
         partner.token = '{TOKEN}'\n[sources.stripe]\nprovider = 'stripe'\nsecrets = ['{SECRET}']\n"
    );
    let config = load::parse(&text, Vec::new()).unwrap();
    let sources = Sources::with_secrets(&config).unwrap();
    let readers = Readers::new(&config).unwrap();
    panic!("crashed with {config:?} {sources:?} {readers:?}");
}
