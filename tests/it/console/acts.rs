//! What forms do, and what they leave alone.

use daybridge::{
    domain::settle::{Cause, Outcome as Open},
    ledger::query::Page,
    queue::Lane,
};

use super::kit::{Got, Stand};
use crate::{
    ledger::{
        kit::{Kit, charge, held, settled, to},
        ops::take_to,
        reversal::refund,
    },
    support::wait::until,
};

impl Kit {
    /// Scope and who of the pauses that hold.
    pub(super) async fn pauses_now(&self) -> Vec<(String, String)> {
        let pauses = self.ledger.pauses().await.unwrap();
        pauses.into_iter().map(|pause| (pause.scope.word(), pause.who)).collect()
    }

    async fn state(&self, key: &str) -> String {
        self.ledger.payment(key).await.unwrap().unwrap().payment.state.to_string()
    }
}

fn sent(got: &Got, page: &str) {
    assert_eq!((got.status, got.location()), (303, page), "{}", got.text);
}

#[tokio::test]
async fn a_person_settles_an_open_outcome() {
    let stand = Stand::with_users().await;
    let key = take_to(&stand.kit, "1", held(Cause::Unmoved, Open::Open)).await;
    let ada = stand.user("ada").await;
    let page = ada.get("/held?cause=unmoved").await.text;
    assert!(page.contains("action=\"/held/settle\"") && page.contains(&format!("value=\"{key}\"")), "{page}");

    let form = |reason, outcome| {
        [("key", &*key), ("reason", reason), ("outcome", outcome), ("back", "/held?cause=unmoved")]
    };
    assert_eq!(ada.post("/held/settle", &form("", "applied")).await.status, 400, "a reason must be given");
    assert_eq!(ada.post("/held/settle", &form("seen", "perhaps")).await.status, 400);
    assert_eq!(stand.kit.state(&key).await, "held");

    let got = ada.post("/held/settle", &form("seen in Billing History", "applied")).await;
    sent(&got, "/held?cause=unmoved&told=settled&n=1");
    assert!(ada.get(got.location()).await.text.contains("role=\"status\">1 settled by your word."));
    let whole = stand.kit.payment(&key).await.unwrap().unwrap();
    assert_eq!(
        (whole.payment.state.as_str(), whole.transfers[0].how.map(|word| word.as_str())),
        ("credited", Some("by_operator"))
    );
    assert_eq!(whole.transfers[0].steps.last().unwrap().who.as_deref(), Some("ada"));
    let acts = stand.kit.audit(Some(&key), &Page::first(9)).await.unwrap();
    assert_eq!((&*acts[0].who, &*acts[0].reason), ("ada", "seen in Billing History"));
    assert!(ada.get("/payments/show?key=pi_1").await.text.contains("seen in Billing History"));

    let again = ada.post("/held/settle", &form("seen", "applied")).await;
    assert_eq!(again.status, 409, "{}", again.text);
}

#[tokio::test]
async fn what_is_missing_is_set_and_what_is_wrong_cancelled() {
    let stand = Stand::with_users().await;
    stand.kit.record("evt_1", &charge(&["pi_1"])).await;
    stand.kit.record("evt_2", &charge(&["pi_2"])).await;
    let ada = stand.user("ada").await;
    for (channel, days) in [("CHAN 9", "30"), ("CHAN-9", "-1"), ("CHAN-9", "0"), ("", "")] {
        let form = [("key", "stripe/pi_1"), ("reason", "asked"), ("channel", channel), ("days", days)];
        assert_eq!(ada.post("/held/set", &form).await.status, 400, "{channel:?} {days:?}");
    }
    let form = [("key", "stripe/pi_1"), ("reason", "asked"), ("channel", "CHAN-9"), ("days", "30")];
    sent(&ada.post("/held/set", &form).await, "/held?told=set&n=1");
    assert_eq!(stand.queue.depth(Lane::Events).await, Some(1), "it is weighed anew by its own events");
    let form = [("key", "stripe/pi_2"), ("reason", "a test")];
    sent(&ada.post("/held/cancel", &form).await, "/held?told=cancelled&n=1");
    assert_eq!(stand.kit.state("stripe/pi_2").await, "cancelled");
}

/// Days that were spent already are shown and closed; nothing else is offered. Of a twin a person says that it is none.
#[tokio::test]
async fn money_that_went_out_is_decided_about() {
    let stand = Stand::with_users().await;
    take_to(&stand.kit, "1", settled()).await;
    stand.kit.record("evt_re", &refund("pi_1", 300)).await;
    let ada = stand.user("ada").await;
    let page = ada.get("/payments/show?key=pi_1").await.text;
    let parts = [
        "data-test=\"money-out\"",
        "covers 20 of 30 days",
        "adjustment",
        "(-10 days due)",
        "10 days were spent",
    ];
    for part in parts.into_iter().chain(["Close: it is decided"]) {
        assert!(page.contains(part), "{part} not in {page}");
    }
    let held = ada.get("/held?cause=days_spent").await.text;
    assert!(held.contains("action=\"/held/cancel\""), "{held}");
    assert!(!held.contains("action=\"/held/retry\"") && !held.contains("action=\"/held/set\""), "{held}");
    let form = [("key", "stripe/pi_1"), ("reason", "the customer keeps them")];
    assert_eq!(ada.post("/held/retry", &form).await.status, 409, "there is nothing to try again");
    sent(&ada.post("/held/cancel", &form).await, "/held?told=cancelled&n=1");
    assert!(ada.get("/held?cause=days_spent").await.text.contains("Nothing is held for this cause"));
    assert!(ada.get("/payments/show?key=pi_1").await.text.contains("the customer keeps them"));

    stand.kit.record("evt_3", &to(charge(&["pi_3"]), "CHAN-3", 30)).await;
    stand.kit.record("evt_4", &to(charge(&["cs_3"]), "CHAN-3", 30)).await;
    let page = ada.get("/held?cause=twin").await.text;
    assert!(page.contains("They are two") && page.contains("stripe/pi_3"), "{page}");
    let form = [("key", "stripe/cs_3"), ("reason", "two orders"), ("outcome", "not-applied")];
    sent(&ada.post("/held/settle", &form).await, "/held?told=settled&n=1");
    assert_eq!(stand.kit.state("stripe/cs_3").await, "planned");
}

#[tokio::test]
async fn many_are_decided_only_as_they_were_shown_ticked_and_counted() {
    let stand = Stand::with_users().await;
    let mut keys = Vec::new();
    for n in 0..12 {
        stand.kit.record(&format!("evt_{n}"), &charge(&[&format!("pi_{n}")])).await;
        keys.push(format!("stripe/pi_{n}"));
    }
    let ada = stand.user("ada").await;
    let cause = stand.kit.held_groups(0).await.unwrap()[0].cause;
    let page = ada.get(&format!("/held?cause={cause}")).await.text;
    assert_eq!(page.matches("form=\"bulk\"").count(), 12);
    let form = |decision, keys: &[String]| {
        let fixed = [("decision", decision), ("reason", "a test"), ("cause", cause.as_str())];
        let fixed = fixed.map(|(name, value): (&str, &str)| (name.to_owned(), value.to_owned()));
        fixed.into_iter().chain(keys.iter().map(|key| ("key".to_owned(), key.clone()))).collect::<Vec<_>>()
    };
    // As the page that asks has them: with what they were held for.
    let shown = |seen: &str, keys: &[String]| {
        let mut fields = form("cancel", &[]);
        fields.extend(keys.iter().map(|key| ("held".to_owned(), format!("{seen} {key}"))));
        fields
    };
    let send = async |path: &str, form: Vec<(String, String)>, more: Option<&str>| {
        let mut fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (&**name, &**value)).collect();
        fields.extend(more.map(|count| ("count", count)));
        ada.post(path, &fields).await
    };
    assert_eq!(send("/held/bulk", form("cancel", &[]), None).await.status, 400, "nothing is ticked");

    let asked = send("/held/bulk", form("cancel", &keys[..11]), None).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    assert!(asked.text.contains(&format!("name=\"held\" value=\"{cause} {}\"", keys[0])), "{}", asked.text);
    assert!(asked.text.contains("data-test=\"count\">11<") && asked.text.contains("Type 11 to confirm"));
    assert_eq!(stand.kit.state(&keys[0]).await, "held", "asking does nothing");

    // One more is held meanwhile; nobody has seen it.
    stand.kit.record("evt_late", &charge(&["pi_late"])).await;
    for wrong in [None, Some("12"), Some("yes")] {
        let got = send("/held/bulk/apply", shown(cause.as_str(), &keys[..11]), wrong).await;
        assert_eq!(got.status, 400, "{wrong:?}");
    }
    assert_eq!(stand.kit.state(&keys[0]).await, "held");
    // What is held for something else by now was not what was ticked.
    let got = send("/held/bulk/apply", shown("twin", &keys[..2]), None).await;
    assert!(got.text.contains("0 done; 2 refused") && got.text.contains("not for twin"), "{}", got.text);
    let got = send("/held/bulk/apply", shown(cause.as_str(), &keys[..11]), Some("11")).await;
    sent(&got, &format!("/held?cause={cause}&told=cancelled&n=11"));
    for key in &keys[..11] {
        assert_eq!(stand.kit.state(key).await, "cancelled", "{key}");
    }
    assert_eq!(stand.kit.state(&keys[11]).await, "held", "it was not ticked");
    assert_eq!(stand.kit.state("stripe/pi_late").await, "held", "it was not shown");

    let got = send("/held/bulk/apply", shown(cause.as_str(), &keys[10..]), None).await;
    assert_eq!(got.status, 200);
    assert!(got.text.contains("1 done; 1 refused") && got.text.contains(&keys[10]), "{}", got.text);
}

#[tokio::test]
async fn calls_are_paused_and_resumed() {
    let stand = Stand::with_users().await;
    take_to(&stand.kit, "1", settled()).await;
    let ada = stand.user("ada").await;
    let act = async |what: &str, scope: &str| {
        let form = [("scope", scope), ("reason", "because"), ("back", "/channels")];
        ada.post(&format!("/settle/{what}"), &form).await
    };
    assert_eq!(act("pause", "everything").await.status, 400);
    sent(&act("pause", "all").await, "/channels?told=paused&n=1");
    sent(&act("pause", "channel:main/CHAN-1").await, "/channels?told=paused&n=1");
    sent(&act("pause", "all").await, "/channels?told=already-paused&n=1");
    let page = ada.get("/channels").await.text;
    assert!(page.contains("<strong>all</strong> is paused") && page.contains(">paused</span> ada"), "{page}");
    assert!(ada.get("/").await.text.contains("all is paused: because"));
    sent(&act("resume", "all").await, "/channels?told=resumed&n=1");
    sent(&act("resume", "all").await, "/channels?told=not-paused&n=1");
    assert_eq!(stand.kit.pauses_now().await, [("channel:main/CHAN-1".into(), "ada".into())]);
}

#[tokio::test]
async fn a_replay_is_planned_applied_and_skipped() {
    let stand = Stand::with_users().await;
    take_to(&stand.kit, "1", settled()).await;
    take_to(&stand.kit, "2", settled()).await;
    let ada = stand.user("ada").await;
    assert_eq!(ada.post("/replay/plan", &[]).await.status, 400, "everything must be said");
    sent(&ada.post("/replay/plan", &[("event", "evt_none")]).await, "/replay?told=nothing-fits&n=1");

    let got = ada.post("/replay/plan", &[("source", "stripe")]).await;
    assert_eq!(got.status, 303, "{}", got.text);
    let page = ada.get(got.location()).await.text;
    let hash = page.split_once("data-test=\"hash\">").unwrap().1.split_once('<').unwrap().0.to_owned();
    assert!(page.contains("data-test=\"state\">ready<") && page.contains("2 payments: 2 skip"), "{page}");
    assert!(
        ada.get(&format!("/replay/show?hash={hash}&verdict=extend")).await.text.contains("No payment here")
    );
    assert_eq!(stand.queue.depth(Lane::Events).await, Some(0), "a plan publishes nothing");

    let form = [("hash", &*hash), ("reason", "the broker was down"), ("per_second", "100")];
    assert_eq!(ada.post("/replay/apply", &[("hash", &*hash)]).await.status, 400, "a reason must be given");
    let got = ada.post("/replay/apply", &form).await;
    assert_eq!(got.status, 303, "{}", got.text);
    let shown = until("the plan is applied", || async {
        let page = ada.get(&format!("/replay/show?hash={hash}")).await.text;
        page.contains("data-test=\"state\">applied<").then_some(page)
    });
    assert!(shown.await.contains("data-test=\"published\">2<"));
    assert_eq!(stand.queue.depth(Lane::Events).await, Some(2));
    ada.post("/replay/apply", &form).await;
    assert_eq!(stand.queue.depth(Lane::Events).await, Some(2), "the second time changes nothing");
    let got = ada.post("/replay/abort", &form).await;
    assert_eq!(got.status, 409, "{}", got.text);
    assert!(ada.get("/replay").await.text.contains(&hash));
}

#[tokio::test]
async fn a_replay_is_aborted_while_it_runs() {
    let stand = Stand::with_users().await;
    for name in ["1", "2", "3", "4", "5", "6"] {
        take_to(&stand.kit, name, settled()).await;
    }
    let ada = stand.user("ada").await;
    let got = ada.post("/replay/plan", &[("source", "stripe")]).await;
    let hash = got.location().split_once("hash=").unwrap().1.split('&').next().unwrap().to_owned();
    let form = [("hash", &*hash), ("reason", "slowly"), ("per_second", "1")];
    let got = ada.post("/replay/apply", &form).await;
    sent(&got, &format!("/replay/show?hash={hash}&told=applying&n=1"));
    let twice = ada.post("/replay/apply", &form).await;
    assert_eq!(twice.status, 409, "{}", twice.text);
    sent(&ada.post("/replay/abort", &form).await, &format!("/replay/show?hash={hash}&told=aborted&n=1"));
    let published = until("the task ends", || async {
        let page = ada.get(&format!("/replay/show?hash={hash}")).await.text;
        let stops = page.contains("stops within a second");
        (page.contains("data-test=\"state\">aborted<") && !stops).then_some(page)
    })
    .await;
    assert!(!published.contains("data-test=\"published\">6<"), "{published}");
    let refused = ada.post("/replay/apply", &form).await;
    let page = ada.get(refused.location()).await.text;
    assert!(page.contains("was aborted"), "{page}");
}

#[tokio::test]
async fn a_replay_that_is_stopped_with_the_process_is_paused() {
    let stand = Stand::with_users().await;
    for name in ["1", "2", "3", "4", "5", "6"] {
        take_to(&stand.kit, name, settled()).await;
    }
    let ada = stand.user("ada").await;
    let got = ada.post("/replay/plan", &[("source", "stripe")]).await;
    let hash = got.location().split_once("hash=").unwrap().1.split('&').next().unwrap().to_owned();
    ada.post("/replay/apply", &[("hash", &*hash), ("reason", "slowly"), ("per_second", "1")]).await;
    let kit = stand.stop().await;
    let plan = kit.ledger.plan(&hash).await.unwrap().unwrap();
    assert_eq!(plan.state.as_str(), "paused");
    assert!(plan.published < plan.events, "{plan:?}");
}

#[tokio::test]
async fn views_belong_to_who_saved_them() {
    let stand = Stand::with_users().await;
    let (ada, bob) = (stand.user("ada").await, stand.user("bob").await);
    let form =
        [("name", "dead & held"), ("query", "q=CHAN-1&state=held&after=x&evil=1"), ("back", "/payments")];
    sent(&bob.post("/payments/views/save", &form).await, "/payments?told=view-saved&n=1");
    let page = bob.get("/payments").await.text;
    assert!(page.contains("/payments?q=CHAN-1&#38;state=held\">dead &#38; held<"), "{page}");
    assert!(!ada.get("/payments").await.text.contains("data-test=\"view\""));
    sent(
        &ada.post("/payments/views/delete", &[("name", "dead & held")]).await,
        "/payments?told=view-deleted&n=1",
    );
    assert!(bob.get("/payments").await.text.contains("data-test=\"view\""), "it is not hers");
    bob.post("/payments/views/delete", &[("name", "dead & held")]).await;
    assert!(!bob.get("/payments").await.text.contains("data-test=\"view\""));
    for n in 0..51 {
        let got = bob.post("/payments/views/save", &[("name", &format!("view {n}")), ("query", "")]).await;
        assert_eq!(got.status, if n < 50 { 303 } else { 409 }, "{n}");
    }
}
