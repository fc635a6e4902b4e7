//! How a command ends when it does not end well: one line on standard error and an exit status.

use std::fmt;
use std::process::ExitCode;

use crate::cli::terminal::escape;

/// Why a command failed.
#[derive(Debug, PartialEq)]
pub enum Failure {
    /// The command line is wrong: exit status 2. The text says what to write instead.
    Usage(String),
    /// The command was understood and did not work: exit status 1.
    Failed(String),
}

impl Failure {
    /// The exit status.
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
            // The text may quote words or a server: escaped, it stays one line.
            Self::Usage(text) | Self::Failed(text) => f.write_str(&escape(text)),
        }
    }
}
