//! Bodies, packed.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};

use super::fault::{Fault, corrupt};

/// Longest body that is unpacked, in bytes; no setting of the receiver lets a longer one in.
const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub(in crate::ledger) fn pack(body: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    let packed = zlib.write_all(body).and_then(|()| zlib.finish());
    packed.map_err(|error| corrupt(format!("a body cannot be compressed: {error}")))
}

/// `of` is named where it cannot be read.
pub(in crate::ledger) fn unpack(zlib: &[u8], of: &str) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    ZlibDecoder::new(zlib)
        .take(BODY_BYTES_MAX)
        .read_to_end(&mut body)
        .map_err(|error| corrupt(format!("the body of {of}: {error}")))?;
    Ok(body)
}
