//! Strangers who want the memory: thousands of bodies that never end, of known and unknown sources, with and without a
//! signature, in one piece and in chunks of a byte; each comes again when it is cut. They are a process of their own. What
//! the server takes, what honest requests notice, and what is left when they are gone.

use std::{process::Command, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::sleep,
};

use crate::{
    events,
    load::{self, Load, Sample},
    process::{Server, memory_mib, until},
    rabbitmq::Broker,
    siege::HONEST_PER_S,
};

/// Hostile connections at any time.
pub(crate) const CONNECTIONS: usize = 4_000;

/// Of each body; the last one never comes.
pub(crate) const BODY_BYTES: usize = 250_000;

/// When the memory is looked at after they are gone.
pub(crate) const AFTER: Duration = Duration::from_secs(20);

/// Between the first tries of two connections.
const APART: Duration = Duration::from_millis(1);

/// What was measured.
pub(crate) struct Hostile {
    pub(crate) idle_mib: f64,
    pub(crate) peak_mib: f64,
    pub(crate) after_mib: f64,
    pub(crate) honest: Sample,
}

/// Runs it all.
pub(crate) async fn run(broker: &Broker, quick: bool) -> Hostile {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::daybridge("serve", folder.path(), &broker.amqp_url("%2f"), 1, "").await;
    let measured = Duration::from_secs(if quick { 12 } else { 30 });
    let events = events::make(2_000, 200);
    let honest = async |measured| {
        let load = Load::Open(HONEST_PER_S);
        load::run(load, server.port, server.pid(), events::sign(&events), Duration::from_secs(1), measured)
            .await
    };
    let _ = honest(Duration::from_secs(2)).await;
    let idle_mib = memory_mib(server.pid(), "VmRSS");
    eprintln!("hostile: {CONNECTIONS} unfinished bodies of {BODY_BYTES} bytes");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("hostile").arg(server.port.to_string());
    let strangers = Server::other(command, server.port);
    until("the strangers", || async { files(server.pid()) >= CONNECTIONS }).await;
    let honest = honest(measured).await;
    let peak_mib = memory_mib(server.pid(), "VmHWM");
    drop(strangers);
    sleep(AFTER).await;
    Hostile { idle_mib, peak_mib, after_mib: memory_mib(server.pid(), "VmRSS"), honest }
}

/// Files that a process has open.
fn files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// The strangers; until they are killed.
pub(crate) fn strangers(port: u16) {
    let _ = daybridge::machine::open_files::raise();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // For the whole life of this process, and the same bytes for all.
    let whole: &'static [u8] = Box::leak(vec![b'x'; BODY_BYTES - 1].into_boxed_slice());
    let chunks: &'static [u8] = Box::leak(b"1\r\nx\r\n".repeat(BODY_BYTES / 6).into_boxed_slice());
    runtime.block_on(async {
        let mut all = JoinSet::new();
        for number in 0..CONNECTIONS {
            all.spawn(stranger(port, number, if number / 4 % 2 == 0 { whole } else { chunks }));
            sleep(APART).await;
        }
        while all.join_next().await.is_some() {}
    });
}

async fn stranger(port: u16, number: usize, body: &'static [u8]) {
    loop {
        let Ok(mut connection) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
        let _ = connection.write_all(head(number).as_bytes()).await;
        let _ = connection.write_all(body).await;
        let _ = connection.read_to_end(&mut Vec::new()).await;
    }
}

/// Half of them with a signature of the right form, for bodies of such are kept until they are whole.
fn head(number: usize) -> String {
    let now_s = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let signature = format!("Stripe-Signature: t={now_s},v1={}\r\n", "ab".repeat(32));
    let (source, signature) = match number % 4 {
        0 | 1 => ("stripe", signature.as_str()),
        2 => ("stripe", ""),
        _ => ("nobody", signature.as_str()),
    };
    let framing = match number / 4 % 2 {
        0 => format!("Content-Length: {BODY_BYTES}"),
        _ => "Transfer-Encoding: chunked".to_owned(),
    };
    format!("POST /webhooks/{source} HTTP/1.1\r\nHost: a\r\n{signature}{framing}\r\n\r\n")
}
