//! The way to the server: TCP, or TLS over it. Blocking while it is opened, later as the caller sets it.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::options::Options;

pub struct Link {
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Link {
    /// Connects, and does the TLS handshake if there is to be TLS.
    pub fn connect(options: &Options) -> io::Result<Self> {
        let mut stream = TcpStream::connect(options.addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut tls = None;
        if let Some(config) = &options.tls {
            let name = ServerName::IpAddress(options.addr.ip().into());
            let mut session =
                ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
            while session.is_handshaking() {
                session.complete_io(&mut stream)?;
            }
            tls = Some(Box::new(session));
        }
        Ok(Self { stream, tls })
    }

    pub fn set_nonblocking(&self) -> io::Result<()> {
        self.stream.set_nonblocking(true)
    }

    /// Reads the socket once; `None` when there is nothing now. All that came is returned, so `into` has at least
    /// [`ROOM`] bytes; with TLS it can be no byte at all, while a record is not complete.
    pub fn read(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        let Some(tls) = &mut self.tls else {
            return read(&self.stream, into);
        };
        // What is opened is shorter than what was sealed, so half of the room is enough for each, with a record to spare.
        let (opened, sealed) = into.split_at_mut(into.len() / 2);
        let most = sealed.len() - RECORD;
        let Some(count) = read(&self.stream, &mut sealed[..most])? else {
            return Ok(None);
        };
        let mut sealed = &sealed[..count];
        let mut filled = 0;
        while !sealed.is_empty() {
            tls.read_tls(&mut sealed)?;
            let state = tls.process_new_packets().map_err(io::Error::other)?;
            let ready = state.plaintext_bytes_to_read();
            tls.reader()
                .read_exact(&mut opened[filled..filled + ready])?;
            filled += ready;
        }
        Ok(Some(filled))
    }

    /// How many of these bytes were taken: all of them, unless the socket is full.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return write(&self.stream, bytes);
        };
        let mut taken = 0;
        loop {
            while tls.wants_write() {
                match tls.write_tls(&mut self.stream) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(taken),
                    Err(error) => return Err(error),
                }
            }
            if taken == bytes.len() {
                return Ok(taken);
            }
            taken += tls.writer().write(&bytes[taken..])?;
        }
    }

    /// Whether something that was taken has not been sent: [`write`](Self::write) goes on with it.
    pub fn has_more_to_write(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

fn read(mut stream: &TcpStream, into: &mut [u8]) -> io::Result<Option<usize>> {
    match stream.read(into) {
        Ok(0) => Err(io::Error::new(
            ErrorKind::UnexpectedEof,
            "the server closed a connection",
        )),
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

fn write(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.write(bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        outcome => outcome,
    }
}

/// A client's side of TLS that trusts the certificates in this PEM file, and no others.
pub fn trusting(file: &str) -> Result<Arc<ClientConfig>, Box<dyn std::error::Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&fs::read(file)?) {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// What [`Link::read`] is given at least: a good piece of what a socket holds, twice.
pub const ROOM: usize = 256 * 1024;
/// More than the largest record there can be.
const RECORD: usize = 20 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);
