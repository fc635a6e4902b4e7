//! The chat in a cluster: requests are appended to the shared log, and applied when they are read from it.

pub mod operations;
pub mod pending;
pub mod replica;
pub mod session;
pub mod snapshot;
