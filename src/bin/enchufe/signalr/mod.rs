//! The SignalR JSON hub protocol, version 1: what any hub speaks.

pub mod close;
pub mod handshake;
pub mod invocation_ids;
pub mod keep_alive;
pub mod messages;
pub mod negotiate;
pub mod records;
pub mod session;
