//! What pages hold, and what they never hold.

use std::{fs, path::Path};

use daybridge::{
    console::{Least, ROUTES},
    domain::{
        facts::Facts,
        settle::{Cause, Outcome as Open},
    },
};

use super::kit::{PASSWORD, SECRET, Stand, TOKEN, hash};
use crate::ledger::{
    kit::{charge, delivery, held, rules, settled, to},
    ops::take_to,
};

/// Pages of a ledger with something of everything.
async fn stocked() -> Stand {
    let stand = Stand::with_users().await;
    take_to(&stand.kit, "1", settled()).await;
    take_to(&stand.kit, "2", held(Cause::Unmoved, Open::Open)).await;
    stand.kit.grant("3", "CHAN-3").await;
    let customer = Facts { customer: Some("cus_4".into()), ..charge(&["pi_4"]) };
    stand.kit.record("evt_4", &customer).await;
    stand.kit.record_as(&delivery("evt_5"), Err("broken"), &rules(), false).await;
    stand
}

const PATHS: [&str; 17] = [
    "/",
    "/payments",
    "/payments?q=CHAN-1&state=credited&since=2000-01-01",
    "/payments/show?key=stripe%2Fpi_1",
    "/payments/show?key=stripe%2Fpi_2%231",
    "/payments/show?key=pi_4",
    "/held",
    "/held?cause=unmoved",
    "/held?cause=unreadable",
    "/replay",
    "/channels",
    "/channels?channel=CHAN-1",
    "/channels/CHAN-1",
    "/days",
    "/customers/show?realm=stripe&id=cus_4",
    "/audit",
    "/settings",
];

#[tokio::test]
async fn every_page_is_drawn_and_holds_no_secret() {
    let stand = stocked().await;
    let ada = stand.user("ada").await;
    let planned = ada.post("/replay/plan", &[("payment", "stripe/pi_1")]).await.location().to_owned();
    assert!(planned.starts_with("/replay/show?hash="), "{planned}");
    let cookie = ada.headers[0].1.split_once('=').unwrap().1.to_owned();
    for path in PATHS.iter().map(|path| (*path).to_owned()).chain([planned]) {
        let got = ada.get(&path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text);
        for part in
            ["<html lang=\"en\">", "<title>", "<main id=\"main\"", "class=\"skip\"", "aria-current=\"page\""]
        {
            assert!(got.text.contains(part), "{path} lacks {part}");
        }
        for secret in
            [TOKEN, SECRET, hash(), PASSWORD, "$argon2", &*cookie, "{&quot;id&quot;:&quot;evt_", "{\"id\":"]
        {
            assert!(!got.text.contains(secret), "{path} holds {secret}");
        }
    }
    let walked: Vec<&str> = PATHS.iter().map(|path| path.split('?').next().unwrap()).collect();
    for route in ROUTES.iter().filter(|route| route.method == "GET" && route.least != Least::Anyone) {
        let path = route.path.replace("{channel}", "CHAN-1");
        assert!(walked.contains(&&*path) || path == "/replay/show", "{path}");
    }
}

#[tokio::test]
async fn pages_show_what_the_ledger_says() {
    let stand = stocked().await;
    let bob = stand.user("bob").await;
    let overview = bob.get("/").await.text;
    for part in
        ["data-test=\"credited\">1<", "data-test=\"held\">3<", "data-test=\"planned\">1<", "role=\"img\""]
    {
        assert!(overview.contains(part), "{part} not in {overview}");
    }
    let found = bob.get("/payments?q=CHAN-1").await.text;
    assert!(found.contains("/payments/show?key=stripe%2Fpi_1\"") && !found.contains("pi_2"), "{found}");
    assert!(bob.get("/payments?q=nobody").await.text.contains("No payment fits"));
    assert_eq!(bob.get("/payments?since=soon").await.status, 400);
    let timeline = bob.get("/payments/show?key=stripe%2Fpi_1").await.text;
    for part in ["evt_1", "stripe/pi_1#1", "attempt 1", "charge.succeeded", "UTC"] {
        assert!(timeline.contains(part), "{part} not in {timeline}");
    }
    assert_eq!(bob.get("/payments/show?key=nobody").await.status, 404);
    assert!(bob.get("/held").await.text.contains("/held?cause=unmoved"));
    let settings = bob.get("/settings").await.text;
    assert!(settings.contains("set, not shown") && settings.contains("ada</th><td>operator"), "{settings}");
}

#[tokio::test]
async fn pages_go_on_by_key() {
    let stand = Stand::with_users().await;
    for n in 0..60 {
        stand.kit.record(&format!("evt_{n}"), &charge(&[&format!("pi_{n}")])).await;
    }
    let bob = stand.user("bob").await;
    let first = bob.get("/payments?state=held").await.text;
    assert_eq!(first.matches("data-test=\"payment\"").count(), 50);
    let (_, next) = first.split_once("rel=\"next\" href=\"").expect("a next page");
    let next = next.split_once('"').unwrap().0.replace("&#38;", "&").replace("&amp;", "&");
    let second = bob.get(&next).await.text;
    assert_eq!(second.matches("data-test=\"payment\"").count(), 10);
    assert!(!second.contains("rel=\"next\""));
}

#[tokio::test]
async fn what_strangers_wrote_is_text() {
    const EVIL: &str = "<script>alert(1)</script>";
    let stand = Stand::with_users().await;
    let mut facts = to(charge(&["pi_<img src=x>"]), &format!("CHAN\"evil={EVIL}"), 30);
    facts.customer = Some(format!("cus_'evil={EVIL}"));
    let mut envelope = delivery("evt_<b>");
    envelope.event_type = format!("charge{EVIL}");
    stand.kit.record_as(&envelope, Ok(&facts), &rules(), false).await;
    stand.kit.record_as(&delivery("evt_9<u>"), Err(EVIL), &rules(), false).await;
    let ada = stand.user("ada").await;
    ada.post("/payments/views/save", &[("name", EVIL), ("query", "q=%22%3E%3Cscript%3E")]).await;
    ada.post("/settle/pause", &[("scope", "all"), ("reason", EVIL)]).await;
    let key = stand.kit.payments(1).await.unwrap()[0].key.clone();
    let show = form_urlencoded::Serializer::new(String::new()).append_pair("key", &key).finish();
    let evil: String = form_urlencoded::byte_serialize(format!("\"evil={EVIL}").as_bytes()).collect();
    let customer: String = form_urlencoded::byte_serialize(format!("cus_'evil={EVIL}").as_bytes()).collect();
    let mut seen = 0;
    for path in [
        "/".to_owned(),
        "/payments".into(),
        format!("/payments?q={evil}&since=1h"),
        format!("/payments?since={evil}"),
        format!("/payments/show?{show}"),
        format!("/payments/show?key={evil}"),
        "/held".into(),
        "/held?cause=channel".into(),
        "/held?cause=unreadable".into(),
        format!("/held?cause={evil}"),
        "/channels".into(),
        format!("/channels?channel={evil}"),
        format!("/channels/{evil}"),
        "/days".into(),
        format!("/customers/show?realm={evil}&id={evil}"),
        format!("/customers/show?realm=stripe&id={customer}"),
        format!("/audit?key={evil}"),
        "/audit".into(),
        format!("/login?next={evil}"),
        format!("/replay/show?hash={evil}"),
        format!("/?told={evil}&n={evil}"),
    ] {
        let text = ada.get(&path).await.text;
        for raw in ["<script>", "<img src=x", "<b>", "<u>", "\"evil", "'evil"] {
            assert!(!text.contains(raw), "{path}: {raw} in {text}");
        }
        seen += text.matches("script&#62;alert(1)").count();
    }
    assert!(seen > 10, "the texts were shown at all: {seen}");
}

/// Nothing inline: the policy would drop it. Nothing unescaped: a stranger may have written it.
#[test]
fn templates_hold_nothing_inline_and_nothing_unescaped() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/templates");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        files += 1;
        for word in [
            "|safe",
            "| safe",
            " style=",
            "<style",
            "onclick",
            "onload",
            "javascript:",
            "http://",
            "https://",
        ] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
        let scripts = text.matches("<script").count();
        assert_eq!(
            scripts,
            text.matches("<script src=\"/assets/live.js\" defer></script>").count(),
            "{path:?}"
        );
        let posts = text.matches("method=\"post\"").count();
        let tokens = text.matches("name=\"csrf\" value=\"{{ layout.token }}\"").count();
        assert_eq!(posts, tokens + text.matches("action=\"/login\"").count(), "{}", path.display());
    }
    assert!(files > 10);
}

/// An empty page for a mistyped word would say that all is well.
#[tokio::test]
async fn a_word_that_there_is_not_is_refused_with_those_that_there_are() {
    let stand = stocked().await;
    let ada = stand.user("ada").await;
    for (path, named) in [
        ("/payments?state=creditd", "credited"),
        ("/held?cause=balanc", "balance"),
        ("/payments?source=strpe", "stripe"),
    ] {
        let got = ada.get(path).await;
        assert_eq!(got.status, 400, "{path}");
        assert!(got.text.contains(named), "{path}: {}", got.text);
    }
    let got = ada.post("/replay/plan", &[("state", "hled")]).await;
    assert!(got.status == 400 && got.text.contains("held"), "{}", got.text);
}
