//! What axe-core, a checker of accessibility, thinks of a page. It comes from a package of Python's index, pinned by
//! its digest, because Python is on the machine and Node.js may not be.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use super::Browser;

/// The package and the digest of its wheel, as pip's list of requirements; it carries axe-core 4.12.1.
const PACKAGE: &str = "axe-playwright-python==0.1.8 \\
    --hash=sha256:fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8\n";

/// Where the wheel has the script.
const MEMBER: &str = "axe_playwright_python/axe.min.js";

/// Issues of these weights fail a test.
const WEIGHTS: [&str; 2] = ["serious", "critical"];

impl Browser {
    /// The page, light and dark and on a phone, has no serious issue.
    pub(crate) async fn is_accessible(&self) {
        for (dark, phone) in [(false, false), (true, false), (false, true)] {
            self.dark(dark).await;
            self.phone(phone).await;
            self.look(&format!("dark {dark}, phone {phone}")).await;
        }
        self.dark(false).await;
        self.phone(false).await;
    }

    async fn look(&self, how: &str) {
        if self.script("return typeof axe").await == "undefined" {
            self.script(script()).await;
        }
        let found = self
            .script(
                "const found = await axe.run(document, {resultTypes: ['violations']}); \
                 return found.violations.flatMap(v => v.nodes.map(n => \
                 [v.impact, v.id + ': ' + n.failureSummary + ' ' + n.html]));",
            )
            .await;
        let found: Vec<(String, String)> = serde_json::from_value(found).unwrap();
        let grave: Vec<String> = found
            .into_iter()
            .filter(|(weight, _)| WEIGHTS.contains(&&**weight))
            .map(|(_, what)| what)
            .collect();
        assert!(grave.is_empty(), "{} ({how}):\n{}", self.path().await, grave.join("\n"));
    }
}

/// The script itself, fetched once for this tree.
fn script() -> &'static str {
    static SCRIPT: OnceLock<String> = OnceLock::new();
    SCRIPT.get_or_init(|| {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("axe-playwright-python-0.1.8.js");
        if !kept.exists() {
            let fetched = fetch();
            // Whole or not at all, for whoever else runs tests here.
            let part = kept.with_extension(std::process::id().to_string());
            fs::write(&part, fetched).unwrap();
            fs::rename(part, &kept).unwrap();
        }
        fs::read_to_string(kept).unwrap()
    })
}

fn fetch() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("requirements.txt");
    fs::write(&list, PACKAGE).unwrap();
    let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"];
    run(Command::new("python3").args(pip).arg("-d").arg(folder.path()).arg("-r").arg(&list));
    let wheel: PathBuf = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|e| e == "whl"))
        .unwrap();
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(wheel).arg(folder.path()));
    fs::read(folder.path().join(MEMBER)).unwrap()
}

fn run(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}
