//! A server's certificate and private key, in files that can be reloaded.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, RootCertStore, ServerConfig};

use crate::net::tls::TlsError;

/// The certificate and the private key of a server, for [`Server::tls`](crate::net::server::server::Server::tls).
///
/// Clones share one identity: store one, and [`reload`](TlsIdentity::reload) it when the files have changed. Open connections
/// do not change; later ones get the new certificate.
///
/// The server supports TLS 1.3 and 1.2, and HTTP/1.1 by ALPN ([RFC 7301](https://www.rfc-editor.org/rfc/rfc7301)).
///
/// ```no_run
/// use enchufe::{Server, net::TlsIdentity};
///
/// let identity = TlsIdentity::from_files("cert.pem", "key.pem")?;
/// let server = Server::bind("0.0.0.0:443")?.tls(identity.clone());
/// // Later, perhaps on a signal:
/// identity.reload()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TlsIdentity {
    files: Option<Arc<(PathBuf, PathBuf)>>,
    current: Arc<Current>,
    config: Arc<ServerConfig>,
}

/// The certificate and key for new connections.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl TlsIdentity {
    /// Reads two PEM files: the certificate, followed by the intermediate certificates to an authority, and its private key.
    ///
    /// # Errors
    /// If the files are missing, unreadable, empty, mismatched, expired or not valid yet.
    pub fn from_files(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, TlsError> {
        let files = (certificate.into(), key.into());
        let pair = read(&files)?;
        Ok(Self {
            files: Some(Arc::new(files)),
            ..Self::with_pair(pair)?
        })
    }

    /// Creates an identity from PEM in memory.
    ///
    /// # Errors
    /// As [`TlsIdentity::from_files`].
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Self::with_pair(pair(
            certificate,
            key,
            "the certificate given",
            "the key given",
        )?)
    }

    /// Reloads the files. Open connections do not change.
    ///
    /// # Errors
    /// As [`TlsIdentity::from_files`]; the previous certificate then stays. An identity [from
    /// memory](TlsIdentity::from_pem) has no files, and this does nothing: use [`TlsIdentity::replace`].
    pub fn reload(&self) -> Result<(), TlsError> {
        if let Some(files) = &self.files {
            self.current.set(read(files)?);
        }
        Ok(())
    }

    /// Replaces certificate and key for new connections.
    ///
    /// # Errors
    /// As [`TlsIdentity::from_files`]; the previous certificate then stays.
    pub fn replace(&self, certificate: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let new = pair(certificate, key, "the certificate given", "the key given")?;
        self.current.set(new);
        Ok(())
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    fn with_pair(pair: CertifiedKey) -> Result<Self, TlsError> {
        let current = Arc::new(Current(RwLock::new(Arc::new(pair))));
        let provider = Arc::new(ring::default_provider());
        let failed = |error: rustls::Error| TlsError::Handshake(error.to_string());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Session tickets save both sides a signature when a client returns. The server stores nothing for them.
        config.ticketer = ring::Ticketer::new().map_err(failed)?;
        Ok(Self {
            files: None,
            current,
            config: Arc::new(config),
        })
    }
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Current {
    fn set(&self, pair: CertifiedKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let pair = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&pair))
    }
}

fn read((certificate, key): &(PathBuf, PathBuf)) -> Result<CertifiedKey, TlsError> {
    pair(
        &contents(certificate)?,
        &contents(key)?,
        &certificate.display().to_string(),
        &key.display().to_string(),
    )
}

pub(crate) fn contents(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::Unreadable(path.to_owned(), error))
}

/// Parses every certificate in a PEM text; at least one.
pub(crate) fn certificates(
    pem: &[u8],
    place: &str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(TlsError::NoCertificate(place.to_owned())),
        Ok(found) => Ok(found),
        Err(_) => Err(TlsError::BadCertificate(place.to_owned())),
    }
}

/// Parses a matching certificate and key that are valid now.
fn pair(
    certificate: &[u8],
    key: &[u8],
    certificate_place: &str,
    key_place: &str,
) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(certificate, certificate_place)?;
    let key =
        PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey(key_place.to_owned()))?;
    let key = ring::sign::any_supported_type(&key);
    let key = key.map_err(|_| TlsError::BadKey(key_place.to_owned()))?;
    check_dates(&chain, certificate_place)?;
    let pair = CertifiedKey::new(chain, key);
    match pair.keys_match() {
        Ok(()) => Ok(pair),
        Err(_) => Err(TlsError::WrongKey),
    }
}

/// Checks that the first certificate is valid today. Clients check its issuer.
fn check_dates(chain: &[CertificateDer<'static>], place: &str) -> Result<(), TlsError> {
    let bad = |_| TlsError::BadCertificate(place.to_owned());
    let first = ParsedCertificate::try_from(&chain[0]).map_err(bad)?; // at least one
    let checked = verify_server_cert_signed_by_trust_anchor(
        &first,
        &RootCertStore::empty(),
        &chain[1..],
        UnixTime::now(),
        ring::default_provider()
            .signature_verification_algorithms
            .all,
    );
    // Dates are checked before issuers, and without roots every certificate fails at its issuer.
    match checked {
        Err(rustls::Error::InvalidCertificate(error)) => match date_error(&error) {
            Some(error) => Err(error),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Returns the error in the dates of a certificate, if there is one.
pub(crate) fn date_error(error: &CertificateError) -> Option<TlsError> {
    let between = |from: &UnixTime, to: &UnixTime| {
        Duration::from_secs(to.as_secs().saturating_sub(from.as_secs()))
    };
    match error {
        CertificateError::Expired => Some(TlsError::Expired(Duration::ZERO)),
        CertificateError::ExpiredContext { time, not_after } => {
            Some(TlsError::Expired(between(not_after, time)))
        }
        CertificateError::NotValidYet => Some(TlsError::NotYetValid(Duration::ZERO)),
        CertificateError::NotValidYetContext { time, not_before } => {
            Some(TlsError::NotYetValid(between(time, not_before)))
        }
        _ => None,
    }
}
