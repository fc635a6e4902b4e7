//! Requests to a proxy and its responses, read to the last byte and no further. Afterwards the stream is like a direct
//! connection to the host.

use std::io;
use std::net::TcpStream;
use std::time::Instant;

use log::trace;

use crate::handshake::error::HandshakeError;
use crate::http::lines::HeadLimits;
use crate::log_targets::HANDSHAKE;
use crate::net::client::handshake::{read_answer, read_rejection};
use crate::net::connection::read_buffer::ReadBuffer;
use crate::net::error::Error;
use crate::net::proxy::error::ProxyError;
use crate::net::proxy::proxy::{Kind, Proxy, Target};
use crate::net::proxy::{connect, socks};
use crate::net::socket::io::{is_timeout, read_more, write_all};
use crate::net::socket::transport::{Socket, Transport};

/// Opens a tunnel to `target` through `proxy`, the peer of `tcp`. No byte from the tunnel is read.
pub(crate) fn tunnel(
    proxy: &Proxy,
    tcp: TcpStream,
    target: &Target,
    limits: HeadLimits,
    deadline: Instant,
) -> Result<TcpStream, ProxyError> {
    let stream = Socket::new(tcp)?;
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ProxyError::TimedOut);
    }
    stream.set_write_timeout(Some(left))?;
    match proxy.kind {
        Kind::Http => open_http(proxy, &stream, target, limits, deadline)?,
        Kind::Socks5 | Kind::Socks5h => open_socks(proxy, &stream, target, deadline)?,
    }
    Ok(stream.into_tcp()?)
}

fn open_http(
    proxy: &Proxy,
    stream: &Socket,
    target: &Target,
    limits: HeadLimits,
    deadline: Instant,
) -> Result<(), ProxyError> {
    let authority = target.to_string();
    // The log omits the password.
    trace!(target: HANDSHAKE, "> {}", String::from_utf8_lossy(&connect::request(&authority, None)));
    let request = connect::request(&authority, proxy.login.as_ref());
    write_all(stream, 0, &request)?;
    let mut input = ReadBuffer::with_head_capacity();
    let head = read_answer(stream, &mut input, limits, deadline).map_err(|error| match error {
        Error::Io(error) => error.into(),
        Error::Handshake(HandshakeError::Http(error)) => ProxyError::Http(error),
        Error::ConnectionLost => ProxyError::Closed,
        // Too many interim responses.
        _ => ProxyError::UnexpectedBytes,
    })?;
    match connect::judge(head, input.bytes().len())? {
        None => Ok(()),
        Some(head) => {
            let rejection = read_rejection(stream, head, input, deadline);
            Err(ProxyError::Refused(Box::new(rejection)))
        }
    }
}

fn open_socks(
    proxy: &Proxy,
    stream: &Socket,
    target: &Target,
    deadline: Instant,
) -> Result<(), ProxyError> {
    let login = proxy.login.as_ref();
    let request = socks::request(target)?;
    let greeting = socks::greeting(login.is_some());
    trace!(target: HANDSHAKE, "> SOCKS5 {greeting:02x?}");
    let wants_login = exchange(stream, greeting, deadline, |answer| {
        socks::chosen(answer, login.is_some())
    })?;
    if let (true, Some(login)) = (wants_login, login) {
        trace!(target: HANDSHAKE, "> SOCKS5 user and password");
        exchange(stream, &socks::credentials(login), deadline, |answer| {
            Ok(socks::admitted(answer)?.map(|used| ((), used)))
        })?;
    }
    trace!(target: HANDSHAKE, "> SOCKS5 {request:02x?}, which is {target}");
    exchange(stream, &request, deadline, |answer| {
        Ok(socks::opened(answer)?.map(|used| ((), used)))
    })
}

/// Sends one request and reads its reply. No bytes may follow the reply before the next request.
fn exchange<T>(
    stream: &Socket,
    message: &[u8],
    deadline: Instant,
    decode: impl Fn(&[u8]) -> Result<Option<(T, usize)>, ProxyError>,
) -> Result<T, ProxyError> {
    write_all(stream, 0, message)?;
    let mut input = ReadBuffer::new();
    loop {
        if let Some((meaning, used)) = decode(input.bytes())? {
            trace!(target: HANDSHAKE, "< SOCKS5 {:02x?}", &input.bytes()[..used]);
            return match input.bytes().len() == used {
                true => Ok(meaning),
                false => Err(ProxyError::UnexpectedBytes),
            };
        }
        if read_more(stream, 0, &mut input, deadline)? == 0 {
            return Err(ProxyError::Closed);
        }
    }
}

impl From<io::Error> for ProxyError {
    fn from(error: io::Error) -> Self {
        match is_timeout(&error) {
            true => Self::TimedOut,
            false => Self::Io(error),
        }
    }
}
