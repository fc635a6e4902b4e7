//! Records: JSON objects that end in 0x1E, as the SignalR JSON hub protocol sends them.
//!
//! A WebSocket message may hold several records, and a record may stretch over several messages:
//! only the separator counts. Nothing here knows what a record means.
//! [SignalR hub protocol, JSON encoding](https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md#json-encoding)

use std::fmt;

use crate::json::{self, JsonError, Object};

/// Cuts what arrives into records. Every byte is looked at once, however it arrives.
#[derive(Debug, Default)]
pub struct RecordReader {
    buffer: Vec<u8>,
    /// Where the next record begins.
    start: usize,
    /// Up to here there is no separator.
    scanned: usize,
}

/// Why something is not a record. None of it is told to the peer in this detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// Longer than the limit, or no end in sight at the limit.
    TooLong,
    /// Not JSON, not UTF-8, a number no `f64` holds, or half a surrogate pair.
    NotJson,
    /// Nested deeper than allowed.
    TooDeep,
    /// An object has the same key twice: which one counts would be a guess.
    RepeatedKey,
    /// JSON, but not an object.
    NotAnObject,
    /// No `type`, or one that is not a whole number.
    NoType,
    /// An `invocationId` that is not a string of at most 128 bytes.
    BadInvocationId,
}

impl RecordReader {
    /// Nothing has arrived.
    pub fn new() -> RecordReader {
        RecordReader::default()
    }

    /// Takes the bytes of one message.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole record without its separator, or `None` when more bytes are needed.
    /// Empty records are skipped.
    ///
    /// # Errors
    /// [`RecordError::TooLong`] when it has, or would have, more than `limit` bytes.
    pub fn take(&mut self, limit: usize) -> Result<Option<&[u8]>, RecordError> {
        loop {
            let from = self.start;
            let Some(offset) = self.buffer[self.scanned..]
                .iter()
                .position(|byte| *byte == SEPARATOR)
            else {
                self.scanned = self.buffer.len();
                if self.scanned - from > limit {
                    return Err(RecordError::TooLong);
                }
                self.rest();
                return Ok(None);
            };
            let end = self.scanned + offset;
            (self.start, self.scanned) = (end + 1, end + 1);
            if end - from > limit {
                return Err(RecordError::TooLong);
            }
            if end > from {
                return Ok(Some(&self.buffer[from..end]));
            }
        }
    }

    /// Gives memory back once everything is taken.
    fn rest(&mut self) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.buffer.shrink_to(KEPT_CAPACITY);
            (self.start, self.scanned) = (0, 0);
        }
    }
}

/// Reads a record as a JSON object, nested at most `max_depth` deep.
///
/// # Errors
/// When it is not one: see [`RecordError`].
pub fn parse_object(record: &[u8], max_depth: usize) -> Result<Object<'_>, RecordError> {
    let text = str::from_utf8(record).map_err(|_| RecordError::NotJson)?;
    let value = json::parse(text, max_depth)?;
    value.object().ok_or(RecordError::NotAnObject)
}

impl From<JsonError> for RecordError {
    fn from(error: JsonError) -> RecordError {
        match error {
            JsonError::NotJson => RecordError::NotJson,
            JsonError::TooDeep => RecordError::TooDeep,
            JsonError::RepeatedKey => RecordError::RepeatedKey,
        }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RecordError::TooLong => "the record is too long",
            RecordError::NotJson => "the record is not JSON",
            RecordError::TooDeep => "the record is nested too deep",
            RecordError::RepeatedKey => "an object in the record has a key twice",
            RecordError::NotAnObject => "the record is not an object",
            RecordError::NoType => "the record has no type",
            RecordError::BadInvocationId => "the invocationId is not a short string",
        })
    }
}

impl std::error::Error for RecordError {}

/// RECORD SEPARATOR. JSON writes control characters as escapes, so it never occurs inside a record.
pub const SEPARATOR: u8 = 0x1e;

/// What a connection at rest keeps.
const KEPT_CAPACITY: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 100;

    /// Everything that comes out, the error last.
    fn all(splitter: &mut RecordReader, limit: usize) -> Result<Vec<String>, RecordError> {
        let mut out = Vec::new();
        while let Some(record) = splitter.take(limit)? {
            out.push(String::from_utf8_lossy(record).into_owned());
        }
        Ok(out)
    }

    fn split(message: &str) -> Result<Vec<String>, RecordError> {
        let mut splitter = RecordReader::new();
        splitter.push(message.as_bytes());
        all(&mut splitter, LIMIT)
    }

    #[test]
    fn a_message_holds_several_records() {
        assert_eq!(split("{}\x1e[1]\x1e"), Ok(vec!["{}".into(), "[1]".into()]));
    }

    #[test]
    fn a_record_without_its_end_waits() {
        assert_eq!(split("{}\x1e{\"ty"), Ok(vec!["{}".into()]));
    }

    #[test]
    fn records_come_out_the_same_wherever_the_stream_is_cut() {
        let stream = "{\"a\":1}\x1e{\"ñ\":\"€\"}\x1e\x1e[2]\x1e".as_bytes();
        let whole = split(std::str::from_utf8(stream).unwrap());
        for cut in 0..=stream.len() {
            let mut splitter = RecordReader::new();
            let mut out = Vec::new();
            for part in [&stream[..cut], &stream[cut..]] {
                splitter.push(part);
                out.extend(all(&mut splitter, LIMIT).unwrap());
            }
            assert_eq!(Ok(out), whole, "cut at {cut}");
        }
    }

    #[test]
    fn records_come_out_the_same_byte_by_byte() {
        let mut splitter = RecordReader::new();
        let mut out = Vec::new();
        for byte in b"{\"a\":1}\x1e{}\x1e" {
            splitter.push(&[*byte]);
            out.extend(all(&mut splitter, LIMIT).unwrap());
        }
        assert_eq!(out, ["{\"a\":1}", "{}"]);
    }

    #[test]
    fn ten_thousand_empty_records_are_nothing() {
        assert_eq!(split(&"\x1e".repeat(10_000)), Ok(vec![]));
    }

    #[test]
    fn a_record_may_have_exactly_the_limit() {
        let record = "x".repeat(LIMIT);
        assert_eq!(split(&format!("{record}\x1e")), Ok(vec![record.clone()]));
        assert_eq!(split(&record), Ok(vec![]));
    }

    #[test]
    fn a_record_over_the_limit_is_refused_with_or_without_its_end() {
        let record = "x".repeat(LIMIT + 1);
        assert_eq!(split(&record), Err(RecordError::TooLong));
        assert_eq!(split(&format!("{record}\x1e")), Err(RecordError::TooLong));
    }

    #[test]
    fn a_record_that_grows_by_single_bytes_is_refused_at_the_limit() {
        let mut splitter = RecordReader::new();
        for n in 0..=LIMIT {
            splitter.push(b"x");
            let taken = splitter.take(LIMIT).map(|record| record.map(<[u8]>::len));
            assert_eq!(
                taken,
                if n < LIMIT {
                    Ok(None)
                } else {
                    Err(RecordError::TooLong)
                }
            );
        }
    }

    #[test]
    fn the_limit_is_of_the_moment_a_record_is_taken() {
        let mut splitter = RecordReader::new();
        splitter.push(format!("{{}}\x1e{}\x1e", "x".repeat(50)).as_bytes());
        assert_eq!(splitter.take(10), Ok(Some(&b"{}"[..])));
        assert_eq!(
            splitter.take(50).map(|record| record.map(<[u8]>::len)),
            Ok(Some(50))
        );
    }

    #[test]
    fn memory_is_given_back_when_everything_is_taken() {
        let mut splitter = RecordReader::new();
        splitter.push(format!("{}\x1e", "x".repeat(60_000)).as_bytes());
        all(&mut splitter, 65_536).unwrap();
        assert!(splitter.buffer.capacity() <= KEPT_CAPACITY);
    }

    #[test]
    fn a_record_is_an_object_in_utf_8() {
        let refused = |record: &[u8]| parse_object(record, 2).unwrap_err();
        let object = parse_object(br#" {"type":1,"b":{"c":"d"}} "#, 2).unwrap();
        assert_eq!(object.get("type").unwrap().whole(), Some(1));
        for record in ["[]", "1", "\"{}\"", "null", "[{\"type\":6}]"] {
            assert_eq!(refused(record.as_bytes()), RecordError::NotAnObject);
        }
        for record in [
            &b""[..],
            b"nonsense",
            b"{\"a\":\"\xff\"}",
            b"\xef\xbb\xbf{}",
        ] {
            assert_eq!(refused(record), RecordError::NotJson);
        }
        assert_eq!(refused(br#"{"a":[[]]}"#), RecordError::TooDeep);
        assert_eq!(refused(br#"{"a":{"b":1,"b":2}}"#), RecordError::RepeatedKey);
    }
}
