//! What a connection stands on: bytes that one thread reads while others write.
//!
//! [`Socket`] is the real thing. It is read and written by reference, so reader and writers share one descriptor
//! (a `try_clone` would double the descriptors of the process). [`Exclusive`] lends any `Read + Write` the same
//! interface behind a lock, for tests in memory and streams of the caller's own.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A byte stream that is read and written through a shared reference.
///
/// Reads and writes block, at most as long as the timeouts say; a timeout shows as
/// [`io::ErrorKind::WouldBlock`] or [`io::ErrorKind::TimedOut`].
pub trait Transport: Send + Sync + 'static {
    /// RECEIVE: as [`Read::read`].
    fn read(&self, into: &mut [u8]) -> io::Result<usize>;
    /// SEND: as [`Write::write_vectored`].
    fn write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
    /// How long a read may block; `None` is for ever. A stream without timeouts ignores it.
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
    /// How long a write may block; `None` is for ever. A stream without timeouts ignores it.
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
    /// CLOSE one direction or both. A stream that cannot ignores it.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;
    /// Who is at the other end, where the stream knows.
    fn peer_addr(&self) -> Option<SocketAddr>;
}

/// A connected TCP socket.
#[derive(Debug)]
pub struct Socket {
    tcp: TcpStream,
    peer: Option<SocketAddr>,
}

impl Socket {
    /// Takes over a connected stream and switches Nagle's algorithm off: a frame goes out when it is written.
    ///
    /// # Errors
    /// What setting `TCP_NODELAY` reports, on a socket that is already dead.
    pub fn new(tcp: TcpStream) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        let peer = tcp.peer_addr().ok();
        Ok(Self { tcp, peer })
    }

    /// Gives the stream back.
    pub(super) fn into_tcp(self) -> TcpStream {
        self.tcp
    }
}

impl Transport for Socket {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        (&self.tcp).read(into)
    }

    fn write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match parts {
            [one] => (&self.tcp).write(one),
            many => (&self.tcp).write_vectored(many),
        }
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.tcp.set_read_timeout(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.tcp.set_write_timeout(timeout)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.tcp.shutdown(how)
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }
}

/// Any `Read + Write` as a [`Transport`] for one thread at a time: no timeouts, no shutdown, no peer address.
#[derive(Debug)]
pub struct Exclusive<S>(Mutex<S>);

impl<S> Exclusive<S> {
    /// Wraps the stream.
    pub fn new(stream: S) -> Self {
        Self(Mutex::new(stream))
    }
}

impl<S: Read + Write + Send + 'static> Transport for Exclusive<S> {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read(into)
    }

    fn write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
