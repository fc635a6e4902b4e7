//! Records: JSON objects that end in 0x1E, as the SignalR JSON hub protocol sends them.
//!
//! A WebSocket message may hold several records, and a record may stretch over several messages:
//! only the separator counts. Nothing here knows what a record means.
//! [SignalR hub protocol, JSON encoding](https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md#json-encoding)

use std::fmt;

use serde_json::{Map, Value};

/// Cuts what arrives into records. Every byte is looked at once, however it arrives.
#[derive(Debug, Default)]
pub struct Splitter {
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
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// An object has the same key twice: which one counts would be a guess.
    DuplicateKey,
    /// An object begins with a key that the parser keeps for itself.
    PrivateKey,
    /// JSON, but not an object.
    NotAnObject,
    /// No `type`, or one that is not a whole number.
    NoType,
    /// An `invocationId` that is not a string of at most 128 bytes.
    BadInvocationId,
}

impl Splitter {
    /// Nothing has arrived.
    pub fn new() -> Splitter {
        Splitter::default()
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

/// Reads a record as a JSON object.
///
/// # Errors
/// When it is not one: see [`RecordError`]. Linear in the length of the record, and the stack it
/// needs is bounded by [`MAX_DEPTH`].
pub fn parse_object(record: &[u8]) -> Result<Map<String, Value>, RecordError> {
    let members = check_shape(record)?;
    let value = serde_json::from_slice(record).map_err(|_| RecordError::NotJson)?;
    // The parser keeps the last of equal keys, so a key that came twice is a member that is missing.
    if count_members(&value) != members {
        return Err(RecordError::DuplicateKey);
    }
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(RecordError::NotAnObject),
    }
}

/// Looks at the record before the parser does: refuses what is nested too deep for a parser that recurses, and counts
/// the members of all objects (outside strings, JSON has one colon for each).
fn check_shape(record: &[u8]) -> Result<usize, RecordError> {
    let (mut depth, mut members) = (0_usize, 0_usize);
    let (mut in_string, mut escaped, mut before) = (false, false, b' ');
    for (at, byte) in record.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => {
                if !in_string && before == b'{' && is_private(&record[at..]) {
                    return Err(RecordError::PrivateKey);
                }
                in_string = !in_string;
            }
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(RecordError::TooDeep);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' => members += 1,
            _ => {}
        }
        if !in_string && !byte.is_ascii_whitespace() {
            before = *byte;
        }
    }
    Ok(members)
}

/// Whether a key, first in its object, is one by which the parser recognizes objects of its own making, if some of its
/// features are on: it would parse the string behind it as JSON, as deep as that goes.
fn is_private(key_and_rest: &[u8]) -> bool {
    let (Some(b'$' | b'\\'), Some(end)) = (key_and_rest.get(1), end_of_string(key_and_rest)) else {
        return false;
    };
    serde_json::from_slice::<String>(&key_and_rest[..end]).is_ok_and(|key| key.starts_with(PRIVATE))
}

/// Where the string that begins here is over.
fn end_of_string(bytes: &[u8]) -> Option<usize> {
    let mut escaped = false;
    let quote = bytes.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    quote.map(|offset| offset + 2)
}

fn count_members(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.len() + object.values().map(count_members).sum::<usize>(),
        Value::Array(array) => array.iter().map(count_members).sum(),
        _ => 0,
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RecordError::TooLong => "the record is too long",
            RecordError::NotJson => "the record is not JSON",
            RecordError::TooDeep => "the record is nested too deep",
            RecordError::DuplicateKey => "an object in the record has a key twice",
            RecordError::PrivateKey => "an object in the record has a key of the parser's own",
            RecordError::NotAnObject => "the record is not an object",
            RecordError::NoType => "the record has no type",
            RecordError::BadInvocationId => "the invocationId is not a short string",
        })
    }
}

impl std::error::Error for RecordError {}

/// RECORD SEPARATOR. JSON writes control characters as escapes, so it never occurs inside a record.
pub const SEPARATOR: u8 = 0x1e;

/// How deep arrays and objects may nest. An invocation needs 2.
pub const MAX_DEPTH: usize = 32;

/// How all of those keys begin.
const PRIVATE: &str = "$serde_json::private::";

/// What a connection at rest keeps.
const KEPT_CAPACITY: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 100;

    /// Everything that comes out, the error last.
    fn all(splitter: &mut Splitter, limit: usize) -> Result<Vec<String>, RecordError> {
        let mut out = Vec::new();
        while let Some(record) = splitter.take(limit)? {
            out.push(String::from_utf8_lossy(record).into_owned());
        }
        Ok(out)
    }

    fn split(message: &str) -> Result<Vec<String>, RecordError> {
        let mut splitter = Splitter::new();
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
            let mut splitter = Splitter::new();
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
        let mut splitter = Splitter::new();
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
        let mut splitter = Splitter::new();
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
        let mut splitter = Splitter::new();
        splitter.push(format!("{{}}\x1e{}\x1e", "x".repeat(50)).as_bytes());
        assert_eq!(splitter.take(10), Ok(Some(&b"{}"[..])));
        assert_eq!(
            splitter.take(50).map(|record| record.map(<[u8]>::len)),
            Ok(Some(50))
        );
    }

    #[test]
    fn memory_is_given_back_when_everything_is_taken() {
        let mut splitter = Splitter::new();
        splitter.push(format!("{}\x1e", "x".repeat(60_000)).as_bytes());
        all(&mut splitter, 65_536).unwrap();
        assert!(splitter.buffer.capacity() <= KEPT_CAPACITY);
    }

    #[test]
    fn an_object_keeps_its_members() {
        let object = parse_object(br#" {"type":1,"b":{"c":[]}} "#).unwrap();
        assert_eq!(
            Value::Object(object).to_string(),
            r#"{"type":1,"b":{"c":[]}}"#
        );
    }

    #[test]
    fn what_is_not_json_is_refused() {
        let bad: [&[u8]; 16] = [
            b"",
            b" ",
            b"nonsense",
            b"{",
            b"}",
            b"{]",
            b"{'type':6}",
            b"{\"a\":1,}",
            b"{\"a\":1}{}",
            b"{\"a\":1} x",
            b"\xef\xbb\xbf{}",
            b"{\"a\":1e999}",
            b"{\"a\":NaN}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"line\nend\"}",
        ];
        for record in bad {
            let result = parse_object(record);
            assert_eq!(
                result,
                Err(RecordError::NotJson),
                "{}",
                String::from_utf8_lossy(record)
            );
        }
    }

    #[test]
    fn what_is_not_an_object_is_refused() {
        for record in ["[]", "1", "\"{}\"", "null", "[{\"type\":6}]"] {
            assert_eq!(
                parse_object(record.as_bytes()),
                Err(RecordError::NotAnObject),
                "{record}"
            );
        }
    }

    #[test]
    fn a_key_that_comes_twice_is_refused_at_any_depth_and_however_it_is_written() {
        for record in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"y":{"a":1,"a":2}}]}"#,
        ] {
            assert_eq!(
                parse_object(record.as_bytes()),
                Err(RecordError::DuplicateKey),
                "{record}"
            );
        }
        for record in [
            r#"{"a":1,"b":{"a":1}}"#,
            r#"{"a":":","b":"\":\\","c":[{"a":1},{"a":2}]}"#,
        ] {
            assert!(parse_object(record.as_bytes()).is_ok(), "{record}");
        }
    }

    #[test]
    fn nesting_is_allowed_to_32_and_no_deeper() {
        let nested = |depth: usize| {
            format!(
                "{{\"a\":{}{}}}",
                "[".repeat(depth - 1),
                "]".repeat(depth - 1)
            )
        };
        assert!(parse_object(nested(32).as_bytes()).is_ok());
        assert_eq!(
            parse_object(nested(33).as_bytes()),
            Err(RecordError::TooDeep)
        );
        // Brackets in a string nest nothing.
        assert!(parse_object(format!("{{\"a\":\"{}\"}}", "[{\\\"".repeat(100)).as_bytes()).is_ok());
    }

    #[test]
    fn a_key_by_which_the_parser_would_parse_a_string_again_is_refused() {
        let deep = "[".repeat(100);
        for key in [
            "$serde_json::private::RawValue",
            "$serde_json::private::Number",
            r"\u0024serde_json::private\u003a:RawValue",
        ] {
            for record in [
                format!(r#"{{"{key}":"{deep}"}}"#),
                format!(r#"{{"a":[{{ "{key}" :"{deep}"}}]}}"#),
            ] {
                assert_eq!(
                    parse_object(record.as_bytes()),
                    Err(RecordError::PrivateKey),
                    "{record}"
                );
            }
        }
        for harmless in [
            r#"{"$":1}"#,
            r#"{"\u0061":1}"#,
            r#"{"a":"$serde_json::private::RawValue"}"#,
            r#"{"$a\"":1}"#,
        ] {
            assert!(parse_object(harmless.as_bytes()).is_ok(), "{harmless}");
        }
        assert_eq!(
            parse_object(b"{\"$serde_json::private::"),
            Err(RecordError::NotJson)
        );
    }

    /// Parses on a stack of so many KiB; a stack that overflows ends the whole test run.
    fn parse_on_stack(kib: usize, record: String) -> Result<Map<String, Value>, RecordError> {
        let thread = std::thread::Builder::new().stack_size(kib * 1024);
        thread
            .spawn(move || parse_object(record.as_bytes()))
            .unwrap()
            .join()
            .unwrap()
    }

    #[test]
    fn a_stack_of_64_kib_survives_any_depth() {
        for record in ["[".repeat(100_000), "{\"a\":".repeat(100_000)] {
            assert_eq!(parse_on_stack(64, record), Err(RecordError::TooDeep));
        }
        // Without optimization the parser takes up to 3 KiB for each level that is allowed.
        let deepest = format!("{{\"a\":{}{}}}", "[".repeat(31), "]".repeat(31));
        assert!(parse_on_stack(if cfg!(debug_assertions) { 128 } else { 64 }, deepest).is_ok());
    }

    #[test]
    fn a_key_of_64_kilobytes_is_read_in_linear_time() {
        let record = format!("{{\"{}\":1}}", "k".repeat(64 * 1024));
        assert_eq!(parse_object(record.as_bytes()).unwrap().len(), 1);
    }
}
