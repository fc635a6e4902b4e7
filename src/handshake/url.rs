//! WebSocket URIs ([RFC 6455, 3](https://www.rfc-editor.org/rfc/rfc6455#section-3)): host, port and resource.
//!
//! ```text
//! ws-URI = "ws:" "//" host [ ":" port ] path [ "?" query ]
//! ```

use std::fmt;

use crate::http::authority::{Authority, Host};
use crate::http::percent::check_percent;

/// The scheme: with TLS or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `ws`: plain TCP, port 80.
    Ws,
    /// `wss`: TLS, port 443.
    Wss,
}

/// A parsed `ws` or `wss` URI. Every part is valid in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// `ws` or `wss`.
    pub scheme: Scheme,
    /// The host for a resolver: lower case, an IPv6 address without brackets.
    pub host: String,
    /// The port, by default that of the scheme.
    pub port: u16,
    /// The resource name: path and query, percent-encoded, at least `/`.
    pub path_and_query: String,
}

/// The reason why a text is not a WebSocket URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// It does not begin with `ws://` or `wss://`.
    Scheme,
    /// Host or port is empty or malformed. Names outside ASCII must be in their `xn--` form.
    Host,
    /// It has a user or password, which the scheme does not allow.
    UserInfo,
    /// It has a fragment (`#`); 3: a fragment must not be used.
    Fragment,
    /// It has a space or control character.
    Character,
    /// A `%` without two hexadecimal digits.
    PercentEncoding,
}

impl Url {
    /// Parses a URI. Characters outside ASCII in path and query are percent-encoded as UTF-8.
    ///
    /// # Errors
    ///
    /// The violated rule, before any byte is sent. A CR or LF anywhere is [`UrlError::Character`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text
            .chars()
            .any(|character| character == ' ' || character.is_control())
        {
            return Err(UrlError::Character);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "ws" => Scheme::Ws,
            "wss" => Scheme::Wss,
            _ => return Err(UrlError::Scheme),
        };
        // 3: a "#" that is not the start of a fragment must be escaped as %23.
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let authority = Authority::parse(authority).map_err(|_| UrlError::Host)?;
        if authority.port == Some(0) {
            return Err(UrlError::Host);
        }
        Ok(Self {
            scheme,
            host: match authority.host {
                Host::V6(address) => address.to_string(),
                host => host.to_string(),
            },
            port: authority.port.unwrap_or(scheme.default_port()),
            path_and_query: resource_name(path)?,
        })
    }

    /// Returns the value of `Host`: the host, an IPv6 address in brackets, and the port unless it is the scheme's
    /// default ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1) item 4).
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        if self.port == self.scheme.default_port() {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }
}

impl Scheme {
    /// Returns the default port: 80 for `ws`, 443 for `wss`.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ws => "ws",
            Self::Wss => "wss",
        })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}{}",
            self.scheme,
            self.authority(),
            self.path_and_query
        )
    }
}

impl std::str::FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the URL does not begin with ws:// or wss://",
            Self::Host => "the host or port in the URL is malformed",
            Self::UserInfo => "a WebSocket URL has no user or password",
            Self::Fragment => "a WebSocket URL has no fragment; write %23 for #",
            Self::Character => "the URL has a space or control character",
            Self::PercentEncoding => {
                "a percent sign in the URL is not followed by two hexadecimal digits"
            }
        })
    }
}

impl std::error::Error for UrlError {}

/// 3: "/" if the path is empty, then the path, then "?" and the query if there is one.
fn resource_name(path: &str) -> Result<String, UrlError> {
    check_percent(path).map_err(|_| UrlError::PercentEncoding)?;
    let mut name = String::with_capacity(path.len() + 1);
    if !path.starts_with('/') {
        name.push('/');
    }
    for character in path.chars() {
        if character.is_ascii() {
            name.push(character);
        } else {
            let mut bytes = [0; 4];
            name.extend(
                character
                    .encode_utf8(&mut bytes)
                    .bytes()
                    .map(|byte| format!("%{byte:02X}")),
            );
        }
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_parse_into_what_a_client_needs() {
        for (text, host, port, authority, path) in [
            ("ws://example.org", "example.org", 80, "example.org", "/"),
            (
                "WSS://Example.org/a?b=c",
                "example.org",
                443,
                "example.org",
                "/a?b=c",
            ),
            ("ws://h:8080?name=x", "h", 8080, "h:8080", "/?name=x"),
            ("ws://h:80/", "h", 80, "h", "/"),
            ("ws://h:443/", "h", 443, "h:443", "/"),
            ("ws://h:/", "h", 80, "h", "/"),
            ("ws://[::1]:8080/", "::1", 8080, "[::1]:8080", "/"),
            (
                "wss://[2001:DB8::1]",
                "2001:db8::1",
                443,
                "[2001:db8::1]",
                "/",
            ),
            (
                "ws://127.0.0.1/é?ñ=%C3%B1",
                "127.0.0.1",
                80,
                "127.0.0.1",
                "/%C3%A9?%C3%B1=%C3%B1",
            ),
            ("ws://h/?a=b@c://d?e", "h", 80, "h", "/?a=b@c://d?e"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!(
                (
                    url.host.as_str(),
                    url.port,
                    url.authority().as_str(),
                    url.path_and_query.as_str()
                ),
                (host, port, authority, path),
                "{text}"
            );
            assert_eq!(Url::parse(&url.to_string()), Ok(url));
        }
    }

    #[test]
    fn invalid_urls_are_rejected() {
        for (text, error) in [
            ("", UrlError::Scheme),
            ("h:80/", UrlError::Scheme),
            ("http://h/", UrlError::Scheme),
            ("ws:/h", UrlError::Scheme),
            ("ws://", UrlError::Host),
            ("ws:///a", UrlError::Host),
            ("ws://:80", UrlError::Host),
            ("ws://h:0", UrlError::Host),
            ("ws://h:65536", UrlError::Host),
            ("ws://h:x", UrlError::Host),
            ("ws://::1/", UrlError::Host),
            ("ws://[::1/", UrlError::Host),
            ("ws://españa.es/", UrlError::Host),
            ("ws://a:b@h/", UrlError::UserInfo),
            ("ws://h/#", UrlError::Fragment),
            ("ws://h#a", UrlError::Fragment),
            ("ws://h/a b", UrlError::Character),
            ("ws://h/a\r\nX: y", UrlError::Character),
            ("ws://h\r\n/", UrlError::Character),
            ("ws://h/\0", UrlError::Character),
            ("ws://h/\u{85}", UrlError::Character),
            ("ws://h/%", UrlError::PercentEncoding),
            ("ws://h/?a=%4", UrlError::PercentEncoding),
        ] {
            assert_eq!(Url::parse(text), Err(error), "{text:?}");
        }
    }
}
