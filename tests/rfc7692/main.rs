//! RFC 7692, compressed messages, as tests: the two halves in memory, in both roles, and the handshake.

#[path = "../support/mod.rs"]
mod support;

mod connection;
mod damaged;
mod examples;
mod limits;
mod parameters;
mod sending;
mod takeover;
mod words;
