//! RFC 7692, compressed messages, as tests: first the two halves in memory, in both roles, then the handshake, then whole
//! connections.

#[path = "../support/mod.rs"]
mod support;

mod connection;
mod damaged;
mod examples;
mod hostile;
mod limits;
mod memory;
mod parameters;
mod secrets;
mod sending;
mod takeover;
mod words;
