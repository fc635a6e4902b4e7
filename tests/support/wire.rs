//! What a peer talks over. The same tests run over TCP, over TLS and over Unix-domain sockets: those of `tests/server` and
//! `tests/room.rs` belong to `tests/tls` and `tests/unix` as well, and there every server and every peer speaks that.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use enchufe::{Client, Error, Server, WebSocket};

use super::server::PATIENCE;

/// Whether everything in this test program goes over TLS.
pub(crate) const OVER_TLS: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"tls");
/// Whether it goes over Unix-domain sockets.
pub(crate) const OVER_UNIX: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"unix");

/// One end of a connection.
pub(crate) enum Wire {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    #[cfg(feature = "tls")]
    Tls(super::tls::Tls),
}

/// The same call on whichever socket is below.
macro_rules! each {
    ($self:ident, $socket:ident => $call:expr) => {
        match $self {
            Self::Tcp($socket) => $call,
            #[cfg(unix)]
            Self::Unix($socket) => $call,
            #[cfg(feature = "tls")]
            Self::Tls(tls) => {
                let $socket = &tls.tcp;
                $call
            }
        }
    };
}

impl Wire {
    /// The client's end of a TCP connection, with TLS if everything has it.
    pub(crate) fn client(tcp: TcpStream) -> Self {
        tcp.set_nodelay(true).expect("a live socket");
        #[cfg(feature = "tls")]
        if OVER_TLS {
            return Self::Tls(super::tls::Tls::client(tcp));
        }
        Self::Tcp(tcp)
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.write_all(bytes),
            #[cfg(unix)]
            Self::Unix(unix) => unix.write_all(bytes),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.write_all(bytes),
        }
    }

    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.read(into),
            #[cfg(unix)]
            Self::Unix(unix) => unix.read(into),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.read(into),
        }
    }

    /// The bytes on the wire, not taken.
    pub(crate) fn peek(&self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.peek(into),
            #[cfg(unix)]
            Self::Unix(_) => Err(io::ErrorKind::Unsupported.into()), // not in std
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.tcp.peek(into),
        }
    }

    pub(crate) fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
        each!(self, socket => socket.set_read_timeout(Some(timeout)))
    }

    pub(crate) fn set_write_timeout(&self, timeout: Duration) -> io::Result<()> {
        each!(self, socket => socket.set_write_timeout(Some(timeout)))
    }

    /// Says that nothing more comes.
    pub(crate) fn end_writing(&mut self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Self::Tls(tls) = self {
            tls.close_notify()?;
        }
        each!(self, socket => socket.shutdown(Shutdown::Write))
    }

    /// Another handle on the same end, so that one thread can write while another reads.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(tcp) => tcp.try_clone().map(Self::Tcp),
            #[cfg(unix)]
            Self::Unix(unix) => unix.try_clone().map(Self::Unix),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.try_clone().map(Self::Tls),
        }
    }
}

/// Where a server of this test program is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(std::path::PathBuf),
}

impl Place {
    pub(crate) fn of(server: &Server) -> Self {
        #[cfg(unix)]
        if let Some(path) = server.local_paths().into_iter().next() {
            return Self::Unix(path);
        }
        Self::Tcp(server.local_addrs()[0])
    }

    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if OVER_TLS { "wss" } else { "ws" };
        match self {
            Self::Tcp(addr) => format!("{scheme}://{addr}{path}"),
            #[cfg(unix)]
            Self::Unix(socket) => format!("ws+unix:{}:{path}", socket.display()),
        }
    }

    /// A connection, nothing said yet.
    pub(crate) fn connect(&self) -> Wire {
        match self {
            Self::Tcp(addr) => {
                Wire::client(TcpStream::connect_timeout(addr, PATIENCE).expect("a connection"))
            }
            #[cfg(unix)]
            Self::Unix(path) => Wire::Unix(UnixStream::connect(path).expect("a connection")),
        }
    }
}

/// A server at `address`, or at a socket of its own where everything goes over those.
pub(crate) fn bind(address: &str) -> Server {
    #[cfg(unix)]
    if OVER_UNIX {
        return Server::bind_unix(socket_file()).expect("a free name");
    }
    Server::bind(address).expect("a free port")
}

/// A name for a socket that nobody has.
#[cfg(unix)]
pub(crate) fn socket_file() -> std::path::PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    let name = format!("enchufe-{}-{number}.sock", std::process::id());
    std::env::temp_dir().join(name)
}

/// A page of a server of this test program.
pub(crate) fn page(addr: SocketAddr, path: &str) -> String {
    let scheme = if OVER_TLS { "https" } else { "http" };
    format!("{scheme}://{addr}{path}")
}

/// The server as it is in this test program.
pub(crate) fn dress(server: Server) -> Server {
    #[cfg(feature = "tls")]
    if OVER_TLS {
        return server.tls(super::tls::identity());
    }
    server
}

/// A client that trusts the servers of this test program.
pub(crate) fn client(url: impl Into<String>) -> Client {
    let client = Client::new(url);
    #[cfg(feature = "tls")]
    if OVER_TLS {
        return client.tls(super::tls::roots());
    }
    client
}

/// Makes a script in Python or node trust the servers of this test program.
pub(crate) fn trust(command: &mut Command) -> &mut Command {
    #[cfg(feature = "tls")]
    if OVER_TLS {
        let file = super::tls::root_file();
        return command
            .env("SSL_CERT_FILE", file)
            .env("NODE_EXTRA_CA_CERTS", file);
    }
    command
}

/// What makes Chromium trust them.
pub(crate) fn browser_trust() -> Option<String> {
    #[cfg(feature = "tls")]
    if OVER_TLS {
        let hash = super::tls::key_hash();
        return Some(format!("--ignore-certificate-errors-spki-list={hash}"));
    }
    None
}

/// Its connection.
pub(crate) fn connect(url: &str) -> Result<WebSocket, Error> {
    client(url).connect()
}
