//! Rows of the board on disk.

pub mod row_index;
pub mod rows;
