//! Connects a stream to the host of a URL ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1), first
//! list). Through a proxy, the tunnel is open when the stream is returned; TLS runs over it.

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

/// Options for connecting.
#[derive(Debug)]
pub(crate) struct ConnectOptions {
    pub(crate) proxy: Option<Proxy>,
    /// 4.1 step 2: whether to open one connection to an address at a time.
    pub(crate) queued: bool,
    /// Limits on the proxy's response.
    pub(crate) head: HeadLimits,
}

/// Returns the stream and the permit, which lasts until the connection is established or has failed.
pub(crate) fn dial(
    url: &Url,
    options: &ConnectOptions,
    deadline: Instant,
) -> Result<(TcpStream, Option<ConnectPermit>), Error> {
    let permit = |remote| match options.queued {
        true => ConnectPermit::wait(remote, deadline).map(Some),
        false => Ok(None),
    };
    match &options.proxy {
        None => first_address(&url.host, url.port, deadline, |address| {
            let permit = permit(Remote::from(address))?;
            Ok((connect(address, deadline)?, permit))
        }),
        Some(proxy) if proxy.resolves_names() => {
            // 4.1 step 2: a name that is not resolved here counts as a host.
            let permit = permit(Remote::ByName(url.host.clone(), url.port))?;
            let target = Target::new(&url.host, url.port);
            Ok((dial_proxy(proxy, &target, options.head, deadline)?, permit))
        }
        Some(proxy) => first_address(&url.host, url.port, deadline, |address| {
            let permit = permit(Remote::from(address))?;
            Ok((
                dial_proxy(proxy, &address.into(), options.head, deadline)?,
                permit,
            ))
        }),
    }
}

/// Connects to the proxy and opens the tunnel.
fn dial_proxy(
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

/// Returns the result for the first address of the host with which `attempt` succeeds.
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
            // Another address may succeed. An error of the proxy itself, or the deadline, would repeat.
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

/// Resolves a host. The system's resolver has no timeout and cannot be interrupted, so it runs on a thread, which is
/// abandoned at the deadline.
fn resolve(host: &str, port: u16, deadline: Instant) -> Result<Vec<SocketAddr>, Error> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (sender, receiver) = mpsc::channel();
    let name = host.to_owned();
    thread::Builder::new()
        .name("resolver".to_owned())
        .spawn(move || {
            let addresses = (name.as_str(), port).to_socket_addrs();
            let _ = sender.send(addresses.map(Vec::from_iter)); // the deadline has passed
        })?;
    let left = deadline.saturating_duration_since(Instant::now());
    match receiver.recv_timeout(left) {
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
