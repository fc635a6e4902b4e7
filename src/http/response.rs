//! Responses: status, fields, content ([RFC 9112, 4](https://www.rfc-editor.org/rfc/rfc9112#section-4)).

use crate::http::error::HttpError;
use crate::http::grammar::{is_field_value, is_token};
use crate::http::request::{Request, Version};

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code, 100 to 599.
    pub status: u16,
    /// The fields, (name, value), in order. The encoder adds `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The content.
    pub body: Vec<u8>,
}

impl Response {
    /// Creates a response without fields and content.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Creates a rejection: a short text as content and `Connection: close`. The caller closes the connection.
    pub fn rejection(status: u16, text: impl Into<String>) -> Self {
        Self::new(status).text(text).header("Connection", "close")
    }

    /// Creates a 404.
    pub fn not_found() -> Self {
        Self::rejection(404, "404 Not Found\n")
    }

    /// Creates a 405 with `Allow`: the allowed methods, such as `"GET, HEAD"` ([RFC 9110,
    /// 15.5.6](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6)).
    pub fn method_not_allowed(allow: &str) -> Self {
        Self::rejection(405, "405 Method Not Allowed\n").header("Allow", allow)
    }

    /// Creates a 429 with `Retry-After` in seconds, for an address with too many connections ([RFC 6585,
    /// 4](https://www.rfc-editor.org/rfc/rfc6585#section-4)).
    pub fn too_many_requests(retry_after: u32) -> Self {
        Self::rejection(429, "429 Too Many Requests\n")
            .header("Retry-After", retry_after.to_string())
    }

    /// Creates a 503 with `Retry-After` in seconds, for a server that is full or shutting down ([RFC 9110,
    /// 15.6.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4)).
    pub fn service_unavailable(retry_after: u32) -> Self {
        Self::rejection(503, "503 Service Unavailable\n")
            .header("Retry-After", retry_after.to_string())
    }

    /// Appends a field. The encoder checks its name and value.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the content to plain text in UTF-8, with its `Content-Type`.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.body = text.into().into_bytes();
        self.header("Content-Type", "text/plain; charset=utf-8")
    }

    /// Returns the value of the first field with this name, compared case-insensitively.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Appends the head: status line, fields, `Content-Length`, the empty line.
    ///
    /// `Content-Length` is the length of `body`. It is not added if the field exists (a response to HEAD, a streamed
    /// body), nor for 1xx, 204 and 304, which have no content ([RFC 9110,
    /// 8.6](https://www.rfc-editor.org/rfc/rfc9110#section-8.6)).
    ///
    /// # Errors
    ///
    /// [`HttpError::InvalidResponse`], with `out` unchanged, for a status outside 100 to 599, a name that is not a
    /// token, or a value with a control character. CR or LF could end the head and start another response.
    pub fn encode_head(&self, out: &mut Vec<u8>) -> Result<(), HttpError> {
        if !(100..=599).contains(&self.status)
            || !self
                .headers
                .iter()
                .all(|(n, v)| is_token(n) && is_field_value(v))
        {
            return Err(HttpError::InvalidResponse);
        }
        out.extend_from_slice(
            format!(
                "HTTP/1.1 {} {}\r\n",
                self.status,
                reason_phrase(self.status)
            )
            .as_bytes(),
        );
        for (name, value) in &self.headers {
            push_field(out, name, value);
        }
        let no_content = matches!(self.status, 100..=199 | 204 | 304);
        if !no_content && self.get("Content-Length").is_none() {
            push_field(out, "Content-Length", &self.body.len().to_string());
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Appends head and content.
    ///
    /// # Errors
    ///
    /// As [`encode_head`](Self::encode_head).
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), HttpError> {
        self.encode_head(out)?;
        out.extend_from_slice(&self.body);
        Ok(())
    }

    /// Appends the response to `request`: no content for HEAD, only content for HTTP/0.9.
    ///
    /// # Errors
    ///
    /// As [`encode_head`](Self::encode_head).
    pub fn encode_for(&self, request: &Request, out: &mut Vec<u8>) -> Result<(), HttpError> {
        if request.version == Version::Http09 {
            out.extend_from_slice(&self.body);
            return Ok(());
        }
        if request.method == "HEAD" {
            self.encode_head(out)
        } else {
            self.encode(out)
        }
    }
}

impl HttpError {
    /// Returns the complete response: status, a short explanation, `Connection: close`.
    pub fn response(self) -> Response {
        let status = self.status();
        Response::rejection(
            status,
            format!("{status} {}: {self}\n", reason_phrase(status)),
        )
    }
}

/// Returns the reason phrase of a status code ([RFC 9110, 15](https://www.rfc-editor.org/rfc/rfc9110#section-15));
/// empty for an unregistered code.
pub(crate) fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

/// Appends one field line. The caller has checked name and value.
pub(crate) fn push_field(out: &mut Vec<u8>, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::headers::Headers;

    fn encoded(response: &Response) -> String {
        let mut out = Vec::new();
        response.encode(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_response_is_status_line_fields_length_and_content() {
        assert_eq!(
            encoded(&Response::new(200).header("X", "y").text("hola")),
            "HTTP/1.1 200 OK\r\nX: y\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\nhola"
        );
    }

    #[test]
    fn a_length_that_was_given_stays_and_some_statuses_have_none() {
        assert_eq!(
            encoded(&Response::new(200).header("content-length", "9")),
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"
        );
        assert_eq!(
            encoded(&Response::new(304)),
            "HTTP/1.1 304 Not Modified\r\n\r\n"
        );
        assert_eq!(
            encoded(&Response::new(204)),
            "HTTP/1.1 204 No Content\r\n\r\n"
        );
        assert_eq!(
            encoded(&Response::new(299)),
            "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn a_field_that_would_break_the_head_is_refused_and_nothing_is_written() {
        for (name, value) in [
            ("X", "a\r\nSet-Cookie: b"),
            ("X", "a\n"),
            ("X", "\0"),
            ("X\r\nY", "a"),
            ("", "a"),
            ("X ", "a"),
        ] {
            let mut out = b"before".to_vec();
            let result = Response::new(200).header(name, value).encode(&mut out);
            assert_eq!(
                (result, out.as_slice()),
                (Err(HttpError::InvalidResponse), &b"before"[..])
            );
        }
        for status in [0, 99, 600, 1000] {
            assert_eq!(
                Response::new(status).encode_head(&mut Vec::new()),
                Err(HttpError::InvalidResponse)
            );
        }
    }

    #[test]
    fn every_refusal_is_complete() {
        for (response, header) in [
            (Response::rejection(403, "no\n"), "Connection: close"),
            (Response::not_found(), "Content-Length: 14"),
            (
                Response::method_not_allowed("GET, HEAD"),
                "Allow: GET, HEAD",
            ),
            (Response::too_many_requests(1), "Retry-After: 1"),
            (Response::service_unavailable(5), "Retry-After: 5"),
        ] {
            let text = encoded(&response);
            for line in [
                header,
                "Connection: close",
                "Content-Type: text/plain; charset=utf-8",
                "Content-Length: ",
            ] {
                assert!(text.contains(&format!("\r\n{line}")), "{line} in {text}");
            }
        }
    }

    #[test]
    fn head_gets_no_content_and_http_0_9_nothing_else() {
        let request = |method: &str, version| Request {
            method: method.into(),
            target: "/".into(),
            version,
            headers: Headers::new(),
        };
        let mut out = Vec::new();
        Response::not_found()
            .encode_for(&request("HEAD", Version::Http11), &mut out)
            .unwrap();
        assert!(out.ends_with(b"Content-Length: 14\r\n\r\n"));
        out.clear();
        Response::not_found()
            .encode_for(&request("GET", Version::Http09), &mut out)
            .unwrap();
        assert_eq!(out, b"404 Not Found\n");
    }

    #[test]
    fn an_error_answers_with_its_status_a_text_and_connection_close() {
        let mut bytes = Vec::new();
        HttpError::HeadTooLarge
            .response()
            .encode(&mut bytes)
            .unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
        assert!(text.contains("\r\nConnection: close\r\n"));
        assert!(text.ends_with(
            "\r\n\r\n431 Request Header Fields Too Large: the header block is too large\n"
        ));
    }
}
