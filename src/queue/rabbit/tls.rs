//! Certificates between us and the broker: a private CA beside the system's, and one of our own where the broker asks for
//! it. The files are read anew for each connection, so that a renewed certificate needs no restart.

use std::path::{Path, PathBuf};

use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use crate::{config, queue::QueueError};

/// Longest PEM file, in bytes.
const PEM_BYTES_MAX: u64 = 1024 * 1024;

/// Where the files are.
#[derive(Clone)]
pub(super) struct Tls {
    ca: Option<PathBuf>,
    own: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    pub(super) fn of(settings: &config::QueueSettings) -> Self {
        let own = settings.client_cert.clone().zip(settings.client_key.clone());
        Self { ca: settings.ca.clone(), own }
    }

    /// The files' contents. An error names setting and file, and quotes nothing of it.
    pub(super) fn read(&self) -> Result<OwnedTLSConfig, QueueError> {
        let identity = match &self.own {
            None => None,
            Some((cert, key)) => {
                let pem = certificates(cert, "client_cert")?.into_bytes();
                let key_pem = read(key, "client_key")?.into_bytes();
                PrivateKeyDer::from_pem_slice(&key_pem).map_err(|_| {
                    wrong("client_key", key, "holds no private key in PEM form without a password")
                })?;
                Some(OwnedIdentity::PKCS8 { pem, key: key_pem })
            }
        };
        Ok(OwnedTLSConfig { identity, cert_chain: self.ca()? })
    }

    /// The private CA's certificates, as PEM.
    pub(super) fn ca(&self) -> Result<Option<String>, QueueError> {
        self.ca.as_ref().map(|path| certificates(path, "ca")).transpose()
    }
}

/// A file that holds at least one certificate, and none that cannot be read.
fn certificates(path: &Path, setting: &str) -> Result<String, QueueError> {
    let text = read(path, setting)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match read {
        Ok(found) if !found.is_empty() => Ok(text),
        _ => Err(wrong(setting, path, "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")),
    }
}

fn read(path: &Path, setting: &str) -> Result<String, QueueError> {
    let size =
        std::fs::metadata(path).map_err(|error| wrong(setting, path, &format!("cannot be read: {error}")))?;
    if size.len() > PEM_BYTES_MAX {
        return Err(wrong(setting, path, "is longer than 1 MiB: name a PEM file"));
    }
    std::fs::read_to_string(path).map_err(|error| wrong(setting, path, &format!("cannot be read: {error}")))
}

fn wrong(setting: &str, path: &Path, what: &str) -> QueueError {
    QueueError(format!("[queue] {setting}: {} {what}", path.display()))
}
