//! Users, rooms, histories.
//!
//! One chat, two wires: the binary protocol and the JSON protocol are codecs over the same requests and notices, so
//! users of both see each other.
//!
//! ```text
//!   bytes --> binary \                                 / binary --> bytes
//!                     > Request --> State --> Notice  <
//!   bytes --> json   /                                 \ json   --> bytes
//! ```

pub mod chat;
pub mod cluster;
pub mod dispatcher;
pub mod dispatcher_json;
pub mod domain;
pub mod limits;
pub mod membership;
pub mod persist;
pub mod session;
pub mod session_json;
pub mod wire;

#[cfg(test)]
mod tests;
