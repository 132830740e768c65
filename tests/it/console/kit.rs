//! A console over a SQLite ledger and an embedded queue, and a browser's part in short words.

use std::sync::{Arc, OnceLock};

use daybridge::{
    clock,
    config::load,
    console::{self, Console, Parts, password},
    provider::Readers,
    queue::{self, Queue},
    webhook::Sources,
    worker::Interpreter,
};
use reqwest::{
    Client, Method,
    header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE},
};

use crate::ledger::kit::{self, Kit};

pub(super) const PASSWORD: &str = "correct horse battery";
pub(super) const TOKEN: &str = "partnerToken5Xd83";
pub(super) const SECRET: &str = "whsec_console7Rk21";

/// The hash of [`PASSWORD`], made once.
pub(super) fn hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| password::hash(PASSWORD).unwrap())
}

/// `ada` acts, `bob` looks.
pub(super) fn users() -> String {
    format!(
        "[console.users.ada]\npassword = \"{0}\"\nrole = \"operator\"\n\
         [console.users.bob]\npassword = \"{0}\"\nrole = \"read-only\"\n",
        hash()
    )
}

pub(super) struct Stand {
    pub(super) kit: Kit,
    pub(super) queue: Arc<dyn Queue>,
    pub(super) url: String,
    console: Option<Console>,
    _folder: tempfile::TempDir,
}

/// Status, headers and text of an answer.
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Got {
    pub(super) fn location(&self) -> &str {
        self.headers.get(LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn cookie(&self) -> &str {
        self.headers.get(SET_COOKIE).map_or("", |value| value.to_str().unwrap())
    }
}

/// Somebody with a browser.
#[derive(Clone)]
pub(super) struct Guest {
    http: Client,
    url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) token: String,
}

impl Stand {
    /// With users.
    pub(super) async fn with_users() -> Self {
        Self::with(&format!("[console]\nsecure_cookie = false\n{}", users())).await
    }

    pub(super) async fn with(extra: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let extra = extra.replacen("[console]\n", "[console]\nlisten = \"127.0.0.1:0\"\n", 1);
        let listen = if extra.contains("listen =") { "" } else { "[console]\nlisten = \"127.0.0.1:0\"\n" };
        let text = format!(
            "{listen}{extra}\n[queue]\nurl = \"embedded:{}/queue.db\"\n[partner]\ntoken = \"{TOKEN}\"\n\
             [sources.stripe]\nprovider = \"stripe\"\nsecrets = [\"{SECRET}\"]\n",
            folder.path().display()
        );
        let config = load::parse(&text, Vec::new()).unwrap();
        let kit = kit::sqlite().await;
        let queue = queue::open(&config.queue).await.unwrap();
        let readers = Readers::new(&config).unwrap();
        let interpreter =
            Interpreter::looking(&config, &kit.ledger, Arc::new(readers), clock::now_ms()).await.unwrap();
        let parts = Parts {
            role: "run",
            queue: queue.clone(),
            with_ledger: true,
            refused: Some(Sources::with_secrets(&config).unwrap().refused()),
            backfilled: Vec::new(),
            metrics: None,
        };
        let console = console::start(&config, parts).unwrap();
        console.arrival().ledger(Arc::new(kit.ledger.clone()), Some(interpreter)).unwrap();
        let url = format!("http://{}", console.address);
        Self { kit, queue, url, console: Some(console), _folder: folder }
    }

    /// Somebody unknown.
    pub(super) fn guest(&self) -> Guest {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Guest { http, url: self.url.clone(), headers: Vec::new(), token: String::new() }
    }

    /// Somebody logged in.
    pub(super) async fn user(&self, name: &str) -> Guest {
        let mut guest = self.guest();
        let got = guest.log_in(name, PASSWORD).await;
        assert_eq!((got.status, got.location()), (303, "/"), "{}", got.text);
        guest
    }

    /// Ends it, with its replays.
    pub(super) async fn stop(mut self) -> Kit {
        if let Some(console) = self.console.take() {
            console.stop().await;
        }
        self.queue.close().await;
        self.kit
    }
}

impl Guest {
    /// Tries to; afterwards this one has the cookie and the token.
    pub(super) async fn log_in(&mut self, name: &str, password: &str) -> Got {
        let got = self.post("/login", &[("name", name), ("password", password)]).await;
        if let Some((cookie, _)) = got.cookie().split_once(';') {
            self.headers.push((COOKIE.to_string(), cookie.to_owned()));
            self.token = self.read_token().await;
        }
        got
    }

    /// The token of the forms of this visitor's pages.
    pub(super) async fn read_token(&self) -> String {
        let page = self.get("/payments").await.text;
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split_once('"').unwrap().0.to_owned()
    }

    pub(super) async fn get(&self, path: &str) -> Got {
        self.ask(Method::GET, path, None, &[]).await
    }

    /// Posts a form with this visitor's token.
    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Got {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("csrf", &self.token).extend_pairs(fields);
        self.ask(Method::POST, path, Some(body.finish()), &[]).await
    }

    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        form: Option<String>,
        headers: &[(&str, &str)],
    ) -> Got {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(form) = form {
            request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Got { status, headers, text: answer.text().await.unwrap() }
    }
}
