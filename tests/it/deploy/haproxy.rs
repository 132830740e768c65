//! HAProxy with the committed settings; it keeps the test's user and logs to its output.

use std::{fs, process::Command};

use super::{
    committed, edited,
    proxy::{BYTES_MAX, Setup},
};

pub(super) fn command(setup: &Setup) -> Command {
    let root = &setup.folder;
    let shown = root.display();
    let text = committed("haproxy/daybridge.cfg");
    let text = edited(&text, "    user haproxy\n    group haproxy\n", "");
    let text = edited(&text, "log /dev/log local0", "log stdout format raw local0");
    let text = text.replace("/etc/haproxy/errors/", &format!("{shown}/"));
    fs::write(root.join("daybridge-away.http"), committed("haproxy/daybridge-away.http")).unwrap();
    let both = format!(
        "bind 127.0.0.1:{} ssl crt {shown}/both.pem alpn http/1.1\n    bind 127.0.0.1:{}",
        setup.port, setup.bare_port
    );
    let tls = "bind :443 ssl crt /etc/haproxy/hooks.example.com.pem alpn http/1.1";
    let text = edited(&text, tls, &both);
    let text =
        edited(&text, "bind [::]:443 v6only ssl crt /etc/haproxy/hooks.example.com.pem alpn http/1.1", "");
    let pem = |name| fs::read_to_string(root.join(name)).unwrap();
    fs::write(root.join("both.pem"), pem("cert.pem") + pem("key.pem").as_str()).unwrap();
    let limit = |bytes| format!("gt {bytes} }}");
    let text = edited(&text, &limit(BYTES_MAX), &limit(setup.bytes_max));
    let servers: String = (setup.upstreams.iter().zip('a'..))
        .map(|(upstream, name)| {
            let address =
                upstream.strip_prefix("unix:").map_or(upstream.clone(), |path| format!("unix@{path}"));
            format!("\n    server {name} {address} pool-purge-delay 1s")
        })
        .collect();
    let text = edited(&text, "\n    server receiver 127.0.0.1:8080 pool-purge-delay 1s", &servers);
    let file = root.join("haproxy.cfg");
    fs::write(&file, text).unwrap();
    let mut command = Command::new("/usr/sbin/haproxy");
    // In the foreground, one process.
    command.arg("-db").arg("-f").arg(file);
    command
}
