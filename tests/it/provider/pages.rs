//! The pages for users say what the presets say, and their settings load.

use std::fs;

use daybridge::config::{Source, check::contradictions, load, preset::PRESETS};

use super::presets::data;

const PAGES: [&str; 3] = ["signed-with-time.md", "signed-without-time.md", "fetched.md"];

/// Pages beside those, of whole settings files too.
const README: &str = "../../../README.md";
const STRIPE: &str = "../stripe.md";

fn page(name: &str) -> String {
    let path = format!("{}/deploy/docs/providers/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A provider's part of its page; Stripe has one of its own.
fn section(provider: &str) -> String {
    if provider == "stripe" {
        return page(STRIPE);
    }
    let head = format!("\n## {provider}\n");
    let found = PAGES.iter().find_map(|name| Some(page(name).split_once(&head)?.1.to_owned()));
    let text = found.unwrap_or_else(|| panic!("no page has a section {provider}"));
    text.split("\n## ").next().unwrap().to_owned()
}

#[test]
fn every_provider_has_its_section_with_every_event_that_counts() {
    let overview = page("README.md");
    for (provider, _) in PRESETS {
        assert!(overview.contains(&format!("| `{provider}` |")), "{provider} is not in the table");
        let section = section(provider);
        let source = Source::of_preset(provider).unwrap();
        for kind in source.events.types().into_iter().filter(|kind| !kind.starts_with("v1.")) {
            assert!(section.contains(kind), "{provider}: {kind} is not on its page");
        }
        // The overview says that these two are the keys wherever there is custom data.
        let usual = |key: &&str| ["channel_id", "days"].contains(key);
        let keys =
            source.channel.iter().chain(source.days.iter()).filter_map(|pointer| pointer.rsplit('/').next());
        for key in keys.filter(|key| !usual(key)) {
            assert!(section.contains(key), "{provider}: {key} is not on its page");
        }
    }
}

/// Whole settings files, as they stand on the pages.
#[test]
fn every_block_of_settings_loads() {
    let mut blocks = 0;
    for name in PAGES.into_iter().chain(["custom.md", STRIPE, README]) {
        let page = page(name);
        for block in page.split("```toml\n").skip(1) {
            let text = block.split("```").next().unwrap();
            let config =
                load::parse(text, Vec::new()).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
            let wrong = contradictions(&config);
            assert!(wrong.is_empty(), "{name}: {wrong:?}\n{text}");
            blocks += 1;
        }
    }
    assert!(blocks >= PRESETS.len(), "{blocks}");
    let acme = fs::read_to_string(data().join("custom/acme.toml")).unwrap();
    assert!(page("custom.md").contains(&acme), "the worked example is another one");
}
