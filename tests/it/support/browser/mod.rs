//! A headless Chromium of its own, driven through Debian's chromedriver, as a person with a screen uses it: fields
//! are found by their labels, buttons and links by their words, so that a page that loses them fails the test.
//!
//! Nothing stays behind: driver and browser are one process group that is killed at drop, and where the test process
//! is killed the kernel kills the driver, whose end closes the pipe that the browser lives by.

use std::{
    process::{Child, Command},
    time::Duration,
};

use serde_json::json;
use tempfile::TempDir;
use thirtyfour::prelude::*;

use super::{
    rabbitmq::{free_ports, spawn},
    wait::{soon, until},
};

/// What axe-core thinks of a page.
mod axe;
/// Finding and using what is on a page.
mod page;
/// Pictures of a page.
mod shots;

pub(crate) use shots::Shots;

/// Longest time that a command of the driver may take; a page is loaded within it.
const COMMAND_MAX: Duration = Duration::from_secs(30);

/// What Chromium needs to run alone: as root, without a screen, without a look at the world outside.
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-prefers-reduced-motion",
    // The browser ends when the driver's end of the pipe is closed, however the driver ended.
    "--remote-debugging-pipe",
    "--window-size=1280,900",
];

/// A browser with an empty profile.
pub(crate) struct Browser {
    driver: Option<WebDriver>,
    base: String,
    chromedriver: Child,
    _home: TempDir,
}

impl Browser {
    /// Opens one for a site, such as `http://127.0.0.1:8081`; with or without JavaScript.
    pub(crate) async fn open(base: &str, scripts: bool) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let home = tempfile::tempdir().unwrap();
        let [port] = free_ports();
        // A session of its own makes the driver the head of a process group.
        let mut command = Command::new("setsid");
        command.arg("chromedriver").arg(format!("--port={port}"));
        command.env("HOME", home.path()).env("TMPDIR", home.path());
        let chromedriver = spawn(command);
        let mut browser = Self { driver: None, base: base.to_owned(), chromedriver, _home: home };
        let http = reqwest::Client::builder().no_proxy().timeout(COMMAND_MAX).build().unwrap();
        let url = format!("http://127.0.0.1:{port}");
        until("chromedriver is up", || async { http.get(format!("{url}/status")).send().await.ok() }).await;
        let mut wanted = DesiredCapabilities::chrome();
        for flag in FLAGS {
            wanted.add_arg(flag).unwrap();
        }
        wanted
            .add_arg(&format!("--user-data-dir={}", browser._home.path().join("profile").display()))
            .unwrap();
        if !scripts {
            let prefs = json!({"profile.managed_default_content_settings.javascript": 2});
            wanted.add_experimental_option("prefs", prefs).unwrap();
        }
        let driver = WebDriver::builder(&url, wanted).client(http).connect();
        browser.driver = Some(soon("Chromium is up", driver).await.unwrap());
        browser
    }

    fn driver(&self) -> &WebDriver {
        self.driver.as_ref().unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(driver) = self.driver.take() {
            // The group's end is the session's end.
            let _ = driver.leak();
        }
        let group = format!("-{}", self.chromedriver.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.chromedriver.wait();
    }
}
