//! What the store needs of a disk. The file of the feature `store` is one; a test can be another.

use std::fmt;
use std::io;

use crate::store::change::{Batch, Table};

/// Tables of rows, of which a batch is written as a whole or not at all.
pub trait Backend: Send {
    /// Lends every row of a table to `each`, in the order of their keys. Returns the greatest key that was ever put into
    /// the table, 0 if none was.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read(&self, table: Table, each: &mut dyn FnMut(u64, &[u8])) -> Result<u64, BackendError>;

    /// Writes a batch. When it returns, all of it is on disk, as far as the disk honours a flush.
    ///
    /// # Errors
    /// Why it is perhaps not on disk. From then on only [`Backend::recover`] may be called.
    fn write(&mut self, batch: &Batch) -> Result<(), BackendError>;

    /// Begins again after a write that failed. Says whether that write is on disk nevertheless; if not, none of it is.
    ///
    /// # Errors
    /// Why it still does not work; it may be tried again.
    fn recover(&mut self) -> Result<bool, BackendError>;
}

/// Why a disk does not do what it should.
#[derive(Debug)]
pub enum BackendError {
    /// What the system reports.
    Io(io::Error),
    /// Another process has the file open.
    InUse,
    /// The file is not what was written.
    Damaged(String),
    /// The file was written by a later version, of this number.
    TooNew(u64),
    /// The file is another one than before.
    Replaced,
    /// Anything else.
    Other(String),
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BackendError::Io(error) => write!(f, "{error}"),
            BackendError::InUse => f.write_str("another process has it open"),
            BackendError::Damaged(how) => write!(f, "it is damaged ({how})"),
            BackendError::TooNew(version) => write!(f, "it has format {version}, which is too new"),
            BackendError::Replaced => f.write_str("it was replaced by another file"),
            BackendError::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for BackendError {}

impl From<io::Error> for BackendError {
    fn from(error: io::Error) -> BackendError {
        BackendError::Io(error)
    }
}
