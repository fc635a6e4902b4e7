//! Certificates named on the command line: the identity of the server and the roots that a client trusts.

use std::path::Path;

use enchufe::net::{TlsIdentity, TlsRoots};
use log::{error, info};

use crate::cli::exit_error::Failure;
use crate::log_targets::CLI;

/// Loads the certificate and private key of the server; `None` without both paths.
pub fn identity(
    certificate: Option<&Path>,
    key: Option<&Path>,
) -> Result<Option<TlsIdentity>, Failure> {
    let (certificate, key) = match (certificate, key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(_), None) => return Err(missing("--tls-cert", "--tls-key", "its private key")),
        (None, Some(_)) => return Err(missing("--tls-key", "--tls-cert", "its certificate")),
    };
    let identity = TlsIdentity::from_files(certificate, key);
    let identity = identity.map_err(|error| Failure::Failed(format!("cannot use TLS: {error}")))?;
    Ok(Some(identity))
}

/// Reloads the files. If they have an error, the old pair stays in use.
pub fn reload(identity: &TlsIdentity) {
    match identity.reload() {
        Ok(()) => {
            info!(target: CLI, "SIGHUP: certificate reloaded; new connections get it");
        }
        Err(error) => {
            error!(target: CLI, "SIGHUP: cannot reload the certificate, the old one stays in use: {error}");
        }
    }
}

/// Loads the certificates of a file as the only trusted roots.
pub fn trusted_roots(path: &Path) -> Result<TlsRoots, Failure> {
    TlsRoots::from_file(path).map_err(|error| Failure::Failed(format!("--ca: {error}")))
}

fn missing(given: &str, other: &str, what: &str) -> Failure {
    Failure::Usage(format!("{given} also needs {other} FILE, {what}"))
}
