//! What is on disk: a server that is stopped, killed, cut off from its disk, or given a directory it cannot use.
#![cfg(all(unix, feature = "cli", feature = "store"))]

#[allow(dead_code)]
#[path = "../support/folder.rs"]
mod folder;
#[allow(dead_code)]
#[path = "../support/tools.rs"]
mod tools;

mod failing;
mod folders;
mod guest;
mod kill;
mod restart;
mod server;
