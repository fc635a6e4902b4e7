//! Changes that are not on disk, or may not be.
//!
//! ```text
//!                  begin_write             finish_write(true)
//!   add --> pending ---------> in doubt ---------------------> removed
//!              ^                   |
//!              +-------------------+
//!               finish_write(false)
//! ```
//!
//! After a failed write, its changes may be on disk: a flush can fail after everything was written. Until the file is
//! opened again, they are in doubt, and later changes wait. The size of both parts is limited by what the services store:
//! the removal of a row cancels the change that put it.

use crate::store::change::{Batch, Change};

/// Changes that are not on disk, or may not be.
#[derive(Debug, Default)]
pub struct Unflushed {
    /// Changes of a write whose outcome is unknown.
    in_doubt: Batch,
    /// Changes that are not on disk.
    pending: Batch,
}

impl Unflushed {
    pub fn add(&mut self, change: Change) {
        self.pending.add(change);
    }

    /// Whether all changes are on disk.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.in_doubt.is_empty()
    }

    /// Returns the number of rows to change.
    pub fn rows(&self) -> usize {
        self.pending.rows.len() + self.in_doubt.rows.len()
    }

    /// Returns the changes to write. They are in doubt until [`Unflushed::finish_write`], which must have been called for
    /// earlier ones.
    pub fn begin_write(&mut self) -> &Batch {
        debug_assert!(self.in_doubt.is_empty(), "the last write is not finished");
        self.in_doubt = std::mem::take(&mut self.pending);
        &self.in_doubt
    }

    /// Finishes a write: all of its changes are on disk, or none.
    pub fn finish_write(&mut self, on_disk: bool) {
        let written = std::mem::take(&mut self.in_doubt);
        if !on_disk {
            let later = std::mem::replace(&mut self.pending, written);
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
    fn written_changes_are_removed() {
        let mut unflushed = Unflushed::default();
        unflushed.add(Change::put(TABLE, 1, vec![]));
        assert_eq!(keys(unflushed.begin_write()), [(1, true)]);
        assert!(!unflushed.is_empty(), "the write is not finished");
        unflushed.finish_write(true);
        assert!(unflushed.is_empty());
    }

    #[test]
    fn a_row_removed_while_in_doubt_is_removed_on_disk_only_if_it_was_written() {
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
    fn changes_that_were_not_written_are_written_with_the_later_ones() {
        let mut unflushed = Unflushed::default();
        unflushed.add(Change::put(TABLE, 1, vec![]));
        unflushed.begin_write();
        unflushed.add(Change::put(TABLE, 2, vec![]));
        unflushed.finish_write(false);
        assert_eq!(keys(unflushed.begin_write()), [(1, true), (2, true)]);
    }

    #[test]
    fn a_long_failure_needs_no_more_memory_than_the_stored_rows() {
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
