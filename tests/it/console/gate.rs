//! Logins, their limits, and the reverse proxy's word.

use daybridge::ledger::{Desk as _, query::Page};

use super::kit::{Guest, PASSWORD, Stand, users};
use crate::support::wait::until;

async fn log(stand: &Stand) -> Vec<(String, String)> {
    let acts = stand.kit.audit(None, &Page::first(100)).await.unwrap();
    acts.into_iter().map(|act| (act.action, act.key)).collect()
}

#[tokio::test]
async fn a_login_is_kept_in_the_audit_log_and_the_password_nowhere() {
    let stand = Stand::with_users().await;
    let mut guest = stand.guest();
    for (name, password) in [("ada", "hunter2hunter2"), ("hunter2hunter2", "x"), ("", "")] {
        let got = guest.log_in(name, password).await;
        assert_eq!(got.status, 200);
        assert!(got.text.contains("Name or password is wrong"), "{name}");
        assert!(!got.text.contains("hunter2") && got.cookie().is_empty(), "{name}");
    }
    let ada = stand.user("ada").await;
    assert_eq!(ada.get("/").await.status, 200);
    let left = ada.post("/logout", &[]).await;
    assert_eq!((left.status, left.location()), (303, "/login"));
    assert!(left.cookie().contains("Max-Age=0"), "{}", left.cookie());
    assert_eq!(ada.get("/").await.status, 303, "the cookie of an ended login opens nothing");
    let want = [
        ("logout", "ada"),
        ("login", "ada"),
        ("login failed", "an unknown name"),
        ("login failed", "an unknown name"),
        ("login failed", "ada"),
    ];
    assert_eq!(log(&stand).await, want.map(|(action, key)| (action.to_owned(), key.to_owned())));
    let acts = stand.kit.audit(None, &Page::first(100)).await.unwrap();
    assert!(!format!("{acts:?}").contains("hunter2"));
}

#[tokio::test]
async fn the_cookie_is_for_this_host_and_no_script() {
    let stand = Stand::with(&format!("[console]\n{}", users())).await;
    let got = stand.guest().post("/login", &[("name", "bob"), ("password", PASSWORD)]).await;
    let cookie = got.cookie();
    assert!(cookie.starts_with("__Host-daybridge="), "{cookie}");
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Strict", "; Secure"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
}

#[tokio::test]
async fn a_login_leads_back_to_the_page_that_was_asked_for_on_this_site() {
    let stand = Stand::with_users().await;
    for (next, want) in [("/held?cause=unmoved", "/held?cause=unmoved"), ("//evil.example", "/"), ("", "/")] {
        let form = [("name", "bob"), ("password", PASSWORD), ("next", next)];
        assert_eq!(stand.guest().post("/login", &form).await.location(), want);
    }
}

#[tokio::test]
async fn too_many_tries_are_refused_even_with_the_right_password() {
    let stand = Stand::with_users().await;
    let guest = stand.guest();
    let mut last = 0;
    for _ in 0..11 {
        last = guest.post("/login", &[("name", "ada"), ("password", "wrong")]).await.status;
    }
    assert_eq!(last, 429);
    let right = guest.post("/login", &[("name", "ada"), ("password", PASSWORD)]).await;
    assert_eq!(right.status, 429);
    assert!(right.cookie().is_empty());
}

#[tokio::test]
async fn a_login_ends_by_itself() {
    for text in ["session = \"400ms\"\nsession_idle = \"400ms\"", "session_idle = \"200ms\""] {
        let stand = Stand::with(&format!("[console]\nsecure_cookie = false\n{text}\n{}", users())).await;
        let bob = stand.user("bob").await;
        let live = |bob: Guest| async move {
            let got = bob.ask(reqwest::Method::GET, "/", None, &[("x-daybridge-live", "1")]).await;
            (got.status == 401).then_some(())
        };
        until("the login ends", || live(bob.clone())).await;
        assert_eq!(bob.get("/").await.status, 303);
    }
}

fn named(stand: &Stand, names: &[&str]) -> Guest {
    let mut guest = stand.guest();
    guest.headers = names.iter().map(|name| ("x-remote-user".to_owned(), (*name).to_owned())).collect();
    guest
}

const PROXY: &str = "[console]\nproxy_user_header = \"X-Remote-User\"\nproxy_operators = [\"ada\"]\n";

#[tokio::test]
async fn the_proxys_word_counts_from_a_trusted_peer_alone() {
    let stranger = Stand::with(&format!("[server]\ntrusted_proxies = [\"192.0.2.1\"]\n{PROXY}")).await;
    let mut ada = named(&stranger, &["ada"]);
    assert_eq!(ada.get("/").await.status, 303);
    assert_eq!(ada.post("/settle/pause", &[("scope", "all"), ("reason", "x")]).await.status, 401);
    // What the caller claims of the way does not make it trusted.
    ada.headers.push(("x-forwarded-for".into(), "192.0.2.1".into()));
    assert_eq!(ada.get("/").await.status, 303);

    let stand = Stand::with(PROXY).await;
    let mut ada = named(&stand, &["ada"]);
    let page = ada.get("/settings").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("ada <small>operator</small>") && !page.text.contains("action=\"/logout\""));
    ada.token = ada.read_token().await;
    let form = [("scope", "all"), ("reason", "because")];
    assert_eq!(ada.post("/settle/pause", &form).await.status, 303);
    assert_eq!(stand.kit.pauses_now().await, [("all".into(), "ada".into())]);

    let mut eve = named(&stand, &["eve"]);
    eve.token = ada.token.clone();
    assert_eq!(eve.post("/settle/resume", &form).await.status, 403);
    eve.token = eve.read_token().await;
    let refused = eve.post("/settle/resume", &form).await;
    assert!(refused.status == 403 && refused.text.contains("may look, but not act"), "{}", refused.text);
    for nobody in [&["eve", "ada"][..], &[], &[""], &["<ada>"]] {
        assert_eq!(named(&stand, nobody).get("/").await.status, 303, "{nobody:?}");
    }
    assert!(stand.guest().get("/login").await.text.contains("come through the reverse proxy"));
}
