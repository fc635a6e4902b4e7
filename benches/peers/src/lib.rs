//! What the peers share, so that they differ only in what they are measured for: where they listen, which of the two
//! services they run, and what they say once they are ready.
#![forbid(unsafe_code)]

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub mod duplex;

/// What a peer serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Every message comes back.
    Echo,
    /// Every message goes to every connection, its sender included.
    FanOut,
}

/// Listens on a free port of the loopback interface, and says which in the line the bench waits for.
///
/// # Errors
/// What binding or writing to standard output reports.
pub fn listen() -> io::Result<(TcpListener, Service)> {
    let service = match std::env::args().nth(1).as_deref() {
        None | Some("echo") => Service::Echo,
        Some("fan-out") => Service::FanOut,
        Some(other) => {
            let message = format!("echo or fan-out, not {other}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening on http://{}/", listener.local_addr()?);
    Ok((listener, service))
}

/// The server's side of TLS, if the service is followed by the PEM files of a certificate and its key.
///
/// # Errors
/// What reading them reports.
pub fn tls() -> io::Result<Option<Arc<ServerConfig>>> {
    let mut files = std::env::args().skip(2);
    let (Some(certificate), Some(key)) = (files.next(), files.next()) else {
        return Ok(None);
    };
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain.map_err(io::Error::other)?, key);
    Ok(Some(Arc::new(config.map_err(io::Error::other)?)))
}

/// A stack for a connection's thread, the same for every peer on threads.
pub const STACK: usize = 128 * 1024;
