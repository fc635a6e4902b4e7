//! Counters of the store, for `/metrics` and tests.

use std::sync::atomic::{AtomicBool, AtomicU64};

/// Totals since the start, and the current state.
#[derive(Debug, Default)]
pub struct Counters {
    /// Transactions on disk.
    pub commits: AtomicU64,
    /// Rows written or removed in them.
    pub rows: AtomicU64,
    /// Times that writing began to fail.
    pub failures: AtomicU64,
    /// Whether writing fails now: messages are delivered, but not on disk.
    pub failing: AtomicBool,
}
