//! The way out: a connected stream to the host of a URL, before a byte of WebSocket goes over it
//! ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1), first list).

use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Instant;

use super::Error;
use super::primitive::primitive;
use crate::handshake::Url;

/// CONNECT to the first address of the host that answers.
pub(super) fn dial(url: &Url, deadline: Instant) -> Result<TcpStream, Error> {
    let mut last = io::Error::new(ErrorKind::NotFound, format!("{} has no address", url.host));
    for address in (url.host.as_str(), url.port).to_socket_addrs()? {
        let left = deadline
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero());
        let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
        primitive!("SOCKET", "#0 TCP over {family}");
        primitive!("CONNECT", "#0 {address}");
        match TcpStream::connect_timeout(&address, left.ok_or(Error::TimedOut)?) {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = error,
        }
    }
    Err(Error::Io(last))
}
