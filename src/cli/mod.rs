//! What the `enchufe` command is made of: reading its arguments, and one file or folder per command.

pub(crate) mod args;
pub(crate) mod chat;
pub(crate) mod failure;
pub(crate) mod send;
pub(crate) mod serve;

mod backoff;
mod client_options;
mod guess;
mod help;
mod keyboard;
mod log_format;
mod log_targets;
mod options;
mod reach;
mod refusal;
mod serve_options;
mod signals;
mod terminal;
mod token;
#[cfg(feature = "tls")]
mod trust;
mod units;
mod value;
