//! Format of rows, snapshots and operations: a version, a kind, and fields.
//!
//! ```text
//!   +---------+------+--------------------------------------------------+
//!   | version | kind | fields, depending on the kind                    |
//!   |  u8: 1  |  u8  | u8 | u64 big-endian | length u8, bytes | the rest |
//!   +---------+------+--------------------------------------------------+
//! ```
//!
//! The services define kinds and fields. An invalid or unknown record is an error and never skipped, because later ones may
//! depend on it.

use std::fmt;

/// Encodes a record.
#[derive(Debug)]
pub struct RecordWriter(Vec<u8>);

/// Decodes the fields of a record, in order.
#[derive(Debug)]
pub struct RecordFields<'a>(&'a [u8]);

/// Reason why a record cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// The version is unknown to this program.
    UnknownVersion(u8),
    /// The kind is unknown to this program.
    UnknownKind(u8),
    /// The record is too short or too long, or a field has an invalid value.
    Malformed,
}

impl RecordWriter {
    /// Starts a record without fields.
    #[must_use]
    pub fn new(kind: u8) -> Self {
        Self(vec![VERSION, kind])
    }

    /// Adds a field of one byte.
    #[must_use]
    pub fn byte(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    /// Adds a field of eight bytes.
    #[must_use]
    pub fn number(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Adds a string field: at most 255 bytes, the rest is dropped.
    #[must_use]
    pub fn string(mut self, value: &[u8]) -> Self {
        let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
        self.0.push(length);
        self.0.extend_from_slice(&value[..usize::from(length)]);
        self
    }

    /// Adds the last field, of any length. Returns the record.
    #[must_use]
    pub fn rest(mut self, value: &[u8]) -> Vec<u8> {
        self.0.reserve_exact(value.len());
        self.0.extend_from_slice(value);
        self.0
    }

    /// Returns the record.
    #[must_use]
    pub fn end(self) -> Vec<u8> {
        self.0
    }
}

impl<'a> RecordFields<'a> {
    /// Returns the kind and the fields of a record.
    ///
    /// # Errors
    /// [`DecodeError::UnknownVersion`], or [`DecodeError::Malformed`] without a kind.
    pub fn parse(record: &'a [u8]) -> Result<(u8, Self), DecodeError> {
        match record {
            [VERSION, kind, fields @ ..] => Ok((*kind, Self(fields))),
            [VERSION] | [] => Err(DecodeError::Malformed),
            [version, ..] => Err(DecodeError::UnknownVersion(*version)),
        }
    }

    /// Reads one byte.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] at the end.
    pub fn byte(&mut self) -> Result<u8, DecodeError> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// Reads eight bytes as a number.
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

    /// Reads a string.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] if it is truncated.
    pub fn string(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.byte()?;
        self.take(usize::from(length))
    }

    /// Returns all remaining bytes.
    #[must_use]
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Checks that no bytes remain.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] if some do.
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
            Self::UnknownVersion(version) => {
                write!(f, "unknown version {version}, expected {VERSION}")
            }
            Self::UnknownKind(kind) => write!(f, "unknown kind {kind}"),
            Self::Malformed => f.write_str("malformed record"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// The version that is written, and the only one that is read.
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_fields_are_read_in_order() {
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
    fn another_version_is_an_error() {
        let error = RecordFields::parse(&[2, 9, 1]).unwrap_err();
        assert_eq!(error, DecodeError::UnknownVersion(2));
        assert_eq!(error.to_string(), "unknown version 2, expected 1");
    }

    #[test]
    fn a_record_that_is_truncated_or_too_long_is_malformed() {
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
