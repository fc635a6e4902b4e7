//! BIND and LISTEN: where connections come in, and how a thread that waits for one is woken.
//!
//! A Unix-domain socket is a file. One that a dead server left behind is replaced, one on which somebody listens is not, and
//! ours goes when we go.

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

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixListener, SocketFile),
}

/// Where one listens.
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
        address.tell();
        Ok((Self::Tcp(listener), address))
    }

    #[cfg(unix)]
    pub(crate) fn unix(path: &Path) -> io::Result<(Self, Address)> {
        let (listener, file) = SocketFile::bind(path)?;
        primitive!("SOCKET", "Unix");
        let address = Address::Unix(path.to_owned());
        address.tell();
        Ok((Self::Unix(listener, file), address))
    }

    /// ACCEPT: the next connection, and who is at its other end.
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

    /// Whether what comes in here may come from another machine.
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
    /// Connects, so that a thread blocked in ACCEPT here wakes.
    pub(crate) fn wake_acceptor(&self) {
        match self {
            Self::Tcp(address) => {
                let ip = match address.ip() {
                    IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
                    IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
                    ip => ip,
                };
                let _ = TcpStream::connect_timeout(&(ip, address.port()).into(), WAKE); // it may be awake already
            }
            #[cfg(unix)]
            Self::Unix(path) => {
                let _ = std::os::unix::net::UnixStream::connect(path); // likewise
            }
        }
    }

    fn tell(&self) {
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

/// A peer on a Unix-domain socket has no address. It is on this machine, so it counts as one on loopback, with the port
/// that nobody has.
#[cfg(unix)]
const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const WAKE: Duration = Duration::from_secs(1);
