//! Errors of opening the store, with advice for the operator in one line.

use std::fmt;
use std::path::PathBuf;

use crate::store::backend::BackendError;
use crate::store::change::Table;
use crate::store::record::DecodeError;

/// The store cannot be opened.
#[derive(Debug)]
pub struct OpenError {
    /// The file or directory.
    pub path: PathBuf,
    pub reason: OpenErrorReason,
}

/// Reason why the store cannot be opened.
#[derive(Debug)]
pub enum OpenErrorReason {
    /// The file cannot be opened, read or written.
    Backend(BackendError),
    /// The row with this key is invalid.
    Record(Table, u64, DecodeError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            OpenErrorReason::Backend(BackendError::InUse) => write!(
                f,
                "{path} is in use by another process; give each server its own directory"
            ),
            OpenErrorReason::Backend(error @ BackendError::Damaged(_)) => {
                write!(f, "cannot read {path}: {error}; {RESTORE}")
            }
            OpenErrorReason::Backend(error @ BackendError::TooNew(_)) => {
                write!(f, "cannot read {path}: {error}; {UPDATE}")
            }
            OpenErrorReason::Backend(error) => write!(
                f,
                "cannot store history in {path}: {error}; it needs a writable directory and free disk space"
            ),
            OpenErrorReason::Record(table, key, error) => {
                let advice = match error {
                    DecodeError::Malformed => RESTORE,
                    DecodeError::UnknownVersion(_) | DecodeError::UnknownKind(_) => UPDATE,
                };
                write!(
                    f,
                    "cannot read {path}: row {key} of {}: {error}; {advice}",
                    table.0
                )
            }
        }
    }
}

impl std::error::Error for OpenError {}

const RESTORE: &str = "restore a backup, or move it away to start with an empty history";
const UPDATE: &str = "use the version of this program that wrote it, or a later one";
