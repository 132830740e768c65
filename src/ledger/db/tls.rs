//! Certificates between us and a PostgreSQL server. The files are read anew for each connection, so that a renewed one
//! needs no restart.

use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::ledger_server::{Named, Parameters};
use crate::ledger::LedgerError;

/// Longest PEM file, in bytes.
const PEM_BYTES_MAX: u64 = 1024 * 1024;

/// Rights of those who are neither owner nor of the file's group.
const OTHERS: u32 = 0o007;

/// What a file that holds no certificate is told.
const NO_CERTIFICATE: &str =
    "holds no certificate in PEM form: name a file that begins with -----BEGIN CERTIFICATE-----";

/// How far a certificate is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checks {
    /// Not: the connection is only kept from being read.
    Nothing,
    /// Who signed it.
    Authority,
    /// And whose name it bears.
    Name,
}

/// What is checked of the server, and what it is shown.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    checks: Checks,
    ca: Option<Named>,
    own: Option<(Named, Named)>,
}

impl Tls {
    pub(super) fn of(parameters: Parameters, checks: Checks) -> Self {
        Self { checks, ca: parameters.ca, own: parameters.client_cert.zip(parameters.client_key) }
    }

    /// For one connection. An error names setting and file, and quotes nothing of it.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, LedgerError> {
        let _ = rustls::crypto::ring::default_provider().install_default(); // Err: somebody did already
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let whole = |roots: RootCertStore| {
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()
                .map_err(|error| unavailable(format!("the CA certificates cannot be used: {error}")))
        };
        let verifier: Arc<dyn ServerCertVerifier> = match self.checks {
            Checks::Nothing => Arc::new(Unchecked { algorithms, inner: None }),
            Checks::Authority => Arc::new(Unchecked { algorithms, inner: Some(whole(self.roots()?)?) }),
            Checks::Name => whole(self.roots()?)?,
        };
        let builder = ClientConfig::builder_with_provider(provider as Arc<CryptoProvider>)
            .with_safe_default_protocol_versions()
            .map_err(|error| unavailable(format!("TLS cannot be used: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let client = match &self.own {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => {
                let chain = certificates(cert)?;
                let key_der = PrivateKeyDer::from_pem_slice(&private(key)?).map_err(|_| {
                    wrong(key, "holds no private key in PEM form without a password: `openssl pkey -in FILE -out FILE` writes one")
                })?;
                builder.with_client_auth_cert(chain, key_der).map_err(|_| {
                    wrong(
                        key,
                        &format!("is not the key of {}: name the two that belong together", cert.value),
                    )
                })?
            }
        };
        Ok(MakeRustlsConnect::new(client))
    }

    /// The system's, and the private one.
    fn roots(&self) -> Result<RootCertStore, LedgerError> {
        let mut roots = RootCertStore::empty();
        if let Some(ca) = &self.ca {
            for certificate in certificates(ca)? {
                roots.add(certificate).map_err(|_| wrong(ca, NO_CERTIFICATE))?;
            }
        }
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(unavailable(
                "No CA certificates were loaded: install the package ca-certificates, or name a file in [ledger] ca"
                    .to_owned(),
            ));
        }
        Ok(roots)
    }
}

/// A file that holds at least one certificate, and none that cannot be read.
fn certificates(file: &Named) -> Result<Vec<CertificateDer<'static>>, LedgerError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(file)?).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| wrong(file, NO_CERTIFICATE))
}

/// A key. One that the URL names is taken as it always was; the setting's is nobody else's.
fn private(file: &Named) -> Result<Vec<u8>, LedgerError> {
    let bytes = read(file)?;
    let mode = fs::metadata(&file.value).map_or(0, |found| found.permissions().mode());
    if file.is_setting && mode & OTHERS != 0 {
        return Err(wrong(
            file,
            &format!("can be used by every user of this machine: chmod o= {}", file.value),
        ));
    }
    Ok(bytes)
}

fn read(file: &Named) -> Result<Vec<u8>, LedgerError> {
    let unread = |error: std::io::Error| {
        let to_do = match error.kind() {
            std::io::ErrorKind::NotFound => "name a file that is there",
            std::io::ErrorKind::PermissionDenied => {
                "give the user that daybridge runs as the right to read it"
            }
            _ => "name a PEM file",
        };
        wrong(file, &format!("cannot be read ({error}): {to_do}"))
    };
    let size = fs::metadata(&file.value).map_err(unread)?.len();
    if size > PEM_BYTES_MAX {
        return Err(wrong(file, "is longer than 1 MiB: name a PEM file"));
    }
    fs::read(&file.value).map_err(unread)
}

fn wrong(file: &Named, what: &str) -> LedgerError {
    unavailable(format!("{}: {} {what}", file.name(), file.value))
}

fn unavailable(text: String) -> LedgerError {
    LedgerError::Unavailable(text)
}

/// Looks at no certificate, or at everything but its name.
#[derive(Debug)]
struct Unchecked {
    algorithms: WebPkiSupportedAlgorithms,
    inner: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use rustls::CertificateError as Problem;
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        match inner.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                Problem::NotValidForName | Problem::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
