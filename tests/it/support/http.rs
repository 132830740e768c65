//! HTTP/1.1 requests as raw bytes.

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
