//! Certificate authorities that a client trusts.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::crypto::ring;
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};

use crate::net::tls::TlsError;
use crate::net::tls::identity::{certificates, contents, date_error};

/// The authorities that may sign a server's certificate, for [`Client::tls`](crate::net::client::client::Client::tls).
///
/// Verification cannot be disabled. For a server with a private authority, trust its root. For a self-signed certificate,
/// trust the certificate itself.
///
/// ```no_run
/// use enchufe::{Client, net::TlsRoots};
///
/// let roots = TlsRoots::from_file("our-root.pem")?;
/// let ws = Client::new("wss://chat.example.org/").tls(roots).connect()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TlsRoots {
    config: Arc<ClientConfig>,
}

impl TlsRoots {
    /// Returns the authorities of the system: its files, or those in `SSL_CERT_FILE` and `SSL_CERT_DIR`. Clients use
    /// them by default.
    ///
    /// # Errors
    /// [`TlsError::NoRoots`] if there are none.
    pub fn system() -> Result<Self, TlsError> {
        static ROOTS: OnceLock<TlsRoots> = OnceLock::new();
        if let Some(roots) = ROOTS.get() {
            return Ok(roots.clone());
        }
        let mut store = RootCertStore::empty();
        // Ignores certificates that rustls does not support.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if store.is_empty() {
            return Err(TlsError::NoRoots);
        }
        let roots = Self::with_store(store)?;
        Ok(ROOTS.get_or_init(|| roots).clone())
    }

    /// Trusts only the certificates in a PEM file.
    ///
    /// # Errors
    /// If it cannot be read or parsed, or contains no certificate.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, TlsError> {
        let path = path.as_ref();
        Self::from_bytes(&contents(path)?, &path.display().to_string())
    }

    /// Trusts only the certificates in a PEM text.
    ///
    /// # Errors
    /// As [`TlsRoots::from_file`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, TlsError> {
        Self::from_bytes(pem, "the root given")
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    fn from_bytes(pem: &[u8], place: &str) -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        for certificate in certificates(pem, place)? {
            let added = store.add(certificate);
            added.map_err(|_| TlsError::BadCertificate(place.to_owned()))?;
        }
        Self::with_store(store)
    }

    fn with_store(store: RootCertStore) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Handshake(error.to_string()))?
            .with_root_certificates(store)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
        })
    }
}

impl fmt::Debug for TlsRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsRoots").finish_non_exhaustive()
    }
}

/// Converts an error of a handshake into one with an explanation.
impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(error) => certificate_error(&error),
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            rustls::Error::AlertReceived(alert) => Self::Refused(alert_text(alert)),
            error => Self::Handshake(error.to_string()),
        }
    }
}

fn certificate_error(error: &CertificateError) -> TlsError {
    if let Some(error) = date_error(error) {
        return error;
    }
    match error {
        // A bad signature: a trusted authority has the same name.
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            TlsError::UnknownIssuer
        }
        CertificateError::NotValidForName => {
            TlsError::WrongName("this name".to_owned(), Vec::new())
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => TlsError::WrongName(expected.to_str().into_owned(), presented.clone()),
        // This error has no variant in rustls.
        CertificateError::Other(error) if error.to_string().contains("CaUsedAsEndEntity") => {
            TlsError::IsAuthority
        }
        error => TlsError::Handshake(format!("the server's certificate: {error}")),
    }
}

/// RFC 8446, 6.2.
fn alert_text(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::HandshakeFailure => {
            "it supports no algorithm that was offered".to_owned()
        }
        AlertDescription::ProtocolVersion => "it supports no common version of TLS".to_owned(),
        AlertDescription::UnrecognisedName => "it does not know the requested name".to_owned(),
        AlertDescription::NoApplicationProtocol => "it does not speak HTTP/1.1".to_owned(),
        AlertDescription::UnknownCA => "it does not trust the issuer of our certificate".to_owned(),
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown => {
            "it does not accept our certificate".to_owned()
        }
        AlertDescription::CertificateExpired => "our certificate has expired".to_owned(),
        alert => format!("{alert:?}"),
    }
}
