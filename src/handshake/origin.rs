//! Access control by `Origin` and `Host`. A browser lets every page open a WebSocket to every server, and sends
//! `Origin` so that the server can reject it ([RFC 6455, 10.2](https://www.rfc-editor.org/rfc/rfc6455#section-10.2)).
//! Origins are parsed and compared part by part ([RFC 6454, 5](https://www.rfc-editor.org/rfc/rfc6454#section-5)):
//! comparisons of prefixes would accept `http://127.0.0.1.evil.example`.

use std::fmt;

use crate::handshake::error::HandshakeError;
use crate::handshake::fields::single;
use crate::http::authority::{Authority, Host};
use crate::http::request::Request;

/// An origin: scheme, host and port. Origins are equal if all three are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: Host,
    /// `None` if the scheme has no known port, and none was given.
    port: Option<u16>,
}

impl Origin {
    /// Parses `scheme "://" host [":" port]` with nothing after it, see [RFC 6454,
    /// 7](https://www.rfc-editor.org/rfc/rfc6454#section-7). The default port is 80 for `http` and `ws`, 443 for
    /// `https` and `wss`. Returns `None` for any other text, and for `null`.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let mut characters = scheme.chars();
        let scheme_char = |it: char| it.is_ascii_alphanumeric() || matches!(it, '+' | '-' | '.');
        if !characters.next()?.is_ascii_alphabetic()
            || !characters.all(scheme_char)
            || rest.ends_with(':')
        {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let Authority { host, port } = Authority::parse(rest).ok()?;
        let port = port.or(default_port(&scheme));
        Some(Self { scheme, host, port })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) if default_port(&self.scheme) != Some(port) => write!(f, ":{port}"),
            _ => Ok(()),
        }
    }
}

/// Checks whether the page may connect. It may if there is no `Origin` (not a browser), or if its origin is this host
/// by `http` or `https`: host and port are those of [`Request::authority`], and a missing port is that of the origin's
/// scheme. It also may if its origin is in `allowed`: origins for [`Origin::parse`], or the word `null` for sandboxed
/// pages and files.
///
/// # Errors
///
/// [`HandshakeError::OriginNotAllowed`], also for a malformed `Origin`, and [`HandshakeError::DuplicateHeader`].
pub fn check_origin(request: &Request, allowed: &[String]) -> Result<(), HandshakeError> {
    let Some(text) = single(&request.headers, "Origin")? else {
        return Ok(());
    };
    if text == "null" && allowed.iter().any(|entry| entry == "null") {
        return Ok(());
    }
    let origin = Origin::parse(text).ok_or(HandshakeError::OriginNotAllowed)?;
    if is_same_host(&origin, request)
        || allowed
            .iter()
            .any(|entry| Origin::parse(entry).as_ref() == Some(&origin))
    {
        return Ok(());
    }
    Err(HandshakeError::OriginNotAllowed)
}

/// Checks whether the request is for a host that this server serves. This prevents DNS rebinding: a page of
/// `evil.example` can point that name to 127.0.0.1 and then shares its origin with a server there, but its requests
/// still name `evil.example`.
///
/// Addresses always pass (a name that rebinds is not an address), and so does a request without `Host` (browsers send
/// it). A server bound to a loopback address accepts `localhost`, names below it and those in `allowed`. Another server
/// accepts every name unless `allowed` has entries, and then `localhost` and those. An entry is `host [":" port]`;
/// without a port every port matches.
///
/// # Errors
///
/// [`HandshakeError::HostNotAllowed`].
pub fn check_host(
    request: &Request,
    allowed: &[String],
    bound_to_loopback: bool,
) -> Result<(), HandshakeError> {
    if !bound_to_loopback && allowed.is_empty() {
        return Ok(());
    }
    let Some(text) = request.authority() else {
        return Ok(());
    };
    let asked = Authority::parse(text)?;
    let is_allowed = |entry: &String| {
        Authority::parse(entry)
            .is_ok_and(|it| it.host == asked.host && (it.port.is_none() || it.port == asked.port))
    };
    if !matches!(asked.host, Host::Name(_))
        || asked.host.is_loopback()
        || allowed.iter().any(is_allowed)
    {
        return Ok(());
    }
    Err(HandshakeError::HostNotAllowed)
}

fn is_same_host(origin: &Origin, request: &Request) -> bool {
    let Some(Ok(authority)) = request.authority().map(Authority::parse) else {
        return false;
    };
    matches!(origin.scheme.as_str(), "http" | "https")
        && origin.host == authority.host
        && origin.port == authority.port.or(default_port(&origin.scheme))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::headers::Headers;
    use crate::http::request::Version;

    fn request(target: &str, fields: &[(&str, &str)]) -> Request {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.push(*name, *value);
        }
        Request {
            method: "GET".into(),
            target: target.into(),
            version: Version::Http11,
            headers,
        }
    }

    fn passes(host: &str, origin: &str, allowed: &[&str]) -> bool {
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        check_origin(
            &request("/", &[("Host", host), ("Origin", origin)]),
            &allowed,
        )
        .is_ok()
    }

    #[test]
    fn no_origin_passes_and_two_do_not() {
        assert_eq!(check_origin(&request("/", &[("Host", "h")]), &[]), Ok(()));
        let two = request(
            "/",
            &[
                ("Host", "h"),
                ("Origin", "http://h"),
                ("Origin", "http://h"),
            ],
        );
        assert_eq!(
            check_origin(&two, &[]),
            Err(HandshakeError::DuplicateHeader("Origin"))
        );
    }

    #[test]
    fn the_own_host_passes_with_default_ports_and_in_any_case() {
        for (host, origin) in [
            ("example.org", "http://example.org"),
            ("example.org", "https://example.org"),
            ("example.org:80", "http://example.org"),
            ("example.org", "http://example.org:80"),
            ("example.org:443", "https://example.org"),
            ("Example.org:8080", "http://eXample.ORG:8080"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("[::1]:8080", "HTTP://[0:0::1]:8080"),
        ] {
            assert!(passes(host, origin, &[]), "{origin} at {host}");
        }
    }

    #[test]
    fn foreign_origins_do_not_pass() {
        for (host, origin) in [
            ("127.0.0.1:8080", "http://evil.example"),
            ("127.0.0.1:8080", "null"),
            ("127.0.0.1:8080", ""),
            ("127.0.0.1:8080", "http://127.0.0.1"),
            ("127.0.0.1:8080", "http://127.0.0.1:8081"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080.evil.example"),
            ("127.0.0.1:8080", "http://127.0.0.1.evil.example:8080"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080@evil.example"),
            ("127.0.0.1:8080", "http://evil.example@127.0.0.1:8080"),
            (
                "127.0.0.1:8080",
                "http://127.0.0.1:8080 http://evil.example",
            ),
            ("127.0.0.1:8080", "http://localhost:8080"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("127.0.0.1:8080", "//127.0.0.1:8080"),
            ("127.0.0.1:8080", "ftp://127.0.0.1:8080"),
            ("127.0.0.1:8080", "chrome-extension://127.0.0.1:8080"),
            ("example.org", "http://example.org.evil"),
            ("example.org", "http://evil-example.org"),
            ("example.org", "http://sub.example.org"),
            ("example.org", "http://example.org."),
            ("example.org", "http://example.org:"),
            ("example.org:443", "http://example.org"),
            ("example.org", "https://example.org:80"),
            ("[::1]:8080", "http://[::2]:8080"),
            ("", "http://"),
        ] {
            assert!(!passes(host, origin, &[]), "{origin} at {host}");
        }
    }

    #[test]
    fn listed_origins_pass_by_scheme_host_and_port() {
        let allowed = [
            "https://app.example:443",
            "chrome-extension://abcdef",
            "null",
            "http://[::1]:3000",
            "nonsense",
        ];
        for origin in [
            "https://APP.example",
            "chrome-extension://abcdef",
            "null",
            "http://[0::1]:3000",
        ] {
            assert!(passes("h", origin, &allowed), "{origin}");
        }
        for origin in [
            "http://app.example",
            "https://app.example:8443",
            "chrome-extension://abcdeg",
            "nonsense",
            "NULL",
        ] {
            assert!(!passes("h", origin, &allowed), "{origin}");
        }
    }

    #[test]
    fn an_absolute_target_decides_which_host_this_is() {
        let request = request("http://other/", &[("Host", "h"), ("Origin", "http://h")]);
        assert_eq!(
            check_origin(&request, &[]),
            Err(HandshakeError::OriginNotAllowed)
        );
    }

    #[test]
    fn an_origin_prints_without_its_default_port() {
        for (text, printed) in [
            ("HTTPS://A:443", "https://a"),
            ("http://a:443", "http://a:443"),
            ("x-y://a", "x-y://a"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().to_string(), printed);
        }
        assert_eq!(Origin::parse("1http://a"), None);
    }

    #[test]
    fn a_loopback_server_takes_addresses_localhost_and_listed_names() {
        let check = |host: &str, allowed: &[&str], loopback| {
            let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
            check_host(&request("/", &[("Host", host)]), &allowed, loopback).is_ok()
        };
        for host in [
            "127.0.0.1:8080",
            "localhost:8080",
            "LocalHost",
            "[::1]:8080",
            "192.168.1.2",
            "a.localhost",
        ] {
            assert!(check(host, &[], true), "{host}");
        }
        for host in [
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "127.1",
            "a:b",
        ] {
            assert!(!check(host, &[], true), "{host}");
        }
        assert!(check("my.example:1", &["My.example"], true));
        assert!(check("my.example:1", &["my.example:1"], true));
        assert!(!check("my.example:2", &["my.example:1"], true));
        assert!(check("evil.example", &[], false));
        assert!(!check("evil.example", &["my.example"], false));
        assert!(check_host(&request("/", &[]), &[], true).is_ok());
    }
}
