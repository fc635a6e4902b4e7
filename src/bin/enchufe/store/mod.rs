//! What survives a restart: rows of bytes in tables, written by one thread.
//!
//! A service decides and applies under its own lock, as it does without a store, and there hands over what changed
//! together with a *parcel*: what is to leave once the change is on disk. The store thread takes whatever all lanes
//! hold, writes it in one transaction, flushes once, and then hands the parcels on in the order they came. So the order
//! of the lock is the order on disk and the order everybody sees, and many messages share one flush.
//!
//! ```text
//!   session: lock, decide, apply, push, unlock           the store thread
//!      chat     --> lane --\
//!                           >--> [changes, parcels] --> one transaction, one flush --> the parcels go on
//!      hospital --> lane --/                              |
//!                                                         +-- it fails: the parcels go on all the same, marked
//!                                                             Unkept, and what the disk lacks is tried again later
//! ```
//!
//! What a table means, and what its rows say, is the business of the services. Below, only [`Backend`] is needed: the file
//! of the feature `store`, or one that a test plays.

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
