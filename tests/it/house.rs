//! The rules of the house that a compiler does not check: who may know what.

use std::{collections::BTreeMap, fs, path::Path};

/// Every Rust file below a folder of `src`, with its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "src/{folder} has no file");
    found
}

/// No file of the folder says any of these words in its code.
fn never(folder: &str, words: &[&str], but: &[&str]) {
    for (path, text) in sources(folder) {
        if but.iter().any(|part| path.contains(part)) {
            continue;
        }
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for (number, line) in code.enumerate() {
            for word in words {
                assert!(!line.contains(word), "{path}: {word} in code line {}: {line}", number + 1);
            }
        }
    }
}

#[test]
fn the_rules_do_no_io_and_know_no_door() {
    never(
        "domain",
        &[
            "std::time",
            "std::fs",
            "std::net",
            "std::env",
            "Instant::",
            "SystemTime",
            "async ",
            "tokio",
            "serde_json",
        ],
        &[],
    );
    never("domain", &["lapin", "rusqlite", "reqwest", "actix", "tracing", "fastrand"], &[]);
    for (path, text) in sources("domain") {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let at_home = line.split("crate::").skip(1).all(|rest| rest.starts_with("domain::"));
            assert!(at_home, "{path}: {line}");
        }
    }
}

#[test]
fn libraries_stay_behind_their_doors() {
    never("", &["lapin::"], &["src/queue/"]);
    never("", &["rusqlite"], &["src/ledger/db/", "src/queue/embedded"]);
    never("", &["tokio_postgres"], &["src/ledger/db/"]);
    never(
        "",
        &["reqwest::"],
        &[
            "src/outbound/",
            "src/partner/",
            "src/simulator/",
            "src/cli/",
            "src/provider/stripe/",
            "src/provider/fetch.rs",
            "src/provider/wire.rs",
            "src/queue/rabbit/policies.rs",
        ],
    );
    never(
        "outbound",
        &[
            "crate::queue",
            "crate::ledger",
            "crate::partner",
            "crate::provider",
            "crate::webhook",
            "crate::worker",
        ],
        &[],
    );
    never("", &["askama::"], &["src/console/"]);
    never("", &["argon2::"], &["src/console/auth/password.rs"]);
    never("", &["crate::console"], &["src/console/"]);
    never("console", &["crate::partner", "rusqlite", "reqwest"], &[]);
    never(
        "provider",
        &["crate::queue", "crate::ledger", "crate::partner", "crate::webhook", "crate::worker"],
        &[],
    );
    never("webhook", &["crate::ledger", "crate::partner", "crate::worker"], &[]);
    never(
        "queue",
        &["crate::ledger", "crate::partner", "crate::provider", "crate::webhook", "crate::domain"],
        &[],
    );
    never(
        "ledger",
        &["crate::queue", "crate::partner", "crate::provider", "crate::webhook", "crate::worker"],
        &[],
    );
    never(
        "partner",
        &["crate::queue", "crate::ledger", "crate::provider", "crate::webhook", "crate::worker"],
        &[],
    );
}

#[test]
fn only_settle_calls_extend() {
    never("", &[".extend(&claim"], &["src/worker/turn.rs"]);
    never("ops", &["partner"], &[]);
}

/// A mutation whose text has gone would break nothing, and prove nothing.
#[test]
fn every_mutation_still_has_its_text() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table: toml::Table = fs::read_to_string(root.join("tests/mutations.toml")).unwrap().parse().unwrap();
    let mutations = table["mutation"].as_array().unwrap();
    let rules: std::collections::BTreeSet<i64> =
        mutations.iter().map(|m| m["rule"].as_integer().unwrap()).collect();
    assert_eq!(rules, (1..=12).collect(), "a rule without a mutation");
    for mutation in mutations {
        let [name, file, before] = ["name", "file", "before"].map(|key| mutation[key].as_str().unwrap());
        let text = fs::read_to_string(root.join(file)).unwrap();
        assert_eq!(text.matches(before).count(), 1, "{name}: {before:?} in {file}");
    }
}

/// How long a wrong signature takes must not tell where it differs: the library compares, and it compares all.
/// `verify` has no way out of its loop, and no signature's bytes meet `==`, a table or a set.
#[test]
fn signatures_are_compared_by_the_library_and_all_of_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/webhook/signature");
    let text = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    let loops = code.split_once("let mut matched = None;").unwrap().1;
    let loops = loops.split_once("matched.ok_or(Rejected::NoMatch)").unwrap().0;
    assert!(loops.contains("mac.is(tag)") && loops.contains(".same(&ready.own)"), "{loops}");
    for word in ["break", "return", "?", "==", "any(", "find(", "&&", "||", "is_some"] {
        assert!(!loops.contains(word), "{word} in {loops}");
    }
    for (number, line) in code.lines().enumerate() {
        let compares = ["==", "!=", "contains(", ".eq("].iter().any(|word| line.contains(word));
        let bytes = ["tag ", "tag)", "&tag", "*tag", "mac", "signature ", "into_bytes"];
        let of_a_signature = bytes.iter().any(|word| line.contains(word));
        assert!(!(compares && of_a_signature), "line {}: {line}", number + 1);
    }
    // `==` of two `CtOutput` is the library's constant-time one; nothing else in that file is compared.
    let keys = fs::read_to_string(folder.join("keys.rs")).unwrap();
    let equal: Vec<&str> = keys.lines().map(str::trim).filter(|line| line.contains("==")).collect();
    assert_eq!(
        equal,
        [
            "Made::Sha256(mac) => tag.try_into().is_ok_and(|tag| *mac == CtOutput::new(tag)),",
            "Made::Sha512(mac) => tag.try_into().is_ok_and(|tag| *mac == CtOutput::new(tag)),",
            "(Made::Sha256(one), Made::Sha256(two)) => one == two,",
            "(Made::Sha512(one), Made::Sha512(two)) => one == two,",
        ]
    );
    assert!(
        keys.contains("Sha256(CtOutput<Hmac<Sha256>>)") && keys.contains("Sha512(CtOutput<Hmac<Sha512>>)")
    );
}

/// What a file takes: the first names after `use super::`, which are those beside it, or after `use crate::`.
fn taken(text: &str, from: &str) -> Vec<String> {
    let mut found = Vec::new();
    for import in text.split(&format!("\nuse {from}::")).skip(1) {
        let import = import.split(';').next().unwrap_or_default();
        let (mut depth, mut name) = (0, String::new());
        let list = import.starts_with('{');
        for c in import.chars() {
            match c {
                '{' => depth += 1,
                '}' => {
                    depth -= 1;
                    let last = std::mem::take(&mut name);
                    if depth == 0 {
                        found.push(last);
                    }
                }
                _ if c.is_alphanumeric() || c == '_' => name.push(c),
                ':' | ',' if depth == i32::from(list) && !name.is_empty() => {
                    found.push(std::mem::take(&mut name))
                }
                ',' => name.clear(),
                _ => {}
            }
        }
        found.push(name);
    }
    found
}

/// The name of what a line declares for others.
fn declared(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub ")?;
    let name = ["struct ", "enum ", "trait ", "type "].iter().find_map(|kind| rest.strip_prefix(kind))?;
    name.split(|c: char| !c.is_alphanumeric()).next()
}

/// One word, one thing: whoever reads a name knows which type it is.
#[test]
fn no_two_public_types_have_one_name() {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for (path, text) in sources("") {
        if path.contains("/src/cli/") {
            continue;
        }
        let text = text.split("#[cfg(test)]").next().unwrap();
        let own = text.lines().filter_map(declared).map(str::to_owned);
        let closed = text.split("\nclosed! {").skip(1).filter_map(|set| {
            let line =
                set.lines().find(|line| line.ends_with('{') && !line.trim_start().starts_with("//"))?;
            Some(line.trim().trim_end_matches(" {").to_owned())
        });
        for name in own.chain(closed) {
            if let Some(other) = known.insert(name.clone(), path.clone()) {
                panic!("{name} is in {other} and in {path}");
            }
        }
    }
}

/// Words of our own for what the trade has a word for.
#[test]
fn names_are_the_trades_words() {
    let ours = ["OnMoneyOut", "OutKind", "likely_twin", "Twin", "Covered", "AccountNews", "Wrong", "Around"];
    for (path, text) in sources("") {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap().split('"').step_by(2);
            let words = code.flat_map(|part| part.split(|c: char| !c.is_alphanumeric() && c != '_'));
            let found = words.into_iter().find(|word| ours.contains(word));
            let line = number + 1;
            assert_eq!(found, None, "{path}:{line}: see the words of deploy/docs/development.md");
        }
    }
}

/// What a manual names of the house is there.
#[test]
fn the_files_that_manuals_name_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = fs::read_dir(root.join("deploy/docs")).unwrap().map(|page| page.unwrap().path());
    let mut named = 0;
    for page in
        pages.filter(|page| page.extension().is_some_and(|ext| ext == "md")).chain([root.join("README.md")])
    {
        let text = fs::read_to_string(&page).unwrap();
        for word in text.split('`').skip(1).step_by(2) {
            let is_path = ["src/", "tests/", "deploy/"].iter().any(|folder| word.starts_with(folder));
            let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
            // acme is the provider that a reader adds.
            if is_path && word.chars().all(plain) && !word.contains("acme") {
                assert!(root.join(word).exists(), "{}: {word} is not there", page.display());
                named += 1;
            }
        }
    }
    assert!(named > 20, "{named}");
}

/// `src/lib.rs` is the map: whoever reads it from the top knows, of each module, all that it builds on.
#[test]
fn each_module_knows_only_those_before_it() {
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let names = map
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    let names: Vec<&str> = names.collect();
    let place = |name: &str| names.iter().position(|known| *known == name);
    for (path, text) in sources("") {
        let own = path.rsplit_once("/src/").unwrap().1.split('/').next().unwrap();
        let Some(own) = place(own.trim_end_matches(".rs")) else { continue };
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let code = code.join("\n");
        let inline = code
            .split("crate::")
            .skip(1)
            .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next());
        for name in taken(&code, "crate").iter().map(String::as_str).chain(inline) {
            let later = place(name).is_some_and(|at| at > own);
            assert!(!later, "{path} takes from {name}, which src/lib.rs declares later");
        }
    }
}

/// In a folder imports go one way, so that a file can be read before those that use it.
#[test]
fn no_folder_has_a_circle() {
    let mut rooms: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for (path, text) in sources("") {
        let (room, file) = path.rsplit_once('/').unwrap();
        let name = file.trim_end_matches(".rs").to_owned();
        if name != "mod" {
            rooms.entry(room.to_owned()).or_default().insert(name, taken(&text, "super"));
        }
    }
    for (room, mut files) in rooms {
        // Whoever takes nothing from those that are left is read next.
        while !files.is_empty() {
            let next = files
                .iter()
                .find(|(name, takes)| takes.iter().all(|taken| taken == *name || !files.contains_key(taken)));
            let Some(next) = next.map(|(name, _)| name.clone()) else {
                panic!("{room}: a circle among {:?}", files.keys().collect::<Vec<_>>());
            };
            files.remove(&next);
        }
    }
}
