//! The committed files of `deploy/`: reverse proxies in front of daybridge, the unit, the settings.

/// A proxy as a child of the test.
mod proxy;

/// When Prometheus' rules fire.
mod alerts;

/// Settings of each.
mod caddy;
mod haproxy;
mod nginx;

/// Requests through each proxy to real daybridge processes.
mod through_proxies;

/// Requests that two readers may read in two ways.
mod smuggling;

/// The page for what others manage.
mod managed;

/// The systemd unit and the example settings.
mod unit;

/// A committed file.
fn committed(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `text` with `from`, which must stand there once, replaced: what an operator edits.
fn edited(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from:?} in {text}");
    text.replace(from, to)
}
