//! This machine: open files, and who else can read or owns the files.

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use daybridge::{
    config::{Config, plain},
    machine::open_files,
};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::Line;

/// All of them.
pub(super) fn look(config: &Config) -> Vec<Line> {
    let mut lines = vec![files(config)];
    lines.extend(config.file.as_deref().and_then(readable_secrets));
    lines.extend(ledger_file(config).as_deref().and_then(others_ledger));
    lines
}

fn files(config: &Config) -> Line {
    let set = config.server.connections_max;
    let raised = open_files::raise();
    let files = raised.and_then(|limits| limits.soft);
    let most = open_files::connections(set, files);
    let may = files.map_or_else(|| "any number of".into(), |files| files.to_string());
    if most < set {
        let needed = set.saturating_add(usize::try_from(open_files::RESERVED).unwrap_or(0));
        return Line::warn(
            "files",
            format!(
                "a process started here may have {may} files open: {most} connections instead of server.connections_max = {set}, the rest for worker and health"
            ),
            format!("let it have {needed} (LimitNOFILE of the service, ulimit -n), or lower connections_max"),
        );
    }
    let text = format!(
        "a process started here may have {may} files open: enough for {set} connections, worker and health"
    );
    Line::ok("files", text)
}

/// A settings file that others can read, and that holds secrets itself.
fn readable_secrets(file: &Path) -> Option<Line> {
    let found = std::fs::metadata(file).ok()?;
    if found.mode() & 0o004 == 0 {
        return None;
    }
    let text = Zeroizing::new(std::fs::read_to_string(file).ok()?);
    let keys = plain::secrets(&text);
    if keys.is_empty() {
        return None;
    }
    Some(Line::warn(
        "settings",
        format!("every user of this machine can read {}, which holds {}", file.display(), keys.join(", ")),
        format!("chmod o-rwx {}, or give them as {{ file = … }} or {{ env = … }}", file.display()),
    ))
}

fn ledger_file(config: &Config) -> Option<PathBuf> {
    let url = config.ledger.url.resolve().ok()?;
    let path =
        url.expose_secret().strip_prefix("sqlite:")?.trim_start_matches("//").split('?').next()?.to_owned();
    Some(PathBuf::from(path))
}

/// A command of another user leaves files beside the ledger that the service cannot write.
fn others_ledger(file: &Path) -> Option<Line> {
    let owner = std::fs::metadata(file).ok()?.uid();
    let own = rustix::process::geteuid().as_raw();
    (owner != own).then(|| {
        Line::warn(
            "ledger",
            format!("{} belongs to uid {owner}, and this is uid {own}", file.display()),
            format!("run daybridge's commands as the user of the service (sudo -u '#{owner}' daybridge …)"),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::cli::check::Level;

    #[test]
    fn a_settings_file_that_others_read_is_told_when_it_holds_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("daybridge.toml");
        let told = |text: &str, mode: u32| {
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            readable_secrets(&file)
        };
        let plain = "[partner]\ntoken = \"s3cret\"\n";
        let line = told(plain, 0o644).unwrap();
        let to_do = line.to_do.as_deref().unwrap();
        assert!(line.level == Level::Warn && line.text.contains("partner.token"), "{line:?}");
        assert!(to_do.contains("chmod o-rwx") && !line.text.contains("s3cret"), "{line:?}");
        assert!(
            told(plain, 0o640).is_none() && told("[partner]\ntoken = { env = \"X\" }\n", 0o644).is_none()
        );
    }
}
