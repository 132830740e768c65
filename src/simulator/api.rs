//! The partner's routes, and nothing more: balance, history and comments are 404 here as they are there. The
//! token is taken from the header only. An `Idempotency-Key` is ignored.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::AUTHORIZATION,
    web::{self, Bytes},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{
    Shared,
    control::World,
    fault::{FaultKind, Method, When},
    hooks,
    record::{By, Extend, SimChannel, SimRefusal},
    spoil,
    switches::Shape,
};

/// Channels a list answers where no count is given, and the most it answers.
const LIST_COUNT_MAX: usize = 500;

/// Modes a channel can be set to.
const MODES: [&str; 4] = ["trial", "dev", "dev_archive", "live"];

pub(super) async fn serve(request: HttpRequest, body: Bytes, shared: web::Data<Shared>) -> HttpResponse {
    let answer = answered(request, &body, &shared).await;
    let delay_ms = shared.control.world().switches.answer_delay_ms;
    if delay_ms > 0 {
        spoil::silence(delay_ms).await;
    }
    answer
}

async fn answered(request: HttpRequest, body: &[u8], shared: &web::Data<Shared>) -> HttpResponse {
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given.and_then(|value| value.strip_prefix("Bearer ")) != Some(shared.token.expose_secret()) {
        return spoil::refused(401, "need authorization");
    }
    let path = request.path().to_owned();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    match (request.method().as_str(), segments.as_slice()) {
        ("GET", ["channels", "list"]) => list(&request, shared).await,
        ("GET", ["channels", id]) => read(&request, shared, id).await,
        ("POST", ["channels", id, "extend"]) => extend(&request, shared, id, &body).await,
        ("PATCH", ["channels", id, "mode"]) => set_mode(&request, shared, id, &body).await,
        ("PUT", ["channels"]) => create(shared, &body),
        ("DELETE", ["channels", id]) => delete(&request, shared, id).await,
        ("GET", ["projects"]) => HttpResponse::Ok()
            .json(json!({ "projects": [{ "id": "projectSimulated", "name": "Simulated" }] })),
        ("PATCH", ["partners", _, "settings"]) => settings(shared, &body),
        _ => spoil::refused(404, "path not found"),
    }
}

/// Makes a change, or suffers the fault that waits for it. `missed` writes down a change that was not made.
async fn suffer(
    request: &HttpRequest,
    shared: &web::Data<Shared>,
    (method, id): (Method, &str),
    missed: impl FnOnce(&mut World, &FaultKind),
    change: impl FnOnce(&mut World) -> HttpResponse + 'static,
) -> HttpResponse {
    let change = {
        let shared = shared.clone();
        move || {
            let answer = change(&mut shared.control.world());
            hooks::fire(&shared);
            answer
        }
    };
    let fault = shared.control.world().faults.take(method, id);
    let Some(fault) = fault else { return change() };
    match (&fault.kind, fault.when) {
        (FaultKind::LateCommit { ms }, _) => {
            let ms = *ms;
            actix_web::rt::spawn(async move {
                spoil::silence(ms).await;
                drop(change());
            });
        }
        (FaultKind::Throttle { .. }, _) | (_, When::Before) => {
            missed(&mut shared.control.world(), &fault.kind)
        }
        (_, When::After) => drop(change()),
    }
    spoil::spoil(request, &fault.kind).await
}

async fn read(request: &HttpRequest, shared: &web::Data<Shared>, id: &str) -> HttpResponse {
    let name = id.to_owned();
    suffer(
        request,
        shared,
        (Method::Read, id),
        |_, _| (),
        move |world| answer(world.book.read(world.clock.now(), &name, &world.switches), Shape::Full),
    )
    .await
}

async fn extend(request: &HttpRequest, shared: &web::Data<Shared>, id: &str, body: &Value) -> HttpResponse {
    let comment = body.get("comment").and_then(Value::as_str).map(str::to_owned);
    let days = days(body, shared.control.world().switches.accept_bad_days);
    let line = Extend {
        at: shared.control.now(),
        channel: id.to_owned(),
        days: days.unwrap_or(0),
        comment: comment.clone(),
        applied: false,
        by: By::Api,
        note: String::new(),
    };
    let missed =
        |world: &mut World, kind: &FaultKind| world.book.note(Extend { note: format!("{kind:?}"), ..line });
    let name = id.to_owned();
    suffer(request, shared, (Method::Extend, id), missed, move |world| {
        let (now, World { book, switches, .. }) = (world.clock.now(), world);
        let days = days.unwrap_or(0); // a refusal, where bad days are refused
        answer(book.extend(now, &name, days, comment.as_deref(), switches), switches.extend_answer)
    })
    .await
}

/// The days asked for; a fraction is cut where bad days are accepted.
fn days(body: &Value, accept_bad: bool) -> Option<i64> {
    let days = body.get("days")?;
    let cut = || days.to_string().split('.').next().and_then(|whole| whole.parse().ok());
    days.as_i64().or_else(|| if accept_bad && days.is_f64() { cut() } else { None })
}

async fn set_mode(request: &HttpRequest, shared: &web::Data<Shared>, id: &str, body: &Value) -> HttpResponse {
    let Some(mode) = body.get("mode").and_then(Value::as_str).filter(|mode| MODES.contains(mode)) else {
        return spoil::refused(400, "mode is wrong");
    };
    let (name, mode) = (id.to_owned(), mode.to_owned());
    suffer(
        request,
        shared,
        (Method::Mode, id),
        |_, _| (),
        move |world| {
            let now = world.clock.now();
            answer(world.book.set_mode(now, &name, &mode, &world.switches), world.switches.mode_answer)
        },
    )
    .await
}

fn create(shared: &web::Data<Shared>, body: &Value) -> HttpResponse {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let (Some(name), Some(project)) = (text("name"), text("projectId")) else {
        return spoil::refused(400, "name and projectId are required");
    };
    let mut world = shared.control.world();
    let World { book, switches, clock, .. } = &mut *world;
    answer(book.create(clock.now(), name, project, text("phone"), switches), Shape::Full)
}

async fn delete(request: &HttpRequest, shared: &web::Data<Shared>, id: &str) -> HttpResponse {
    let name = id.to_owned();
    suffer(
        request,
        shared,
        (Method::Delete, id),
        |_, _| (),
        move |world| match world.book.delete(world.clock.now(), &name) {
            Ok(days) => HttpResponse::Ok().json(json!({ "days": days, "success": true })),
            Err(why) => spoil::refused(why.status(), &why.to_string()),
        },
    )
    .await
}

async fn list(request: &HttpRequest, shared: &web::Data<Shared>) -> HttpResponse {
    let query = web::Query::<std::collections::HashMap<String, String>>::from_query(request.query_string());
    let number = |key: &str| query.as_ref().ok().and_then(|query| query.get(key)?.parse::<usize>().ok());
    let (offset, count) = (number("offset").unwrap_or(0), number("count").unwrap_or(LIST_COUNT_MAX));
    suffer(
        request,
        shared,
        (Method::List, ""),
        |_, _| (),
        move |world| {
            let channels: Vec<Value> = world
                .book
                .channels(world.clock.now(), &world.switches)
                .iter()
                .skip(offset)
                .take(count.min(LIST_COUNT_MAX))
                .map(object)
                .collect();
            let bare = world.switches.list_bare;
            HttpResponse::Ok().json(if bare { json!(channels) } else { json!({ "channels": channels }) })
        },
    )
    .await
}

/// Takes `days_limit` and the addresses of webhooks that want the `days` event.
fn settings(shared: &web::Data<Shared>, body: &Value) -> HttpResponse {
    let wants_days = |hook: &&Value| {
        let events = hook.get("events").and_then(Value::as_array);
        events.is_some_and(|all| all.iter().any(|event| event.get("type") == Some(&json!("days"))))
    };
    let mut world = shared.control.world();
    if let Some(hooks) = body.get("webhooks").and_then(Value::as_array) {
        let urls = hooks.iter().filter(wants_days).filter_map(|hook| hook.get("url")?.as_str());
        world.hooks.urls = urls.take(hooks::URLS_MAX).map(str::to_owned).collect();
    }
    if let Some(limit) = body.get("days_limit").and_then(Value::as_i64) {
        world.book.days_limit = Some(limit);
    }
    HttpResponse::Ok().json(json!({ "success": true }))
}

fn answer(done: Result<SimChannel, SimRefusal>, shape: Shape) -> HttpResponse {
    match (done, shape) {
        (Err(why), _) => spoil::refused(why.status(), &why.to_string()),
        (Ok(channel), Shape::Full) => HttpResponse::Ok().json(object(&channel)),
        (Ok(_), Shape::Success) => HttpResponse::Ok().json(json!({ "success": true })),
        (Ok(_), Shape::Empty) => HttpResponse::Ok().finish(),
    }
}

/// The channel object with the fields that never change.
fn object(channel: &SimChannel) -> Value {
    let mut object = serde_json::to_value(channel).unwrap_or(Value::Null);
    if let Some(fields) = object.as_object_mut() {
        fields.insert("apiUrl".into(), json!("https://gate.whapi.cloud/"));
        fields.insert("ownerId".into(), json!("ownerSimulated"));
        fields.insert("server".into(), json!(49));
    }
    object
}
