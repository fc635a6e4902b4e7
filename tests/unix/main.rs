//! Unix-domain sockets: the file and who may have it, and over it the same scenarios as over TCP.
#![cfg(unix)]
// The test programs of a single file bring the support along.
#![allow(clippy::duplicate_mod)]

#[path = "../support/mod.rs"]
mod support;

mod socket;

#[path = "../server/closing.rs"]
mod closing;
#[path = "../server/opening.rs"]
mod opening;
#[path = "../server/patience.rs"]
mod patience;
#[path = "../room.rs"]
mod room;
#[path = "../server/session.rs"]
mod session;
#[path = "../server/slow_peer.rs"]
mod slow_peer;
