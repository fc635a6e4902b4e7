//! One entry of the log, as Redis hands it out.

use std::fmt;

/// A place in the order. Within an epoch the numbers have no holes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Which log: milliseconds since 1970 by the clock of Redis when it began; 0 for none.
    pub epoch: u64,
    /// The place in it, from 1; 0 is before the first.
    pub seq: u64,
}

/// Something that has its place in the order of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub position: Position,
    /// When Redis took it: milliseconds since 1970 by its clock.
    pub at: u64,
    /// Which server published it, or for which one Redis speaks.
    pub by: u64,
    /// Whether that is this one.
    pub own: bool,
    /// Its number among the operations of that server.
    pub number: u64,
    /// In whose name; empty for nobody's.
    pub who: Vec<u8>,
    /// What was published. Empty: the lease on the name has run out.
    pub what: Vec<u8>,
}

impl Position {
    /// An id of the stream, `EPOCH-SEQ`.
    pub fn parse(id: &[u8]) -> Option<Position> {
        let (epoch, seq) = str::from_utf8(id).ok()?.split_once('-')?;
        Some(Position {
            epoch: epoch.parse().ok()?,
            seq: seq.parse().ok()?,
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}
