//! The server and the client on real sockets, each from the outside: bytes and calls go in, bytes and results come out.

#[path = "../support/mod.rs"]
mod support;

mod client;
mod closing;
mod crowd;
mod hand_over;
mod memory;
mod opening;
mod patience;
mod redirects;
mod session;
mod slow_peer;
mod turns;
