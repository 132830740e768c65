//! HTTP/1.1 requests as raw bytes.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// A head up to its last line end, more header lines, and a body, as they stand.
pub(crate) fn message(head: String, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut bytes = head.into_bytes();
    for header in headers {
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// Sends `bytes` to a port of this machine; all that comes back until the connection ends or is silent for `quiet`.
/// Who refuses early may not read the rest, and an HTTP client that fails to send may give up before it reads.
pub(crate) async fn exchange(port: u16, bytes: &[u8], quiet: Duration) -> Vec<u8> {
    let (mut read, mut write) = TcpStream::connect(("127.0.0.1", port)).await.unwrap().into_split();
    let sent = bytes.to_vec();
    let writing = tokio::spawn(async move {
        let _ = write.write_all(&sent).await;
        write
    });
    let mut answer = Vec::new();
    while let Ok(Ok(1..)) = timeout(quiet, read.read_buf(&mut answer)).await {}
    writing.abort();
    answer
}
