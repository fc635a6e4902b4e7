//! TLS, both ends, and over it the same scenarios as without: what a slow, silent, vanishing or hostile peer can do, how a
//! connection is closed, how a room keeps its order, downloads, the clients of other people, a browser.
#![cfg(unix)]
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

#[cfg(feature = "deflate")]
#[path = "../rfc7692/connection.rs"]
mod connection;
#[cfg(feature = "deflate")]
#[path = "../rfc7692/hostile.rs"]
mod hostile;
#[cfg(feature = "deflate")]
#[path = "../rfc7692/secrets.rs"]
mod secrets;
#[cfg(feature = "deflate")]
#[path = "../rfc7692/words.rs"]
#[allow(dead_code)]
mod words;

#[cfg(feature = "cli")]
mod curl;
#[cfg(feature = "cli")]
#[path = "../foreign.rs"]
mod foreign;
#[cfg(feature = "cli")]
#[path = "../files/sending.rs"]
mod sending;
#[cfg(feature = "cli")]
#[path = "../files/site.rs"]
#[allow(dead_code)]
mod site;

#[cfg(feature = "cli")]
#[path = "../browser/chat.rs"]
mod chat;
#[cfg(feature = "cli")]
#[path = "../browser/chromium.rs"]
#[allow(dead_code)]
mod chromium;
#[cfg(feature = "cli")]
#[path = "../browser/devtools.rs"]
#[allow(dead_code)]
mod devtools;
#[cfg(feature = "cli")]
#[path = "../browser/page.rs"]
#[allow(dead_code)]
mod page;
#[cfg(feature = "cli")]
#[path = "../browser/server.rs"]
#[allow(dead_code)]
mod server;
