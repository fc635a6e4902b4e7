//! `host [":" port]`, as in `Host`, request targets and origins ([RFC 3986,
//! 3.2](https://www.rfc-editor.org/rfc/rfc3986#section-3.2)). Hosts are parsed and compared as hosts, never by a
//! prefix: `127.0.0.1.evil.example` is a name.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::fmt;

use crate::http::error::HttpError;
use crate::http::percent::check_percent;

/// A host: a name or an address literal. Names are stored in lower case and addresses as numbers, so equal values are
/// equal hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A registered name, in lower case. It is not resolved, so `127.1` is a name too.
    Name(String),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, in brackets when written, without a zone.
    V6(Ipv6Addr),
}

/// A host and an optional port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The host.
    pub host: Host,
    /// The port, if present. `example.org:` has none.
    pub port: Option<u16>,
}

impl Authority {
    /// Parses `host [":" port]`. User information (`user@`) is rejected, see [RFC 9110,
    /// 4.2.4](https://www.rfc-editor.org/rfc/rfc9110#section-4.2.4).
    ///
    /// # Errors
    ///
    /// [`HttpError::InvalidHost`] for an empty host, a character not allowed in a name, a malformed address in
    /// brackets, or a port that is not a number up to 65535.
    pub fn parse(text: &str) -> Result<Self, HttpError> {
        let (host, rest) = match text.strip_prefix('[') {
            Some(literal) => {
                let (address, rest) = literal.split_once(']').ok_or(HttpError::InvalidHost)?;
                (
                    Host::V6(address.parse().map_err(|_| HttpError::InvalidHost)?),
                    rest,
                )
            }
            None => {
                let end = text.find(':').unwrap_or(text.len());
                (Host::parse_name(&text[..end])?, &text[end..])
            }
        };
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => None,
            Some("") => None,
            // `parse` alone would also take "+80".
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().map_err(|_| HttpError::InvalidHost)?)
            }
            _ => return Err(HttpError::InvalidHost),
        };
        Ok(Self { host, port })
    }
}

impl Host {
    /// Whether the host is this machine by name or address: `localhost`, a name below it ([RFC 6761,
    /// 6.3](https://www.rfc-editor.org/rfc/rfc6761#section-6.3)), 127.0.0.0/8 or `::1`.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Self::V4(address) => address.is_loopback(),
            Self::V6(address) => address.is_loopback(),
        }
    }

    /// Parses an IPv4 address, or `reg-name = *( unreserved / pct-encoded / sub-delims )`.
    fn parse_name(text: &str) -> Result<Self, HttpError> {
        if let Ok(address) = text.parse() {
            return Ok(Self::V4(address));
        }
        let allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
        if text.is_empty() || !text.bytes().all(allowed) || check_percent(text).is_err() {
            return Err(HttpError::InvalidHost);
        }
        Ok(Self::Name(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => address.fmt(f),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.host.fmt(f)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_parse_and_print() {
        for (text, printed, port) in [
            ("example.org", "example.org", None),
            ("Example.ORG:80", "example.org:80", Some(80)),
            ("example.org:", "example.org", None),
            ("127.0.0.1:08080", "127.0.0.1:8080", Some(8080)),
            ("[::1]", "[::1]", None),
            ("[0:0::1]:65535", "[::1]:65535", Some(65535)),
            ("under_score", "under_score", None),
            ("127.0.0.1.evil.example", "127.0.0.1.evil.example", None),
        ] {
            let authority = Authority::parse(text).unwrap();
            assert_eq!(
                (authority.to_string().as_str(), authority.port),
                (printed, port),
                "{text}"
            );
        }
    }

    #[test]
    fn malformed_authorities_are_refused() {
        for bad in [
            "",
            ":80",
            "a:b",
            "a:+80",
            "a:65536",
            "a:99999999999",
            "a:80:80",
            "::1",
            "[::1",
            "[::1]80",
            "[::1]x",
            "[]",
            "[1.2.3.4]",
            "[fe80::1%25eth0]",
            "[v1.a]",
            "a b",
            "a/b",
            "a\\b",
            "a@b",
            "a?b",
            "a#b",
            "é",
            "a%",
            "a%zz",
            "a\0",
            "a,b c",
            "<a>",
            "\"a\"",
        ] {
            assert_eq!(Authority::parse(bad), Err(HttpError::InvalidHost), "{bad}");
        }
    }

    #[test]
    fn a_name_that_looks_like_an_address_is_no_loopback() {
        let host = |text| Authority::parse(text).unwrap().host;
        for good in [
            "localhost",
            "LOCALHOST",
            "a.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
        ] {
            assert!(host(good).is_loopback(), "{good}");
        }
        for bad in [
            "127.0.0.1.evil",
            "localhost.evil",
            "evillocalhost",
            "127.1",
            "128.0.0.1",
            "[::2]",
        ] {
            assert!(!host(bad).is_loopback(), "{bad}");
        }
    }
}
