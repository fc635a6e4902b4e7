//! Byte streams under a connection, read by one thread while others write.
//!
//! [`Socket`] is a real socket, with or without TLS. It is read and written by reference, so reader and writers share
//! one descriptor (`try_clone` would double the descriptors of the process). [`Locked`] gives any `Read + Write` the
//! same interface behind a lock, for tests in memory and custom streams.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::net::connection::sync::Mutex;
use crate::net::error::Error;
use crate::net::socket::socket_stream::Descriptor;
use crate::net::tls::{Session, TlsError, TlsIdentity, TlsRoots};

/// A byte stream that is read and written through a shared reference.
///
/// Reads and writes block, at most for the timeouts. A timeout is [`io::ErrorKind::WouldBlock`] or
/// [`io::ErrorKind::TimedOut`].
pub trait Transport: Send + Sync + 'static {
    /// RECEIVE: as [`Read::read`]. After [`io::ErrorKind::Interrupted`] the caller checks its deadline and calls again.
    fn read(&self, into: &mut [u8]) -> io::Result<usize>;
    /// SEND: as [`Write::write_vectored`].
    fn write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Sets the read timeout; `None` is unlimited. A stream without timeouts ignores it.
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
    /// Sets the write timeout; `None` is unlimited. A stream without timeouts ignores it.
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
    /// CLOSE: shuts down one direction or both. A stream that cannot ignores it.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;
    /// Returns the address of the peer, if known.
    fn peer_addr(&self) -> Option<SocketAddr>;
}

/// A connected socket: TCP or a Unix-domain socket, with or without TLS.
///
/// Bytes that a [write](Transport::write_vectored) did not accept must come first in the next one: with TLS, part of
/// them may be sealed already.
#[derive(Debug)]
pub struct Socket {
    descriptor: Descriptor,
    tls: Option<Box<Session>>,
    peer: Option<SocketAddr>,
}

impl Socket {
    /// Takes a connected stream and disables Nagle's algorithm, so each frame is sent at once.
    ///
    /// # Errors
    /// Errors of setting `TCP_NODELAY`, on a socket that is already dead.
    pub fn new(tcp: TcpStream) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        let peer = tcp.peer_addr().ok();
        Ok(Self {
            descriptor: Descriptor::Tcp(tcp),
            tls: None,
            peer,
        })
    }

    /// Wraps an accepted socket, with TLS if there is an identity. Nothing is sent before [`Socket::handshake`].
    pub(crate) fn accepted(
        descriptor: Descriptor,
        identity: Option<&TlsIdentity>,
    ) -> io::Result<Self> {
        let mut socket = match descriptor {
            Descriptor::Tcp(tcp) => Self::new(tcp)?,
            #[cfg(unix)]
            Descriptor::Unix(unix) => Self::over_unix(unix),
        };
        if let Some(identity) = identity {
            socket.tls = Some(Box::new(Session::server(identity)?));
        }
        Ok(socket)
    }

    /// Adds TLS as a client. The server's certificate must be for `host`.
    pub(crate) fn with_client_tls(
        mut self,
        roots: Option<&TlsRoots>,
        host: &str,
    ) -> Result<Self, TlsError> {
        self.tls = Some(Box::new(Session::client(roots, host)?));
        Ok(self)
    }

    /// Runs the TLS handshake, if there is TLS. Blocks until `deadline` at most.
    pub(crate) fn handshake(&self, deadline: Instant) -> Result<(), Error> {
        match &self.tls {
            None => Ok(()),
            Some(tls) => tls.handshake(&self.descriptor, deadline),
        }
    }

    pub(crate) fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Returns the TCP stream.
    pub(crate) fn into_tcp(self) -> io::Result<TcpStream> {
        match self.descriptor {
            Descriptor::Tcp(tcp) => Ok(tcp),
            #[cfg(unix)]
            Descriptor::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Wraps a connected Unix-domain socket. Its [peer](Transport::peer_addr) has no address.
    #[cfg(unix)]
    #[must_use]
    pub fn over_unix(stream: UnixStream) -> Self {
        Self {
            descriptor: Descriptor::Unix(stream),
            tls: None,
            peer: None,
        }
    }
}

impl Transport for Socket {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        match &self.tls {
            None => self.descriptor.read(into),
            Some(tls) => tls.read(&self.descriptor, into),
        }
    }

    fn write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match &self.tls {
            None => self.descriptor.write_vectored(parts),
            Some(tls) => tls.write(&self.descriptor, parts),
        }
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.descriptor.set_read_timeout(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.descriptor.set_write_timeout(timeout)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if let Some(tls) = &self.tls {
            tls.send_close_notify(&self.descriptor, how);
        }
        self.descriptor.shutdown(how)
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }
}

/// Any `Read + Write` as a [`Transport`] for one thread at a time: no timeouts, no shutdown, no peer address.
#[derive(Debug)]
pub struct Locked<S>(Mutex<S>);

impl<S> Locked<S> {
    /// Wraps the stream.
    pub fn new(stream: S) -> Self {
        Self(Mutex::new(stream))
    }
}

impl<S: Read + Write + Send + 'static> Transport for Locked<S> {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.0.lock().read(into)
    }

    fn write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut stream = self.0.lock();
        let written = stream.write_vectored(parts)?;
        stream.flush()?;
        Ok(written)
    }

    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&self, _: Shutdown) -> io::Result<()> {
        Ok(())
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        None
    }
}
