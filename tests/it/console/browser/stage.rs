//! What the operator finds in the morning: credited payments, one whose outcome is open, and what cannot be granted.

use serde_json::json;

use crate::support::daybridge::House;

/// May act.
pub(super) const OPERATOR: &str = "ada";

/// May look.
pub(super) const READER: &str = "eve";

/// Of both.
pub(super) const PASSWORD: &str = "correct horse battery";

/// The partner's channels.
pub(super) const CHANNELS: [&str; 3] = ["DEMOCH-AB12C", "DEMOCH-CD34E", "DEMOCH-EF56G"];

/// Amount of `pi_found` alone.
pub(super) const AMOUNT: &str = "4711";

/// Payments of the first two channels that are credited, besides `pi_found`.
pub(super) const CREDITED: usize = 12;

/// [`PASSWORD`] as `daybridge console password` hashes it.
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$EGOR/zlgQFZ+ARlKNOUCpQ$VZEZbmxuLrJgSM241vuPgvCXWPFwHA30lMZ8zM5odvI";

/// Settings of both.
pub(super) fn users() -> String {
    format!(
        "[console.users.{OPERATOR}]\npassword = \"{HASH}\"\nrole = \"operator\"\n\
         [console.users.{READER}]\npassword = \"{HASH}\"\nrole = \"read-only\"\n"
    )
}

/// `run` with all of it settled or held.
pub(super) async fn build() -> House {
    let settings = format!("on_unmoved = \"hold\"\n{}", users());
    let mut house = House::build("embedded", None, &settings).await;
    for channel in CHANNELS {
        house.sim("channels", json!({"id": channel, "days": 3, "mode": "live"})).await;
    }
    let unclear = json!({"method": "extend", "kind": {"status": 502}, "channel": CHANNELS[2]});
    house.sim("faults", unclear).await;
    house.start("run").await;
    post(&house, "pi_doubtful", CHANNELS[2], "30", "900").await;
    post(&house, "pi_found", CHANNELS[0], "30", AMOUNT).await;
    post(&house, "pi_nobody", "DEMOCH-NOONE", "30", "900").await;
    post(&house, "pi_dayless", CHANNELS[0], "soon", "900").await;
    for n in 0..CREDITED {
        post(&house, &format!("pi_{n}"), CHANNELS[n % 2], "7", "900").await;
    }
    for n in 0..CREDITED {
        house.payment_is(&format!("stripe/pi_{n}"), "credited").await;
    }
    house.payment_is("stripe/pi_found", "credited").await;
    for held in ["pi_doubtful", "pi_nobody", "pi_dayless"] {
        house.payment_is(&format!("stripe/{held}"), "held").await;
    }
    house
}

/// A payment of an amount.
pub(super) async fn post(house: &House, payment: &str, channel: &str, days: &str, amount: &str) {
    let body = House::event("charge.succeeded", &format!("evt_{payment}"), payment, channel, days);
    let body = String::from_utf8(body).unwrap().replace(": 900,", &format!(": {amount},"));
    assert_eq!(house.post(body.as_bytes()).await, 200);
}

/// How often the partner applied days, over all channels.
pub(super) async fn extensions(house: &House) -> usize {
    house.billing_history().await.lines().count()
}
