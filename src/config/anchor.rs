//! Relative paths of the settings count from the settings file's folder, so that a command means the same files from
//! whatever folder it is typed in. Settings of variables alone have no file, and count from the working directory.

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;

use super::{Config, QueueUrl, Secret};

/// Keys of `[queue]` and `[ledger]` that are files, beside those written as `{ file = … }`.
const TLS_FILES: [&str; 3] = ["ca", "client_cert", "client_key"];

/// Sets every `{ file = "…" }` in the typed settings, and the certificates of queue and ledger, under the folder.
pub(super) fn files(table: &mut toml::Table, folder: &Path) {
    for section in ["queue", "ledger"] {
        if let Some(toml::Value::Table(section)) = table.get_mut(section) {
            for key in TLS_FILES {
                section.get_mut(key).into_iter().for_each(|value| under(value, folder));
            }
        }
    }
    for (_, value) in table.iter_mut() {
        walk(value, folder);
    }
}

fn walk(value: &mut toml::Value, folder: &Path) {
    match value {
        toml::Value::Table(table) => {
            let lone = table.len() == 1;
            for (key, value) in table.iter_mut() {
                if lone && key == "file" { under(value, folder) } else { walk(value, folder) }
            }
        }
        toml::Value::Array(list) => list.iter_mut().for_each(|value| walk(value, folder)),
        toml::Value::String(_)
        | toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_) => {}
    }
}

fn under(value: &mut toml::Value, folder: &Path) {
    if let toml::Value::String(path) = value {
        *path = folder.join(&*path).to_string_lossy().into_owned();
    }
}

/// Sets ledger, queue and socket under the folder. A queue that is only `embedded` goes beside the ledger, or into the
/// folder where the ledger is a server.
pub(super) fn places(config: &mut Config, folder: &Path) {
    let ledger = sqlite_path(config);
    if let Some(path) = &ledger
        && path.is_relative()
    {
        config.ledger.url = Secret::plain(&format!("sqlite:{}", folder.join(path).display()));
    }
    config.queue.url = match std::mem::take(&mut config.queue.url) {
        QueueUrl::Embedded(None) => QueueUrl::Embedded(Some(match ledger {
            Some(path) => folder.join(path).with_extension("queue.db"),
            None => folder.join("daybridge.queue.db"),
        })),
        QueueUrl::Embedded(Some(path)) => QueueUrl::Embedded(Some(folder.join(path))),
        servers @ QueueUrl::Amqp(_) => servers,
    };
    if let Some(path) = config.server.listen.strip_prefix("unix:") {
        config.server.listen = format!("unix:{}", folder.join(path).display());
    }
}

/// The ledger's file; `None`: it is a server, or its URL is not known here.
fn sqlite_path(config: &Config) -> Option<PathBuf> {
    let url = config.ledger.url.resolve().ok()?;
    let path = url.expose_secret().strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
}

/// Files that an earlier version, which counted from the working directory, has left there: to begin anew beside them
/// would forget what was credited. `before`: the settings as counted from the working directory.
pub(super) fn left_behind(config: &Config, before: &Config) -> Vec<String> {
    let queue = |config: &Config| match &config.queue.url {
        QueueUrl::Embedded(path) => path.clone(),
        QueueUrl::Amqp(_) => None,
    };
    let pairs = [
        ("ledger.url", sqlite_path(config), sqlite_path(before)),
        ("queue.url", queue(config), queue(before)),
    ];
    let mut wrong = Vec::new();
    for (key, now, then) in pairs {
        if let (Some(now), Some(then)) = (now, then)
            && now != then
            && !now.exists()
            && then.exists()
        {
            let shown = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            wrong.push(format!(
                "{key}: relative paths count from the settings file's folder, where {} is not; there is one in the working directory: write its whole path, {}, or move it",
                shown(&now).display(),
                shown(&then).display()
            ));
        }
    }
    wrong
}
