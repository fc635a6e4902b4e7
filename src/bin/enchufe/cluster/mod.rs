//! Several servers that are one: a log in Redis, and a server that applies what it reads there and nothing else.
//!
//! 1. One stream in Redis is the log. An atomic script gives every entry its place; Redis' clock is the only one.
//! 2. What is logged is what was *asked for*, and every server decides it when it reads it: the same state, the same
//!    order, the same outcome. So the script need not know any rule of a service, and is the same for all of them.
//! 3. Names are the exception, because two servers could grant one at once: the script grants them. A claim belongs to
//!    a server and has a number; who publishes in a name has to give it, and is refused when it does not hold any more.
//! 4. A server has one lease, renewed each third of its time. When it runs out, whichever server asks next has the script
//!    give its names back, with an entry for each. If no script ran for half a lease it was Redis that stood still, and all
//!    leases move along.
//! 5. A server asks one question at a time and repeats it until it is answered; operations are numbered, and the script
//!    answers a repeated question as it did, without doing anything again.
//! 6. A server tells its people only what comes back by the log, their own words included. Entries are numbered without
//!    holes, and where there is one the server begins again from a snapshot, which servers leave in Redis from time to time.
//! 7. The epoch is in the id of every entry. Redis without its data, or with older data, is another epoch: everybody begins
//!    again, claims its names again, and people are told.
//! 8. A server that counted as gone joins as a new one: what it had not published is dropped, its authors are told, and
//!    the names that are still free are its again.
//!
//! ```text
//!   session: lock, decide, put, unlock     the writer                Redis               the reader
//!      chat     --> desk --\
//!                           >--> step: renew, claim, publish --> script --> stream --> lock, apply, unlock, deliver
//!      hospital --> desk --/
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

#[cfg(feature = "cluster")]
pub use cluster::{Cluster, LEASE_MIN, Opened, open};
pub use counters::Counters;
pub use entry::Entry;
#[cfg(feature = "cluster")]
pub use error::JoinError;
pub use log_handle::Log;
#[cfg(feature = "cluster")]
pub use replica::Replica;

/// How long a server may be silent before its users count as gone, by default.
pub const LEASE: std::time::Duration = std::time::Duration::from_secs(10);
