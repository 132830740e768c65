//! What a host speaks that took our connection and then failed: TLS where plain AMQP was expected, or the other way
//! round. Asked for the error's text alone, on a connection of its own that is closed at once.

use std::{sync::Arc, time::Duration};

use rustls::{ClientConfig, ClientConnection, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Longest time for the question and its answer.
const ASK_MS_MAX: Duration = Duration::from_secs(1);

/// How an AMQP 0-9-1 client begins. A broker answers with a method frame (1), or with a header of its own.
const AMQP_HEADER: &[u8; 8] = b"AMQP\0\0\x09\x01";

/// Kinds of a TLS record: an alert, a handshake.
const TLS_RECORDS: [u8; 2] = [0x15, 0x16];

/// Whether TLS is spoken there, as far as it tells.
pub(super) async fn tls(host: &str, port: u16) -> bool {
    let Some(hello) = client_hello(host) else { return false };
    matches!(answer(host, port, &hello).await, Some([kind, 3, ..]) if TLS_RECORDS.contains(&kind))
}

/// Whether plain AMQP is spoken there, as far as it tells.
pub(super) async fn plain(host: &str, port: u16) -> bool {
    matches!(answer(host, port, AMQP_HEADER).await, Some([1, 0, 0] | [b'A', b'M', b'Q']))
}

/// The first bytes that come back.
async fn answer(host: &str, port: u16, question: &[u8]) -> Option<[u8; 3]> {
    let asked = async {
        let mut stream = TcpStream::connect((host, port)).await?;
        stream.write_all(question).await?;
        let mut first = [0; 3];
        stream.read_exact(&mut first).await?;
        Ok::<_, std::io::Error>(first)
    };
    timeout(ASK_MS_MAX, asked).await.ok()?.ok()
}

/// The first record of a TLS client. Nothing is checked: nothing more is sent.
fn client_hello(host: &str) -> Option<Vec<u8>> {
    let settings =
        ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let mut client = ClientConnection::new(Arc::new(settings), name).ok()?;
    let mut hello = Vec::new();
    client.write_tls(&mut hello).ok()?;
    Some(hello)
}
