//! What a server of a cluster counts while it runs, for `/metrics` and for tests.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Totals since the start, and where things stand.
#[derive(Debug, Default)]
pub struct Counters {
    /// How far the log has got, as far as this server knows.
    pub log_end: AtomicU64,
    /// How far this server has got in it.
    pub applied: AtomicU64,
    /// Entries that this server has applied, of whichever server.
    pub entries: AtomicU64,
    /// Operations that Redis has answered.
    pub operations: AtomicU64,
    /// Questions in which they went there.
    pub steps: AtomicU64,
    /// Snapshots that this server has taken.
    pub snapshots: AtomicU64,
    /// Times that this server came back and counted as gone.
    pub fenced: AtomicU64,
    /// Times that it had to begin again, because the log was another or had a gap.
    pub restarts: AtomicU64,
    /// 1 while Redis does not answer.
    pub cut_off: AtomicU64,
}

impl Counters {
    /// Entries that are in the log and that this server has not applied.
    pub fn lag(&self) -> u64 {
        let applied = self.applied.load(Relaxed);
        self.log_end.load(Relaxed).saturating_sub(applied)
    }

    /// Whether Redis does not answer.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off.load(Relaxed) != 0
    }
}
