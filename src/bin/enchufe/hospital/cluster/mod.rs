//! The board in a cluster.

pub mod operations;
pub mod replica;
pub mod snapshot;
