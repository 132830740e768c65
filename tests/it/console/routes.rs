//! The table of pages, walked: nobody gets in without a login, and nobody does more than their role.

use daybridge::console::{Least, ROUTES, Route};
use reqwest::Method;

use super::kit::{Stand, users};

fn posts() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.method == "POST" && route.least != Least::Anyone)
}

fn pages() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.method == "GET" && route.least != Least::Anyone)
}

#[tokio::test]
async fn no_page_answers_without_a_login() {
    let stand = Stand::with_users().await;
    let guest = stand.guest();
    for route in pages() {
        let got = guest.get(route.path).await;
        assert_eq!(got.status, 303, "{}", route.path);
        assert!(got.location().starts_with("/login?next="), "{}: {}", route.path, got.location());
        assert!(got.text.is_empty(), "{}", route.path);
        let live = guest.ask(Method::GET, route.path, None, &[("x-daybridge-live", "1")]).await;
        assert_eq!(live.status, 401, "{}", route.path);
    }
    for route in posts() {
        assert_eq!(guest.post(route.path, &[]).await.status, 401, "{}", route.path);
    }
    let forged = [("cookie", "daybridge=0000000000000000000000000000000000000000000000000000000000000000")];
    assert_eq!(guest.ask(Method::GET, "/", None, &forged).await.status, 303);
    assert_eq!(guest.get("/none").await.status, 404);
}

#[tokio::test]
async fn whoever_may_look_may_not_act() {
    let stand = Stand::with_users().await;
    let bob = stand.user("bob").await;
    for route in posts().filter(|route| route.least == Least::Operator) {
        let got = bob.post(route.path, &[("reason", "because"), ("scope", "all")]).await;
        assert_eq!(got.status, 403, "{}", route.path);
        assert!(got.text.contains("you may look, but not act"), "{}", route.path);
    }
    assert!(stand.kit.pauses_now().await.is_empty());
    for route in pages() {
        let got = bob.get(route.path).await;
        assert!(matches!(got.status, 200 | 400), "{}: {}", route.path, got.status);
        for acting in posts().filter(|route| route.least == Least::Operator) {
            assert!(!got.text.contains(&format!("action=\"{}\"", acting.path)), "{}", route.path);
        }
    }
}

#[tokio::test]
async fn a_form_without_its_token_or_from_elsewhere_is_refused() {
    let stand = Stand::with_users().await;
    let ada = stand.user("ada").await;
    let others = stand.user("ada").await.token;
    assert_ne!(ada.token, others);
    for route in posts() {
        let mut thief = ada.clone();
        for token in ["", "0000", &*others] {
            thief.token = token.to_owned();
            let got = thief.post(route.path, &[("reason", "because"), ("scope", "all")]).await;
            assert_eq!(got.status, 403, "{} with {token:?}", route.path);
        }
        let form = || Some(format!("csrf={}&scope=all&reason=because", ada.token));
        for from in [
            [("sec-fetch-site", "cross-site")],
            [("sec-fetch-site", "same-site")],
            [("origin", "http://evil.example")],
            [("origin", "null")],
        ] {
            let got = ada.ask(Method::POST, route.path, form(), &from).await;
            assert_eq!(got.status, 403, "{} from {from:?}", route.path);
        }
    }
    assert!(stand.kit.pauses_now().await.is_empty());
    let login = Some("name=ada&password=x".to_owned());
    let got = ada.ask(Method::POST, "/login", login, &[("origin", "http://evil.example")]).await;
    assert_eq!(got.status, 403);
    let same = [("sec-fetch-site", "same-origin"), ("origin", &*stand.url)];
    let form = format!("csrf={}&scope=all&reason=because", ada.token);
    assert_eq!(ada.ask(Method::POST, "/settle/pause", Some(form), &same).await.status, 303);
}

#[tokio::test]
async fn there_are_no_pages_until_somebody_can_come_in() {
    let stand = Stand::with("").await;
    let guest = stand.guest();
    for route in ROUTES {
        let method = Method::from_bytes(route.method.as_bytes()).unwrap();
        assert_eq!(guest.ask(method, route.path, None, &[]).await.status, 404, "{}", route.path);
    }
    assert_eq!(guest.get("/healthz").await.status, 204);
    assert_eq!(guest.get("/readyz").await.text, "{\"ready\":true}");
}

#[tokio::test]
async fn every_answer_tells_the_browser_to_be_strict() {
    let stand = Stand::with(&format!("[console]\n{}", users())).await;
    let guest = stand.guest();
    for path in ["/", "/login", "/none", "/assets/console.css", "/assets/live.js", "/healthz"] {
        let got = guest.get(path).await;
        let header =
            |name: &str| got.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let policy = header("content-security-policy");
        for part in
            ["default-src 'none'", "script-src 'self'", "form-action 'self'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        let kept = if path.starts_with("/assets") { "private, max-age=300" } else { "no-store" };
        assert_eq!(header("cache-control"), kept, "{path}");
    }
}

#[tokio::test]
async fn a_form_has_a_limit() {
    let stand = Stand::with_users().await;
    let ada = stand.user("ada").await;
    let long = "x".repeat(70 * 1024);
    assert_eq!(ada.post("/settle/pause", &[("reason", &*long)]).await.status, 413);
    let json = ada.ask(Method::POST, "/settle/pause", None, &[("content-type", "application/json")]).await;
    assert_eq!(json.status, 403);
}
