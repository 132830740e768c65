//! `/_sim/…`: the truth, and all that can be changed. JSON in and out, loopback only, no token. A wrong request
//! is 400 `{"error":"…"}`; every route but the first answers the state's small parts it changed.
//!
//! | route | body | does |
//! |---|---|---|
//! | `GET /_sim/state` | – | `{"now","balance","days_limit","channels":[…],"extends":[{"at","channel","days","comment","applied","by","note"}],"switches":{…},"faults":[…]}`; channels without their token |
//! | `POST /_sim/channels` | `{"id","days"?,"active_till"?,"mode"?,"trial"?}` | a channel with so many days from now (below 0: expired) or this `activeTill` in ms; `"trial":true`: as a creation with a trial |
//! | `DELETE /_sim/channels/{id}` | – | as if deleted by hand: `{"days"}` returned to the balance |
//! | `POST /_sim/channels/{id}/extend` | `{"days"}` | the panel's Extend button |
//! | `POST /_sim/channels/{id}/renew` | `{"days"?}` (30) | a card renewal; the balance stays |
//! | `POST /_sim/channels/{id}/mode` | `{"mode"}` | a mode change by hand |
//! | `POST /_sim/balance` | `{"days"}` | sets the balance |
//! | `POST /_sim/switches` | any fields of `Switches` | sets these |
//! | `POST /_sim/faults` | a `Fault` or an array of them | `{"method":"extend","when":"after","kind":"reset","channel":null,"times":1}`; kinds: `"reset"`, `{"hang":{"ms":n}}`, `{"late_commit":{"ms":n}}`, `{"status":502}`, `"cut_json"`, `"html_403"`, `{"throttle":{"retry_after":n}}`, `{"refuse":403}` |
//! | `POST /_sim/faults/rates` | `{"seed","rates":[{"chance":0.1,"fault":{…}}]}` | random faults, repeatable |
//! | `DELETE /_sim/faults` | – | forgets all faults and rates |
//! | `POST /_sim/clock` | `{"advance_ms"?,"set_ms"?,"freeze"?}` | moves, sets, stops the clock: `{"now"}` |

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Bytes},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    Shared,
    control::World,
    fault::{Chance, Fault},
    hooks,
    record::{By, SimChannel, TRIAL_ACTIVE_DAYS, TRIAL_DAYS, blank},
    switches::Switches,
};
use crate::domain::{DAY_MS, Ms, id::ChannelId};

/// Days of a card renewal where none are given: a billed month.
const RENEWAL_DAYS: i64 = 30;

type Outcome = Result<Value, String>;

pub(super) async fn serve(request: HttpRequest, body: Bytes, shared: web::Data<Shared>) -> HttpResponse {
    let path = request.path().to_owned();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let Some((&"_sim", route)) = segments.split_first() else { return unknown() };
    let outcome = {
        let world = &mut *shared.control.world();
        match (request.method().as_str(), route) {
            ("GET", ["state"]) => Ok(state(world)),
            ("POST", ["channels"]) => parse(&body).and_then(|wanted| create(world, wanted)),
            ("DELETE", ["channels", id]) => delete(world, id),
            ("POST", ["channels", id, "extend"]) => move_days(world, id, &body, By::Panel),
            ("POST", ["channels", id, "renew"]) => move_days(world, id, &body, By::Renewal),
            ("POST", ["channels", id, "mode"]) => parse(&body).and_then(|wanted| mode(world, id, wanted)),
            ("POST", ["balance"]) => parse(&body).map(|Balance { days }| {
                world.book.set_balance(days);
                json!({ "balance": days })
            }),
            ("POST", ["switches"]) => switches(world, &body),
            ("POST", ["faults"]) => faults(world, &body),
            ("POST", ["faults", "rates"]) => parse(&body).map(|Rates { seed, rates }| {
                world.faults.set_rates(seed, rates);
                json!({ "seed": seed })
            }),
            ("DELETE", ["faults"]) => {
                world.faults.clear();
                Ok(json!({ "faults": [] }))
            }
            ("POST", ["clock"]) => parse(&body).map(|wanted| clock(world, &wanted)),
            _ => return unknown(),
        }
    };
    hooks::fire(&shared);
    match outcome {
        Ok(told) => HttpResponse::Ok().json(told),
        Err(why) => HttpResponse::BadRequest().json(json!({ "error": why })),
    }
}

fn unknown() -> HttpResponse {
    HttpResponse::NotFound().json(json!({ "error": "no such route; see daybridge's simulator::admin" }))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewChannel {
    id: ChannelId,
    #[serde(default)]
    days: i64,
    active_till: Option<Ms>,
    mode: Option<String>,
    #[serde(default)]
    trial: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Balance {
    days: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Days {
    days: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mode {
    mode: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rates {
    seed: u64,
    rates: Vec<Chance>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTime {
    advance_ms: Option<i64>,
    set_ms: Option<Ms>,
    freeze: Option<bool>,
}

/// The channel without its token.
fn public(channel: &SimChannel) -> Value {
    let mut object = serde_json::to_value(channel).unwrap_or(Value::Null);
    if let Some(fields) = object.as_object_mut() {
        fields.remove("token");
    }
    object
}

fn state(world: &World) -> Value {
    let now = world.clock.now();
    json!({
        "now": now,
        "balance": world.book.balance(),
        "days_limit": world.book.days_limit,
        "channels": world.book.channels(now, &world.switches).iter().map(public).collect::<Vec<_>>(),
        "extends": world.book.extends().collect::<Vec<_>>(),
        "switches": world.switches,
        "faults": world.faults.waiting(),
    })
}

fn create(world: &mut World, wanted: NewChannel) -> Outcome {
    let now = world.clock.now();
    let mut channel = blank(wanted.id.as_str(), now);
    let asked = now.saturating_add(wanted.days.saturating_mul(DAY_MS));
    channel.active_till = wanted.active_till.unwrap_or(asked);
    channel.mode = wanted.mode;
    if wanted.trial {
        channel.trial = Some(now.saturating_add(TRIAL_DAYS * DAY_MS));
        channel.active_till = now.saturating_add(TRIAL_ACTIVE_DAYS * DAY_MS);
        channel.mode = Some("trial".into());
    }
    let told = public(&channel);
    world.book.add(now, channel).map(|()| told).map_err(|why| why.to_string())
}

fn delete(world: &mut World, id: &str) -> Outcome {
    let days = world.book.delete(world.clock.now(), id).map_err(|why| why.to_string())?;
    Ok(json!({ "days": days }))
}

fn move_days(world: &mut World, id: &str, body: &[u8], by: By) -> Outcome {
    let Days { days } = parse(if body.is_empty() { b"{}" } else { body })?;
    let days = match (days, by) {
        (Some(days), _) => days,
        (None, By::Renewal) => RENEWAL_DAYS,
        (None, By::Api | By::Panel) => return Err("days is required".into()),
    };
    let now = world.clock.now();
    let done = world.book.move_days(now, id, days, by, &world.switches);
    done.map(|channel| public(&channel)).map_err(|why| why.to_string())
}

fn mode(world: &mut World, id: &str, wanted: Mode) -> Outcome {
    let now = world.clock.now();
    let done = world.book.set_mode(now, id, &wanted.mode, &world.switches);
    done.map(|channel| public(&channel)).map_err(|why| why.to_string())
}

/// The switches named are set; the others stay.
fn switches(world: &mut World, body: &[u8]) -> Outcome {
    let wanted: serde_json::Map<String, Value> = parse(body)?;
    let mut all = serde_json::to_value(&world.switches).map_err(|error| error.to_string())?;
    if let Some(fields) = all.as_object_mut() {
        fields.extend(wanted);
    }
    world.switches = Switches::deserialize(&all).map_err(|error| error.to_string())?;
    Ok(all)
}

fn faults(world: &mut World, body: &[u8]) -> Outcome {
    let wanted: Vec<Fault> =
        if body.trim_ascii_start().starts_with(b"[") { parse(body)? } else { vec![parse(body)?] };
    for fault in wanted {
        if !world.faults.push(fault) {
            return Err("too many faults wait already".into());
        }
    }
    Ok(json!({ "faults": world.faults.waiting() }))
}

fn clock(world: &mut World, wanted: &NewTime) -> Value {
    if let Some(frozen) = wanted.freeze {
        world.clock.freeze(frozen);
    }
    if let Some(ms) = wanted.set_ms {
        world.clock.set(ms);
    }
    if let Some(ms) = wanted.advance_ms {
        world.clock.advance(ms);
    }
    json!({ "now": world.clock.now() })
}
