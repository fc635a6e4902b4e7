//! Why a server cannot begin with what it has on disk, and what to do about it, in one line.

use std::fmt;
use std::path::PathBuf;

use crate::store::backend::BackendError;
use crate::store::change::Table;
use crate::store::record::DecodeError;

/// Why what is on disk cannot be used.
#[derive(Debug)]
pub struct OpenError {
    /// The file or directory, if it is one.
    pub place: PathBuf,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with what is on disk.
#[derive(Debug)]
pub enum Reason {
    /// It cannot be opened, read or written.
    Backend(BackendError),
    /// A row cannot be understood.
    Record(Table, u64, DecodeError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.display();
        match &self.reason {
            Reason::Backend(BackendError::InUse) => write!(
                f,
                "{place} is in use by another process; give each server a folder of its own"
            ),
            Reason::Backend(error @ BackendError::Damaged(_)) => {
                write!(f, "cannot read {place}: {error}; {RESTORE}")
            }
            Reason::Backend(error @ BackendError::TooNew(_)) => {
                write!(f, "cannot read {place}: {error}; {UPDATE}")
            }
            Reason::Backend(error) => write!(
                f,
                "cannot keep history in {place}: {error}; it takes a folder that can be written, and room on its disk"
            ),
            Reason::Record(table, key, error) => {
                let advice = match error {
                    DecodeError::Malformed => RESTORE,
                    DecodeError::UnknownVersion(_) | DecodeError::UnknownKind(_) => UPDATE,
                };
                write!(
                    f,
                    "cannot read {place}: row {key} of {}: {error}; {advice}",
                    table.0
                )
            }
        }
    }
}

impl std::error::Error for OpenError {}

const RESTORE: &str = "put a copy in its place, or move it away to begin with an empty history";
const UPDATE: &str = "it takes the version of this program that wrote it, or a later one";
