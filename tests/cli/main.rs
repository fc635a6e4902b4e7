//! The `enchufe` command as its users meet it: words in, lines and an exit status out. What needs no process of its own
//! is tested beside the code.
#![cfg(all(unix, feature = "cli"))]

#[path = "../support/mod.rs"]
mod support;

mod asking;
mod chat;
mod flags;
mod log;
mod program;
mod proxies;
mod send;
mod serve;
#[cfg(feature = "tls")]
mod tls;
mod token;
mod unix;
mod usage;
