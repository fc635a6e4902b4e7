//! The server and the client on real sockets, each from the outside: octets and calls go in, octets and results come out.

#[path = "../support/mod.rs"]
mod support;

mod opening;
