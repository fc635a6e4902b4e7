//! What a peer talks over. The same tests run over TCP and over TLS: those of `tests/server` and `tests/room.rs` belong to
//! `tests/tls` as well, and there every server speaks TLS and every peer too.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use enchufe::{Client, Error, Server, WebSocket};

/// Whether everything in this test program goes over TLS.
pub(crate) const OVER_TLS: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"tls");

/// One end of a connection.
pub(crate) enum Wire {
    Tcp(TcpStream),
    #[cfg(feature = "tls")]
    Tls(super::tls::Tls),
}

impl Wire {
    /// The client's end.
    pub(crate) fn client(tcp: TcpStream) -> Self {
        #[cfg(feature = "tls")]
        if OVER_TLS {
            return Self::Tls(super::tls::Tls::client(tcp));
        }
        Self::Tcp(tcp)
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.write_all(bytes),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.write_all(bytes),
        }
    }

    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.read(into),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.read(into),
        }
    }

    pub(crate) fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.tcp().set_read_timeout(Some(timeout))
    }

    /// Says that nothing more comes.
    pub(crate) fn end_writing(&mut self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Self::Tls(tls) = self {
            tls.close_notify()?;
        }
        self.tcp().shutdown(Shutdown::Write)
    }

    /// Another handle on the same end, so that one thread can write while another reads.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(tcp) => tcp.try_clone().map(Self::Tcp),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.try_clone().map(Self::Tls),
        }
    }

    /// The socket below.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Tcp(tcp) => tcp,
            #[cfg(feature = "tls")]
            Self::Tls(tls) => &tls.tcp,
        }
    }
}

/// The URL of a server of this test program.
pub(crate) fn url(addr: SocketAddr, path: &str) -> String {
    let scheme = if OVER_TLS { "wss" } else { "ws" };
    format!("{scheme}://{addr}{path}")
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
