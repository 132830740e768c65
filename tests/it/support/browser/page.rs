//! Finding and using what is on a page, by the words a person sees.

use serde_json::Value;
use thirtyfour::prelude::*;

use super::Browser;
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

    /// The field with this label, which must be its label in the HTML too.
    async fn field(&self, label: &str) -> WebElement {
        let words = quoted(label);
        let path = format!(
            "//*[self::input or self::select or self::textarea][@id = //label[starts-with(normalize-space(), \
             {words})]/@for or ancestor::label[starts-with(normalize-space(), {words})] or @aria-label = {words}]"
        );
        self.shown(&path, &format!("a field labelled {label:?}")).await
    }

    /// Types into a field in place of what stands there.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        if field.tag_name().await.unwrap() != "select" {
            field.clear().await.unwrap();
        }
        field.send_keys(text).await.unwrap();
    }

    /// Chooses a radio button or a check box.
    pub(crate) async fn choose(&self, label: &str) {
        self.field(label).await.click().await.unwrap();
    }

    /// Presses the first visible button whose words begin so.
    pub(crate) async fn press(&self, words: &str) {
        let path = format!("//button[starts-with(normalize-space(), {})]", quoted(words));
        self.shown(&path, &format!("a button {words:?}")).await.click().await.unwrap();
    }

    /// Follows the first visible link whose words begin so.
    pub(crate) async fn follow(&self, words: &str) {
        let path = format!("//a[starts-with(normalize-space(), {})]", quoted(words));
        self.shown(&path, &format!("a link {words:?}")).await.click().await.unwrap();
    }

    /// Opens what is folded away under these words.
    pub(crate) async fn unfold(&self, words: &str) {
        let path = format!("//summary[starts-with(normalize-space(), {})]", quoted(words));
        self.shown(&path, &format!("a summary {words:?}")).await.click().await.unwrap();
    }

    async fn shown(&self, path: &str, what: &str) -> WebElement {
        let mut text = String::new();
        for element in self.driver().find_all(By::XPath(path)).await.unwrap() {
            if element.is_displayed().await.unwrap() {
                return element;
            }
            text.push_str(" (one is hidden)");
        }
        panic!("the page {} has not {what}{text}:\n{}", self.path().await, self.text().await)
    }

    /// What a script returns; it may await.
    pub(super) async fn script(&self, script: &str) -> Value {
        self.driver().execute(script, Vec::new()).await.unwrap().json().clone()
    }
}

/// As a string of XPath, which knows no escapes.
fn quoted(words: &str) -> String {
    assert!(!words.contains('"'));
    format!("\"{words}\"")
}
