//! What the disk still lacks, and what it perhaps has.
//!
//! ```text
//!                    attempt                  it is on disk
//!   add --> fresh ------------> doubtful --------------------> gone
//!             ^                    |
//!             +--------------------+
//!                it is not on disk
//! ```
//!
//! A write that failed may have reached the disk or not: a flush can fail after everything was written. Only opening
//! the file anew tells. Until then its rows are doubtful, and what comes later waits. Both halves together are no
//! larger than what the services remember, because a row that goes takes the one that came along.

use crate::store::change::{Batch, Change};

/// Changes that are not, or not surely, on disk.
#[derive(Debug, Default)]
pub struct Lacking {
    /// Part of a write whose outcome is not known.
    doubtful: Batch,
    /// Surely not on disk.
    fresh: Batch,
}

impl Lacking {
    /// Adds a change.
    pub fn add(&mut self, change: Change) {
        self.fresh.add(change);
    }

    /// Whether the disk lacks nothing.
    pub fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.doubtful.is_empty()
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.fresh.rows.len() + self.doubtful.rows.len()
    }

    /// What is to be written now. Until [`Lacking::settle`] says how that went, it is in doubt; what was in doubt before
    /// must have been settled.
    pub fn attempt(&mut self) -> &Batch {
        debug_assert!(self.doubtful.is_empty(), "unsettled");
        self.doubtful = std::mem::take(&mut self.fresh);
        &self.doubtful
    }

    /// What was attempted is on disk, all of it, or it is not, none of it.
    pub fn settle(&mut self, on_disk: bool) {
        let attempted = std::mem::take(&mut self.doubtful);
        if !on_disk {
            let later = std::mem::replace(&mut self.fresh, attempted);
            self.fresh.extend(later);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::change::Table;

    const TABLE: Table = Table("table");

    fn keys(batch: &Batch) -> Vec<(u64, bool)> {
        let row = |(&(_, key), record): (&(Table, u64), &Option<_>)| (key, record.is_some());
        batch.rows.iter().map(row).collect()
    }

    #[test]
    fn what_is_on_disk_is_lacking_no_more() {
        let mut lacking = Lacking::default();
        lacking.add(Change::put(TABLE, 1, vec![]));
        assert_eq!(keys(lacking.attempt()), [(1, true)]);
        assert!(!lacking.is_empty(), "not before it is settled");
        lacking.settle(true);
        assert!(lacking.is_empty());
    }

    #[test]
    fn what_goes_while_it_is_in_doubt_is_removed_if_it_was_written() {
        for (on_disk, expected) in [(true, vec![(1, false)]), (false, vec![])] {
            let mut lacking = Lacking::default();
            lacking.add(Change::put(TABLE, 1, vec![]));
            lacking.attempt();
            lacking.add(Change::remove(TABLE, 1));
            lacking.settle(on_disk);
            assert_eq!(keys(lacking.attempt()), expected, "{on_disk}");
        }
    }

    #[test]
    fn what_was_not_written_is_attempted_again_with_what_came_since() {
        let mut lacking = Lacking::default();
        lacking.add(Change::put(TABLE, 1, vec![]));
        lacking.attempt();
        lacking.add(Change::put(TABLE, 2, vec![]));
        lacking.settle(false);
        assert_eq!(keys(lacking.attempt()), [(1, true), (2, true)]);
    }

    #[test]
    fn a_long_failure_takes_no_more_memory_than_what_is_kept() {
        let mut lacking = Lacking::default();
        for key in 1..=10_000 {
            lacking.add(Change::put(TABLE, key, vec![0; 10]));
            if key > 100 {
                lacking.add(Change::remove(TABLE, key - 100));
            }
            if key % 1_000 == 0 {
                lacking.attempt();
                lacking.settle(false);
            }
            assert!(lacking.rows() <= 200, "{}", lacking.rows());
        }
    }
}
