//! The server that a URL names, and how its certificate is looked at.

use std::{fmt::Write as _, fs, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::ledger::LedgerError;

/// How long the other end may be silent while something is on its way to it.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// A server, and how it is reached.
#[derive(Clone)]
pub(in crate::ledger) struct Server {
    pub(super) config: tokio_postgres::Config,
    pub(super) tls: MakeRustlsConnect,
}

/// How far a certificate is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checks {
    /// Not: the connection is only kept from being read.
    Nothing,
    /// Who signed it.
    Authority,
    /// And whose name it bears.
    Name,
}

/// What the library does not know, by libpq's names and by sqlx's.
#[derive(Debug, Default)]
struct Tls {
    mode: Option<String>,
    root: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

impl Server {
    /// By a URL whose parameters are known; no error quotes a value of it.
    pub(in crate::ledger) fn of(url: &str) -> Result<Self, LedgerError> {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let mut tls = Tls::default();
        let mut rest = String::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match &*name {
                "sslmode" | "ssl-mode" => tls.mode = Some(value),
                "sslrootcert" | "ssl-root-cert" | "ssl-ca" => tls.root = Some(value),
                "sslcert" | "ssl-cert" => tls.certificate = Some(value),
                "sslkey" | "ssl-key" => tls.key = Some(value),
                // Of the library that was here before.
                "statement-cache-capacity" => {}
                _ => {
                    let pair =
                        form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
                    let _ = write!(
                        rest,
                        "{}{}",
                        if rest.is_empty() { '?' } else { '&' },
                        pair.replace('+', "%20")
                    );
                }
            }
        }
        let mut config: tokio_postgres::Config = format!("{place}{rest}").parse().map_err(|_| {
            LedgerError::Refused(
                "the ledger's URL cannot be used: write it as postgres://user:password@host:5432/database"
                    .into(),
            )
        })?;
        let (mode, checks) = match tls.mode.as_deref() {
            Some("disable" | "allow") => (SslMode::Disable, Checks::Nothing),
            None | Some("prefer") => (SslMode::Prefer, Checks::Nothing),
            Some("verify-ca") => (SslMode::Require, Checks::Authority),
            Some("verify-full") => (SslMode::Require, Checks::Name),
            Some(_) => (SslMode::Require, Checks::Nothing),
        };
        config.ssl_mode(mode).connect_timeout(SILENCE_MAX / 3).keepalives_idle(SILENCE_MAX);
        config.keepalives_interval(SILENCE_MAX / 3).keepalives_retries(3).tcp_user_timeout(SILENCE_MAX);
        if config.get_hosts().len() > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
            // A ledger is written to: of a primary and its standbys, it is the primary.
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if config.get_application_name().is_none() {
            config.application_name("daybridge");
        }
        Ok(Self { config, tls: MakeRustlsConnect::new(tls.client(checks)?) })
    }
}

impl Tls {
    fn client(&self, checks: Checks) -> Result<ClientConfig, LedgerError> {
        let _ = rustls::crypto::ring::default_provider().install_default(); // Err: somebody did already
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match checks {
            Checks::Nothing => {
                Arc::new(Unchecked { algorithms: provider.signature_verification_algorithms, inner: None })
            }
            Checks::Authority | Checks::Name => {
                let roots = self.roots()?;
                let whole =
                    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
                let whole = whole.map_err(|error| unusable("the CA certificates", &error))?;
                match checks {
                    Checks::Name => whole,
                    Checks::Nothing | Checks::Authority => Arc::new(Unchecked {
                        algorithms: provider.signature_verification_algorithms,
                        inner: Some(whole),
                    }),
                }
            }
        };
        let builder = ClientConfig::builder_with_provider(provider as Arc<CryptoProvider>)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable("TLS", &error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let (Some(certificate), Some(key)) = (&self.certificate, &self.key) else {
            return Ok(builder.with_no_client_auth());
        };
        let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unusable(certificate, &error))?;
        let key_der = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| unusable(key, &error))?;
        builder.with_client_auth_cert(chain, key_der).map_err(|error| unusable(certificate, &error))
    }

    fn roots(&self) -> Result<RootCertStore, LedgerError> {
        let mut roots = RootCertStore::empty();
        match &self.root {
            Some(path) => {
                for certificate in CertificateDer::pem_slice_iter(&read(path)?) {
                    let certificate = certificate.map_err(|error| unusable(path, &error))?;
                    roots.add(certificate).map_err(|error| unusable(path, &error))?;
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        if roots.is_empty() {
            return Err(LedgerError::Unavailable(
                "No CA certificates were loaded: install the package ca-certificates, or name a file with sslrootcert"
                    .to_owned(),
            ));
        }
        Ok(roots)
    }
}

fn read(path: &str) -> Result<Vec<u8>, LedgerError> {
    fs::read(path).map_err(|error| unusable(path, &error))
}

fn unusable(what: &str, why: &dyn std::fmt::Display) -> LedgerError {
    LedgerError::Unavailable(format!("{what} of ledger.url cannot be used: {why}"))
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
        use rustls::CertificateError as Wrong;
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        match inner.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                Wrong::NotValidForName | Wrong::NotValidForNameContext { .. },
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
