//! Sealed records on their way to the socket, and how much of their plaintext counts as written.
//!
//! The socket of a slow peer may accept part of a record. The caller must then learn that not everything was sent. But
//! a sealed record cannot be taken back or sent twice. So plaintext counts as written in proportion to the bytes that
//! the socket accepted. At least one byte counts once it is sealed, so the caller cannot replace it. The last byte
//! counts only when the whole record is sent, so the caller does not abandon a record. The send queue sees the same as
//! with a plain socket.

use std::io::{self, ErrorKind};

/// Sealed records that are not completely sent, at most those of one call: nothing is sealed before they are.
#[derive(Debug, Default)]
pub(crate) struct RecordWriter {
    /// The records.
    pub(crate) sealed: Vec<u8>,
    /// Bytes of `sealed` that the socket accepted.
    sent: usize,
    /// Plaintext bytes in `sealed`, and how many of them were reported as written.
    plain: usize,
    reported: usize,
}

impl RecordWriter {
    pub(crate) fn is_empty(&self) -> bool {
        self.sealed.is_empty()
    }

    /// Sets the number of plaintext bytes in `sealed`, which had been empty.
    pub(crate) fn set_plaintext_len(&mut self, plain: usize) {
        self.plain = plain;
        self.reported = 0;
    }

    /// Writes once to the socket, if there is anything to write.
    pub(crate) fn push(&mut self, write: impl Fn(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        if self.sealed.is_empty() {
            return Ok(());
        }
        match write(&self.sealed[self.sent..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => self.sent += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if self.sent >= self.sealed.len() {
            self.sent = 0;
            self.sealed.clear();
            self.sealed.shrink_to(IDLE_CAPACITY);
        }
        Ok(())
    }

    /// Returns the number of plaintext bytes written since the last call.
    pub(crate) fn newly_written(&mut self) -> usize {
        let written = if self.sealed.is_empty() {
            self.plain
        } else {
            let share = self.plain as u128 * self.sent as u128 / self.sealed.len() as u128;
            let share = usize::try_from(share).unwrap_or(self.plain);
            share
                .max(1)
                .min(self.plain.saturating_sub(1))
                .max(self.reported)
        };
        let new = written - self.reported;
        self.reported = written;
        new
    }
}

/// Capacity of an idle connection in bytes.
const IDLE_CAPACITY: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates a writer with a record of `plain` bytes, plus 22 that TLS adds.
    fn writer(plain: usize) -> RecordWriter {
        let mut writer = RecordWriter {
            sealed: vec![7; plain + 22],
            ..RecordWriter::default()
        };
        writer.set_plaintext_len(plain);
        writer
    }

    #[test]
    fn one_byte_counts_at_once_and_the_last_only_at_the_end() {
        for plain in [2, 3, 100, 16_384, 131_072] {
            let mut writer = writer(plain);
            let blocked = |_: &[u8]| Err(ErrorKind::WouldBlock.into());
            assert!(writer.push(blocked).is_err());
            let mut written = writer.newly_written();
            assert_eq!(written, 1);
            while !writer.is_empty() {
                assert!(
                    written < plain,
                    "all of {plain} counts and something is left"
                );
                writer.push(|_| Ok(1)).expect("it takes one");
                written += writer.newly_written();
            }
            assert_eq!(written, plain);
            assert_eq!(writer.newly_written(), 0);
        }
    }

    /// A peer that accepts a little at a time shows progress.
    #[test]
    fn bytes_count_as_they_are_sent() {
        let mut writer = writer(16_384);
        writer.push(|_| Ok(8_203)).expect("half of it");
        assert_eq!(writer.newly_written(), 8_192);
        writer.push(|_| Ok(100)).expect("a little more");
        assert_eq!(writer.newly_written(), 99);
    }

    #[test]
    fn an_idle_connection_has_a_small_buffer() {
        let mut writer = writer(100_000);
        writer.push(|bytes| Ok(bytes.len())).expect("all of it");
        assert!(writer.sealed.capacity() <= IDLE_CAPACITY);
    }

    #[test]
    fn an_alert_after_the_data_does_not_change_the_reported_count() {
        let mut writer = writer(1_000);
        writer.push(|_| Ok(900)).expect("most of it");
        let written = writer.newly_written();
        writer.sealed.extend([0; 500]); // an alert, say
        assert_eq!(writer.newly_written(), 0);
        writer.push(|bytes| Ok(bytes.len())).expect("all of it");
        assert_eq!(written + writer.newly_written(), 1_000);
    }
}
