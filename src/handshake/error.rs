//! Errors of the opening handshake. Each has the HTTP status of a rejection, and the fields that status needs ([RFC
//! 6455, 4.2.2](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2)).

use std::fmt;

use crate::http::error::HttpError;
use crate::http::response::{Response, reason_phrase};

/// The reason why a handshake failed. The first group are errors in a request, for servers. The second are errors in a
/// response, for clients. The third is invalid input of the calling program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The head is not valid HTTP.
    Http(HttpError),
    /// A plain request where only a WebSocket is available, see [RFC 9110,
    /// 15.5.22](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.22).
    UpgradeRequired,
    /// The method is not GET.
    MethodNotAllowed,
    /// The version is below HTTP/1.1.
    VersionTooOld,
    /// `Upgrade` does not name `websocket`. In a response: is not exactly `websocket`.
    MissingUpgrade,
    /// `Connection` does not have the token `Upgrade`.
    MissingConnectionUpgrade,
    /// `Sec-WebSocket-Version` is missing or not 13, see
    /// [RFC 6455, 4.4](https://www.rfc-editor.org/rfc/rfc6455#section-4.4).
    UnsupportedVersion,
    /// A required field is missing.
    MissingHeader(&'static str),
    /// A field appears more than once.
    DuplicateHeader(&'static str),
    /// `Sec-WebSocket-Key` is not the base64 of 16 bytes.
    InvalidKey,
    /// `Sec-WebSocket-Protocol` is not a list of distinct tokens.
    InvalidSubprotocols,
    /// `Sec-WebSocket-Extensions` does not follow the grammar of [RFC 6455,
    /// 9.1](https://www.rfc-editor.org/rfc/rfc6455#section-9.1), or is too long.
    InvalidExtensions,
    /// The page has another origin, see [RFC 6455, 10.2](https://www.rfc-editor.org/rfc/rfc6455#section-10.2).
    OriginNotAllowed,
    /// There is no `Origin`, and this server accepts only pages, see [RFC 6455,
    /// 10.2](https://www.rfc-editor.org/rfc/rfc6455#section-10.2).
    OriginRequired,
    /// The request is for a host that this server does not serve, see [RFC 9110,
    /// 15.5.20](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.20).
    HostNotAllowed,

    /// The server answered with a status other than 101.
    UnexpectedStatus(u16),
    /// `Sec-WebSocket-Accept` does not match the key.
    WrongAccept,
    /// The server chose a subprotocol that was not offered.
    UnofferedSubprotocol,
    /// The server chose an extension that was not offered.
    UnofferedExtension,
    /// The server accepted an extension with parameters that were not offered or are not supported ([RFC 7692,
    /// 5.1](https://www.rfc-editor.org/rfc/rfc7692#section-5.1)).
    UnacceptableExtension,
    /// A redirect without a usable `Location`, from `wss` to `ws`, or beyond the limit.
    RefusedRedirect,

    /// A header name, header value or subprotocol from the program is malformed, or a header belongs to the handshake.
    /// Nothing was sent.
    InvalidHeader(String),
}

impl HandshakeError {
    /// Returns the status of the rejection: 502 for errors of clients, 500 for invalid input of the program.
    pub fn status(&self) -> u16 {
        match self {
            Self::Http(error) => error.status(),
            Self::MissingUpgrade
            | Self::MissingConnectionUpgrade
            | Self::MissingHeader(_)
            | Self::DuplicateHeader(_)
            | Self::InvalidKey
            | Self::InvalidSubprotocols
            | Self::InvalidExtensions => 400,
            Self::OriginNotAllowed | Self::OriginRequired => 403,
            Self::MethodNotAllowed => 405,
            Self::HostNotAllowed => 421,
            Self::UpgradeRequired | Self::UnsupportedVersion => 426,
            Self::InvalidHeader(_) => 500,
            Self::UnexpectedStatus(_)
            | Self::WrongAccept
            | Self::UnofferedSubprotocol
            | Self::UnofferedExtension
            | Self::UnacceptableExtension
            | Self::RefusedRedirect => 502,
            Self::VersionTooOld => 505,
        }
    }

    /// Returns the complete response: status, the fields it needs, a short explanation, `Connection: close`.
    pub fn response(&self) -> Response {
        let status = self.status();
        let response = Response::rejection(
            status,
            format!("{status} {}: {self}\n", reason_phrase(status)),
        );
        match status {
            405 => response.header("Allow", "GET"),
            // 4.4: the supported versions. RFC 9110, 15.5.22: Upgrade names the required protocol. It is a connection
            // option (7.8), so Connection lists it after close.
            426 => upgrade_required(response),
            _ => response,
        }
    }
}

fn upgrade_required(mut response: Response) -> Response {
    for (name, value) in &mut response.headers {
        if name == "Connection" {
            *value = "close, Upgrade".to_owned();
        }
    }
    response
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
}

impl From<HttpError> for HandshakeError {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(error) => error.fmt(f),
            Self::UpgradeRequired => {
                f.write_str("this is a WebSocket: connect with a WebSocket client")
            }
            Self::MethodNotAllowed => f.write_str("a WebSocket handshake is a GET request"),
            Self::VersionTooOld => f.write_str("a WebSocket handshake needs HTTP/1.1"),
            Self::MissingUpgrade => f.write_str("the Upgrade header is not \"websocket\""),
            Self::MissingConnectionUpgrade => {
                f.write_str("the Connection header does not have \"Upgrade\"")
            }
            Self::UnsupportedVersion => f.write_str("the Sec-WebSocket-Version is not 13"),
            Self::MissingHeader(name) => write!(f, "the {name} header is missing"),
            Self::DuplicateHeader(name) => write!(f, "there is more than one {name} header"),
            Self::InvalidKey => f.write_str("the Sec-WebSocket-Key is not 16 bytes in base64"),
            Self::InvalidSubprotocols => {
                f.write_str("the Sec-WebSocket-Protocol is not a list of different tokens")
            }
            Self::InvalidExtensions => f.write_str("the Sec-WebSocket-Extensions is malformed"),
            Self::OriginNotAllowed => f.write_str("pages of this origin may not connect"),
            Self::OriginRequired => f.write_str("only pages may connect, and they send an Origin"),
            Self::HostNotAllowed => f.write_str("this server does not answer for this host"),
            Self::UnexpectedStatus(status) => {
                write!(f, "the server answered {status} instead of 101")
            }
            Self::WrongAccept => f.write_str("the Sec-WebSocket-Accept does not fit the key"),
            Self::UnofferedSubprotocol => {
                f.write_str("the server chose a subprotocol that was not offered")
            }
            Self::UnofferedExtension => {
                f.write_str("the server chose an extension that was not offered")
            }
            Self::UnacceptableExtension => {
                f.write_str("the server's parameters of an extension cannot be accepted")
            }
            Self::RefusedRedirect => {
                f.write_str("the redirect leads nowhere, away from TLS, or is one too many")
            }
            Self::InvalidHeader(what) => write!(f, "{} cannot be sent", what.escape_debug()),
        }
    }
}

impl std::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Http(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(error: &HandshakeError) -> String {
        let mut out = Vec::new();
        error.response().encode(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_426_names_the_protocol_and_the_version() {
        for error in [
            HandshakeError::UnsupportedVersion,
            HandshakeError::UpgradeRequired,
        ] {
            let text = lines(&error);
            assert!(text.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
            for line in [
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Connection: close, Upgrade",
                "Content-Length: ",
            ] {
                assert!(text.contains(&format!("\r\n{line}")), "{line} in {text}");
            }
        }
    }

    #[test]
    fn a_405_names_the_method() {
        assert!(lines(&HandshakeError::MethodNotAllowed).contains("\r\nAllow: GET\r\n"));
    }

    #[test]
    fn control_characters_do_not_reach_the_message() {
        assert_eq!(
            HandshakeError::InvalidHeader("a\r\n\x1b".into()).to_string(),
            r"a\r\n\u{1b} cannot be sent"
        );
    }
}
