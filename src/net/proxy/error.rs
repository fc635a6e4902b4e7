//! Errors between a client and its proxy, in words for the user who has to fix them.

use std::fmt;
use std::io;

use crate::http::error::HttpError;
use crate::net::http_rejection::HttpRejection;

/// The reason why a proxy did not open a tunnel.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProxyError {
    /// The proxy's URL is invalid; nothing was sent.
    Url(ProxyUrlError),
    /// The proxy itself cannot be reached.
    Unreachable(io::Error),
    /// The stream to the proxy failed before the tunnel was open.
    Io(io::Error),
    /// The proxy closed without a response.
    Closed,
    /// The client's deadline passed: the proxy does not answer, or waits for the host.
    TimedOut,
    /// An HTTP proxy answered CONNECT with a status other than 2xx: 407 requires credentials, 403 forbids the host.
    Refused(Box<HttpRejection>),
    /// The response of an HTTP proxy is not valid HTTP.
    Http(HttpError),
    /// There were unexpected bytes after the response: in an open tunnel the client speaks first.
    UnexpectedBytes,
    /// A SOCKS proxy answered with a version other than 5; this was its first byte. 72, an `H`, is an HTTP proxy.
    NotSocks5(u8),
    /// A SOCKS proxy accepts none of the offered authentication methods: it requires credentials, or others.
    NoMethod,
    /// A SOCKS proxy chose an authentication method that was not offered.
    WrongMethod(u8),
    /// A SOCKS proxy rejected user or password.
    Login,
    /// A SOCKS proxy did not connect; this is its reply code ([RFC 1928,
    /// 6](https://www.rfc-editor.org/rfc/rfc1928#section-6)).
    Socks(u8),
    /// A SOCKS proxy sent a malformed reply.
    Malformed,
    /// The host's name has more than 255 bytes, the maximum of SOCKS5.
    HostTooLong,
}

/// The reason why a text is not the URL of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// The scheme is none of `http`, `socks5`, `socks5h`.
    Scheme,
    /// Host or port is empty or malformed.
    Host,
    /// The user is missing; user or password are malformed, too long for SOCKS5, or not allowed in Basic.
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
            Self::TimedOut => "it did not open the tunnel in time",
            Self::Refused(answer) => {
                let (status, reason) = (answer.status, answer.reason.as_str());
                let why = match status {
                    407 => "it requires a user and a password, or others",
                    403 => "it forbids the host or its port",
                    502..=504 => "it cannot reach the host",
                    _ => "it refused",
                };
                return write!(f, "{why}: {}", format!("{status} {reason}").trim_end());
            }
            Self::Http(error) => return write!(f, "it does not answer in HTTP: {error}"),
            Self::UnexpectedBytes => "it sent unexpected bytes after its response",
            Self::NotSocks5(b'H') => "it uses HTTP, not SOCKS5: write http://",
            Self::NotSocks5(version) => {
                return write!(f, "it does not use SOCKS5: its first byte is {version}");
            }
            Self::NoMethod => "it accepts none of the offered authentication methods",
            Self::WrongMethod(method) => {
                return write!(
                    f,
                    "it chose authentication method {method}, which was not offered"
                );
            }
            Self::Login => "it rejected the user or the password",
            Self::Socks(code) => return write!(f, "{} (SOCKS code {code})", reply(*code)),
            Self::Malformed => "its SOCKS reply is malformed",
            Self::HostTooLong => "the host's name is too long for SOCKS5",
        })
    }
}

/// Returns the meaning of a reply code ([RFC 1928, 6](https://www.rfc-editor.org/rfc/rfc1928#section-6)).
fn reply(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "its rules do not allow the connection",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "it does not support CONNECT",
        8 => "it does not support this address type",
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
            Self::Scheme => "a proxy URL begins with http://, socks5:// or socks5h://",
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
