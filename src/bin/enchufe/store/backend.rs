//! Interface between the store thread and its storage.

use std::fmt;
use std::io;

use crate::store::change::{Batch, Table};

/// Tables of rows. A batch is written completely or not at all.
pub trait StoreBackend: Send {
    /// Calls `each` with every row of a table, in the order of the keys. Returns the greatest key that was ever put into
    /// the table; 0 if none was.
    ///
    /// # Errors
    /// The table cannot be read.
    fn read(&self, table: Table, each: &mut dyn FnMut(u64, &[u8])) -> Result<u64, BackendError>;

    /// Writes a batch, and flushes it to disk.
    ///
    /// # Errors
    /// The batch may or may not be on disk. Only [`StoreBackend::recover`] may be called next.
    fn write(&mut self, batch: &Batch) -> Result<(), BackendError>;

    /// Recovers from a failed write. Returns whether that batch is on disk.
    ///
    /// # Errors
    /// The failure persists; call this again later.
    fn recover(&mut self) -> Result<bool, BackendError>;
}

/// Failure of the storage.
#[derive(Debug)]
pub enum BackendError {
    /// An error of the operating system.
    Io(io::Error),
    /// Another process has the file open.
    InUse,
    /// The file is damaged.
    Damaged(String),
    /// A later version of the program wrote the file, in this format.
    TooNew(u64),
    /// Another file has replaced the file.
    Replaced,
    /// Any other error.
    Other(String),
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::InUse => f.write_str("another process has it open"),
            Self::Damaged(damage) => write!(f, "it is damaged ({damage})"),
            Self::TooNew(format) => write!(f, "it has format {format}, which is too new"),
            Self::Replaced => f.write_str("it was replaced by another file"),
            Self::Other(error) => f.write_str(error),
        }
    }
}

impl std::error::Error for BackendError {}

impl From<io::Error> for BackendError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
