//! Records on their way to the socket, and how much of what is sealed in them counts as written.
//!
//! A slow peer's socket takes part of a record. Whoever writes must then hear that not all went out, so that the rest is
//! seen to; but the record is sealed, and what is in it can be neither taken back nor sent twice. So the plaintext counts
//! as written in proportion to the octets that the socket took: at least one octet of it once it is sealed, so that
//! nobody puts other octets in its place, and the last octet only when the whole record is gone, so that nobody leaves a
//! record behind. To the outbox it looks as if the socket itself had taken so much.

use std::io::{self, ErrorKind};

/// Sealed records that are not all gone. At most one caller's worth: nothing is sealed before these are.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    /// The records.
    pub(crate) sealed: Vec<u8>,
    /// How much of `sealed` the socket took.
    sent: usize,
    /// Octets of the caller in `sealed`, and how many of them it was told are written.
    plain: usize,
    told: usize,
}

impl Wire {
    pub(crate) fn is_empty(&self) -> bool {
        self.sealed.is_empty()
    }

    /// Notes that so many octets of the caller were sealed, with nothing else before them.
    pub(crate) fn holds(&mut self, plain: usize) {
        self.plain = plain;
        self.told = 0;
    }

    /// One write to the socket, if there is anything to write.
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
            self.sealed.shrink_to(KEPT);
        }
        Ok(())
    }

    /// How many octets more than when it was last asked the caller may count as written.
    pub(crate) fn newly_written(&mut self) -> usize {
        let written = if self.sealed.is_empty() {
            self.plain
        } else {
            let share = self.plain as u128 * self.sent as u128 / self.sealed.len() as u128;
            let share = usize::try_from(share).unwrap_or(self.plain);
            share
                .max(1)
                .min(self.plain.saturating_sub(1))
                .max(self.told)
        };
        let news = written - self.told;
        self.told = written;
        news
    }
}

/// An idle connection keeps room for so much.
const KEPT: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    /// A wire with a record of `plain` octets, and 22 that TLS adds.
    fn wire(plain: usize) -> Wire {
        let mut wire = Wire {
            sealed: vec![7; plain + 22],
            ..Wire::default()
        };
        wire.holds(plain);
        wire
    }

    #[test]
    fn something_counts_at_once_and_all_of_it_only_at_the_end() {
        for plain in [2, 3, 100, 16_384, 131_072] {
            let mut wire = wire(plain);
            let blocked = |_: &[u8]| Err(ErrorKind::WouldBlock.into());
            assert!(wire.push(blocked).is_err());
            let mut written = wire.newly_written();
            assert_eq!(written, 1);
            while !wire.is_empty() {
                assert!(
                    written < plain,
                    "all of {plain} counts and something is left"
                );
                wire.push(|_| Ok(1)).expect("it takes one");
                written += wire.newly_written();
            }
            assert_eq!(written, plain);
            assert_eq!(wire.newly_written(), 0);
        }
    }

    /// A peer that takes a little now and then is seen to take it.
    #[test]
    fn octets_count_as_they_go() {
        let mut wire = wire(16_384);
        wire.push(|_| Ok(8_203)).expect("half of it");
        assert_eq!(wire.newly_written(), 8_192);
        wire.push(|_| Ok(100)).expect("a little more");
        assert_eq!(wire.newly_written(), 99);
    }

    #[test]
    fn a_connection_at_rest_keeps_little_room() {
        let mut wire = wire(100_000);
        wire.push(|bytes| Ok(bytes.len())).expect("all of it");
        assert!(wire.sealed.capacity() <= KEPT);
    }

    #[test]
    fn a_record_of_the_reader_behind_the_callers_changes_nothing_that_was_told() {
        let mut wire = wire(1_000);
        wire.push(|_| Ok(900)).expect("most of it");
        let written = wire.newly_written();
        wire.sealed.extend([0; 500]); // an alert, say
        assert_eq!(wire.newly_written(), 0);
        wire.push(|bytes| Ok(bytes.len())).expect("all of it");
        assert_eq!(written + wire.newly_written(), 1_000);
    }
}
