//! What is to change on disk, one row at a time or many together.

use std::collections::BTreeMap;

/// A table, by its name on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(pub &'static str);

/// One row that comes or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub table: Table,
    /// Which row, from 1. A key is put once and removed once, and never used again.
    pub key: u64,
    /// What the row says; `None` to remove it.
    pub record: Option<Vec<u8>>,
}

/// Rows that change together: all of them or none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Each row once: what it says, or `None` if it goes.
    pub rows: BTreeMap<(Table, u64), Option<Vec<u8>>>,
    /// The greatest key that was put into each table, also of rows that went before they were written.
    pub last: BTreeMap<Table, u64>,
}

impl Change {
    /// A new row.
    #[must_use]
    pub fn put(table: Table, key: u64, record: Vec<u8>) -> Change {
        Change {
            table,
            key,
            record: Some(record),
        }
    }

    /// A row that is not needed any more.
    #[must_use]
    pub fn remove(table: Table, key: u64) -> Change {
        Change {
            table,
            key,
            record: None,
        }
    }

    /// About how much memory it holds, in bytes.
    pub fn cost(&self) -> usize {
        size_of::<Change>() + self.record.as_ref().map_or(0, Vec::len)
    }
}

impl Batch {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.last.is_empty()
    }

    /// Adds a change that comes after those in here. A row that comes and goes within one batch is never written.
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

    /// Adds the changes of a whole batch that comes after this one.
    pub fn extend(&mut self, later: Batch) {
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
    fn a_row_that_comes_and_goes_is_not_written_but_its_key_is_used_up() {
        let mut batch = Batch::default();
        batch.add(Change::put(TABLE, 7, vec![1]));
        batch.add(Change::remove(TABLE, 7));
        batch.add(Change::remove(TABLE, 3));
        assert_eq!(batch.rows, BTreeMap::from([((TABLE, 3), None)]));
        assert_eq!(batch.last, BTreeMap::from([(TABLE, 7)]));
        assert!(!batch.is_empty());
    }

    #[test]
    fn a_later_batch_goes_on_where_the_earlier_one_ends() {
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
