//! A request head: method, target, version, fields ([RFC 9112, 3](https://www.rfc-editor.org/rfc/rfc9112#section-3)),
//! and what they mean for a server.

use crate::http::error::HttpError;
use crate::http::headers::Headers;
use crate::http::percent::percent_decode;

/// The version of a request or response, see [RFC 9112, 2.3](https://www.rfc-editor.org/rfc/rfc9112#section-2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// A request line without a version: `GET /path`. The response is the document alone.
    Http09,
    /// `HTTP/1.0`.
    Http10,
    /// `HTTP/1.1`, or a higher minor version, which counts as 1.1 ([RFC 9110,
    /// 2.5](https://www.rfc-editor.org/rfc/rfc9110#section-2.5)).
    Http11,
}

/// A request head. [`RequestParser`](crate::http::request_parser::RequestParser) builds only well-formed ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method, a case-sensitive token: `GET`.
    pub method: String,
    /// The target as sent: `/chat?name=a`, `http://host/chat`, `*`.
    pub target: String,
    /// The version.
    pub version: Version,
    /// The fields.
    pub headers: Headers,
}

impl Request {
    /// Returns the path as sent, percent-encoded and without the query: `/` if the target has an authority and no path,
    /// `*` for `OPTIONS *`, empty for CONNECT.
    pub fn path(&self) -> &str {
        let (_, rest) = self.split_target();
        let path = rest.split_once('?').map_or(rest, |(path, _)| path);
        if path.is_empty() && self.method != "CONNECT" {
            "/"
        } else {
            path
        }
    }

    /// Returns the query, after the first `?` of the target, percent-encoded.
    pub fn query(&self) -> Option<&str> {
        let (_, rest) = self.split_target();
        rest.split_once('?').map(|(_, query)| query)
    }

    /// Returns the percent-decoded value of the first `key=value` in the query whose key is `name`; a `+` stays a plus
    /// sign. A key without `=` has an empty value. A malformed `%`, which the parser rejects, stays unchanged.
    pub fn query_value(&self, name: &str) -> Option<Vec<u8>> {
        let decode = |text: &str| percent_decode(text).unwrap_or_else(|_| text.as_bytes().to_vec());
        self.query()?.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (!pair.is_empty() && decode(key) == name.as_bytes()).then(|| decode(value))
        })
    }

    /// Returns `host [":" port]` of the requested server: the authority of an absolute target, which takes precedence
    /// ([RFC 9112, 3.2.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2)), or `Host`. Returns `None` without
    /// either, or if `Host` is empty.
    pub fn authority(&self) -> Option<&str> {
        let (authority, _) = self.split_target();
        authority
            .or_else(|| self.headers.get("Host"))
            .filter(|text| !text.is_empty())
    }

    /// Returns the size of the content in bytes; 0 without `Content-Length`, see [RFC 9112,
    /// 6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3). Compare it with a limit before you read.
    ///
    /// # Errors
    ///
    /// [`HttpError::TransferEncoding`] and [`HttpError::InvalidContentLength`]; never for a request from the parser.
    pub fn body_length(&self) -> Result<u64, HttpError> {
        // 6.1: a request with both fields may be an attempt at smuggling. No coding is supported, so either is an
        // error.
        if self.headers.count("Transfer-Encoding") > 0 {
            return Err(HttpError::TransferEncoding);
        }
        Ok(content_length(&self.headers)?.unwrap_or(0))
    }

    /// Whether the connection stays open after the response: only in 1.1 without `Connection: close`, see [RFC 9112,
    /// 9.3](https://www.rfc-editor.org/rfc/rfc9112#section-9.3). Requests of 1.0 clients to stay open are ignored.
    pub fn wants_keep_alive(&self) -> bool {
        self.version == Version::Http11 && !self.headers.has_token("Connection", "close")
    }

    /// Whether the client waits for `100 Continue` before it sends the content, see [RFC 9110,
    /// 10.1.1](https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1).
    pub fn expects_continue(&self) -> bool {
        self.version == Version::Http11 && self.headers.has_token("Expect", "100-continue")
    }

    /// Whether the request is for a WebSocket, valid or not: `Upgrade` names `websocket`, or there is a
    /// `Sec-WebSocket-Key` or `-Version`. [`check_request`](crate::handshake::check_request) then reports what is
    /// wrong.
    ///
    /// `Connection: upgrade` alone does not count (proxies add it to every request), nor does `Upgrade: h2c` (some
    /// clients add that to every request): [RFC 9110, 7.8](https://www.rfc-editor.org/rfc/rfc9110#section-7.8) lets a
    /// server ignore them. HTTP/0.9 has no fields and is never an upgrade.
    pub fn is_upgrade(&self) -> bool {
        self.headers.has_token("Upgrade", "websocket")
            || self.headers.get("Sec-WebSocket-Key").is_some()
            || self.headers.get("Sec-WebSocket-Version").is_some()
    }

    /// Splits off the authority of an absolute-form or authority-form target.
    fn split_target(&self) -> (Option<&str>, &str) {
        split_target(&self.method, &self.target)
    }
}

/// Splits a target into its optional authority, and path and query.
pub(super) fn split_target<'a>(method: &str, target: &'a str) -> (Option<&'a str>, &'a str) {
    if method == "CONNECT" {
        return (Some(target), "");
    }
    if target.starts_with('/') {
        return (None, target);
    }
    match target.split_once("://") {
        Some((_, rest)) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
        None => (None, target),
    }
}

/// Returns the only `Content-Length`, if present: digits without sign, list or repetition, at most 64 bits.
pub(super) fn content_length(headers: &Headers) -> Result<Option<u64>, HttpError> {
    let mut values = headers.get_all("Content-Length");
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        // `parse` fails on the empty string and on overflow, but accepts "+5".
        (Some(value), None) if value.bytes().all(|byte| byte.is_ascii_digit()) => value
            .parse()
            .map(Some)
            .map_err(|_| HttpError::InvalidContentLength),
        _ => Err(HttpError::InvalidContentLength),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, headers: &[(&str, &str)]) -> Request {
        let mut list = Headers::new();
        for (name, value) in headers {
            list.push(*name, *value);
        }
        Request {
            method: "GET".into(),
            target: target.into(),
            version: Version::Http11,
            headers: list,
        }
    }

    #[test]
    fn a_target_splits_into_authority_path_and_query() {
        for (target, authority, path, query) in [
            ("/", None, "/", None),
            ("/a/b?c=d?e", None, "/a/b", Some("c=d?e")),
            ("/?", None, "/", Some("")),
            ("//a/b", None, "//a/b", None),
            ("/a://b", None, "/a://b", None),
            ("http://h", Some("h"), "/", None),
            ("http://h?x", Some("h"), "/", Some("x")),
            ("HTTPS://h:1/p?x", Some("h:1"), "/p", Some("x")),
            ("*", None, "*", None),
        ] {
            let request = request(target, &[]);
            assert_eq!(
                (request.authority(), request.path(), request.query()),
                (authority, path, query),
                "{target}"
            );
        }
    }

    #[test]
    fn an_absolute_target_wins_over_host() {
        assert_eq!(request("/", &[("Host", "a")]).authority(), Some("a"));
        assert_eq!(
            request("http://b/", &[("Host", "a")]).authority(),
            Some("b")
        );
        assert_eq!(request("/", &[("Host", "")]).authority(), None);
    }

    #[test]
    fn a_query_value_is_decoded_and_the_first_one_counts() {
        let value = |target: &str| request(target, &[]).query_value("name");
        assert_eq!(value("/?name=a%20b+c&name=z").unwrap(), b"a b+c");
        assert_eq!(value("/?x=1&n%61me=%ff").unwrap(), b"\xff");
        assert_eq!(value("/?name").unwrap(), b"");
        assert_eq!(value("/?name=a=b").unwrap(), b"a=b");
        assert_eq!(value("/?name=%zz").unwrap(), b"%zz");
        assert_eq!(value("/?Name=a"), None);
        assert_eq!(value("/?&"), None);
        assert_eq!(value("/name=a"), None);
    }

    #[test]
    fn only_a_single_plain_number_is_a_content_length() {
        let length = |values: &[&str]| {
            let headers: Vec<_> = values
                .iter()
                .map(|value| ("Content-Length", *value))
                .collect();
            request("/", &headers).body_length()
        };
        assert_eq!(length(&[]), Ok(0));
        assert_eq!(length(&["18446744073709551615"]), Ok(u64::MAX));
        for bad in [
            "",
            "+5",
            "-5",
            "0x5",
            "5, 5",
            "5 5",
            "5.0",
            "18446744073709551616",
            "5;",
        ] {
            assert_eq!(
                length(&[bad]),
                Err(HttpError::InvalidContentLength),
                "{bad}"
            );
        }
        assert_eq!(length(&["5", "5"]), Err(HttpError::InvalidContentLength));
        assert_eq!(
            request("/", &[("Transfer-Encoding", "identity")]).body_length(),
            Err(HttpError::TransferEncoding)
        );
    }

    #[test]
    fn only_websocket_headers_make_an_upgrade() {
        for headers in [
            &[("Upgrade", "h2c, WebSocket")][..],
            &[("sec-websocket-key", "")],
            &[("Sec-WebSocket-Version", "13")],
        ] {
            assert!(request("/", headers).is_upgrade(), "{headers:?}");
        }
        for headers in [
            &[][..],
            &[("Upgrade", "h2c")],
            &[("Connection", "upgrade")],
            &[("Upgrade", "websocket2")],
        ] {
            assert!(!request("/", headers).is_upgrade(), "{headers:?}");
        }
    }

    #[test]
    fn keep_alive_is_for_1_1_without_close() {
        assert!(request("/", &[]).wants_keep_alive());
        assert!(!request("/", &[("Connection", "x, Close")]).wants_keep_alive());
        let old = Request {
            version: Version::Http10,
            ..request("/", &[("Connection", "keep-alive")])
        };
        assert!(!old.wants_keep_alive());
    }
}
