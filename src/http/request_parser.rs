//! Parses bytes into a [`Request`] ([RFC 9112, 3](https://www.rfc-editor.org/rfc/rfc9112#section-3)). The parser
//! resumes, so a head that arrives one byte at a time takes no longer than a whole one. It is strict, so a proxy in
//! front cannot read the same bytes differently.

use crate::http::authority::Authority;
use crate::http::error::HttpError;
use crate::http::grammar::is_tchar;
use crate::http::headers::Headers;
use crate::http::lines::HeadLimits;
use crate::http::lines::{Block, Line, Lines};
use crate::http::percent::check_percent;
use crate::http::request::split_target;
use crate::http::request::{Request, Version};

/// Parses one request head after another.
///
/// - A line ends in CR LF. A bare LF is accepted in one place, the single line of an HTTP/0.9 request, whose
///   [description](https://www.w3.org/Protocols/HTTP/AsImplemented.html) tells servers not to insist on the CR.
/// - One empty line before the request line is skipped, a second one is refused
///   ([2.2](https://www.rfc-editor.org/rfc/rfc9112#section-2.2): "at least one").
/// - Exactly one space between the parts of the request line.
/// - A target holds visible ASCII without `#`, well-formed `%XX`, and beyond the grammar UTF-8, which some clients send
///   unencoded.
/// - The framing is checked here too: a request with a doubtful length never leaves this parser.
#[derive(Debug)]
pub struct RequestParser {
    limits: HeadLimits,
    lines: Lines,
    skipped_empty_line: bool,
    /// The parsed request line and the header block in progress.
    head: Option<(Request, Block)>,
}

impl RequestParser {
    /// Creates a parser that expects a request line.
    pub fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            lines: Lines::default(),
            skipped_empty_line: false,
            head: None,
        }
    }

    /// Parses the next request. `input` holds all bytes since the start of the request; bytes of earlier calls are not
    /// parsed again.
    ///
    /// Returns `None` if the head is incomplete. Otherwise returns the request and the size of its head; the rest of
    /// `input` is content, or the first frames. The parser then expects the next request at the start of `input`.
    ///
    /// # Errors
    ///
    /// As soon as the bytes show it. Discard the parser and the stream after an error.
    pub fn feed(&mut self, input: &[u8]) -> Result<Option<(Request, usize)>, HttpError> {
        if self.head.is_none() {
            let Some(request) = self.request_line(input)? else {
                return Ok(None);
            };
            if request.version == Version::Http09 {
                return Ok(Some(self.finish(request)));
            }
            self.head = Some((request, Block::new(&self.lines, input, &self.limits, false)));
        }
        let Some((_, block)) = &mut self.head else {
            return Ok(None);
        };
        if !block.feed(&mut self.lines, input, &self.limits)? {
            return Ok(None);
        }
        let Some((mut request, block)) = self.head.take() else {
            return Ok(None);
        };
        request.headers = block.headers;
        check_host(&request)?;
        check_framing(&request)?;
        Ok(Some(self.finish(request)))
    }

    fn finish(&mut self, request: Request) -> (Request, usize) {
        let used = self.lines.start;
        *self = Self::new(self.limits);
        (request, used)
    }

    fn request_line(&mut self, input: &[u8]) -> Result<Option<Request>, HttpError> {
        let Lines { start, scanned } = self.lines;
        match self.lines.next(input) {
            // 2.2: ignore an empty line received prior to the request line; one.
            Some(Line {
                bytes: [],
                crlf: true,
            }) if !self.skipped_empty_line => {
                self.skipped_empty_line = true;
                self.request_line(input)
            }
            Some(line) => {
                self.check_start(line.bytes, scanned - start)?;
                parse_request_line(&line).map(Some)
            }
            None => {
                let line = input.get(start..).unwrap_or_default();
                self.check_start(line.strip_suffix(b"\r").unwrap_or(line), scanned - start)?;
                Ok(None)
            }
        }
    }

    /// Rejects bytes that cannot become a request line before the line ends. `checked` bytes were here before. Complete
    /// lines are checked too, so the result does not depend on how the input was split.
    fn check_start(&self, line: &[u8], checked: usize) -> Result<(), HttpError> {
        let start = &line[..line.len().min(self.limits.request_line.saturating_add(1))];
        other_protocol(start)?;
        // A CR at the end of the last input may be half a line end, so it is checked now.
        let new = start.get(checked.saturating_sub(1)..).unwrap_or_default();
        let method_or_more = &start[..start.len().min(LONGEST_METHOD + 1)];
        let method = method_or_more
            .split(|&byte| byte == b' ')
            .next()
            .unwrap_or_default();
        if new.iter().any(u8::is_ascii_control)
            || !method.iter().all(|&byte| is_tchar(byte))
            || method.is_empty() && !start.is_empty()
        {
            return Err(HttpError::InvalidRequestLine);
        }
        if method.len() > LONGEST_METHOD {
            return Err(HttpError::MethodTooLong);
        }
        if line.len() > self.limits.request_line {
            return Err(HttpError::RequestLineTooLong);
        }
        Ok(())
    }
}

/// Detects other protocols on the wrong port, so that log and response can name them.
fn other_protocol(line: &[u8]) -> Result<(), HttpError> {
    match line {
        // A TLS record: handshake (22).
        [0x16, ..] => Err(HttpError::OtherProtocol("TLS")),
        [b'S', b'S', b'H', b'-', ..] => Err(HttpError::OtherProtocol("SSH")),
        // RFC 9113, 3.4: the connection preface, `PRI * HTTP/2.0`.
        [b'P', b'R', b'I', b' ', b'*', ..] => Err(HttpError::OtherProtocol("HTTP/2")),
        _ => Ok(()),
    }
}

/// `request-line = method SP request-target SP HTTP-version`, or the `GET SP path` of HTTP/0.9.
/// The line has no control characters and its method is a token.
fn parse_request_line(line: &Line<'_>) -> Result<Request, HttpError> {
    let text = std::str::from_utf8(line.bytes).map_err(|_| HttpError::InvalidRequestLine)?;
    let mut parts = text.split(' ');
    let (method, target) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let (version, rest) = (parts.next(), parts.next());
    if target.is_empty() || rest.is_some() {
        return Err(HttpError::InvalidRequestLine);
    }
    let version = match version {
        Some(_) if !line.crlf => return Err(HttpError::BareLineFeed),
        Some(version) => parse_version(version)?,
        None if method == "GET" && target.starts_with('/') => Version::Http09,
        None => return Err(HttpError::InvalidRequestLine),
    };
    check_target(method, target)?;
    Ok(Request {
        method: method.to_owned(),
        target: target.to_owned(),
        version,
        headers: Headers::new(),
    })
}

/// `HTTP-version = "HTTP" "/" DIGIT "." DIGIT`, case-sensitive.
pub(super) fn parse_version(text: &str) -> Result<Version, HttpError> {
    match text.as_bytes() {
        b"HTTP/1.0" => Ok(Version::Http10),
        // RFC 9110, 2.5: a higher minor version counts as the highest implemented one.
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => Ok(Version::Http11),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            Err(HttpError::VersionNotSupported)
        }
        _ => Err(HttpError::InvalidRequestLine),
    }
}

/// 3.2: origin-form, absolute-form, authority-form for CONNECT, asterisk-form for OPTIONS.
fn check_target(method: &str, target: &str) -> Result<(), HttpError> {
    // Control characters and spaces are already rejected. A fragment is never sent.
    if target.contains('#') {
        return Err(HttpError::InvalidTarget);
    }
    check_percent(target)?;
    if target.starts_with('/') && method != "CONNECT" || target == "*" && method == "OPTIONS" {
        return Ok(());
    }
    let scheme = target.split_once("://").map(|(scheme, _)| scheme);
    let absolute = scheme
        .is_some_and(|it| it.eq_ignore_ascii_case("http") || it.eq_ignore_ascii_case("https"));
    let (Some(authority), true) = (
        split_target(method, target).0,
        absolute || method == "CONNECT",
    ) else {
        return Err(HttpError::InvalidTarget);
    };
    let authority = Authority::parse(authority)?;
    // 3.2.3: CONNECT needs a host and a port.
    if method == "CONNECT" && authority.port.is_none() {
        return Err(HttpError::InvalidTarget);
    }
    Ok(())
}

/// 3.2: exactly one `Host` in 1.1, at most one before, with an authority or nothing as its value.
fn check_host(request: &Request) -> Result<(), HttpError> {
    let mut hosts = request.headers.get_all("Host");
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Err(HttpError::DuplicateHost),
        (None, None) if request.version == Version::Http11 => Err(HttpError::MissingHost),
        (None | Some(""), None) => Ok(()),
        (Some(host), None) => Authority::parse(host).map(drop),
    }
}

/// 6.3: an unambiguous length. RFC 9110, 9.3.1: content of a GET has no meaning, and may be an attack.
fn check_framing(request: &Request) -> Result<(), HttpError> {
    let length = request.body_length()?;
    if length > 0 && matches!(request.method.as_str(), "GET" | "HEAD") {
        return Err(HttpError::ContentNotAllowed);
    }
    Ok(())
}

/// Maximum size of a method in bytes. The longest registered one, `UPDATEREDIRECTREF`, has 17.
const LONGEST_METHOD: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(input: &[u8]) -> Result<Option<(Request, usize)>, HttpError> {
        RequestParser::new(HeadLimits::default()).feed(input)
    }

    #[test]
    fn a_whole_request_and_where_its_head_ends() {
        let input = b"GET /chat?a=b HTTP/1.1\r\nHost: h\r\nX:y\r\n\r\n\x81\x00";
        let (request, used) = parse(input).unwrap().unwrap();
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("GET", "/chat?a=b")
        );
        assert_eq!(request.version, Version::Http11);
        assert_eq!(
            request.headers.iter().collect::<Vec<_>>(),
            [("Host", "h"), ("X", "y")]
        );
        assert_eq!(&input[used..], b"\x81\x00");
    }

    #[test]
    fn a_request_may_come_byte_by_byte_and_another_may_follow() {
        let input = b"\r\nHEAD / HTTP/1.0\r\nA: 1\r\n\r\n";
        let mut parser = RequestParser::new(HeadLimits::default());
        for _ in 0..2 {
            for end in 0..input.len() {
                assert_eq!(parser.feed(&input[..end]), Ok(None), "{end}");
            }
            let (request, used) = parser.feed(input).unwrap().unwrap();
            assert_eq!((request.method.as_str(), used), ("HEAD", input.len()));
        }
    }

    #[test]
    fn http_0_9_ends_with_its_line_with_or_without_cr() {
        for input in [
            &b"GET /a\r\n"[..],
            b"GET /a\n",
            b"\r\nGET /a\r\nHost: ignored\r\n\r\n",
        ] {
            let (request, _) = parse(input).unwrap().unwrap();
            assert_eq!(
                (request.version, request.target.as_str()),
                (Version::Http09, "/a")
            );
        }
        for input in [
            &b"POST /a\r\n"[..],
            b"GET a\r\n",
            b"GET\r\n",
            b"GET \r\n",
            b"GET /a \r\n",
            b"get /a\r\n",
        ] {
            assert_eq!(
                parse(input),
                Err(HttpError::InvalidRequestLine),
                "{input:?}"
            );
        }
    }

    #[test]
    fn other_protocols_are_refused_at_their_first_bytes() {
        for (input, name) in [
            (&b"\x16\x03"[..], "TLS"),
            (b"SSH-", "SSH"),
            (b"PRI *", "HTTP/2"),
        ] {
            assert_eq!(parse(input), Err(HttpError::OtherProtocol(name)));
        }
        for input in [
            &b"\x05\x01\x00"[..],
            b"\x00",
            b"{\"a\"",
            b"\x80",
            b" ",
            b"GET /\0",
            b"GET\t",
        ] {
            assert_eq!(
                parse(input),
                Err(HttpError::InvalidRequestLine),
                "{input:?}"
            );
        }
    }

    #[test]
    fn a_bare_cr_is_refused_as_soon_as_something_follows_it() {
        let mut parser = RequestParser::new(HeadLimits::default());
        assert_eq!(parser.feed(b"GET / HTTP/1.1\r"), Ok(None));
        assert_eq!(
            parser.feed(b"GET / HTTP/1.1\rX"),
            Err(HttpError::InvalidRequestLine)
        );
    }

    #[test]
    fn limits_hold_before_the_line_ends() {
        let mut long = b"GET /".to_vec();
        long.resize(8 * 1024, b'a');
        assert_eq!(parse(&long), Ok(None));
        long.push(b'a');
        assert_eq!(parse(&long), Err(HttpError::RequestLineTooLong));
        assert_eq!(parse(&[b'A'; 32]), Ok(None));
        assert_eq!(parse(&[b'A'; 33]), Err(HttpError::MethodTooLong));
    }

    #[test]
    fn a_megabyte_in_single_bytes_takes_linear_time() {
        // If each byte were scanned again for every later one, this would take 10^11 steps.
        let mut input = b"GET / HTTP/1.1\r\nHost: ".to_vec();
        input.resize(1 << 20, b'a');
        let limits = HeadLimits {
            head: 2 << 20,
            ..HeadLimits::default()
        };
        let mut parser = RequestParser::new(limits);
        for end in 0..input.len() {
            assert_eq!(parser.feed(&input[..end]), Ok(None));
        }
    }
}
