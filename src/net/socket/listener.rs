//! BIND and LISTEN: listening sockets, and how to wake a thread that waits in ACCEPT.
//!
//! A Unix-domain socket is a file. The file of a dead server is replaced, that of a live one is not, and the server
//! removes its own.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::path::Path;
use std::time::Duration;

use crate::net::socket::socket_log::primitive;
use crate::net::socket::socket_stream::Descriptor;

#[cfg(unix)]
use crate::net::socket::unix_path::SocketFile;

/// A listening socket.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixListener, SocketFile),
}

/// The address of a listening socket.
#[derive(Debug, Clone)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(std::path::PathBuf),
}

impl Listener {
    pub(crate) fn tcp(addr: impl ToSocketAddrs) -> io::Result<(Self, Address)> {
        let listener = TcpListener::bind(addr)?;
        let local = listener.local_addr()?;
        let family = if local.is_ipv4() { "IPv4" } else { "IPv6" };
        primitive!("SOCKET", "TCP over {family}");
        let address = Address::Tcp(local);
        address.log_listen();
        Ok((Self::Tcp(listener), address))
    }

    #[cfg(unix)]
    pub(crate) fn unix(path: &Path) -> io::Result<(Self, Address)> {
        let (listener, file) = SocketFile::bind(path)?;
        primitive!("SOCKET", "Unix");
        let address = Address::Unix(path.to_owned());
        address.log_listen();
        Ok((Self::Unix(listener, file), address))
    }

    /// ACCEPT: returns the next connection and its peer address.
    pub(crate) fn accept(&self) -> io::Result<(Descriptor, SocketAddr)> {
        match self {
            Self::Tcp(listener) => {
                let (tcp, peer) = listener.accept()?;
                Ok((Descriptor::Tcp(tcp), peer))
            }
            #[cfg(unix)]
            Self::Unix(listener, _) => {
                let (unix, _) = listener.accept()?;
                Ok((Descriptor::Unix(unix), LOCAL))
            }
        }
    }

    /// Whether connections can come from other machines.
    pub(crate) fn is_network(&self) -> bool {
        matches!(self, Self::Tcp(_))
    }

    /// CLOSE.
    pub(crate) fn log_close(&self) {
        match self {
            Self::Tcp(listener) => {
                if let Ok(local) = listener.local_addr() {
                    primitive!("CLOSE", "{local}");
                }
            }
            #[cfg(unix)]
            Self::Unix(_, file) => primitive!("CLOSE", "unix:{}", file.path().display()),
        }
    }
}

impl Address {
    /// Connects, so that a thread blocked in ACCEPT wakes.
    pub(crate) fn wake_acceptor(&self) {
        match self {
            Self::Tcp(address) => {
                let ip = match address.ip() {
                    IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
                    IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
                    ip => ip,
                };
                let _ = TcpStream::connect_timeout(&(ip, address.port()).into(), WAKE_TIMEOUT); // it may be awake already
            }
            #[cfg(unix)]
            Self::Unix(path) => {
                let _ = std::os::unix::net::UnixStream::connect(path); // as above
            }
        }
    }

    fn log_listen(&self) {
        primitive!("BIND", "{self}");
        primitive!("LISTEN", "{self}");
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Peer address of every connection on a Unix-domain socket, which has none. Such a peer is on this machine, so it
/// counts as loopback, with the unused port 0.
#[cfg(unix)]
const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const WAKE_TIMEOUT: Duration = Duration::from_secs(1);
