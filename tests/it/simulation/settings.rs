//! The settings that stories vary, as a settings file.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use daybridge::config::{Config, check::contradictions, load};

use super::life::{Life, lives};

/// How long a doubtful call is watched.
pub const SETTLE_WINDOW_MS: i64 = 60_000;

/// What stories may set, with what holds where they don't.
const KEYS: [(&str, &str); 15] = [
    ("money_in", "charges"),
    ("on_refund", "report"),
    ("on_unmoved", "retry"),
    // How many times as much as before stops calls; 0: nothing does.
    ("brake", "0"),
    // Whether the provider's list of events is asked for what never came: `on` or `off`.
    ("backfill", "off"),
    // What payers write: `plain` or `odd`.
    ("texts", "plain"),
    // The key of each provider's API, which takes no other.
    ("api_key", "k"),
    // How many workers run.
    ("workers", "1"),
    // Days in one transfer; 0: all at once.
    ("slice", "0"),
    // The same for Stripe's payments; without a word as the others.
    ("slice_stripe", ""),
    // A slice is sent when its channel has less.
    ("lead", "2days"),
    // What is owed when a subscription ends: `finish` or `stop`.
    ("on_end", "finish"),
    // Whether slices are small while the balance is short: `on` or `off`.
    ("shrink", "off"),
    // Whether sellers have ids of their own for channels: `on` or `off`.
    ("alias", "off"),
    // Draws how long things take.
    ("chance", "0"),
];

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    pub fn set(&mut self, key: &str, value: &str) {
        assert!(KEYS.iter().any(|(known, _)| *known == key), "no setting {key}");
        self.0.insert(key.to_owned(), value.to_owned());
    }

    pub fn is_set(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub fn get(&self, key: &str) -> &str {
        let default = KEYS.iter().find(|(known, _)| *known == key).map_or("", |(_, default)| default);
        self.0.get(key).map_or(default, String::as_str)
    }

    pub fn number(&self, key: &str) -> u64 {
        self.get(key).parse().unwrap_or_else(|_| panic!("{key} is a number"))
    }

    /// As a file.
    pub fn text(&self) -> String {
        let (money_in, on_refund) = (self.get("money_in"), self.get("on_refund"));
        let (on_unmoved, brake) = (self.get("on_unmoved"), self.get("brake"));
        let (slice, lead) = (self.get("slice"), self.get("lead"));
        let own = match self.get("slice_stripe") {
            "" => String::new(),
            days => format!("slice = {days}"),
        };
        let on_end = self.get("on_end");
        let (shrink, alias) = (self.get("shrink") == "on", self.get("alias") == "on");
        let mut text = format!(
            r#"
[allocation]
slice = {slice}
lead = "{lead}"
[balance]
shrink = {shrink}
[partner]
token = "token"
comment = "{{key}} {{days}}d"
base_url = "http://127.0.0.1:9"
call_timeout = "10s"
settle_window = "60s"
on_unmoved = "{on_unmoved}"
calls_per_second_max = 4294967295
ensure_live = false
skew = "1s"
[worker]
poll = "10s"
breaker_pause = "5s"
account_probe = "20s"
stop_timeout = "20s"
fetch_again = "10s"
[brake]
multiple = {brake}
account_days_min = 200
account_days_per_channel = 20
channel_days_min = 100
[sources.stripe]
provider = "stripe"
secrets = ["s"]
money_in = "{money_in}"
on_refund = "{on_refund}"
on_end = "{on_end}"
channel_alias = {alias}
{own}
"#
        );
        for Life { provider, secret, currency, settings, .. } in lives() {
            write!(
                text,
                r#"[sources.{provider}]
provider = "{provider}"
secrets = ["{secret}"]
on_refund = "{on_refund}"
per_day = {{ currency = "{currency}", amount = 30 }}
{settings}
"#
            )
            .unwrap();
        }
        text.replace(r#"api_key = "k""#, &format!(r#"api_key = "{}""#, self.get("api_key")))
    }

    /// As the program reads them; each text is read once.
    pub fn read(&self) -> Arc<Config> {
        static KNOWN: OnceLock<Mutex<HashMap<String, Arc<Config>>>> = OnceLock::new();
        let text = self.text();
        let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        let read = known.entry(text).or_insert_with_key(|text| {
            let _ = rustls::crypto::ring::default_provider().install_default(); // Err: it is installed
            let config = load::parse(text, Vec::new()).unwrap_or_else(|why| panic!("{text}\n{why}"));
            assert_eq!(contradictions(&config), Vec::<String>::new());
            Arc::new(config)
        });
        read.clone()
    }
}
