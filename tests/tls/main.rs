//! TLS, both ends, and over it the same scenarios as without: what a slow, silent, vanishing or hostile peer can do, how a
//! connection is closed, how a room keeps its order.

// The test programs of a single file bring the support along.
#![allow(clippy::duplicate_mod)]

#[path = "../support/mod.rs"]
mod support;

mod handshake;
mod identity;
mod records;

#[path = "../server/closing.rs"]
mod closing;
#[path = "../server/crowd.rs"]
mod crowd;
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
