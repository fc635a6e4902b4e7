//! Counters of a server of a cluster, for `/metrics` and tests.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Totals since the start, and the current state.
#[derive(Debug, Default)]
pub struct Counters {
    /// Sequence number of the last log entry that this server knows of.
    pub log_end: AtomicU64,
    /// Sequence number of the last entry that this server applied.
    pub applied: AtomicU64,
    /// Entries that this server applied, of all servers.
    pub entries: AtomicU64,
    /// Operations of this server that Redis confirmed.
    pub operations: AtomicU64,
    /// Redis round trips that carried operations.
    pub round_trips: AtomicU64,
    /// Snapshots that this server wrote.
    pub snapshots: AtomicU64,
    /// Times that this server reconnected after its lease had expired.
    pub fenced: AtomicU64,
    /// Times that this server reloaded its state.
    pub reloads: AtomicU64,
    /// 1 while Redis does not answer, else 0.
    pub unavailable: AtomicU64,
}

impl Counters {
    /// Returns the number of log entries that this server has not applied.
    pub fn lag(&self) -> u64 {
        let applied = self.applied.load(Relaxed);
        self.log_end.load(Relaxed).saturating_sub(applied)
    }

    /// Whether Redis does not answer.
    pub fn is_unavailable(&self) -> bool {
        self.unavailable.load(Relaxed) != 0
    }
}
