//! The cluster without Redis.

mod cluster;
