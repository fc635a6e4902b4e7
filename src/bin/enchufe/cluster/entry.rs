//! Entries of the log.

use std::fmt;

/// Position of an entry in the log. Within an epoch, sequence numbers have no gaps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Identifies the log: the time of Redis when the log began, in milliseconds since 1970. 0 for no log.
    pub epoch: u64,
    /// Sequence number, from 1. 0 is before the first entry.
    pub seq: u64,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    pub position: Position,
    /// Time of Redis when the entry was appended, in milliseconds since 1970.
    pub timestamp: u64,
    /// The server that appended it, or whose lease expired.
    pub server: u64,
    /// Whether that is this server.
    pub is_own: bool,
    /// Number of the operation among those of the server; 0 if the lease expired.
    pub number: u64,
    /// Name that the operation belongs to; empty for none.
    pub name: Vec<u8>,
    /// Content of the operation. Empty if the lease on the name expired.
    pub content: Vec<u8>,
}

impl Position {
    /// Parses an id of the stream, `EPOCH-SEQ`.
    pub fn parse(id: &[u8]) -> Option<Self> {
        let (epoch, seq) = str::from_utf8(id).ok()?.split_once('-')?;
        Some(Self {
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
