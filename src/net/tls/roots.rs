//! Whom a client trusts to say who a server is.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::crypto::ring;
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};

use crate::net::tls::TlsError;
use crate::net::tls::identity::{certificates, contents, over_or_not_yet};

/// The authorities whose signature on a server's certificate a client believes, for [`Client::tls`](crate::net::client::client::Client::tls).
///
/// There is no way to believe everybody. For a server whose certificate nobody known has signed, name its root, or the
/// certificate itself if it has signed itself.
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
    /// What this machine trusts: the files of the system, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name. A client
    /// that is told nothing uses these.
    ///
    /// # Errors
    /// [`TlsError::NoRoots`] if there are none.
    pub fn system() -> Result<Self, TlsError> {
        static ROOTS: OnceLock<TlsRoots> = OnceLock::new();
        if let Some(roots) = ROOTS.get() {
            return Ok(roots.clone());
        }
        let mut store = RootCertStore::empty();
        // Some of them may be too old or too odd; the others count.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if store.is_empty() {
            return Err(TlsError::NoRoots);
        }
        let roots = Self::of(store)?;
        Ok(ROOTS.get_or_init(|| roots).clone())
    }

    /// The certificates in a file in PEM form, and nobody else.
    ///
    /// # Errors
    /// If it cannot be read or understood, or holds no certificate.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, TlsError> {
        let path = path.as_ref();
        Self::only(&contents(path)?, &path.display().to_string())
    }

    /// The same from memory.
    ///
    /// # Errors
    /// As [`TlsRoots::from_file`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, TlsError> {
        Self::only(pem, "the root given")
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    fn only(pem: &[u8], place: &str) -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        for certificate in certificates(pem, place)? {
            let added = store.add(certificate);
            added.map_err(|_| TlsError::BadCertificate(place.to_owned()))?;
        }
        Self::of(store)
    }

    fn of(store: RootCertStore) -> Result<Self, TlsError> {
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

/// What went wrong in a handshake, for a person.
impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(error) => of_certificate(&error),
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            rustls::Error::AlertReceived(alert) => Self::Refused(in_words(alert)),
            error => Self::Handshake(error.to_string()),
        }
    }
}

fn of_certificate(error: &CertificateError) -> TlsError {
    if let Some(error) = over_or_not_yet(error) {
        return error;
    }
    match error {
        // A bad signature: somebody who is trusted has the same name.
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
        // This one has no variant of its own.
        CertificateError::Other(error) if error.to_string().contains("CaUsedAsEndEntity") => {
            TlsError::IsAuthority
        }
        error => TlsError::Handshake(format!("the server's certificate: {error}")),
    }
}

/// RFC 8446, 6.2.
fn in_words(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::HandshakeFailure => "nothing we offer suits it".to_owned(),
        AlertDescription::ProtocolVersion => "it speaks no version of TLS that we do".to_owned(),
        AlertDescription::UnrecognisedName => "it does not know the name we ask for".to_owned(),
        AlertDescription::NoApplicationProtocol => "it does not speak HTTP/1.1".to_owned(),
        AlertDescription::UnknownCA => "it does not trust who signed our certificate".to_owned(),
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown => {
            "it does not accept our certificate".to_owned()
        }
        AlertDescription::CertificateExpired => "it says that our certificate expired".to_owned(),
        alert => format!("{alert:?}"),
    }
}
