//! Pictures of a page, for a person to look at: light, dark and as wide as a phone.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use super::Browser;

/// Variable with the folder that pictures are written to; without it none are taken.
const FOLDER: &str = "SCREENSHOTS";

/// A phone's screen in CSS pixels.
pub(super) const PHONE: (u32, u32) = (390, 844);

/// A desk's.
const DESK: (u32, u32) = (1280, 900);

/// Where pictures go.
pub(crate) struct Shots(Option<PathBuf>);

impl Shots {
    /// To the folder that the variable names.
    pub(crate) fn wanted() -> Self {
        let folder = std::env::var_os(FOLDER).map(PathBuf::from);
        if let Some(folder) = &folder {
            fs::create_dir_all(folder).unwrap();
        }
        Self(folder)
    }

    /// Takes the page as it stands, whole, three times.
    pub(crate) async fn take(&self, browser: &Browser, name: &str) {
        let Some(folder) = &self.0 else { return };
        // A bar would hide what lies under it.
        browser.cdp("Emulation.setScrollbarsHidden", json!({"hidden": true})).await;
        for (look, dark, phone) in [("light", false, false), ("dark", true, false), ("phone", false, true)] {
            browser.dark(dark).await;
            browser.phone(phone).await;
            let shot = browser.cdp("Page.captureScreenshot", json!({"captureBeyondViewport": true})).await;
            let png = base64::Engine::decode(
                &base64::engine::general_purpose::STANDARD,
                shot["data"].as_str().unwrap(),
            );
            fs::write(folder.join(format!("{name}-{look}.png")), png.unwrap()).unwrap();
        }
        browser.dark(false).await;
        browser.phone(false).await;
    }
}

impl Browser {
    async fn cdp(&self, method: &str, params: Value) -> Value {
        self.driver().cdp().send_raw(method, params).await.unwrap()
    }

    /// Prefers dark colours, or light ones.
    pub(crate) async fn dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": value}]);
        self.cdp("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// Has a phone's screen, or a desk's.
    pub(crate) async fn phone(&self, phone: bool) {
        let (width, height) = if phone { PHONE } else { DESK };
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone});
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
    }
}
