//! Several servers with one state: they share a log in Redis, and each applies the entries that it reads there.
//!
//! 1. A stream in Redis is the log. An atomic script appends entries, and the clock of Redis is the only one.
//! 2. The log has requests, not their outcomes. Every server decides an entry when it reads it: the same state and the same
//!    order give the same outcome. So the script knows no rules of a service.
//! 3. Names are the exception, because two servers could grant one at the same time: the script grants them. A claim on a
//!    name has a number and belongs to a server. Every operation under the name has that number, and is rejected if the
//!    claim is no longer valid.
//! 4. Each server has one lease, renewed three times per lease time. When it expires, the next script of any server releases
//!    its names, with an entry for each. If no script ran for half a lease, Redis itself was down, and all leases are
//!    extended.
//! 5. A server sends one batch of operations at a time, and repeats it until it is answered. Operations are numbered: the
//!    script answers a repeated batch as before, without executing it again.
//! 6. Clients see only entries that the log has returned, their own messages too. Sequence numbers have no gaps. At a gap,
//!    the server reloads its state from a snapshot, which servers write to Redis from time to time.
//! 7. The id of every entry has the epoch. If Redis loses data, a new epoch begins: all servers reload, claim their names
//!    again, and notify their clients.
//! 8. A server whose lease has expired joins as a new one. Its operations that are not in the log are dropped, their authors
//!    are notified, and it claims its names again.
//!
//! ```text
//!   session: lock, decide, enqueue, unlock     the writer                   Redis               the reader
//!      chat     --> op queue --\
//!                               >--> batch: renew, claim, append --> script --> stream --> lock, apply, unlock, deliver
//!      hospital --> op queue --/
//! ```

#[cfg(feature = "cluster")]
pub mod cluster;
pub mod counters;
pub mod entry;
#[cfg(feature = "cluster")]
pub mod entry_parser;
#[cfg(feature = "cluster")]
pub mod error;
pub mod log_handle;
pub mod op;
pub mod op_queue;
#[cfg(feature = "cluster")]
pub mod reader;
#[cfg(feature = "cluster")]
pub mod redis_client;
pub mod rejoin;
pub mod replica;
#[cfg(feature = "cluster")]
pub mod snapshot_codec;
#[cfg(feature = "cluster")]
pub mod writer;

#[cfg(all(test, feature = "cluster"))]
mod tests;

/// Default lease: the time without contact after which a server's users are disconnected.
pub const DEFAULT_LEASE: std::time::Duration = std::time::Duration::from_secs(10);
