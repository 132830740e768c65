//! A kept-alive HTTP/1.1 connection that writes prepared requests and reads answers with as little work as it
//! takes: the load shares the machine with what it measures.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Longest answer.
const ANSWER_BYTES_MAX: usize = 4096;

/// One connection.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Box<[u8; ANSWER_BYTES_MAX]>,
}

impl Wire {
    /// Connects to this machine.
    pub(crate) async fn open(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Box::new([0; ANSWER_BYTES_MAX]) })
    }

    /// Sends one request and waits for the whole answer; returns its status.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> std::io::Result<u16> {
        self.stream.write_all(request).await?;
        let mut have = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[have..]).await?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            have += read;
            if let Some(status) = whole(&self.buffer[..have]) {
                return Ok(status);
            }
        }
    }

    /// `GET`; the status.
    pub(crate) async fn get(&mut self, path: &str) -> std::io::Result<u16> {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").as_bytes()).await
    }
}

/// The status, once the answer is complete.
fn whole(answer: &[u8]) -> Option<u16> {
    let head_end = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&answer[..head_end]).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    (answer.len() >= head_end + length.unwrap_or(0)).then(|| head.get(9..12)?.parse().ok())?
}
