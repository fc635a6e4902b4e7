//! The client: it connects, directly or through a proxy, and runs the opening handshake.

pub(crate) mod client;
pub(crate) mod connect_queue;
pub(crate) mod dial;
#[cfg(unix)]
pub(crate) mod dial_unix;
pub(crate) mod handshake;
