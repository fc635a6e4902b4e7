//! What the store counts while it runs, for `/metrics` and for tests.

use std::sync::atomic::{AtomicBool, AtomicU64};

/// Totals since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Transactions that are on disk.
    pub commits: AtomicU64,
    /// Rows written or removed in them.
    pub rows: AtomicU64,
    /// Times that writing began to fail.
    pub failures: AtomicU64,
    /// Whether it fails now: what is said goes out, and is not on disk.
    pub failing: AtomicBool,
}
