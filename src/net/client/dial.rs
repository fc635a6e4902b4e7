//! The way out: a connected stream to the host of a URL, before a byte of WebSocket goes over it
//! ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1), first list). Through a proxy, the tunnel is open
//! when the stream is handed over; TLS, if there is any, goes over it.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use crate::handshake::url::Url;
use crate::http::lines::HeadLimits;
use crate::net::client::connect_queue::{ConnectPermit, Remote};
use crate::net::error::Error;
use crate::net::proxy::error::ProxyError;
use crate::net::proxy::proxy::{Proxy, Target};
use crate::net::proxy::tunnel::tunnel;
use crate::net::socket::io::is_timeout;
use crate::net::socket::socket_log::primitive;

/// How to get out.
#[derive(Debug)]
pub(crate) struct ConnectOptions {
    pub(crate) proxy: Option<Proxy>,
    /// 4.1 step 2: one connection to an address at a time.
    pub(crate) in_turn: bool,
    /// The bounds on what a proxy answers.
    pub(crate) head: HeadLimits,
}

/// The stream, and our turn, which is to be kept until the connection is established or has failed.
pub(crate) fn dial(
    url: &Url,
    way: &ConnectOptions,
    deadline: Instant,
) -> Result<(TcpStream, Option<ConnectPermit>), Error> {
    let turn = |remote| match way.in_turn {
        true => ConnectPermit::wait(remote, deadline).map(Some),
        false => Ok(None),
    };
    match &way.proxy {
        None => first_address(&url.host, url.port, deadline, |address| {
            let turn = turn(Remote::from(address))?;
            Ok((connect(address, deadline)?, turn))
        }),
        Some(proxy) if proxy.resolves() => {
            // 4.1 step 2: whose address nobody here knows is a host of its own.
            let turn = turn(Remote::ByName(url.host.clone(), url.port))?;
            let target = Target::new(&url.host, url.port);
            Ok((through(proxy, &target, way.head, deadline)?, turn))
        }
        Some(proxy) => first_address(&url.host, url.port, deadline, |address| {
            let turn = turn(Remote::from(address))?;
            Ok((through(proxy, &address.into(), way.head, deadline)?, turn))
        }),
    }
}

/// CONNECT to the proxy, and through it.
fn through(
    proxy: &Proxy,
    target: &Target,
    limits: HeadLimits,
    deadline: Instant,
) -> Result<TcpStream, Error> {
    let failed = |error| Error::Proxy {
        proxy: proxy.to_string(),
        error,
    };
    let (host, port) = proxy.address();
    let tcp = first_address(&host, port, deadline, |address| connect(address, deadline)).map_err(
        |error| match error {
            Error::Io(error) if !is_timeout(&error) => failed(ProxyError::Unreachable(error)),
            _ => failed(ProxyError::TimedOut),
        },
    )?;
    tunnel(proxy, tcp, target, limits, deadline).map_err(|error| {
        primitive!("CLOSE", "#0");
        failed(error)
    })
}

/// The first address of the host with which `attempt` succeeds.
fn first_address<T>(
    host: &str,
    port: u16,
    deadline: Instant,
    attempt: impl Fn(SocketAddr) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut last = Error::Io(io::Error::new(
        ErrorKind::NotFound,
        format!("{host} has no address"),
    ));
    for address in resolve(host, port, deadline)? {
        match attempt(address) {
            // Another address may do better; the proxy itself, or the clock, will be no other.
            Err(
                error @ (Error::Io(_)
                | Error::Proxy {
                    error: ProxyError::Socks(_),
                    ..
                }),
            ) => last = error,
            outcome => return outcome,
        }
    }
    Err(last)
}

/// The addresses of a host. The system's resolver knows no deadline and cannot be interrupted, so it is asked on a thread,
/// which is left behind if it takes too long.
fn resolve(host: &str, port: u16, deadline: Instant) -> Result<Vec<SocketAddr>, Error> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (tell, answer) = mpsc::channel();
    let name = host.to_owned();
    thread::Builder::new()
        .name("resolver".to_owned())
        .spawn(move || {
            let addresses = (name.as_str(), port).to_socket_addrs();
            let _ = tell.send(addresses.map(Vec::from_iter)); // nobody waits any more
        })?;
    let left = deadline.saturating_duration_since(Instant::now());
    match answer.recv_timeout(left) {
        Ok(addresses) => Ok(addresses?),
        Err(_) => Err(Error::TimedOut),
    }
}

/// SOCKET and CONNECT.
fn connect(address: SocketAddr, deadline: Instant) -> Result<TcpStream, Error> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Error::TimedOut);
    }
    let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
    primitive!("SOCKET", "#0 TCP over {family}");
    primitive!("CONNECT", "#0 {address}");
    Ok(TcpStream::connect_timeout(&address, left)?)
}
