//! The URL of a proxy.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use crate::http::authority::{Authority, Host};
use crate::http::percent::percent_decode;
use crate::net::proxy::error::ProxyUrlError;

/// A proxy with its optional user and password, which `Display` and `Debug` omit.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub(crate) kind: Kind,
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) login: Option<Login>,
}

/// The protocol of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// CONNECT ([RFC 9110, 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6)).
    Http,
    /// SOCKS5 ([RFC 1928](https://www.rfc-editor.org/rfc/rfc1928)) with an address: the client resolves the name.
    Socks5,
    /// SOCKS5 with the name: the proxy resolves it.
    Socks5h,
}

/// Credentials for the proxy.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// The target of a tunnel. Displayed as `host:port`, an IPv6 address in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: Host,
    pub(crate) port: u16,
}

impl Proxy {
    /// Parses the URL of a proxy, `scheme://[user[:password]@]host[:port]`.
    ///
    /// | scheme | protocol | resolves the host's name | default port |
    /// |---|---|---|---|
    /// | `http`, or none | HTTP CONNECT, credentials as Basic ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)) | the proxy | 80 |
    /// | `socks5` | SOCKS5, credentials as in [RFC 1929](https://www.rfc-editor.org/rfc/rfc1929) | the client | 1080 |
    /// | `socks5h` | the same | the proxy | 1080 |
    ///
    /// User and password are percent-decoded: `%40` for an `@`.
    ///
    /// # Errors
    ///
    /// [`ProxyUrlError`]: another scheme (such as `https`, a proxy over TLS), a malformed host or port, invalid credentials, or
    /// anything after the port except a `/`.
    pub fn parse(text: &str) -> Result<Self, ProxyUrlError> {
        let (kind, rest) = match text.split_once("://") {
            None => (Kind::Http, text),
            Some((scheme, rest)) => (Kind::of(scheme)?, rest),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, authority) = match rest.rsplit_once('@') {
            None => (None, rest),
            Some((userinfo, authority)) => (Some(Login::parse(userinfo, kind)?), authority),
        };
        if authority.contains(['/', '?', '#']) {
            return Err(ProxyUrlError::Path);
        }
        let Authority { host, port } =
            Authority::parse(authority).map_err(|_| ProxyUrlError::Host)?;
        let port = port.unwrap_or(match kind {
            Kind::Http => 80,
            Kind::Socks5 | Kind::Socks5h => 1080,
        });
        if port == 0 {
            return Err(ProxyUrlError::Host);
        }
        Ok(Self {
            kind,
            host,
            port,
            login,
        })
    }

    /// Returns the proxy's host, in the form for a resolver, and port.
    pub(crate) fn address(&self) -> (String, u16) {
        let host = match &self.host {
            Host::V6(address) => address.to_string(),
            host => host.to_string(),
        };
        (host, self.port)
    }

    /// Whether the proxy resolves the host's name.
    pub(crate) fn resolves_names(&self) -> bool {
        self.kind != Kind::Socks5
    }
}

impl Kind {
    fn of(scheme: &str) -> Result<Self, ProxyUrlError> {
        match scheme.to_ascii_lowercase().as_str() {
            "http" => Ok(Self::Http),
            "socks5" => Ok(Self::Socks5),
            "socks5h" => Ok(Self::Socks5h),
            _ => Err(ProxyUrlError::Scheme),
        }
    }
}

impl Login {
    fn parse(userinfo: &str, kind: Kind) -> Result<Self, ProxyUrlError> {
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        let decode = |text: &str| {
            let bytes = percent_decode(text).map_err(|_| ProxyUrlError::Login)?;
            String::from_utf8(bytes).map_err(|_| ProxyUrlError::Login)
        };
        let (user, password) = (decode(user)?, decode(password)?);
        let fits = match kind {
            // RFC 7617, 2: the first colon ends the user, and neither may contain control characters.
            Kind::Http => {
                !user.contains(':') && !(user.clone() + &password).contains(char::is_control)
            }
            // RFC 1929, 2: one byte for each length.
            Kind::Socks5 | Kind::Socks5h => user.len() <= 255 && password.len() <= 255,
        };
        if user.is_empty() || !fits {
            return Err(ProxyUrlError::Login);
        }
        Ok(Self { user, password })
    }
}

impl Target {
    /// Creates a target. `host` is as in a [`Url`](crate::handshake::url::Url): an IPv6 address without brackets.
    pub(crate) fn new(host: &str, port: u16) -> Self {
        let host = match host.parse() {
            Ok(IpAddr::V4(address)) => Host::V4(address),
            Ok(IpAddr::V6(address)) => Host::V6(address),
            Err(_) => Host::Name(host.to_owned()),
        };
        Self { host, port }
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        let host = match address.ip() {
            IpAddr::V4(address) => Host::V4(address),
            IpAddr::V6(address) => Host::V6(address),
        };
        let port = address.port();
        Self { host, port }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Socks5 => "socks5",
            Kind::Socks5h => "socks5h",
        };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// As `Display`, without credentials.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl FromStr for Proxy {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_has_a_scheme_a_host_a_port_and_perhaps_a_login() {
        for (text, shown, login) in [
            (
                "http://proxy.example:3128",
                "http://proxy.example:3128",
                None,
            ),
            ("HTTP://Proxy.Example/", "http://proxy.example:80", None),
            ("proxy.example:3128", "http://proxy.example:3128", None),
            ("socks5://10.0.0.1", "socks5://10.0.0.1:1080", None),
            ("socks5h://[::1]:9050", "socks5h://[::1]:9050", None),
            (
                "http://ana:secret@p:1",
                "http://p:1",
                Some(("ana", "secret")),
            ),
            ("socks5://ana@p:1", "socks5://p:1", Some(("ana", ""))),
            (
                "http://a%40b:p%3Aw:x/@p:1/",
                "http://p:1",
                Some(("a@b", "p:w:x/")),
            ),
        ] {
            let proxy = Proxy::parse(text).unwrap();
            assert_eq!(proxy.to_string(), shown, "{text}");
            let found = proxy
                .login
                .as_ref()
                .map(|it| (it.user.as_str(), it.password.as_str()));
            assert_eq!(found, login, "{text}");
            assert_eq!(format!("{proxy:?}"), format!("Proxy({shown})"));
        }
    }

    #[test]
    fn invalid_proxy_urls_are_rejected() {
        let long = format!("socks5://{}@p", "a".repeat(256));
        for (text, error) in [
            ("https://p:3128", ProxyUrlError::Scheme),
            ("socks4://p", ProxyUrlError::Scheme),
            ("://p", ProxyUrlError::Scheme),
            ("", ProxyUrlError::Host),
            ("http://", ProxyUrlError::Host),
            ("http://:3128", ProxyUrlError::Host),
            ("http://p:0", ProxyUrlError::Host),
            ("http://p:65536", ProxyUrlError::Host),
            ("http://p\r\nX: y", ProxyUrlError::Host),
            ("http://::1:80", ProxyUrlError::Host),
            ("http://p/path", ProxyUrlError::Path),
            ("http://p?a", ProxyUrlError::Path),
            ("http://@p", ProxyUrlError::Login),
            ("http://:secret@p", ProxyUrlError::Login),
            ("http://a%3Ab:c@p", ProxyUrlError::Login),
            ("http://a%0d%0a:c@p", ProxyUrlError::Login),
            ("http://a%zz@p", ProxyUrlError::Login),
            ("http://a%ff@p", ProxyUrlError::Login),
            (&long, ProxyUrlError::Login),
        ] {
            assert_eq!(Proxy::parse(text), Err(error), "{text:?}");
        }
    }
}
