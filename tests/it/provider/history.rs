//! A provider's past: faults of its API, and that what is told is what was asked for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use daybridge::{
    config::load,
    provider::history::{self, EventRange, History, HistoryError, PAGES_MAX, Paid, Walk, Which},
};

use crate::support::{
    api::{Answer, Api},
    localstripe::{self, Localstripe},
};

const KEY: &str = "rk_live_4eC39HqLyjWDarjtT1zdp7dc";
const HOUR: EventRange = EventRange { from: 1_700_000_000_000, until: 1_700_003_600_000 };

pub(crate) fn open(base: &str, key: &str, more: &str) -> Arc<dyn History> {
    try_open(base, key, more).unwrap()
}

fn try_open(base: &str, key: &str, more: &str) -> Result<Arc<dyn History>, String> {
    let text = format!(
        "[sources.stripe]\nprovider = \"stripe\"\nsecrets = [\"s\"]\napi_key = \"{key}\"\napi_base = \"{base}\"\n{more}"
    );
    let config = load::parse(&text, Vec::new()).unwrap();
    let opened = history::open("stripe", &config.sources["stripe"]).map_err(|error| error.to_string())?;
    Ok(opened.unwrap())
}

fn event(id: &str) -> String {
    // Blanks and order as they come must be kept.
    format!("{{ \"type\": \"charge.succeeded\",\"id\":\"{id}\",  \"created\":1700000001,\"livemode\":true }}")
}

fn list(objects: &[String], has_more: bool) -> String {
    format!("{{\"object\": \"list\", \"has_more\": {has_more}, \"data\": [\n{} ]}}", objects.join(" ,\n"))
}

async fn all(history: &dyn History, which: Which) -> Result<Vec<history::Listed>, HistoryError> {
    let (mut walk, mut all) = (Walk::default(), Vec::new());
    while walk.more() {
        all.extend(history.events(HOUR, which, &mut walk).await?);
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_page_by_page_byte_for_byte() {
    let api = Api::start(async |asked| match asked.values("starting_after").as_slice() {
        [] => Answer::of(200, list(&[event("evt_3"), event("evt_2")], true)),
        [after] if after == "evt_2" => Answer::of(200, list(&[event("evt_1")], false)),
        other => panic!("{other:?}"),
    })
    .await;
    let history = open(&api.base, KEY, "");
    let listed = all(history.as_ref(), Which::Undelivered).await.unwrap();
    for (listed, id) in listed.iter().zip(["evt_3", "evt_2", "evt_1"]) {
        assert_eq!((&*listed.event_id, &*listed.event_type), (id, "charge.succeeded"));
        assert_eq!(listed.created_at, 1_700_000_001_000);
        assert_eq!(listed.body, event(id).as_bytes());
    }
    let asked = api.asked();
    assert_eq!(asked.len(), 2);
    for asked in asked {
        assert!(asked.target.starts_with("/v1/events?"), "{asked:?}");
        assert_eq!(asked.authorization, format!("Bearer {KEY}"));
        for (name, value) in [
            ("created[gte]", "1700000000"),
            ("created[lt]", "1700003600"),
            ("limit", "100"),
            ("delivery_success", "false"),
        ] {
            assert_eq!(asked.values(name), [value], "{asked:?}");
        }
        let types = asked.values("types[]");
        assert!(types.contains(&"charge.refunded".into()) && types.len() <= 20, "{types:?}");
    }
    assert!(all(history.as_ref(), Which::All).await.is_ok());
    assert!(api.asked().last().unwrap().values("delivery_success").is_empty());
}

/// An API that answers some faults, then well.
async fn faulty(faults: Vec<Answer>) -> (Api, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let api = Api::start(move |_| {
        let fault = faults.get(count.fetch_add(1, Ordering::SeqCst)).cloned();
        async move { fault.unwrap_or_else(|| Answer::of(200, list(&[event("evt_1")], false))) }
    })
    .await;
    (api, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_is_tried_again() {
    let throttled = Answer { headers: "retry-after: 2\r\n".into(), ..Answer::of(429, "") };
    let (api, asked) = faulty(vec![throttled]).await;
    let begun = Instant::now();
    assert_eq!(all(open(&api.base, KEY, "").as_ref(), Which::All).await.unwrap().len(), 1);
    assert!(begun.elapsed() >= Duration::from_secs(2), "Retry-After is waited for: {:?}", begun.elapsed());
    assert_eq!(asked.load(Ordering::SeqCst), 2);

    let cut = Answer { cut: true, ..Answer::of(200, list(&[event("evt_1")], false)) };
    let (api, asked) = faulty(vec![Answer::of(429, ""), Answer::of(500, "oops"), cut]).await;
    assert_eq!(all(open(&api.base, KEY, "").as_ref(), Which::All).await.unwrap().len(), 1);
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_ends_and_tells_no_secret() {
    let echo = format!("{{\"error\": {{\"message\": \"bad {KEY} given\"}}}}");
    let forever = Answer { headers: "retry-after: 86400\r\n".into(), ..Answer::of(429, "") };
    for (answer, tries, says) in [
        (Answer::of(503, &*echo), 4, "HTTP 503, at try 4"),
        (forever, 1, "HTTP 429, at try 1"),
        (Answer::of(401, &*echo), 1, "renew api_key"),
        (Answer::of(403, &*echo), 1, "Read on Events"),
        (Answer::of(404, &*echo), 1, "HTTP 404: bad [redacted] given; check api_base"),
        (Answer::of(302, ""), 1, "HTTP 302"),
        (Answer::of(200, "<html>"), 1, "no list (line 1"),
        (Answer::of(200, list(&["{\"id\": \"evt_1\"}".into()], false)), 1, "an object without id"),
        (Answer::of(200, list(&[], true)), 1, "does not go on"),
    ] {
        let (api, asked) = faulty(vec![answer; 9]).await;
        let error = all(open(&api.base, KEY, "").as_ref(), Which::All).await.unwrap_err().to_string();
        assert!(error.contains(says) && !error.contains("4eC39"), "{says}: {error}");
        assert_eq!(asked.load(Ordering::SeqCst), tries, "{error}");
    }
    let nobody = open("http://127.0.0.1:1", KEY, "");
    assert!(matches!(all(nobody.as_ref(), Which::All).await, Err(HistoryError::Away(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_end_is_left() {
    let asked = AtomicUsize::new(0);
    let api = Api::start(move |_| {
        let id = format!("evt_{}", asked.fetch_add(1, Ordering::SeqCst));
        async move { Answer::of(200, list(&[event(&id)], true)) }
    })
    .await;
    let error = all(open(&api.base, KEY, "").as_ref(), Which::All).await.unwrap_err();
    assert_eq!(error, HistoryError::TooMany);
    assert_eq!(api.asked().len(), PAGES_MAX as usize);

    let still = Api::start(async |_| Answer::of(200, list(&[event("evt_1")], true))).await;
    let error = all(open(&still.base, KEY, "").as_ref(), Which::All).await.unwrap_err();
    assert!(matches!(error, HistoryError::Unreadable(_)), "{error}");
    assert_eq!(still.asked().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_too_long_is_asked_for_in_shorter_ones() {
    let api = Api::start(async |asked| match &*asked.values("limit")[0] {
        "100" => Answer::of(200, vec![b' '; 9 << 20]),
        "10" => Answer::of(200, list(&[event("evt_1")], false)),
        other => panic!("{other}"),
    })
    .await;
    assert_eq!(all(open(&api.base, KEY, "").as_ref(), Which::All).await.unwrap().len(), 1);
    let flood = Api::start(async |_| Answer::of(200, vec![b' '; 9 << 20])).await;
    let error = all(open(&flood.base, KEY, "").as_ref(), Which::All).await.unwrap_err().to_string();
    assert!(error.contains("one object is longer"), "{error}");
    assert_eq!(flood.asked().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_family_has_its_list_and_the_key_is_tried_on_both() {
    let charge = "{\"id\": \"ch_1\", \"created\": 1700000001, \"livemode\": true, \"status\": \"succeeded\", \
         \"paid\": true, \"captured\": true, \"amount\": 900, \"amount_refunded\": 300, \"currency\": \"usd\", \
         \"payment_intent\": \"pi_1\", \"metadata\": {\"channel_id\": \"DEMOCH-AB12C\", \"days\": \"30\"}}";
    for (family, path) in [
        ("charges", "/v1/charges?"),
        ("payment_intents", "/v1/payment_intents?"),
        ("checkout", "/v1/checkout/sessions?"),
        ("invoices", "/v1/invoices?"),
    ] {
        let charges = family == "charges";
        let objects = if charges { vec![charge.to_owned()] } else { Vec::new() };
        let api = Api::start(move |_| {
            let body = list(&objects, false);
            async move { Answer::of(200, body) }
        })
        .await;
        let history = open(&api.base, KEY, &format!("money_in = \"{family}\""));
        let paid = history.payments(HOUR, &mut Walk::default()).await.unwrap();
        assert!(api.asked()[0].target.starts_with(path), "{:?}", api.asked());
        assert_eq!(paid.len(), usize::from(charges));
        if let Some(paid) = paid.first() {
            assert_eq!((&*paid.id, paid.amount, paid.refunded, paid.days), ("pi_1", 900, 300, Some(30)));
        }
        history.health().await.unwrap();
        let tried: Vec<bool> = api.asked()[1..].iter().map(|a| a.target.starts_with("/v1/events?")).collect();
        assert_eq!(tried, [true, false]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_of_localstripe_show_what_was_refunded() {
    let stripe = Localstripe::start().await;
    let whole = stripe.pay("DEMOCH-AB12C", "30", 900).await;
    let less = stripe.pay("DEMOCH-BBBBB", "many", 900).await;
    stripe.refund(&less, 250).await;
    stripe.refund(&less, 50).await;
    let more = "livemode = false\nmoney_in = \"payment_intents\"";
    let history = open(stripe.base(), localstripe::KEY, more);
    history.health().await.unwrap();
    let now = daybridge::clock::now_ms();
    let range = EventRange { from: now - 60_000, until: now + 60_000 };
    let paid = history.payments(range, &mut Walk::default()).await.unwrap();
    let of = |id: &str| paid.iter().find(|paid| paid.id == id).unwrap();
    assert_eq!(paid.len(), 2, "{paid:#?}");
    let Paid { amount, refunded, days, livemode, .. } = of(&whole);
    assert_eq!((*amount, *refunded, *days, *livemode), (900, 0, Some(30), false));
    assert_eq!(of(&whole).channel.as_deref(), Some("DEMOCH-AB12C"));
    assert!(of(&whole).aliases.iter().all(|id| id.starts_with("ch_")) && of(&whole).aliases.len() == 1);
    assert_eq!((of(&less).refunded, of(&less).days), (300, None));
}

#[test]
fn a_key_that_cannot_be_right_is_not_sent() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for (key, more, says) in [
        ("pk_live_x1", "", "publishable"),
        ("whsec_x1", "", "signing secret"),
        ("rk_test_x1", "", "other mode"),
        ("sk_live_x1", "livemode = false", "other mode"),
        ("a\\nb", "", "cannot stand in a header"),
    ] {
        let error = try_open("https://api.stripe.com", key, more).err().unwrap_or_else(|| panic!("{key}"));
        assert!(error.contains(says) && !error.contains("x1"), "{error}");
    }
}
