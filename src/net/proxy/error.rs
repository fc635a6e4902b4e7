//! What can go wrong between a client and its proxy, each in words for the person who has to mend it.

use std::fmt;
use std::io;

use crate::http::error::HttpError;
use crate::net::http_rejection::HttpRejection;

/// Why a proxy opened no way to the host.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProxyError {
    /// The text that is to name the proxy does not; nothing was sent.
    Url(ProxyUrlError),
    /// The proxy itself cannot be reached.
    Unreachable(io::Error),
    /// The stream to the proxy broke while it was asked.
    Io(io::Error),
    /// The proxy closed before it had answered.
    Closed,
    /// The deadline of the client passed: the proxy does not answer, or waits in vain for the host.
    TimedOut,
    /// An HTTP proxy answered CONNECT with another status than 2xx: 407 wants credentials, 403 forbids the host.
    Refused(Box<HttpRejection>),
    /// What an HTTP proxy answered is no HTTP.
    Http(HttpError),
    /// There were bytes behind the answer, which nobody had asked for: through a tunnel that is open the client speaks
    /// first.
    Chatter,
    /// A SOCKS proxy answered with another version than 5; this was its first byte. 72, an `H`, is an HTTP proxy.
    NotSocks5(u8),
    /// A SOCKS proxy takes none of the ways to log in that were offered: it wants credentials, or others.
    NoMethod,
    /// A SOCKS proxy chose a way to log in that was not offered.
    WrongMethod(u8),
    /// A SOCKS proxy refused user or password.
    Login,
    /// A SOCKS proxy could not, or would not, connect; this is its code
    /// ([RFC 1928, 6](https://www.rfc-editor.org/rfc/rfc1928#section-6)).
    Socks(u8),
    /// A SOCKS proxy answered something malformed.
    Malformed,
    /// The name of the host has more than 255 bytes, which SOCKS5 cannot say.
    LongName,
}

/// Why a text is not the URL of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// The scheme is none of `http`, `socks5`, `socks5h`.
    Scheme,
    /// Host or port is empty or malformed.
    Host,
    /// The user is missing; user or password are malformed, too long for SOCKS5, or have what Basic cannot say.
    Login,
    /// There is a path, query or fragment.
    Path,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url(error) => return error.fmt(f),
            Self::Unreachable(error) => return write!(f, "it cannot be reached: {error}"),
            Self::Io(error) => return error.fmt(f),
            Self::Closed => "it closed without an answer",
            Self::TimedOut => "it did not open the way in time",
            Self::Refused(answer) => {
                let (status, reason) = (answer.status, answer.reason.as_str());
                let why = match status {
                    407 => "it wants a user and a password, or others",
                    403 => "it forbids the host or its port",
                    502..=504 => "it cannot reach the host",
                    _ => "it refused",
                };
                return write!(f, "{why}: {}", format!("{status} {reason}").trim_end());
            }
            Self::Http(error) => return write!(f, "it does not answer in HTTP: {error}"),
            Self::Chatter => "it sent more than its answer",
            Self::NotSocks5(b'H') => "it speaks HTTP, not SOCKS5: write http://",
            Self::NotSocks5(version) => {
                return write!(f, "it does not speak SOCKS5: its first byte is {version}");
            }
            Self::NoMethod => "it wants a user and a password, or others than it got",
            Self::WrongMethod(method) => {
                return write!(
                    f,
                    "it chose the way to log in {method}, which was not offered"
                );
            }
            Self::Login => "it refused the user or the password",
            Self::Socks(code) => return write!(f, "{} (SOCKS code {code})", reply(*code)),
            Self::Malformed => "its SOCKS answer is malformed",
            Self::LongName => "the host's name is too long for SOCKS5",
        })
    }
}

/// The names of [RFC 1928, 6](https://www.rfc-editor.org/rfc/rfc1928#section-6).
fn reply(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "its rules do not allow the connection",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "it does not know the command CONNECT",
        8 => "it does not know this type of address",
        _ => "failed",
    }
}

impl std::error::Error for ProxyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::Unreachable(error) | Self::Io(error) => Some(error),
            Self::Http(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for ProxyUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "a proxy is http://, socks5:// or socks5h://, and none is reached over TLS",
            Self::Host => "the host or port of the proxy is malformed: write http://HOST:PORT",
            Self::Login => {
                "the user or password of the proxy is missing, malformed or too long; write %40 for @ and %3A for :"
            }
            Self::Path => "the URL of a proxy ends with the port",
        })
    }
}

impl std::error::Error for ProxyUrlError {}

impl From<ProxyUrlError> for ProxyError {
    fn from(error: ProxyUrlError) -> Self {
        Self::Url(error)
    }
}
