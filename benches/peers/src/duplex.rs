//! A blocking TLS stream that one thread reads while others write, which `rustls::Stream` is not: the session is locked to
//! open or seal bytes, and never while the socket is waited for.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard};

use rustls::{ServerConfig, ServerConnection};

/// One handle of such a stream. Only one of them may read.
pub struct Duplex {
    socket: TcpStream,
    session: Arc<Mutex<ServerConnection>>,
    /// Came from the socket; the session has had it up to `opened`.
    sealed: Vec<u8>,
    opened: usize,
}

impl Duplex {
    /// Does the TLS handshake.
    ///
    /// # Errors
    /// Those of TLS and of the socket.
    pub fn accept(mut socket: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        let mut session = ServerConnection::new(config).map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        Ok(Self {
            socket,
            session: Arc::new(Mutex::new(session)),
            sealed: Vec::new(),
            opened: 0,
        })
    }

    /// A handle that writes.
    ///
    /// # Errors
    /// As [`TcpStream::try_clone`].
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            socket: self.socket.try_clone()?,
            session: Arc::clone(&self.session),
            sealed: Vec::new(),
            opened: 0,
        })
    }
}

impl Read for Duplex {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut session = locked(&self.session);
            loop {
                match session.reader().read(into) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    outcome => return outcome,
                }
                let mut rest = &self.sealed[self.opened..];
                if rest.is_empty() {
                    break;
                }
                self.opened += session.read_tls(&mut rest)?;
                session.process_new_packets().map_err(io::Error::other)?;
            }
            drop(session);
            self.sealed.resize(PIECE, 0);
            let count = self.socket.read(&mut self.sealed)?;
            self.sealed.truncate(count);
            self.opened = 0;
            if count == 0 {
                return Ok(0);
            }
        }
    }
}

impl Write for Duplex {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = locked(&self.session).writer().write(bytes)?;
        self.flush()?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut session = locked(&self.session);
        while session.wants_write() {
            session.write_tls(&mut self.socket)?;
        }
        Ok(())
    }
}

fn locked(session: &Mutex<ServerConnection>) -> MutexGuard<'_, ServerConnection> {
    session.lock().expect("no panic while it is held")
}

/// As much as a record holds.
const PIECE: usize = 16 * 1024;
