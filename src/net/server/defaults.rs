//! Constants of the server that several of its files use.

use std::time::Duration;

/// Stack size of a connection's thread, in bytes. Only what is used takes memory.
pub(crate) const STACK: usize = 128 * 1024;

/// `Retry-After` for rejected connections, in seconds.
pub(crate) const RETRY_AFTER: u32 = 5;

/// Time for a peer to read a final answer and close.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// Body of a 500 response.
pub(crate) const INTERNAL_ERROR: &str = "Internal server error.\n";
