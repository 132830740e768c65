//! A channel's page, and what an operator does about the days that are owed on it.

use daybridge::{
    clock,
    domain::{id::ChannelId, reply::ListedChannel},
    ledger::{Scope, Shorter, query::Page},
};

use super::{
    kit::{Got, Stand},
    slices::{bar, stand},
};
use crate::ledger::{
    kit::ACCOUNT,
    slices::{ACT, HOUR, Partner, days, pay, work},
};

/// The partner lists one channel.
async fn list(stand: &Stand, now: i64) {
    let channel = ListedChannel {
        channel: ChannelId::parse("CHAN-1").unwrap(),
        name: Some("Bakery <South>".into()),
        phone: Some("491701234567".into()),
        mode: Some("live".into()),
        active_till: Some(now),
    };
    stand.kit.keep_listed(ACCOUNT, vec![channel], now).await.unwrap();
    stand.kit.end_listing(ACCOUNT, (now, now + HOUR), Shorter::Doubted, None).await.unwrap();
}

/// The value of a hidden field of a page's form.
fn field(page: &str, name: &str) -> String {
    let main = page.split_once("<main").unwrap().1;
    let (_, value) =
        main.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name}: {main}"));
    value.split('"').next().unwrap().to_owned()
}

/// Parts of a text, each after the one before.
fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        rest = rest.split_once(part).unwrap_or_else(|| panic!("{part:?} is not, or not then, in {text}")).1;
    }
}

#[tokio::test]
async fn a_channel_tells_how_long_it_lasts_and_what_moves_next() {
    let stand = stand().await;
    let (kit, bob) = (&stand.kit, stand.user("bob").await);
    let now = clock::now_ms();
    list(&stand, now).await;
    let mut partner = Partner::at(now);
    pay(kit, "1", 15, now).await;
    pay(kit, "2", 5, now + 1).await;
    let page = bob.get("/channels/CHAN-1").await.text;
    in_order(&page, &["5 days</strong> of", "stripe/pi_1", "its time has come"]);
    work(kit, &mut partner, now + 1).await;

    let page = bob.get("/channels/CHAN-1").await.text;
    in_order(
        &page,
        &[
            "data-test=\"till\">in 4 days",
            "live",
            "data-test=\"name\">Bakery &#60;South&#62;<",
            "491701234567",
            "data-test=\"owed\">15<",
            "5 days</strong> of <a href=\"/payments/show?key=stripe%2Fpi_1\"",
            "sent when 2 days are left on the channel, in 2 days, 20",
            "data-key=\"stripe/pi_1\"",
            "5 of 15 days",
            "next on",
            "data-key=\"stripe/pi_2\"",
            "0 of 5 days",
            "after older payments of its channel",
            "stripe/pi_1#1",
            "every reading is explained",
        ],
    );
    assert!(!page.contains("Reason") && !page.contains("Act<"), "one who may only look: {page}");
    assert!(bob.get("/channels").await.text.contains("href=\"/channels/CHAN-1\""));
    assert!(bob.get("/payments/show?key=stripe%2Fpi_1").await.text.contains("href=\"/channels/CHAN-1\""));

    let ada = stand.user("ada").await;
    kit.stop("stripe/pi_1", &ACT, now).await.unwrap();
    let page = ada.get("/channels/CHAN-1").await.text;
    let queue = page.split_once("class=\"queue\"").unwrap().1;
    assert_eq!(bar(queue), "!5/15 5 of 15 days: stopped");
    in_order(queue, &["/payments/go", "data-key=\"stripe/pi_2\"", "/payments/stop", "/payments/slice"]);
    in_order(&page, &["5 days</strong> of", "stripe/pi_2", "its time has come"]);

    // Somebody extends it by hand.
    partner.till += 30 * 86_400_000;
    kit.go("stripe/pi_1", &ACT, now).await.unwrap();
    days(kit, &mut partner, now, 10).await;
    let page = bob.get("/channels/CHAN-1").await.text;
    assert_eq!(page.matches("data-test=\"movement\"").count(), 1, "{page}");

    assert_eq!(bob.get("/channels/CHAN-9").await.status, 404);
    assert_eq!(bob.get("/channels/CHAN%209").await.status, 400);
}

/// Whatever keeps the next slice back is said in an operator's words.
#[tokio::test]
async fn a_channel_tells_why_its_slice_waits() {
    let stand = stand().await;
    let (kit, bob) = (&stand.kit, stand.user("bob").await);
    let now = clock::now_ms();
    let mut partner = Partner { has_balance: false, ..Partner::at(now) };
    pay(kit, "1", 15, now).await;
    work(kit, &mut partner, now).await;
    let why = async || {
        let page = bob.get("/channels/CHAN-1").await.text;
        let (_, next) = page.split_once("data-test=\"next\">").unwrap();
        next.split_once("</p>").unwrap().0.split_once("</a>: ").unwrap().1.to_owned()
    };
    assert_eq!(why().await, "waits for the balance: it is below 5 days.");
    kit.pause(&Scope::Channel(ACCOUNT.into(), ChannelId::parse("CHAN-1").unwrap()), &ACT, now).await.unwrap();
    assert_eq!(why().await, "calls are paused (ada): asked by phone.");
    assert!(bob.get("/channels/CHAN-1").await.text.contains("Calls are paused by the operator since"));
    kit.stop("stripe/pi_1", &ACT, now).await.unwrap();
    // Its slice was refused, and is settled first; the payment says already that it stops.
    let page = bob.get("/channels/CHAN-1").await.text;
    assert_eq!(bar(page.split_once("class=\"queue\"").unwrap().1), "!0/15 0 of 15 days: stopped");
    assert!(!page.contains("daybridge held"), "no command's words: {page}");
    let ada = stand.user("ada").await.get("/channels/CHAN-1").await.text;
    assert!(ada.contains("/payments/go") && !ada.contains("/payments/stop"), "{ada}");
}

fn sent(got: &Got, page: &str) {
    assert_eq!((got.status, got.location()), (303, page), "{}", got.text);
}

#[tokio::test]
async fn an_operator_stops_a_payment_and_lets_it_go_on() {
    let stand = stand().await;
    let (kit, ada) = (&stand.kit, stand.user("ada").await);
    pay(kit, "1", 15, clock::now_ms()).await;
    let form = [("key", "stripe/pi_1"), ("reason", "left us"), ("back", "/channels/CHAN-1")];
    assert_eq!(
        ada.post("/payments/stop", &[("key", "stripe/pi_1")]).await.status,
        400,
        "a reason must be given"
    );
    sent(&ada.post("/payments/stop", &form).await, "/channels/CHAN-1?told=stopped&n=1");
    let page = ada.get("/channels/CHAN-1?told=stopped&n=1").await.text;
    assert!(page.contains("role=\"status\">Stopped: no more of its days move"), "{page}");
    assert!(page.contains("None is planned: what is owed waits for a person"), "{page}");
    assert_eq!(ada.post("/payments/stop", &form).await.status, 409);
    sent(&ada.post("/payments/go", &form).await, "/channels/CHAN-1?told=goes&n=1");
    let acts = kit.audit(Some("stripe/pi_1"), &Page::first(9)).await.unwrap();
    let acts: Vec<_> = acts.iter().map(|act| (act.action.as_str(), &*act.who, &*act.reason)).collect();
    assert_eq!(acts, [("payments go", "ada", "left us"), ("payments stop", "ada", "left us")]);
    assert_eq!(ada.post("/payments/go", &[("key", "stripe/pi_9"), ("reason", "x")]).await.status, 409);
}

#[tokio::test]
async fn a_slice_is_sent_as_it_was_shown_and_once() {
    let stand = stand().await;
    let (kit, ada) = (&stand.kit, stand.user("ada").await);
    let now = clock::now_ms();
    let mut partner = Partner::at(now);
    pay(kit, "1", 15, now).await;
    work(kit, &mut partner, now).await;
    let ask = |days| [("key", "stripe/pi_1"), ("reason", "a long weekend"), ("days", days)];
    for days in ["0", "11", "many"] {
        assert_eq!(ada.post("/payments/slice", &ask(days)).await.status, 400, "{days}");
    }
    let page = ada.post("/payments/slice", &ask("3")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(
        page.text.contains("data-test=\"question\">Move 3 days of stripe/pi_1 to CHAN-1 now?"),
        "{}",
        page.text
    );
    work(kit, &mut partner, now).await;
    assert_eq!(partner.sent.len(), 1, "asking does nothing");
    let [key, days, reason] = ["key", "days", "reason"].map(|name| field(&page.text, name));
    let shown = [("key", &*key), ("days", &*days), ("reason", &*reason)];
    sent(
        &ada.post("/payments/slice/apply", &shown).await,
        "/payments/show?key=stripe%2Fpi_1%232&told=slice&n=1",
    );
    work(kit, &mut partner, clock::now_ms()).await;
    assert_eq!(partner.sent.last().map(|(_, days, _)| *days), Some(3));
    let twice = ada.post("/payments/slice/apply", &shown).await;
    assert!(twice.status == 409 && twice.text.contains("not the next slice"), "{}", twice.text);
    work(kit, &mut partner, clock::now_ms()).await;
    assert_eq!(partner.sent.len(), 2);
}

#[tokio::test]
async fn the_rest_goes_to_another_channel_after_a_question() {
    let stand = stand().await;
    let (kit, ada) = (&stand.kit, stand.user("ada").await);
    let now = clock::now_ms();
    list(&stand, now).await;
    let mut partner = Partner::at(now);
    pay(kit, "1", 15, now).await;
    work(kit, &mut partner, now).await;
    let form = |channel, returned| {
        [("key", "stripe/pi_1"), ("channel", channel), ("returned", returned), ("reason", "a new phone")]
    };
    for (channel, returned) in [("", ""), ("CHAN 2", ""), ("CHAN-2", "-1")] {
        assert_eq!(
            ada.post("/payments/move", &form(channel, returned)).await.status,
            400,
            "{channel} {returned}"
        );
    }
    let page = ada.post("/payments/move", &form("CHAN-2", "2")).await.text;
    in_order(
        &page,
        &[
            "Give the 12 days that are left of stripe/pi_1 to CHAN-2?",
            "a new phone",
            "The 5 days that have moved stay with CHAN-1.",
            "2 days came back",
        ],
    );
    let unlisted = ada.post("/payments/move/apply", &form("CHAN-2", "2")).await;
    assert!(unlisted.status == 409 && unlisted.text.contains("lists no channel CHAN-2"), "{}", unlisted.text);
    let forced = [form("CHAN-2", "2").as_slice(), &[("force", "yes")]].concat();
    assert!(ada.post("/payments/move", &forced).await.text.contains("name=\"force\" value=\"yes\""));
    sent(&ada.post("/payments/move/apply", &forced).await, "/payments/show?key=stripe%2Fpi_1&told=moved&n=1");
    let payment = kit.payment("stripe/pi_1").await.unwrap().unwrap().payment;
    assert_eq!((payment.channel.as_deref(), payment.days, payment.owed), (Some("CHAN-2"), Some(17), 12));
}

#[tokio::test]
async fn days_are_granted_once_after_a_question() {
    let stand = stand().await;
    let (kit, ada) = (&stand.kit, stand.user("ada").await);
    pay(kit, "1", 15, clock::now_ms()).await;
    assert!(ada.get("/channels/CHAN-1").await.text.contains("action=\"/grant\""));
    let form = |days| [("channel", "CHAN-1"), ("days", days), ("reason", "goodwill")];
    for days in ["", "0", "-3", "x"] {
        assert_eq!(ada.post("/grant", &form(days)).await.status, 400, "{days}");
    }
    let page = ada.post("/grant", &form("7")).await.text;
    assert!(page.contains("Grant 7 days to CHAN-1?"), "{page}");
    let key = field(&page, "key");
    let shown = [form("7").as_slice(), &[("key", &*key)]].concat();
    let address = format!("/payments/show?key=grant%2F{key}");
    sent(&ada.post("/grant/apply", &shown).await, &format!("{address}&told=granted&n=1"));
    sent(&ada.post("/grant/apply", &shown).await, &format!("{address}&told=granted-before&n=1"));
    let other = [form("8").as_slice(), &[("key", &*key)]].concat();
    assert_eq!(ada.post("/grant/apply", &other).await.status, 409);
    let granted = kit.payment(&format!("grant/{key}")).await.unwrap().unwrap().payment;
    assert_eq!((granted.days, granted.owed), (Some(7), 7));
    assert!(ada.get("/channels/CHAN-1").await.text.contains("data-test=\"owed\">22<"));
    // A restored ledger may have forgotten a key that a person gives, and none that is made now.
    let now = clock::now_ms();
    kit.restored(now, "ada", now).await.unwrap();
    let typed = [form("7").as_slice(), &[("key", "INVOICE-7")]].concat();
    assert!(!ada.post("/grant", &typed).await.text.contains("name=\"new\""));
    let refused = ada.post("/grant/apply", &typed).await;
    assert!(refused.status == 409 && refused.text.contains("restored from a backup"), "{}", refused.text);
    let page = ada.post("/grant", &form("7")).await.text;
    let (key, new) = (field(&page, "key"), field(&page, "new"));
    let made = [form("7").as_slice(), &[("key", &*key), ("new", &*new)]].concat();
    assert_eq!(ada.post("/grant/apply", &made).await.status, 303);
}

/// Whatever the table of pages says of their forms.
#[tokio::test]
async fn one_who_may_look_spends_nothing() {
    let stand = stand().await;
    let (kit, bob) = (&stand.kit, stand.user("bob").await);
    pay(kit, "1", 15, clock::now_ms()).await;
    let form = [
        ("key", "stripe/pi_1"),
        ("channel", "CHAN-2"),
        ("days", "2"),
        ("kind", "set"),
        ("reason", "I may not"),
    ];
    for path in [
        "/payments/stop",
        "/payments/go",
        "/payments/slice",
        "/payments/slice/apply",
        "/payments/move",
        "/payments/move/apply",
        "/grant",
        "/grant/apply",
        "/days/mark",
    ] {
        assert_eq!(bob.post(path, &form).await.status, 403, "{path}");
    }
    assert_eq!(
        kit.audit(None, &Page::first(9)).await.unwrap().iter().filter(|act| act.who == "bob").count(),
        1,
        "a login"
    );
    for path in ["/channels/CHAN-1", "/payments/show?key=pi_1", "/days"] {
        let page = bob.get(path).await.text;
        assert!(!page.contains("name=\"reason\""), "{path}: {page}");
    }
}
