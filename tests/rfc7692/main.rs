//! RFC 7692, compressed messages, as tests: first the two halves in memory, in both roles, then the handshake, then whole
//! connections.

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tools.rs"]
mod tools;

mod connection;
mod damaged;
mod examples;
mod limits;
mod parameters;
mod sending;
mod takeover;
mod words;
