//! Persistence: rows of bytes in tables, written by one thread.
//!
//! A service decides and applies events under its own lock, as without a store. It then pushes the changed rows together
//! with a *delivery*: entries to send after the rows are on disk. The store thread takes the content of all queues, writes
//! it in one transaction with one flush, and passes on the deliveries in order. So the order of the lock is the order on
//! disk and the order that clients see, and many messages share one flush.
//!
//! ```text
//!   session: lock, decide, apply, push, unlock               store thread
//!      chat     --> write queue --\
//!                                  >--> [changes, deliveries] --> one transaction, one flush --> deliveries leave
//!      hospital --> write queue --/                                 |
//!                                                                   +-- failure: deliveries leave as `NotPersisted`,
//!                                                                       and the changes are written later
//! ```
//!
//! The services define tables and rows. The store needs a [`StoreBackend`](backend::StoreBackend): the file of the feature
//! `store`, or a fake one in tests.

pub mod backend;
pub mod catch_panic;
pub mod change;
pub mod counters;
pub mod error;
#[cfg(feature = "store")]
pub mod file;
pub mod record;
pub mod unflushed;
pub mod wakeup;
pub mod write_queue;
pub mod writer;

#[cfg(test)]
mod tests;
