//! The listener: TCP, or a UNIX socket for a reverse proxy on this machine. HTTP/1.1 only; TLS is the
//! proxy's. Runs on its own threads beside the caller's runtime, which only waits for it.
//!
//! Built on the HTTP library's connection service instead of its web framework: that is where a connection
//! can be put under a [`deadline`](super::deadline), and there is one route.

use std::{
    convert::Infallible,
    fs, io,
    net::SocketAddr,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use actix_http::{HttpService, KeepAlive, Protocol, Request, error::DispatchError};
use actix_server::{GracefulShutdownSignal, Server, ServerBuilder, ServerHandle};
use actix_service::{ServiceFactory, ServiceFactoryExt as _, fn_service};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpSocket, TcpStream, UnixStream},
    task::JoinHandle,
};

use super::{
    client_address::TrustedProxies,
    deadline::{LongHeads, Watched},
    endpoint::Sources,
    receiver::{Limits, Receiver},
    refusal_log::RefusalLog,
};
use crate::{config, machine::open_files, queue::Queue};

/// Connections waiting to be accepted; the system may allow fewer.
const BACKLOG: u32 = 1024;

/// Longest time the rest of an over-long body is drained so that its answer gets through.
const LINGER: Duration = Duration::from_secs(1);

/// Most threads; the library's own limit.
const THREADS_MAX: usize = 512;

/// Rights of the UNIX socket: owner and group, so that the proxy joins the group.
const SOCKET_MODE: u32 = 0o660;

/// Why the receiver does not start, in words for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be used.
    #[error("[server] {0}")]
    Setting(String),
    /// The address cannot be listened on.
    #[error("[server] listen = {listen:?}: {error}")]
    Listen {
        /// As set.
        listen: String,
        /// What the system said.
        error: io::Error,
    },
}

/// Where the receiver listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The real port, also where the setting said 0.
    Tcp(SocketAddr),
    /// Path of the socket.
    Unix(PathBuf),
}

/// A running receiver.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: Address,
    handle: ServerHandle,
    task: JoinHandle<io::Result<()>>,
    log: Arc<RefusalLog>,
    telling: JoinHandle<()>,
}

impl Running {
    /// Takes no new connection, finishes accepted requests within `stop_timeout`, then ends.
    pub async fn stop(mut self) -> io::Result<()> {
        self.handle.stop(true).await;
        let ended = self.ended().await;
        self.telling.abort();
        self.log.round();
        if let Address::Unix(path) = &self.address {
            let _ = fs::remove_file(path);
        }
        ended
    }

    /// Waits until it ends by itself, which only a failure makes it do. Cancel-safe.
    pub async fn ended(&mut self) -> io::Result<()> {
        (&mut self.task).await.map_err(io::Error::other).flatten()
    }
}

/// Starts the receiver; when this returns, the address accepts connections.
pub async fn serve(
    settings: &config::Server,
    sources: Sources,
    queue: Arc<dyn Queue>,
) -> Result<Running, StartError> {
    let receiver = receiver(settings, sources, queue)?;
    let log = receiver.log.clone();
    let server = Server::build()
        .workers(settings.threads)
        .max_concurrent_connections(connections(settings).div_ceil(settings.threads).max(1))
        .shutdown_timeout(whole_seconds(settings.stop_timeout))
        .disable_signals();
    let each = EachConnection {
        receiver,
        heads: HeadLimits { timeout: settings.head_timeout, long: LongHeads::new() },
        stopping: server.graceful_shutdown_signal(),
    };
    let (server, address) = each
        .come_to(&settings.listen, server)
        .await
        .map_err(|error| StartError::Listen { listen: settings.listen.clone(), error })?;
    let server = server.run();
    let handle = server.handle();
    let telling = tokio::spawn(log.clone().rounds());
    Ok(Running { address, handle, task: tokio::spawn(server), log, telling })
}

/// What serves the requests; refuses settings that it cannot be made from.
fn receiver(
    settings: &config::Server,
    sources: Sources,
    queue: Arc<dyn Queue>,
) -> Result<Receiver, StartError> {
    let proxies = TrustedProxies::parse(&settings.trusted_proxies).map_err(StartError::Setting)?;
    let limits = Limits {
        body_bytes_max: settings.max_body_bytes,
        bodies_bytes_max: settings.bodies_bytes_max,
        body_timeout: settings.body_timeout,
        confirm_timeout: settings.confirm_timeout,
    };
    if !(1..=THREADS_MAX).contains(&settings.threads) {
        return Err(StartError::Setting(format!("threads must be 1 to {THREADS_MAX}")));
    }
    Ok(Receiver::new(limits, proxies, sources, queue))
}

/// What each connection is served with.
#[derive(Clone)]
struct EachConnection {
    receiver: Receiver,
    heads: HeadLimits,
    stopping: GracefulShutdownSignal,
}

/// How long a head may take, and how many may be long.
#[derive(Clone)]
struct HeadLimits {
    timeout: Duration,
    long: LongHeads,
}

impl HeadLimits {
    fn watch<T: AsyncRead>(&self, io: T) -> Watched<T> {
        Watched::new(io, self.timeout, self.long.clone())
    }
}

impl EachConnection {
    /// Listens where the settings say.
    async fn come_to(self, listen: &str, server: ServerBuilder) -> io::Result<(ServerBuilder, Address)> {
        match listen.strip_prefix("unix:") {
            Some(path) => {
                let path = PathBuf::from(path);
                let listener = unix(&path)?;
                Ok((self.over_unix(server, listener)?, Address::Unix(path)))
            }
            None => {
                let listener = tcp(listen).await?;
                let address = listener.local_addr()?;
                Ok((self.over_tcp(server, listener)?, Address::Tcp(address)))
            }
        }
    }

    fn over_unix(self, server: ServerBuilder, listener: UnixListener) -> io::Result<ServerBuilder> {
        server.listen_uds("receiver", listener, move || {
            let http = http(self.receiver.on_this_thread(), self.stopping.clone());
            let heads = self.heads.clone();
            fn_service(move |io: UnixStream| {
                let io = heads.watch(io);
                async move { Ok((io, Protocol::Http1, None)) }
            })
            .and_then(http)
        })
    }

    fn over_tcp(self, server: ServerBuilder, listener: std::net::TcpListener) -> io::Result<ServerBuilder> {
        server.listen("receiver", listener, move || {
            let http = http(self.receiver.on_this_thread(), self.stopping.clone());
            let heads = self.heads.clone();
            fn_service(move |io: TcpStream| {
                // An answer is one small write; waiting for more would only delay it.
                let _ = io.set_nodelay(true);
                let peer = io.peer_addr().ok();
                let io = heads.watch(io);
                async move { Ok((io, Protocol::Http1, peer)) }
            })
            .and_then(http)
        })
    }
}

/// As set, or what the open files that this process may have leave beside the rest.
fn connections(settings: &config::Server) -> usize {
    let files = open_files::limits().and_then(|limits| limits.soft);
    let most = open_files::connections(settings.connections_max, files);
    if most < settings.connections_max {
        tracing::warn!(
            connections = most,
            open_files = files,
            set = settings.connections_max,
            "fewer connections than server.connections_max: this process may have too few files open; raise LimitNOFILE of the service, or ulimit -n"
        );
    }
    most
}

fn http<T: AsyncRead + AsyncWrite + Unpin + 'static>(
    receiver: Arc<Receiver>,
    stopping: GracefulShutdownSignal,
) -> impl ServiceFactory<
    (Watched<T>, Protocol, Option<SocketAddr>),
    Config = (),
    Response = (),
    Error = DispatchError,
    InitError = (),
> {
    HttpService::build()
        // Idle and slow connections are cut by `Watched`; the library's own timers stay off.
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(LINGER)
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .on_connect_ext(|io: &Watched<T>, connection| {
            connection.insert(io.clock());
        })
        .finish(move |request: Request| {
            let receiver = Arc::clone(&receiver);
            async move { Ok::<_, Infallible>(receiver.serve(request).await) }
        })
}

async fn tcp(listen: &str) -> io::Result<std::net::TcpListener> {
    let mut last = io::Error::other("names no address");
    for address in tokio::net::lookup_host(listen).await? {
        let bound = || {
            let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            // A restart must not wait for connections of the last run to time out.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            socket.listen(BACKLOG)?.into_std()
        };
        match bound() {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Removes the socket a crash left behind, but never a file of another kind nor a socket that is served.
fn unix(path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is no socket"));
        }
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process serves this socket"));
        }
        Ok(_) => fs::remove_file(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))?;
    Ok(listener)
}

/// The library counts in whole seconds; never less than asked for.
fn whole_seconds(limit: Duration) -> u64 {
    limit.as_secs().saturating_add(u64::from(limit.subsec_nanos() > 0))
}
