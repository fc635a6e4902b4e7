//! Failures of a command: one line on standard error and an exit status.

use std::fmt;
use std::process::ExitCode;

use crate::cli::terminal::escape;

/// A failed command.
#[derive(Debug, PartialEq)]
pub enum Failure {
    /// Invalid command line: exit status 2. The text says what to write instead.
    Usage(String),
    /// Failure while running: exit status 1.
    Failed(String),
}

impl Failure {
    /// Returns the exit status.
    pub fn code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The text may quote the user or a server; escaping keeps it on one line.
            Self::Usage(text) | Self::Failed(text) => f.write_str(&escape(text)),
        }
    }
}
