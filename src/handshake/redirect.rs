//! Redirects, which a client may follow ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1), second
//! list, item 1). They can lead anywhere: away from TLS, to another server that must not see the credentials, or in a
//! loop.

use crate::handshake::error::HandshakeError;
use crate::handshake::fields::single;
use crate::handshake::url::{Scheme, Url};
use crate::http::headers::Headers;

/// The target of a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The URL to connect to next.
    pub url: Url,
    /// Whether scheme, host or port differ: do not send `Authorization`, `Cookie` and `Proxy-Authorization` there.
    pub leaves_origin: bool,
}

/// Returns the redirect in a response of the server at `from`, or `None` if the status is not 301, 302, 303, 307 or 308
/// ([RFC 9110, 15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4)). Count the redirects: follow at most
/// [`MAX_REDIRECTS`].
///
/// `Location` may be an absolute `ws`, `wss`, `http` or `https` URI (the last two mean the first two), or a reference
/// that starts with `//`, `/` or `?`. A fragment is dropped.
///
/// # Errors
///
/// [`HandshakeError::RefusedRedirect`] without exactly one usable `Location`, and from `wss` to `ws`.
pub fn follow_redirect(
    from: &Url,
    status: u16,
    headers: &Headers,
) -> Result<Option<Redirect>, HandshakeError> {
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = single(headers, "Location")?.ok_or(HandshakeError::RefusedRedirect)?;
    let url = resolve(from, location).ok_or(HandshakeError::RefusedRedirect)?;
    if from.scheme == Scheme::Wss && url.scheme == Scheme::Ws {
        return Err(HandshakeError::RefusedRedirect);
    }
    let leaves_origin = (url.scheme, &url.host, url.port) != (from.scheme, &from.host, from.port);
    Ok(Some(Redirect { url, leaves_origin }))
}

/// Whether a request field may be sent only to the server it was meant for.
pub(crate) fn is_credential(name: &str) -> bool {
    ["Authorization", "Cookie", "Proxy-Authorization"]
        .iter()
        .any(|it| it.eq_ignore_ascii_case(name))
}

/// Resolves a `Location` to an absolute URL.
fn resolve(from: &Url, location: &str) -> Option<Url> {
    let location = location.split('#').next()?;
    let text = if location.starts_with("//") {
        format!("{}:{location}", from.scheme)
    } else if location.starts_with('/') {
        format!("{}://{}{location}", from.scheme, from.authority())
    } else if location.starts_with('?') {
        let path = from.path_and_query.split('?').next()?;
        format!("{}://{}{path}{location}", from.scheme, from.authority())
    } else {
        let (scheme, rest) = location.split_once("://")?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "ws" | "http" => Scheme::Ws,
            "wss" | "https" => Scheme::Wss,
            _ => return None,
        };
        format!("{scheme}://{rest}")
    };
    Url::parse(&text).ok()
}

/// Maximum redirects that a client follows.
pub const MAX_REDIRECTS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn follow_to(
        from: &str,
        status: u16,
        locations: &[&str],
    ) -> Result<Option<Redirect>, HandshakeError> {
        let mut headers = Headers::new();
        for location in locations {
            headers.push("Location", *location);
        }
        follow_redirect(&Url::parse(from).unwrap(), status, &headers)
    }

    #[test]
    fn a_redirect_leads_to_a_websocket_url() {
        for (from, location, to, leaves_origin) in [
            ("ws://a/x?y", "/b?c#d", "ws://a/b?c", false),
            ("ws://a:8080/x?y", "?c", "ws://a:8080/x?c", false),
            ("wss://a/x", "//b/y", "wss://b/y", true),
            ("wss://a/x", "https://A:443/y", "wss://a/y", false),
            ("ws://a/x", "HTTP://a/y", "ws://a/y", false),
            ("ws://a/x", "wss://a/x", "wss://a/x", true),
            ("ws://a/x", "ws://a:81/x", "ws://a:81/x", true),
        ] {
            for status in [301, 302, 303, 307, 308] {
                let url = Url::parse(to).unwrap();
                assert_eq!(
                    follow_to(from, status, &[location]),
                    Ok(Some(Redirect { url, leaves_origin })),
                    "{location}"
                );
            }
        }
        for status in [101, 200, 300, 304, 400] {
            assert_eq!(follow_to("ws://a/", status, &["/b"]), Ok(None));
        }
    }

    #[test]
    fn a_redirect_that_gives_up_tls_or_leads_nowhere_is_refused() {
        for location in [
            "ws://a/",
            "http://a/",
            "",
            "b",
            "../b",
            "ftp://a/",
            "wss://u:p@a/",
            "wss://",
            "/a b",
            "//",
            "/%",
        ] {
            assert_eq!(
                follow_to("wss://a/", 302, &[location]),
                Err(HandshakeError::RefusedRedirect),
                "{location}"
            );
        }
        assert_eq!(
            follow_to("ws://a/", 302, &[]),
            Err(HandshakeError::RefusedRedirect)
        );
        assert_eq!(
            follow_to("ws://a/", 302, &["/", "/"]),
            Err(HandshakeError::DuplicateHeader("Location"))
        );
    }

    #[test]
    fn credentials_have_names_in_any_case() {
        assert!(
            is_credential("authorization") && is_credential("COOKIE") && !is_credential("Origin")
        );
    }
}
