//! The store thread on a disk that fails on purpose.

mod store;
