use std::time::Duration;

use daybridge::domain::DAY_MS;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

async fn ask(method: &str, url: String, token: Option<&str>, body: Value) -> (u16, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.request(method.parse().unwrap(), url);
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    if !body.is_null() {
        request = request.body(body.to_string());
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null))
}

async fn admin(sim: &SimRunning, method: &str, path: &str, body: Value) -> Value {
    let (status, told) = ask(method, format!("http://{}/_sim/{path}", sim.admin_addr), None, body).await;
    assert_eq!(status, 200, "{path}: {told}");
    told
}

async fn api(sim: &SimRunning, method: &str, path: &str, body: Value) -> (u16, Value) {
    ask(method, format!("{}/{path}", sim.base_url()), Some(TOKEN), body).await
}

#[tokio::test]
async fn every_admin_route_does_what_it_documents() {
    let (sim, _, before) = pair(100, CALL_TIMEOUT).await;
    admin(&sim, "POST", "channels", json!({ "id": "PAID-1", "days": 3, "mode": "live" })).await;
    admin(&sim, "POST", "channels", json!({ "id": "TRIAL-1", "trial": true })).await;
    admin(&sim, "POST", "channels", json!({ "id": "OLD-1", "active_till": 5 })).await;
    admin(&sim, "POST", "clock", json!({ "freeze": true, "set_ms": before })).await;
    let told = admin(&sim, "POST", "clock", json!({ "advance_ms": -5 })).await;
    assert_eq!(told["now"], before - 5);

    admin(&sim, "POST", &format!("channels/{ID}/extend"), json!({ "days": 5 })).await;
    admin(&sim, "POST", &format!("channels/{ID}/renew"), Value::Null).await;
    admin(&sim, "POST", "channels/OLD-1/mode", json!({ "mode": "dev" })).await;
    admin(&sim, "DELETE", "channels/TRIAL-1", Value::Null).await;
    admin(&sim, "POST", "balance", json!({ "days": 40 })).await;
    let told =
        admin(&sim, "POST", "switches", json!({ "too_little_balance": "409", "stale_reads_ms": 9 })).await;
    assert_eq!((&told["too_little_balance"], &told["extend_answer"]), (&json!("409"), &json!("full")));
    let faults = json!([
        { "method": "extend", "when": "after", "kind": "reset", "times": 2 },
        { "method": "read", "kind": { "hang": { "ms": 9 } }, "channel": ID },
        { "method": "mode", "kind": { "status": 502 } },
        { "method": "extend", "kind": "html_403" },
        { "method": "extend", "kind": "cut_json" },
        { "method": "extend", "kind": { "throttle": { "retry_after": 3 } } },
        { "method": "extend", "kind": { "late_commit": { "ms": 3 } } },
        { "method": "extend", "kind": { "refuse": 403 } },
    ]);
    admin(&sim, "POST", "faults", faults).await;
    admin(&sim, "POST", "faults", json!({ "method": "extend", "kind": "reset" })).await;
    let rates =
        json!({ "seed": 1, "rates": [{ "chance": 0.1, "fault": { "method": "extend", "kind": "reset" } }] });
    admin(&sim, "POST", "faults/rates", rates).await;

    let state = admin(&sim, "GET", "state", Value::Null).await;
    assert!(!state.to_string().contains("simChannelToken"));
    assert_eq!((&state["balance"], &state["now"]), (&json!(40), &json!(before - 5)));
    assert_eq!(state["faults"].as_array().unwrap().len(), 9);
    let ids: Vec<_> =
        state["channels"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [ID, "OLD-1", "PAID-1"]);
    assert_eq!(state["channels"][0]["activeTill"], before + 35 * DAY_MS);
    let by: Vec<_> = state["extends"].as_array().unwrap().iter().map(|line| line["by"].clone()).collect();
    assert_eq!(by, ["panel", "renewal"]);
    let told = admin(&sim, "DELETE", "faults", Value::Null).await;
    assert_eq!(told, json!({ "faults": [] }));

    for (path, body) in [
        ("switches", json!({ "to_little_balance": "409" })),
        ("switches", json!({ "too_little_balance": "418" })),
        ("faults", json!({ "method": "extend", "kind": "explode" })),
        ("faults", json!({ "method": "extend", "kind": "reset", "tmes": 2 })),
        ("balance", json!({})),
        ("channels", json!({ "id": ID })),
        ("channels/NONE-1/extend", json!({ "days": 1 })),
    ] {
        let (status, told) = ask("POST", format!("http://{}/_sim/{path}", sim.admin_addr), None, body).await;
        assert!(status == 400 && told["error"].is_string(), "{path}: {status} {told}");
    }
}

#[tokio::test]
async fn the_api_serves_the_partners_routes_and_nothing_more() {
    let (sim, _, before) = pair(100, CALL_TIMEOUT).await;
    for (method, path) in [
        ("GET", "balance"),
        ("GET", "_sim/state"),
        ("GET", "partners/me/settings"),
        ("GET", "channels/DEMOCH-AB12C/extend"),
        ("GET", "history"),
        ("PUT", "channels/DEMOCH-AB12C"),
    ] {
        let (status, told) = api(&sim, method, path, Value::Null).await;
        assert_eq!((status, &told["error"]["code"]), (404, &json!(404)), "{path}");
    }
    let (status, told) =
        ask("GET", format!("{}/channels/list?token={TOKEN}", sim.base_url()), None, Value::Null).await;
    assert_eq!((status, &told["error"]["code"]), (401, &json!(401)), "never in the query");

    let (_, one) = api(&sim, "GET", &format!("channels/{ID}"), Value::Null).await;
    assert_eq!(one["activeTill"], before);
    assert!(one["token"].is_string(), "so that dropping it is tested");
    let body = json!({ "name": "n", "projectId": "p" });
    for n in 0..21 {
        let (status, made) = api(&sim, "PUT", "channels", body.clone()).await;
        assert_eq!(status, if n < 20 { 200 } else { 429 }, "{made}");
        assert!(n == 20 || (made["trial"].is_i64() && made.get("phone").is_none()), "{made}");
    }
    let (_, page) = api(&sim, "GET", "channels/list?count=5&offset=18", Value::Null).await;
    assert_eq!(page["channels"].as_array().unwrap().len(), 3);
    let (_, told) = api(&sim, "PATCH", &format!("channels/{ID}/mode"), json!({ "mode": "live" })).await;
    assert_eq!(told["mode"], "live");
    let (status, _) = api(&sim, "PATCH", &format!("channels/{ID}/mode"), json!({ "mode": "dead" })).await;
    assert_eq!(status, 400);
    let (_, told) = api(&sim, "DELETE", &format!("channels/{ID}"), Value::Null).await;
    assert_eq!(told, json!({ "days": 9, "success": true }), "whole days");
    let (_, told) = api(&sim, "GET", "projects", Value::Null).await;
    assert!(told["projects"][0]["id"].is_string());
}

#[tokio::test]
async fn the_days_webhook_fires_in_every_shape_and_can_be_lost() {
    let (sim, client, _) = pair(100, Duration::from_secs(20)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/days", listener.local_addr().unwrap());
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut part = [0; 4096];
            let mut text = String::new();
            while !text.ends_with('}') && !text.contains("\r\n\r\n9") {
                let n = stream.read(&mut part).await.unwrap_or(0);
                if n == 0 {
                    break;
                }
                text.push_str(&String::from_utf8_lossy(&part[..n]));
            }
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
            let _ = tell.send(text.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned());
        }
    });
    let hook = json!({ "url": url, "events": [{ "type": "days", "method": "post" }], "mode": "body" });
    let (status, _) =
        api(&sim, "PATCH", "partners/me/settings", json!({ "webhooks": [hook], "days_limit": 95 })).await;
    assert_eq!(status, 200);
    for (shape, copies, want) in [
        ("event", 1, r#"{"days":90,"days_limit":95,"event":{"event":"post","type":"days"}}"#),
        ("flat", 2, r#"{"days":90}"#),
        ("nested", 1, r#"{"data":{"balance":90},"type":"days"}"#),
    ] {
        let wanted =
            json!({ "days_webhook_shape": shape, "days_webhook_copies": copies, "days_webhook_delay_ms": 5 });
        admin(&sim, "POST", "switches", wanted).await;
        // A lost one first: were it sent, it would arrive in the place of the next.
        for lost in [true, false] {
            admin(&sim, "POST", "switches", json!({ "days_webhook_lost": lost })).await;
            admin(&sim, "POST", "balance", json!({ "days": if lost { 101 } else { 100 } })).await;
            extend(&client).await;
        }
        for _ in 0..copies {
            let body = tokio::time::timeout(Duration::from_secs(20), told.recv()).await.unwrap().unwrap();
            let [body, want] = [&*body, want].map(|text| serde_json::from_str::<Value>(text).unwrap());
            assert_eq!(body, want, "{shape}");
        }
    }
}
