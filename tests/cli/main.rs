//! The `enchufe` command as its users meet it: words in, lines and an exit status out. What needs no process of its own
//! is tested beside the code.
#![cfg(all(unix, feature = "cli"))]

mod chat;
mod program;
mod send;
mod serve;
mod usage;
