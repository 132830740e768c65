//! Logins, their limits, and the reverse proxy's word.

use daybridge::ledger::query::Page;

use super::kit::{Guest, PASSWORD, Stand, users};
use crate::support::wait::until;

async fn log(stand: &Stand) -> Vec<(String, String)> {
    let acts = stand.kit.audit(None, &Page::first(100)).await.unwrap();
    acts.into_iter().map(|act| (act.action.to_string(), act.key)).collect()
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

/// A browser of hers, then strangers from her own address until it is locked, whatever addresses they claim.
#[tokio::test]
async fn nobody_locks_the_true_user_out() {
    let stand = Stand::with_users().await;
    let mut ada = stand.guest();
    let first = ada.log_in("ada", PASSWORD).await;
    let cookies: Vec<String> =
        first.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap().to_owned()).collect();
    let browser =
        cookies.iter().find(|cookie| cookie.starts_with("daybridge-browser=")).expect("a second cookie");
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age=7776000"] {
        assert!(browser.contains(part), "{part}: {browser}");
    }
    let form = |password| [("name", "ada"), ("password", password)];
    let mut stranger = stand.guest();
    let mut last = 0;
    for _ in 0..11 {
        last = stranger.post("/login", &form("wrong")).await.status;
    }
    assert_eq!(last, 429, "her address is locked");
    // From another address.
    let mut elsewhere = stand.guest();
    elsewhere.headers.push(("x-forwarded-for".into(), "203.0.113.7".into()));
    assert_eq!(elsewhere.post("/login", &form(PASSWORD)).await.status, 303);
    // From hers, with the browser that she had logged in with before.
    let mut back = stand.guest();
    back.headers.push(("cookie".into(), browser.split(';').next().unwrap().to_owned()));
    assert_eq!(back.post("/login", &form("wrong")).await.status, 200);
    assert_eq!(back.post("/login", &form(PASSWORD)).await.status, 303);
    // It is hers alone, and nobody can make one up.
    let bob = back.post("/login", &[("name", "bob"), ("password", "wrong")]).await;
    assert_eq!(bob.status, 200, "counted as anybody's");
    stranger.headers.push(("cookie".into(), "daybridge-browser=1.00.ff".into()));
    assert_eq!(stranger.post("/login", &form(PASSWORD)).await.status, 429);
}

/// DNS rebinding: a stranger's page points its own name at this machine. It can send whatever header it likes.
#[tokio::test]
async fn under_a_strangers_name_there_is_no_console() {
    let with_name = PROXY.replacen("[console]\n", "[console]\nhosts = [\"console.example.com\"]\n", 1);
    let stand = Stand::with(&with_name).await;
    let port = stand.url.rsplit_once(':').unwrap().1.to_owned();
    let mut ada = named(&stand, &["ada"]);
    ada.token = ada.read_token().await;
    let asked = |host: String| {
        let mut guest = ada.clone();
        guest.headers.push(("host".into(), host));
        guest
    };
    for name in ["rebound.example", "localhost.rebound.example", "127.0.0.1.rebound.example", "192.0.2.1"] {
        let page = asked(format!("{name}:{port}"));
        for path in ["/", "/payments", "/held", "/login", "/metrics", "/refused", "/assets/live.js", "/none"]
        {
            let got = page.get(path).await;
            assert_eq!(got.status, 421, "{name} {path}");
            assert!(
                got.text.contains("[console] hosts") && !got.text.contains("csrf"),
                "{name} {path}: {}",
                got.text
            );
            assert_eq!(got.headers["x-frame-options"], "DENY");
        }
        let form = [("scope", "all"), ("reason", "because")];
        assert_eq!(page.post("/settle/pause", &form).await.status, 421, "{name}");
        assert_eq!(page.get("/healthz").await.status, 204, "{name}");
    }
    assert!(stand.kit.pauses_now().await.is_empty());
    for name in
        [&format!("localhost:{port}"), "localhost:9999", "127.0.0.1", "[::1]:1", "console.example.com"]
    {
        assert_eq!(asked(name.to_owned()).get("/payments").await.status, 200, "{name}");
    }
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
