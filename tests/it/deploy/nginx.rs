//! nginx with the committed site.

use std::{fs, path::Path, process::Command};

use super::{
    committed, edited,
    proxy::{BYTES_MAX, NAME, Setup},
};

pub(super) fn command(setup: &Setup) -> Command {
    let root = &setup.folder;
    let servers: Vec<String> =
        setup.upstreams.iter().map(|upstream| format!("server {upstream} max_fails=0;")).collect();
    let site = committed("nginx/daybridge.conf");
    let site = edited(&site, "server 127.0.0.1:8080 max_fails=0;", &servers.join(" "));
    let both = format!("listen 127.0.0.1:{} ssl;\n    listen 127.0.0.1:{};", setup.port, setup.bare_port);
    let site = edited(&site, "listen 443 ssl;", &both);
    let site = edited(&site, "listen [::]:443 ssl;", "");
    let live = format!("/etc/letsencrypt/live/{NAME}");
    let site = edited(&site, &format!("{live}/fullchain.pem"), &format!("{}/cert.pem", root.display()));
    let site = edited(&site, &format!("{live}/privkey.pem"), &format!("{}/key.pem", root.display()));
    let site = edited(&site, "/var/log/nginx/daybridge.log", &format!("{}/access.log", root.display()));
    let site =
        edited(&site, "/var/log/nginx/daybridge-error.log", &format!("{}/site-error.log", root.display()));
    fs::write(root.join("site.conf"), site).unwrap();
    fs::create_dir(root.join("snippets")).unwrap();
    let limit = |bytes| format!("client_max_body_size {bytes};");
    let locations = committed("nginx/daybridge-locations.conf");
    let locations = edited(&locations, &limit(BYTES_MAX), &limit(setup.bytes_max));
    fs::write(root.join("snippets/daybridge-locations.conf"), locations).unwrap();
    fs::write(root.join("nginx.conf"), frame(root)).unwrap();
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-e").arg(root.join("error.log")).arg("-p").arg(root).arg("-c").arg(root.join("nginx.conf"));
    command
}

/// What Debian's `nginx.conf` is around a site. One process and no master: killing it leaves nothing behind.
fn frame(root: &Path) -> String {
    let root = root.display();
    let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("    {name}_temp_path {root}/{name};\n"))
        .collect();
    format!(
        "daemon off;\nmaster_process off;\npid {root}/nginx.pid;\nerror_log {root}/error.log info;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n    access_log {root}/access.log;\n    gzip on;\n{temp}    include site.conf;\n}}\n"
    )
}
