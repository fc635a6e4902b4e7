//! Changes of rows on disk, single or in a batch.

use std::collections::BTreeMap;

/// Name of a table on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(pub &'static str);

/// A row to write or remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub table: Table,
    /// Key of the row, from 1. A key is put once, removed once, and never used again.
    pub key: u64,
    /// Content of the row; `None` to remove it.
    pub record: Option<Vec<u8>>,
}

/// Changes that are written together: all of them or none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Content of each row; `None` to remove it.
    pub rows: BTreeMap<(Table, u64), Option<Vec<u8>>>,
    /// The greatest key put into each table, including rows that were removed before they were written.
    pub last: BTreeMap<Table, u64>,
}

impl Change {
    /// Writes a new row.
    #[must_use]
    pub fn put(table: Table, key: u64, record: Vec<u8>) -> Self {
        Self {
            table,
            key,
            record: Some(record),
        }
    }

    /// Removes a row.
    #[must_use]
    pub fn remove(table: Table, key: u64) -> Self {
        Self {
            table,
            key,
            record: None,
        }
    }

    /// Returns the approximate memory of the change, in bytes.
    pub fn cost(&self) -> usize {
        size_of::<Self>() + self.record.as_ref().map_or(0, Vec::len)
    }
}

impl Batch {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.last.is_empty()
    }

    /// Adds a change after those in the batch. A row that is put and removed within one batch is never written.
    pub fn add(&mut self, change: Change) {
        let Change { table, key, record } = change;
        let row = (table, key);
        if record.is_some() {
            let last = self.last.entry(table).or_default();
            *last = key.max(*last);
        } else if let Some(Some(_)) = self.rows.get(&row) {
            self.rows.remove(&row);
            return;
        }
        self.rows.insert(row, record);
    }

    /// Adds the changes of a later batch.
    pub fn extend(&mut self, later: Self) {
        for (table, key) in later.last {
            let last = self.last.entry(table).or_default();
            *last = key.max(*last);
        }
        for ((table, key), record) in later.rows {
            self.add(Change { table, key, record });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = Table("table");

    #[test]
    fn a_row_put_and_removed_in_one_batch_is_not_written_but_its_key_is_used() {
        let mut batch = Batch::default();
        batch.add(Change::put(TABLE, 7, vec![1]));
        batch.add(Change::remove(TABLE, 7));
        batch.add(Change::remove(TABLE, 3));
        assert_eq!(batch.rows, BTreeMap::from([((TABLE, 3), None)]));
        assert_eq!(batch.last, BTreeMap::from([(TABLE, 7)]));
        assert!(!batch.is_empty());
    }

    #[test]
    fn extending_a_batch_applies_the_later_changes_to_the_earlier_ones() {
        let mut earlier = Batch::default();
        earlier.add(Change::put(TABLE, 1, vec![1]));
        earlier.add(Change::put(TABLE, 2, vec![2]));
        let mut later = Batch::default();
        later.add(Change::remove(TABLE, 1));
        later.add(Change::put(TABLE, 3, vec![3]));
        earlier.extend(later);
        let rows = [((TABLE, 2), Some(vec![2])), ((TABLE, 3), Some(vec![3]))];
        assert_eq!(earlier.rows, BTreeMap::from(rows));
        assert_eq!(earlier.last, BTreeMap::from([(TABLE, 3)]));
    }
}
