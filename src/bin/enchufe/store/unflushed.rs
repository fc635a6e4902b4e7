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
//! the file again tells. Until then its rows are doubtful, and what comes later waits. Both halves together are no
//! larger than what the services remember, because a row that goes takes the one that came along.

use crate::store::change::{Batch, Change};

/// Changes that are not, or not surely, on disk.
#[derive(Debug, Default)]
pub struct Unflushed {
    /// Part of a write whose outcome is not known.
    in_doubt: Batch,
    /// Surely not on disk.
    pending: Batch,
}

impl Unflushed {
    /// Adds a change.
    pub fn add(&mut self, change: Change) {
        self.pending.add(change);
    }

    /// Whether the disk lacks nothing.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.in_doubt.is_empty()
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.pending.rows.len() + self.in_doubt.rows.len()
    }

    /// What is to be written now. Until [`Unflushed::settle`] says how that went, it is in doubt; what was in doubt before
    /// must have been settled.
    pub fn begin_write(&mut self) -> &Batch {
        debug_assert!(self.in_doubt.is_empty(), "unsettled");
        self.in_doubt = std::mem::take(&mut self.pending);
        &self.in_doubt
    }

    /// What was attempted is on disk, all of it, or it is not, none of it.
    pub fn finish_write(&mut self, on_disk: bool) {
        let attempted = std::mem::take(&mut self.in_doubt);
        if !on_disk {
            let later = std::mem::replace(&mut self.pending, attempted);
            self.pending.extend(later);
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
        let mut unflushed = Unflushed::default();
        unflushed.add(Change::put(TABLE, 1, vec![]));
        assert_eq!(keys(unflushed.begin_write()), [(1, true)]);
        assert!(!unflushed.is_empty(), "not before it is settled");
        unflushed.finish_write(true);
        assert!(unflushed.is_empty());
    }

    #[test]
    fn what_goes_while_it_is_in_doubt_is_removed_if_it_was_written() {
        for (on_disk, expected) in [(true, vec![(1, false)]), (false, vec![])] {
            let mut unflushed = Unflushed::default();
            unflushed.add(Change::put(TABLE, 1, vec![]));
            unflushed.begin_write();
            unflushed.add(Change::remove(TABLE, 1));
            unflushed.finish_write(on_disk);
            assert_eq!(keys(unflushed.begin_write()), expected, "{on_disk}");
        }
    }

    #[test]
    fn what_was_not_written_is_attempted_again_with_what_came_since() {
        let mut unflushed = Unflushed::default();
        unflushed.add(Change::put(TABLE, 1, vec![]));
        unflushed.begin_write();
        unflushed.add(Change::put(TABLE, 2, vec![]));
        unflushed.finish_write(false);
        assert_eq!(keys(unflushed.begin_write()), [(1, true), (2, true)]);
    }

    #[test]
    fn a_long_failure_takes_no_more_memory_than_what_is_kept() {
        let mut unflushed = Unflushed::default();
        for key in 1..=10_000 {
            unflushed.add(Change::put(TABLE, key, vec![0; 10]));
            if key > 100 {
                unflushed.add(Change::remove(TABLE, key - 100));
            }
            if key % 1_000 == 0 {
                unflushed.begin_write();
                unflushed.finish_write(false);
            }
            assert!(unflushed.rows() <= 200, "{}", unflushed.rows());
        }
    }
}
