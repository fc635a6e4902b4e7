//! Parses bytes into a [`ResponseHead`], for clients ([RFC 9112, 4](https://www.rfc-editor.org/rfc/rfc9112#section-4)).
//! As strict as for requests, except that a user agent must join folded lines.

use crate::http::error::HttpError;
use crate::http::headers::Headers;
use crate::http::lines::HeadLimits;
use crate::http::lines::{Block, Line, Lines};
use crate::http::request::Version;
use crate::http::request::content_length;
use crate::http::request_parser::parse_version;

/// The head of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// The version.
    pub version: Version,
    /// The status code, 100 to 599.
    pub status: u16,
    /// The reason phrase. It has no meaning and comes from the peer, so escape it before you show it on a terminal.
    pub reason: String,
    /// The fields.
    pub headers: Headers,
}

/// The framing of a response's content, see [RFC 9112, 6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// This number of bytes follows.
    Length(u64),
    /// A transfer coding applies: chunks follow.
    Chunked,
    /// Everything until the server closes follows.
    UntilClose,
}

impl ResponseHead {
    /// Whether another head follows: 1xx except 101 ([RFC 9110,
    /// 15.2](https://www.rfc-editor.org/rfc/rfc9110#section-15.2)). Limit their number: a server may send them
    /// endlessly.
    pub fn is_interim(&self) -> bool {
        (100..=199).contains(&self.status) && self.status != 101
    }

    /// Returns the framing of the content in a response to GET.
    ///
    /// # Errors
    ///
    /// [`HttpError::InvalidContentLength`].
    pub fn body(&self) -> Result<Body, HttpError> {
        if matches!(self.status, 100..=199 | 204 | 304) {
            return Ok(Body::Length(0));
        }
        if self.headers.get("Transfer-Encoding").is_some() {
            return Ok(Body::Chunked);
        }
        Ok(content_length(&self.headers)?.map_or(Body::UntilClose, Body::Length))
    }
}

/// Parses one response head after another.
#[derive(Debug)]
pub struct ResponseParser {
    limits: HeadLimits,
    lines: Lines,
    head: Option<(ResponseHead, Block)>,
}

impl ResponseParser {
    /// Creates a parser that expects a status line.
    pub fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            lines: Lines::default(),
            head: None,
        }
    }

    /// Parses the next response head. `input` holds all bytes since the start of the response; each is scanned once.
    ///
    /// Returns `None` if the head is incomplete. Otherwise returns the head and its size; after a 101 the rest of
    /// `input` is frames. The parser then expects the next response at the start of `input`.
    ///
    /// # Errors
    ///
    /// As soon as the bytes show it. A status line beyond its limit is [`HttpError::InvalidStatusLine`].
    pub fn feed(&mut self, input: &[u8]) -> Result<Option<(ResponseHead, usize)>, HttpError> {
        if self.head.is_none() {
            let Some(head) = self.status_line(input)? else {
                return Ok(None);
            };
            self.head = Some((head, Block::new(&self.lines, input, &self.limits, true)));
        }
        let Some((_, block)) = &mut self.head else {
            return Ok(None);
        };
        if !block.feed(&mut self.lines, input, &self.limits)? {
            return Ok(None);
        }
        let Some((mut head, block)) = self.head.take() else {
            return Ok(None);
        };
        head.headers = block.headers;
        let used = self.lines.start;
        *self = Self::new(self.limits);
        Ok(Some((head, used)))
    }

    fn status_line(&mut self, input: &[u8]) -> Result<Option<ResponseHead>, HttpError> {
        // A TLS record: alert (21).
        if input.first() == Some(&0x15) {
            return Err(HttpError::AnswerInTls);
        }
        if let Some(line) = self.lines.next(input) {
            if line.bytes.len() > self.limits.request_line {
                return Err(HttpError::InvalidStatusLine);
            }
            return parse_status_line(&line).map(Some);
        }
        let start = &input[..input.len().min(5)];
        if !b"HTTP/".starts_with(start) || input.len() > self.limits.request_line {
            return Err(HttpError::InvalidStatusLine);
        }
        Ok(None)
    }
}

/// `status-line = HTTP-version SP status-code SP [ reason-phrase ]`. Without a reason the last space may be missing:
/// some small servers omit it, which is harmless.
fn parse_status_line(line: &Line<'_>) -> Result<ResponseHead, HttpError> {
    if !line.crlf {
        return Err(HttpError::BareLineFeed);
    }
    if line
        .bytes
        .iter()
        .any(|&byte| byte != b'\t' && byte.is_ascii_control())
    {
        return Err(HttpError::InvalidStatusLine);
    }
    let text = String::from_utf8_lossy(line.bytes);
    let mut parts = text.splitn(3, ' ');
    let (version, status) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let version = parse_version(version).map_err(|error| match error {
        HttpError::VersionNotSupported => error,
        _ => HttpError::InvalidStatusLine,
    })?;
    // RFC 9110, 15: three digits, the first from 1 to 5.
    let &[
        hundreds @ b'1'..=b'5',
        tens @ b'0'..=b'9',
        units @ b'0'..=b'9',
    ] = status.as_bytes()
    else {
        return Err(HttpError::InvalidStatusLine);
    };
    let status = [hundreds, tens, units]
        .iter()
        .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    let reason = parts.next().unwrap_or_default().to_owned();
    Ok(ResponseHead {
        version,
        status,
        reason,
        headers: Headers::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(input: &[u8]) -> Result<Option<(ResponseHead, usize)>, HttpError> {
        ResponseParser::new(HeadLimits::default()).feed(input)
    }

    #[test]
    fn an_alert_of_tls_is_called_by_its_name() {
        assert_eq!(
            parse(b"\x15\x03\x03\0\x02\x02\x0a"),
            Err(HttpError::AnswerInTls)
        );
    }

    #[test]
    fn a_head_parses_whole_and_byte_by_byte() {
        let input = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81";
        let mut parser = ResponseParser::new(HeadLimits::default());
        for end in 0..input.len() - 1 {
            assert_eq!(parser.feed(&input[..end]), Ok(None), "{end}");
        }
        let (head, used) = parser.feed(input).unwrap().unwrap();
        assert_eq!(
            (head.status, head.reason.as_str(), used),
            (101, "Switching Protocols", input.len() - 1)
        );
        assert_eq!(head.headers.get("upgrade"), Some("websocket"));
    }

    #[test]
    fn a_missing_reason_is_no_error() {
        for input in [&b"HTTP/1.1 200 \r\n\r\n"[..], b"HTTP/1.0 200\r\n\r\n"] {
            assert_eq!(parse(input).unwrap().unwrap().0.status, 200);
        }
    }

    #[test]
    fn malformed_status_lines_are_refused() {
        for input in [
            &b"HTTQ"[..],
            b"\x81\x05Hello",
            b"\r\n",
            b"HTTP/1.1\r\n",
            b"HTTP/1.1 \r\n",
            b"HTTP/1.1 20\r\n",
            b"HTTP/1.1 2000 OK\r\n",
            b"HTTP/1.1 099 X\r\n",
            b"HTTP/1.1 600 X\r\n",
            b"HTTP/1.1  200 OK\r\n",
            b"HTTP/1.1 +20 OK\r\n",
            b"HTTP/11 200 OK\r\n",
            b"http/1.1 200 OK\r\n",
            b"HTTP/1.1 200 O\rK\r\n",
            b"HTTP/1.1 200 \x1b[2J\r\n",
        ] {
            assert_eq!(parse(input), Err(HttpError::InvalidStatusLine), "{input:?}");
        }
        assert_eq!(parse(b"HTTP/1.1 200 OK\n"), Err(HttpError::BareLineFeed));
        assert_eq!(
            parse(b"HTTP/2.0 200 OK\r\n"),
            Err(HttpError::VersionNotSupported)
        );
    }

    #[test]
    fn endless_heads_hit_the_limits() {
        let mut line = b"HTTP/1.1 200 ".to_vec();
        line.resize(8 * 1024 + 1, b'a');
        assert_eq!(parse(&line), Err(HttpError::InvalidStatusLine));
        let mut head = b"HTTP/1.1 200 OK\r\nA: ".to_vec();
        head.resize(17 * 1024, b'a');
        assert_eq!(parse(&head), Err(HttpError::HeadTooLarge));
        let many = format!("HTTP/1.1 200 OK\r\n{}", "A: b\r\n".repeat(65));
        assert_eq!(parse(many.as_bytes()), Err(HttpError::TooManyHeaders));
    }

    #[test]
    fn the_content_ends_by_length_chunks_or_close() {
        let body = |head: &str| parse(head.as_bytes()).unwrap().unwrap().0.body();
        assert_eq!(
            body("HTTP/1.1 404 X\r\nContent-Length: 5\r\n\r\n"),
            Ok(Body::Length(5))
        );
        assert_eq!(
            body("HTTP/1.1 404 X\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Ok(Body::Chunked)
        );
        assert_eq!(body("HTTP/1.1 404 X\r\n\r\n"), Ok(Body::UntilClose));
        assert_eq!(
            body("HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n"),
            Ok(Body::Length(0))
        );
        assert_eq!(
            body("HTTP/1.1 404 X\r\nContent-Length: x\r\n\r\n"),
            Err(HttpError::InvalidContentLength)
        );
    }

    #[test]
    fn a_1xx_other_than_101_is_interim() {
        let interim = |status: u16| {
            parse(format!("HTTP/1.1 {status} X\r\n\r\n").as_bytes())
                .unwrap()
                .unwrap()
                .0
                .is_interim()
        };
        assert!(interim(100) && interim(103) && !interim(101) && !interim(200));
    }
}
