//! The form of every row: a version, a kind, and fields.
//!
//! ```text
//!   +---------+------+--------------------------------------------------+
//!   | version | kind | fields, as the kind says                         |
//!   |  u8: 1  |  u8  | u8 | u64 big-endian | length u8, bytes | the rest |
//!   +---------+------+--------------------------------------------------+
//! ```
//!
//! Kinds and their fields are the services' own. A row of another version, of an unknown kind, cut short or too long is
//! an error and never skipped: what it said may matter to the rows behind it.

use std::fmt;

/// A row that is being written.
#[derive(Debug)]
pub struct RecordWriter(Vec<u8>);

/// The fields of a row, read from front to back.
#[derive(Debug)]
pub struct RecordFields<'a>(&'a [u8]);

/// Why a row cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// It has a version that this program does not know.
    UnknownVersion(u8),
    /// It has a kind that this version does not have.
    UnknownKind(u8),
    /// It ends too early or too late, or a field says what it cannot say.
    Malformed,
}

impl RecordWriter {
    /// A row of a kind, without fields.
    #[must_use]
    pub fn new(kind: u8) -> RecordWriter {
        RecordWriter(vec![VERSION, kind])
    }

    /// A field of one byte.
    #[must_use]
    pub fn byte(mut self, value: u8) -> RecordWriter {
        self.0.push(value);
        self
    }

    /// A field of eight bytes.
    #[must_use]
    pub fn number(mut self, value: u64) -> RecordWriter {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// A field of at most 255 bytes; what is beyond is left off.
    #[must_use]
    pub fn string(mut self, value: &[u8]) -> RecordWriter {
        let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
        self.0.push(length);
        self.0.extend_from_slice(&value[..usize::from(length)]);
        self
    }

    /// The last field, of any length.
    #[must_use]
    pub fn rest(mut self, value: &[u8]) -> Vec<u8> {
        self.0.reserve_exact(value.len());
        self.0.extend_from_slice(value);
        self.0
    }

    /// The row, if its last field has been written.
    #[must_use]
    pub fn end(self) -> Vec<u8> {
        self.0
    }
}

impl<'a> RecordFields<'a> {
    /// The kind of a row, and its fields.
    ///
    /// # Errors
    /// [`DecodeError::UnknownVersion`], or [`DecodeError::Malformed`] if there is not even a kind.
    pub fn parse(record: &'a [u8]) -> Result<(u8, RecordFields<'a>), DecodeError> {
        match record {
            [VERSION, kind, fields @ ..] => Ok((*kind, RecordFields(fields))),
            [VERSION] | [] => Err(DecodeError::Malformed),
            [version, ..] => Err(DecodeError::UnknownVersion(*version)),
        }
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] at the end.
    pub fn byte(&mut self) -> Result<u8, DecodeError> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// The next eight bytes as a number.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] if there are fewer.
    pub fn number(&mut self) -> Result<u64, DecodeError> {
        let bytes = self.take(8)?;
        bytes
            .try_into()
            .map(u64::from_be_bytes)
            .map_err(|_| DecodeError::Malformed)
    }

    /// The next string.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] if it is cut short.
    pub fn string(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.byte()?;
        self.take(usize::from(length))
    }

    /// All that is left.
    #[must_use]
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Sees to it that nothing is left.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] if something is.
    pub fn end(self) -> Result<(), DecodeError> {
        match self.0 {
            [] => Ok(()),
            _ => Err(DecodeError::Malformed),
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(DecodeError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::UnknownVersion(version) => {
                write!(f, "it has version {version}, and only {VERSION} is known")
            }
            DecodeError::UnknownKind(kind) => write!(f, "there is no kind {kind}"),
            DecodeError::Malformed => f.write_str("it is malformed"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// The version written, and the only one read.
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let record = RecordWriter::new(9)
            .byte(3)
            .number(u64::MAX - 1)
            .string("ñandú".as_bytes())
            .string(b"")
            .rest(b"rest");
        let (kind, mut fields) = RecordFields::parse(&record).unwrap();
        assert_eq!(kind, 9);
        assert_eq!(fields.byte(), Ok(3));
        assert_eq!(fields.number(), Ok(u64::MAX - 1));
        assert_eq!(fields.string(), Ok("ñandú".as_bytes()));
        assert_eq!(fields.string(), Ok(&b""[..]));
        assert_eq!(fields.rest(), b"rest");
    }

    #[test]
    fn another_version_is_an_error_that_says_so() {
        let error = RecordFields::parse(&[2, 9, 1]).unwrap_err();
        assert_eq!(error, DecodeError::UnknownVersion(2));
        assert_eq!(error.to_string(), "it has version 2, and only 1 is known");
    }

    #[test]
    fn a_row_cut_short_or_too_long_is_malformed() {
        let record = RecordWriter::new(9).byte(3).number(7).string(b"ana").end();
        for cut in 0..record.len() {
            let read = || {
                let (_, mut fields) = RecordFields::parse(&record[..cut])?;
                fields.byte()?;
                fields.number()?;
                fields.string()?;
                fields.end()
            };
            assert_eq!(read(), Err(DecodeError::Malformed), "{cut}");
        }
        let (_, fields) = RecordFields::parse(&record).unwrap();
        assert_eq!(fields.end(), Err(DecodeError::Malformed));
    }
}
