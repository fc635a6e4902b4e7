//! Reads lines out of a growing buffer, and the header block made of them ([RFC 9112,
//! 5](https://www.rfc-editor.org/rfc/rfc9112#section-5)). Each byte is scanned once, however small the pieces: a parser
//! that starts over with every byte needs quadratic time.

use std::borrow::Cow;

use crate::http::error::HttpError;
use crate::http::grammar::{is_field_byte, is_tchar};
use crate::http::headers::Headers;

/// Maximum sizes of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Maximum bytes in the request line (or status line) without its line end; beyond it 414. Default: 8 KiB. [RFC
    /// 9112, 3](https://www.rfc-editor.org/rfc/rfc9112#section-3) recommends at least 8,000.
    pub request_line: usize,
    /// Maximum bytes in all header lines together, with line ends; beyond it 431. Default: 16 KiB, enough for a browser
    /// with many cookies.
    pub head: usize,
    /// Maximum header lines; beyond it 431. Default: 64. Browsers send about 20.
    pub headers: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self {
            request_line: 8 * 1024,
            head: 16 * 1024,
            headers: 64,
        }
    }
}

/// One line without its line end.
pub(super) struct Line<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether the line ended in CR LF, not in LF alone.
    pub(super) crlf: bool,
}

/// Position in the buffer.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Start of the unfinished line.
    pub(super) start: usize,
    /// End of the scanned bytes: no line end between `start` and here.
    pub(super) scanned: usize,
}

impl Lines {
    /// Returns the next complete line of `input`, which holds all bytes so far; `None` if the line is incomplete.
    pub(super) fn next<'a>(&mut self, input: &'a [u8]) -> Option<Line<'a>> {
        let Some(length) = input
            .get(self.scanned..)?
            .iter()
            .position(|&byte| byte == b'\n')
        else {
            self.scanned = input.len();
            return None;
        };
        let end = self.scanned + length;
        let line = &input[self.start..end];
        self.start = end + 1;
        self.scanned = end + 1;
        Some(match line.strip_suffix(b"\r") {
            Some(bytes) => Line { bytes, crlf: true },
            None => Line {
                bytes: line,
                crlf: false,
            },
        })
    }
}

/// A header block in progress.
#[derive(Debug)]
pub(super) struct Block {
    /// The fields so far.
    pub(super) headers: Headers,
    begin: usize,
    unfold: bool,
}

impl Block {
    /// Starts a block at the position of `lines`, with capacity for the part that is in `input`. `unfold` accepts
    /// folded lines, as a user agent must and a server must not.
    pub(super) fn new(lines: &Lines, input: &[u8], limits: &HeadLimits, unfold: bool) -> Self {
        let begin = lines.start;
        let there = input.get(begin..).unwrap_or_default();
        let there = &there[..there.len().min(limits.head)];
        let fields = there.iter().filter(|&&byte| byte == b'\n').count();
        Self {
            headers: Headers::with_capacity(fields.min(limits.headers), there.len().max(ROOM)),
            begin,
            unfold,
        }
    }

    /// Parses every complete line. Returns `true` after the empty line that ends the block.
    pub(super) fn feed(
        &mut self,
        lines: &mut Lines,
        input: &[u8],
        limits: &HeadLimits,
    ) -> Result<bool, HttpError> {
        loop {
            let line = lines.next(input);
            if lines.scanned - self.begin > limits.head {
                return Err(HttpError::HeadTooLarge);
            }
            match line {
                None => return Ok(false),
                Some(Line { crlf: false, .. }) => return Err(HttpError::BareLineFeed),
                Some(Line { bytes: [], .. }) => return Ok(true),
                Some(Line { bytes, .. }) => self.line(bytes, limits)?,
            }
        }
    }

    fn line(&mut self, line: &[u8], limits: &HeadLimits) -> Result<(), HttpError> {
        if let [b' ' | b'\t', rest @ ..] = line {
            // RFC 9112, 5.2: a server rejects folded lines, a user agent joins them. 2.2: none before the first field.
            if !self.unfold || self.headers.is_empty() {
                return Err(HttpError::ObsoleteFolding);
            }
            self.headers.extend_last(&value(rest)?);
            return Ok(());
        }
        if self.headers.len() >= limits.headers {
            return Err(HttpError::TooManyHeaders);
        }
        // field-line = field-name ":" OWS field-value OWS
        let colon = line
            .iter()
            .position(|&byte| byte == b':')
            .ok_or(HttpError::InvalidFieldName)?;
        let (name, rest) = (&line[..colon], &line[colon + 1..]);
        // RFC 9112, 5.1: no white space between name and colon; a space is no tchar.
        if name.is_empty() || !name.iter().all(|&byte| is_tchar(byte)) {
            return Err(HttpError::InvalidFieldName);
        }
        self.headers.push(latin1(name), value(rest)?);
        Ok(())
    }
}

/// Parses a value, the rest of a line.
fn value(bytes: &[u8]) -> Result<Cow<'_, str>, HttpError> {
    // RFC 9110, 5.5: CR, LF, NUL are dangerous, the other controls invalid.
    if !bytes.iter().all(|&byte| is_field_byte(byte)) {
        return Err(HttpError::InvalidFieldValue);
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(first) = bytes.iter().position(|byte| !is_space(byte)) else {
        return Ok(Cow::Borrowed(""));
    };
    let end = bytes
        .iter()
        .rposition(|byte| !is_space(byte))
        .map_or(bytes.len(), |last| last + 1);
    Ok(latin1(&bytes[first..end]))
}

/// Decodes Latin-1: each byte becomes the character of the same number.
fn latin1(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

/// Minimum text capacity of a head. The allocator caches smaller blocks for the thread that frees them, which a thread
/// that continues with WebSocket cannot use.
const ROOM: usize = 1_100;

#[cfg(test)]
mod tests {
    use super::*;

    fn block(input: &[u8], unfold: bool) -> Result<Option<Headers>, HttpError> {
        let mut lines = Lines::default();
        let limits = HeadLimits {
            request_line: 0,
            head: 64,
            headers: 2,
        };
        let mut block = Block::new(&lines, input, &limits, unfold);
        let done = block.feed(&mut lines, input, &limits)?;
        Ok(done.then_some(block.headers))
    }

    #[test]
    fn a_line_is_found_once_its_end_is_there() {
        let mut lines = Lines::default();
        assert!(lines.next(b"ab").is_none());
        assert!(lines.next(b"ab\r").is_none());
        assert_eq!(lines.scanned, 3);
        let line = lines.next(b"ab\r\ncd\n").unwrap();
        assert!(line.bytes == b"ab" && line.crlf);
        let line = lines.next(b"ab\r\ncd\n").unwrap();
        assert!(line.bytes == b"cd" && !line.crlf);
        assert!(lines.next(b"ab\r\ncd\n").is_none());
    }

    #[test]
    fn white_space_around_a_value_is_dropped_and_inside_kept() {
        let headers = block(b"A: \t b\t c \t\r\nEmpty: \t\r\n\r\n", false)
            .unwrap()
            .unwrap();
        assert_eq!(
            headers.iter().collect::<Vec<_>>(),
            [("A", "b\t c"), ("Empty", "")]
        );
    }

    #[test]
    fn bytes_above_127_become_the_character_of_the_same_number() {
        let headers = block(b"A: \xe9\xff\r\n\r\n", false).unwrap().unwrap();
        assert_eq!(headers.get("a"), Some("\u{e9}\u{ff}"));
    }

    #[test]
    fn limits_count_lines_and_bytes() {
        assert_eq!(
            block(b"A: 1\r\nB: 2\r\nC: 3\r\n\r\n", false),
            Err(HttpError::TooManyHeaders)
        );
        assert_eq!(block(&[b'a'; 65], false), Err(HttpError::HeadTooLarge));
        assert_eq!(block(&[b'a'; 64], false), Ok(None));
    }

    #[test]
    fn a_user_agent_unfolds_and_a_server_refuses() {
        assert_eq!(
            block(b"A: b\r\n c\r\n\r\n", false),
            Err(HttpError::ObsoleteFolding)
        );
        assert_eq!(
            block(b"A: b\r\n\t c\r\n\r\n", true)
                .unwrap()
                .unwrap()
                .get("a"),
            Some("b c")
        );
        assert_eq!(
            block(b" A: b\r\n\r\n", true),
            Err(HttpError::ObsoleteFolding)
        );
    }
}
