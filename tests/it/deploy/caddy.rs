//! Caddy with the committed settings; its certificate is the test's, and it keeps its state in the test's
//! folder.

use std::{fs, process::Command};

use super::{
    committed, edited,
    proxy::{BYTES_MAX, NAME, Setup},
};

pub(super) fn command(setup: &Setup) -> Command {
    let root = &setup.folder;
    let Setup { port, bare_port, .. } = setup;
    let text = committed("caddy/Caddyfile");
    // The port of the control interface would be the machine's.
    let mut text =
        edited(&text, "\tauto_https disable_redirects\n", "\tadmin off\n\tauto_https disable_redirects\n");
    for limit in [|bytes| format!("max_size {bytes}\n"), |bytes| format!("> {bytes}\n")] {
        text = edited(&text, &limit(BYTES_MAX), &limit(setup.bytes_max));
    }
    let site = format!(
        "{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {root}/cert.pem {root}/key.pem\n\timport daybridge\n}}\n\
         http://{NAME}:{bare_port} {{\n\tbind 127.0.0.1\n\timport daybridge\n}}\n\
         http://:{bare_port} {{\n\tbind 127.0.0.1\n\trespond 404\n}}",
        root = root.display()
    );
    let text = edited(&text, &format!("{NAME} {{\n\timport daybridge\n}}"), &site);
    let text = edited(&text, "https:// {", &format!("https://:{port} {{\n\tbind 127.0.0.1"));
    let upstreams: Vec<String> = (setup.upstreams.iter())
        .map(|upstream| {
            upstream.strip_prefix("unix:").map_or(upstream.clone(), |path| format!("unix/{path}"))
        })
        .collect();
    let text = edited(
        &text,
        "\t\treverse_proxy 127.0.0.1:8080 {",
        &format!("\t\treverse_proxy {} {{", upstreams.join(" ")),
    );
    let file = root.join("Caddyfile");
    fs::write(&file, text).unwrap();
    let mut command = Command::new("/usr/bin/caddy");
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file);
    command.env("HOME", root).env("XDG_DATA_HOME", root).env("XDG_CONFIG_HOME", root);
    command
}
