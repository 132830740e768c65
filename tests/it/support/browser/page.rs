//! Finding and using what is on a page, by the words a person sees.

use serde_json::Value;
use thirtyfour::prelude::*;

use super::{Browser, shots::PHONE};
use crate::support::wait::until;

impl Browser {
    /// Opens a path of the site.
    pub(crate) async fn go(&self, path: &str) {
        self.driver().goto(format!("{}{path}", self.base)).await.unwrap();
    }

    /// Path and query of the page.
    pub(crate) async fn path(&self) -> String {
        let url = self.driver().current_url().await.unwrap();
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// All visible text of the page.
    pub(crate) async fn text(&self) -> String {
        self.driver().find(By::Tag("body")).await.unwrap().text().await.unwrap()
    }

    /// Waits until the page says so; live updates and redirects take their time.
    pub(crate) async fn says(&self, words: &str) -> String {
        until(&format!("the page says {words:?}"), || async {
            let text = self.driver().find(By::Tag("body")).await.ok()?.text().await.ok()?;
            text.contains(words).then_some(text)
        })
        .await
    }

    /// Loads the page anew until it says so.
    pub(crate) async fn says_when_reloaded(&self, words: &str) -> String {
        until(&format!("the reloaded page says {words:?}"), || async {
            self.driver().refresh().await.unwrap();
            let text = self.text().await;
            text.contains(words).then_some(text)
        })
        .await
    }

    /// Fills fields of the form with a visible button that says so, and presses it.
    pub(crate) async fn send(&self, button: &str, fields: &[(&str, &str)]) {
        let path = format!("//button[starts-with(normalize-space(), {})]", quoted(button));
        let button = self.shown(&path, &format!("a button {button:?}")).await;
        let form = button.find(By::XPath("./ancestor::form")).await.unwrap();
        for (label, text) in fields {
            fill(&form, label, text).await;
        }
        self.leave_by(|| async { button.click().await.ok() }).await;
    }

    /// Ticks the first visible box with this label.
    pub(crate) async fn tick(&self, label: &str) {
        self.shown(&field(label), &format!("a box {label:?}")).await.click().await.unwrap();
    }

    /// Follows the first visible link whose words begin so.
    pub(crate) async fn follow(&self, words: &str) {
        let path = format!("//a[starts-with(normalize-space(), {})]", quoted(words));
        let what = format!("a link {words:?}");
        self.leave_by(|| async { self.shown(&path, &what).await.click().await.ok() }).await;
    }

    /// Clicks, and waits until another document is there; it may be one of the same address. A live update may have
    /// put another element in the place of the one that was found.
    async fn leave_by<F: Future<Output = Option<()>>>(&self, click: impl FnMut() -> F) {
        let document = async || Some(self.driver().find(By::Tag("html")).await.ok()?.element_id());
        let before = document().await;
        until("the click", click).await;
        until("the click brings a page", || async {
            document().await.filter(|id| before.as_ref() != Some(id))
        })
        .await;
    }

    /// Opens what is folded away under these words.
    pub(crate) async fn unfold(&self, words: &str) {
        let path = format!("//summary[starts-with(normalize-space(), {})]", quoted(words));
        self.shown(&path, &format!("a summary {words:?}")).await.click().await.unwrap();
    }

    /// The first visible one of these elements.
    async fn shown(&self, path: &str, what: &str) -> WebElement {
        match until(what, || async { self.visible(path).await.ok() }).await {
            Some(element) => element,
            None => panic!("{} does not show {what}:\n{}", self.path().await, self.text().await),
        }
    }

    async fn visible(&self, path: &str) -> WebDriverResult<Option<WebElement>> {
        for element in self.driver().find_all(By::XPath(path)).await? {
            if element.is_displayed().await? {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }

    /// Texts of all elements that a test knows by this name, at one moment.
    pub(crate) async fn all(&self, name: &str) -> Vec<String> {
        let texts =
            format!("[...document.querySelectorAll('[data-test={name}]')].map(e => e.innerText.trim())");
        serde_json::from_value(self.script(&format!("return {texts}")).await).unwrap()
    }

    /// Whether the page's own scripts run, as its style sheet sees it.
    pub(crate) async fn runs_scripts(&self) -> bool {
        self.script("return matchMedia('(scripting: enabled)').matches").await == true
    }

    /// Nothing makes a phone scroll sideways; a table may scroll in its own frame.
    pub(crate) async fn fits_a_phone(&self) {
        self.phone(true).await;
        // A phone zooms out until all fits, so its own idea of the width tells nothing.
        let width = self.script("return document.documentElement.scrollWidth").await;
        assert_eq!(width, PHONE.0, "{} is wider than a phone", self.path().await);
        self.phone(false).await;
    }

    /// What a script returns; it may await.
    pub(super) async fn script(&self, script: &str) -> Value {
        self.driver().execute(script, Vec::new()).await.unwrap().json().clone()
    }
}

/// Types into the field with this label in place of what stands there; chooses it where it can only be chosen.
async fn fill(form: &WebElement, label: &str, text: &str) {
    let path = field(label);
    let field = form.find(By::XPath(format!(".{path}"))).await;
    let field = field.unwrap_or_else(|error| panic!("no field is labelled {label:?}: {error}"));
    let kind = field.attr("type").await.unwrap().unwrap_or_default();
    if matches!(&*kind, "radio" | "checkbox") {
        field.click().await.unwrap();
        return;
    }
    if field.tag_name().await.unwrap() == "input" {
        field.clear().await.unwrap();
    }
    field.send_keys(text).await.unwrap();
}

/// Where a field with this label is.
fn field(label: &str) -> String {
    let words = quoted(label);
    format!(
        "//*[self::input or self::select][@id = //label[starts-with(normalize-space(), {words})]/@for \
         or ancestor::label[starts-with(normalize-space(), {words})]]"
    )
}

/// As a string of XPath, which knows no escapes.
fn quoted(words: &str) -> String {
    assert!(!words.contains('"'));
    format!("\"{words}\"")
}
