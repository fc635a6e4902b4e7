//! What the `enchufe` command is made of: reading its arguments, and one file or folder per command.

pub(crate) mod args;
pub(crate) mod failure;

mod backoff;
mod chat;
mod client_options;
mod help;
mod log_format;
mod options;
mod serve_options;
mod terminal;
mod units;
mod value;
