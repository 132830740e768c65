//! A provider that nobody knows here, declared in the settings; and a known one with other words.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha512;

use super::{CHANNEL, house, moved};
use crate::support::daybridge::{House, now_s};

/// The shop's secret as the settings have it; the key is what the hex says.
const SECRET: &str = "shop_00112233445566778899aabbccddeeff";
const WHSEC: &str = "whsec_aXQtYWNtZS1zZWNyZXQtMDEyMzQ1Njc4OQ==";

const SETTINGS: &str = r#"
[sources.shop]
provider = "custom"
title = "Our own shop"
secrets = ["shop_00112233445566778899aabbccddeeff"]
channel = ["/custom/channel"]
[sources.shop.per_day]
currency = "eur"
amount = 30
[sources.shop.signature]
header = "x-shop-signature"
list = ";"
assign = ":"
element = "s2"
timestamp = { header = "x-shop-time", unit = "ms" }
signed = "{timestamp}|{header:x-shop-id}|{body}"
mac = "sha512"
encoding = "base64"
key = "hex"
key_prefix = "shop_"
status = 401
[sources.shop.events]
id = "header:x-shop-id"
type = "/kind"
occurred_at = "/at"
occurred_unit = "ms"
object = "/order"
[sources.shop.events.objects.order]
ids = [{ at = "/number", rank = 0, prefix = "order:" }]
amount = ["/total"]
amount_as = "major"
currency = "/currency"
[[sources.shop.events.on]]
types = ["order.changed"]
object = "order"
when = [{ at = "/state", is = ["paid"] }]
means = "money_in"
[sources.acme]
provider = "standard-webhooks"
secrets = ["whsec_aXQtYWNtZS1zZWNyZXQtMDEyMzQ1Njc4OQ=="]
signature.header = "acme-signature"
signature.timestamp = { header = "acme-time", unit = "s" }
signature.signed = "{header:acme-id}.{timestamp}.{body}"
channel = ["/note/channel"]
days = ["/note/days"]
events.id = "header:acme-id"
events.object = "/content"
[[sources.acme.events.on]]
types = ["sale"]
object = "payment"
means = "money_in"
"#;

/// Signed here, by the words of the settings above.
fn signed(time: &str, id: &str, body: &str) -> String {
    let key = hex::decode(SECRET.strip_prefix("shop_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha512>::new_from_slice(&key).unwrap();
    mac.update(format!("{time}|{id}|{body}").as_bytes());
    format!("s1:old;s2:{}", STANDARD.encode(mac.finalize().into_bytes()))
}

async fn post(house: &House, name: &str, headers: &[(&str, &str)], body: &str) -> u16 {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request =
        http.post(format!("http://127.0.0.1:{}/webhooks/{name}", house.server)).body(body.to_owned());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_the_settings_moves_days() {
    let mut house = house(SETTINGS).await;
    house.start("run").await;
    let now = (now_s() * 1000).to_string();
    let order = |state: &str| {
        let order = json!({"number": 7001, "state": state, "total": "12.30", "currency": "EUR",
            "custom": {"channel": CHANNEL}});
        json!({"kind": "order.changed", "at": now_s() * 1000, "order": order}).to_string()
    };
    let send = async |id: &str, time: &str, body: &str, signature: &str| {
        let headers = [("x-shop-signature", signature), ("x-shop-time", time), ("x-shop-id", id)];
        post(&house, "shop", &headers, body).await
    };
    let open = order("open");
    assert_eq!(send("m1", &now, &open, &signed(&now, "m1", &open)).await, 200);
    let paid = order("paid");
    let good = signed(&now, "m2", &paid);
    assert_eq!(send("m3", &now, &paid, &good).await, 401, "the id is signed");
    let old = ((now_s() - 301) * 1000).to_string();
    assert_eq!(send("m2", &old, &paid, &signed(&old, "m2", &paid)).await, 401, "too old");
    let seconds = now_s().to_string();
    assert_eq!(send("m2", &seconds, &paid, &signed(&seconds, "m2", &paid)).await, 401, "no milliseconds");
    assert_eq!(send("m2", &now, &paid, &good.replace("s2:", "s3:")).await, 401, "another scheme");
    assert_eq!(send("m2", &now, &paid, &good).await, 200);
    assert_eq!(send("m2", &now, &paid, &good).await, 200);
    let whole = house.payment_is("shop/order:7001", "credited").await;
    assert_eq!((&whole["amount"], &whole["currency"]), (&json!(1230), &json!("eur")), "{whole:#}");
    assert_eq!(house.json(&["events", "show", "m1", "--json"])[0]["outcome"], "ignored");
    assert_eq!(moved(&house).await[CHANNEL], (1, 41));
    assert!(house.billing_history().await.contains("daybridge shop/order:7001#1 41d"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preset_with_words_of_the_settings_moves_days() {
    let mut house = house(SETTINGS).await;
    house.start("run").await;
    let content =
        json!({"id": "s-1", "amount": 900, "currency": "usd", "note": {"channel": CHANNEL, "days": 11}});
    let body = json!({"type": "sale", "timestamp": "2025-10-09T08:53:20Z", "content": content}).to_string();
    let (id, time) = ("msg_1", now_s().to_string());
    let key = STANDARD.decode(WHSEC.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{time}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let standard = [("webhook-signature", &*signature), ("webhook-timestamp", &time), ("webhook-id", id)];
    assert_eq!(post(&house, "acme", &standard, &body).await, 400, "under the preset's own names");
    let own = [("acme-signature", &*signature), ("acme-time", &time), ("acme-id", id)];
    assert_eq!(post(&house, "acme", &own, &body).await, 200);
    house.payment_is("acme/s-1", "credited").await;
    assert_eq!(moved(&house).await[CHANNEL], (1, 11));
}
