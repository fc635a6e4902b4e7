//! The chat in a cluster.

pub mod operations;
pub mod pending;
pub mod replica;
pub mod session;
pub mod snapshot;
