//! The one table of pages, and what every request passes before its page sees it: the form is from this site, somebody
//! is known, the form carries their token, and they may. What is not in the table cannot be reached, and a test walks
//! it.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, http::header, web};

use super::{
    arrival::Pages,
    assets,
    auth::{Visitor, origin},
    error::PageError,
    layout,
    pages::{
        audit, bulk,
        channels::{acts, list, one},
        customer, days, decide, held, login, overview, payment, payments, plan, plans, replaying, settings,
        settle, views,
    },
    request::{Answer, Fields, Request, see},
    state::AppState,
};
use crate::{clock, config::console::Role};

/// Longest form, in bytes: a page of ticked rows.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// Longest time for a whole form.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Least {
    /// Whoever reaches the address: the login and what it is drawn with.
    Anyone,
    /// Whoever is logged in.
    ReadOnly,
    /// Whoever may act.
    Operator,
}

/// One line of the table.
pub struct Route {
    /// `GET` or `POST`
    pub method: &'static str,
    /// Path
    pub path: &'static str,
    /// Who may.
    pub least: Least,
    page: fn(Request) -> Answer,
}

const fn get(path: &'static str, least: Least, page: fn(Request) -> Answer) -> Route {
    Route { method: "GET", path, least, page }
}

const fn post(path: &'static str, least: Least, page: fn(Request) -> Answer) -> Route {
    Route { method: "POST", path, least, page }
}

/// Every page.
pub const ROUTES: &[Route] = &[
    get("/login", Least::Anyone, login::show),
    post("/login", Least::Anyone, login::log_in),
    get("/assets/console.css", Least::Anyone, assets::style),
    get("/assets/live.js", Least::Anyone, assets::script),
    post("/logout", Least::ReadOnly, login::log_out),
    get("/", Least::ReadOnly, overview::show),
    get("/payments", Least::ReadOnly, payments::list),
    get("/payments/show", Least::ReadOnly, payment::show),
    post("/payments/views/save", Least::ReadOnly, views::save),
    post("/payments/views/delete", Least::ReadOnly, views::delete),
    get("/held", Least::ReadOnly, held::show),
    post("/held/retry", Least::Operator, decide::retry),
    post("/held/settle", Least::Operator, decide::settle),
    post("/held/cancel", Least::Operator, decide::cancel),
    post("/held/set", Least::Operator, decide::set),
    post("/held/bulk", Least::Operator, bulk::confirm),
    post("/held/bulk/apply", Least::Operator, bulk::apply),
    get("/replay", Least::ReadOnly, plans::list),
    get("/replay/show", Least::ReadOnly, plan::show),
    post("/replay/plan", Least::Operator, replaying::plan),
    post("/replay/apply", Least::Operator, replaying::apply),
    post("/replay/pause", Least::Operator, replaying::pause),
    post("/replay/abort", Least::Operator, replaying::abort),
    get("/channels", Least::ReadOnly, list::list),
    get("/channels/{channel}", Least::ReadOnly, one::show),
    get("/days", Least::ReadOnly, days::show),
    post("/days/mark", Least::Operator, days::mark),
    get("/customers/show", Least::ReadOnly, customer::show),
    post("/payments/stop", Least::Operator, acts::stop),
    post("/payments/go", Least::Operator, acts::go),
    post("/payments/slice", Least::Operator, acts::ask_slice),
    post("/payments/slice/apply", Least::Operator, acts::slice),
    post("/payments/move", Least::Operator, acts::ask_move),
    post("/payments/move/apply", Least::Operator, acts::move_rest),
    post("/grant", Least::Operator, acts::ask_grant),
    post("/grant/apply", Least::Operator, acts::grant),
    post("/settle/pause", Least::Operator, settle::pause),
    post("/settle/resume", Least::Operator, settle::resume),
    get("/audit", Least::ReadOnly, audit::list),
    get("/settings", Least::ReadOnly, settings::show),
];

/// Registers the table. Until the ledger has come, every page says that it is away.
pub(super) fn routes(app: &mut web::ServiceConfig, pages: &Pages) {
    for route in ROUTES {
        let pages = pages.clone();
        let method = if route.method == "POST" { web::post() } else { web::get() };
        app.route(
            route.path,
            method.to(move |request: HttpRequest, payload: web::Payload| {
                let app = pages.get().cloned();
                async move {
                    match app {
                        Some(app) => serve(route, app, request, payload).await,
                        None => layout::ledger_away(),
                    }
                }
            }),
        );
    }
    let pages = pages.clone();
    app.default_service(web::to(move |request: HttpRequest| {
        let app = pages.get().cloned();
        async move {
            let Some(app) = app else { return layout::ledger_away() };
            let visitor = app.auth.visitor(&request, true);
            layout::failed(&app, visitor, PageError::Missing("there is no such page".into()))
        }
    }));
}

async fn serve(
    route: &'static Route,
    app: Arc<AppState>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let live = request.headers().contains_key("x-daybridge-live");
    let visitor = app.auth.visitor(&request, live);
    let form = match read(&request, payload).await {
        Ok(form) => form,
        Err(status) => return HttpResponse::build(status).finish(),
    };
    if let Err(refusal) = admit(route, &app, &request, visitor.as_ref(), &form, live) {
        return match refusal {
            Refusal::Login(page) => see(&page),
            Refusal::Unknown => HttpResponse::Unauthorized().body("log in first"),
            Refusal::Forbidden(why) => layout::forbidden(&app, visitor, why),
        };
    }
    let request = Request {
        app: app.clone(),
        visitor: visitor.clone(),
        caller: app.auth.caller(&request),
        cookie: app.auth.cookie(&request),
        browser: app.auth.browser(&request),
        path: Fields::of(request.match_info().iter()),
        query: Fields::parse(request.query_string().as_bytes()),
        form,
        now: clock::now_ms(),
    };
    match (route.page)(request).await {
        Ok(answer) => answer,
        Err(wrong) => layout::failed(&app, visitor, wrong),
    }
}

/// Why a request does not reach its page.
enum Refusal {
    /// To the login, and back from there.
    Login(String),
    Unknown,
    Forbidden(&'static str),
}

fn admit(
    route: &Route,
    app: &AppState,
    request: &HttpRequest,
    visitor: Option<&Visitor>,
    form: &Fields,
    live: bool,
) -> Result<(), Refusal> {
    let posted = route.method == "POST";
    if posted && !origin::is_same_site(request.headers()) {
        return Err(Refusal::Forbidden("this form was sent by another site; nothing was changed"));
    }
    if route.least == Least::Anyone {
        return Ok(());
    }
    let Some(visitor) = visitor else {
        if posted || live {
            return Err(Refusal::Unknown);
        }
        let mut next = form_urlencoded::Serializer::new(String::new());
        next.append_pair("next", &request.uri().to_string());
        return Err(Refusal::Login(format!("/login?{}", next.finish())));
    };
    if posted && !app.auth.token_fits(visitor, form.get("csrf").unwrap_or_default()) {
        return Err(Refusal::Forbidden("this form is too old; open its page again. Nothing was changed"));
    }
    if route.least == Least::Operator && visitor.role < Role::Operator {
        return Err(Refusal::Forbidden("you may look, but not act; nothing was changed"));
    }
    Ok(())
}

async fn read(request: &HttpRequest, payload: web::Payload) -> Result<Fields, actix_web::http::StatusCode> {
    use actix_web::http::StatusCode;
    let whole = tokio::time::timeout(FORM_TIMEOUT, payload.to_bytes_limited(FORM_BYTES_MAX)).await;
    let bytes = match whole {
        Err(_) => return Err(StatusCode::REQUEST_TIMEOUT),
        Ok(Err(_)) => return Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Ok(Err(_))) => return Err(StatusCode::BAD_REQUEST),
        Ok(Ok(Ok(bytes))) => bytes,
    };
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_form = kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !bytes.is_empty() && !is_form {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    Ok(Fields::parse(&bytes))
}
