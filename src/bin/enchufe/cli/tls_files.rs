//! Certificates from the command line: who this server is, and whom a client believes.

use std::path::Path;

use enchufe::net::{TlsIdentity, TlsRoots};
use log::{error, info};

use crate::cli::exit_error::Failure;
use crate::cli::options::serve::ServeOptions;
use crate::log_targets::CLI;

/// What the server shows, if it is to speak TLS at all.
pub fn identity(options: &ServeOptions) -> Result<Option<TlsIdentity>, Failure> {
    let (certificate, key) = match (&options.tls_cert, &options.tls_key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(_), None) => return Err(lonely("--tls-cert", "--tls-key", "its private key")),
        (None, Some(_)) => return Err(lonely("--tls-key", "--tls-cert", "its certificate")),
    };
    let identity = TlsIdentity::from_files(certificate, key);
    let identity = identity.map_err(|error| Failure::Failed(format!("no TLS: {error}")))?;
    Ok(Some(identity))
}

/// Reads the files again; if they are bad, the old pair stays.
pub fn renew(identity: &TlsIdentity) {
    match identity.reload() {
        Ok(()) => {
            info!(target: CLI, "SIGHUP: newcomers get the certificate that is in the file now")
        }
        Err(error) => error!(target: CLI, "SIGHUP: the old certificate stays: {error}"),
    }
}

/// The certificates in this file, and nobody else.
pub fn only(path: &Path) -> Result<TlsRoots, Failure> {
    TlsRoots::from_file(path).map_err(|error| Failure::Failed(format!("--ca: {error}")))
}

fn lonely(given: &str, missing: &str, what: &str) -> Failure {
    Failure::Usage(format!("{given} goes with {missing} FILE, {what}"))
}
