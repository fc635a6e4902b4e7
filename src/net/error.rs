//! What can go wrong on a connection, as the caller sees it.

use std::fmt;
use std::io;

use crate::handshake::error::HandshakeError;
use crate::handshake::url::UrlError;
use crate::net::http_rejection::HttpRejection;
use crate::net::proxy::error::ProxyError;
use crate::net::tls::TlsError;
use crate::protocol::error::{ProtocolError, SendError};

/// Why a connection could not be opened, or ended other than by a closing handshake.
///
/// A normal close is not an error: [`WebSocket::read`](crate::net::connection::websocket::WebSocket::read) returns `None` for it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The socket reported an error.
    Io(io::Error),
    /// The peer broke the protocol; the Close with [`ProtocolError::close_code`] has been sent.
    Protocol(ProtocolError),
    /// The opening handshake was not what RFC 6455 asks for.
    Handshake(HandshakeError),
    /// The server answered the handshake with an HTTP response other than 101.
    UnexpectedStatus(Box<HttpRejection>),
    /// Not a `ws` or `wss` URL.
    Url(UrlError),
    /// There is no TLS with the peer: what is wrong with its certificate, or with the handshake.
    Tls(TlsError),
    /// The proxy opened no way to the server.
    Proxy {
        /// Which one, without its user and password; or the variable that should name one.
        proxy: String,
        /// What went wrong.
        error: ProxyError,
    },
    /// The peer did not do in time what it had to: answer, finish a message, close.
    TimedOut,
    /// The peer ended the stream without a Close
    /// ([RFC 6455, 7.1.5](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5), code 1006).
    ConnectionLost,
    /// The peer does not take what is sent to it; its backlog reached
    /// [`Limits::max_send_queue`](crate::net::limits::Limits::max_send_queue).
    SendQueueFull,
    /// The peer sends control frames faster than [`Limits::message_rate`](crate::net::limits::Limits::message_rate) allows.
    ControlFrameFlood,
    /// What was asked to be sent cannot be: a control payload or a close reason too long, a close code that must not
    /// be sent.
    Send(SendError),
    /// Sending after a Close was sent
    /// ([RFC 6455, 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
    Closed,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Protocol(error) => error.fmt(f),
            Self::Handshake(error) => error.fmt(f),
            Self::UnexpectedStatus(answer) => {
                write!(f, "the server answered {} {}", answer.status, answer.reason)
            }
            Self::Url(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::Proxy { proxy, error } => write!(f, "proxy {proxy}: {error}"),
            Self::TimedOut => f.write_str("the peer did not answer in time"),
            Self::ConnectionLost => f.write_str("the connection broke without a Close"),
            Self::SendQueueFull => f.write_str("the peer is too slow: its backlog is full"),
            Self::ControlFrameFlood => f.write_str("the peer sends too many control frames"),
            Self::Send(error) => error.fmt(f),
            Self::Closed => f.write_str("the connection is closed"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Protocol(error) => Some(error),
            Self::Handshake(error) => Some(error),
            Self::Url(error) => Some(error),
            Self::Tls(error) => Some(error),
            Self::Proxy { error, .. } => Some(error),
            Self::Send(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ProtocolError> for Error {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

impl From<HandshakeError> for Error {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

impl From<UrlError> for Error {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}

impl From<TlsError> for Error {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Closed => Self::Closed,
            other => Self::Send(other),
        }
    }
}
