//! The command line: its options, and one file or directory per command.

pub mod chat;
pub mod error_text;
pub mod exit_error;
pub mod log_format;
pub mod options;
pub mod raw_mode;
pub mod send;
pub mod serve;
pub mod signals;
pub mod terminal;
#[cfg(feature = "tls")]
pub mod tls_files;
pub mod token;
