//! The one thread that writes.
//!
//! ```text
//!   asleep --ring--> take what the lanes hold --> write, flush --> hand the parcels on --> asleep
//!                                                     |
//!                                                     | fails: log it once
//!                                                     v
//!   asleep --ring, or time to try again--> take --> hand the parcels on, Unkept --> begin again, write all
//!                                                                                   that the disk lacks
//! ```
//!
//! While it writes, the next batch gathers: the busier the chat, the more messages share a flush.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use log::{debug, error, info, warn};

use crate::backoff::Backoff;
use crate::log_targets::STORE;
use crate::store::backend::{Backend, BackendError};
use crate::store::catch_panic::catch_panic;
use crate::store::change::{Change, Table};
use crate::store::counters::Counters;
use crate::store::error::{OpenError, Reason};
use crate::store::record::DecodeError;
use crate::store::unflushed::Unflushed;
use crate::store::wakeup::Wakeup;
use crate::store::write_queue::{Durability, QueueDrain, WriteQueue};

/// A store that can be read, and that nobody writes to yet.
pub struct StoreBuilder {
    place: PathBuf,
    writer: Writer,
}

/// A running store. Dropping it, or [`Store::close`], writes what is left and ends its thread.
#[derive(Debug)]
pub struct Store {
    wakeup: Arc<Wakeup>,
    thread: Option<JoinHandle<()>>,
}

struct Writer {
    disk: Box<dyn Backend>,
    wakeup: Arc<Wakeup>,
    lanes: Vec<Arc<dyn QueueDrain>>,
    counters: Arc<Counters>,
    unflushed: Unflushed,
    /// Time of the next attempt to recover, while writing fails.
    retry_at: Option<Instant>,
    backoff: Backoff,
}

impl StoreBuilder {
    /// A store on this disk; `place` names it in errors.
    pub fn over(disk: impl Backend + 'static, place: impl Into<PathBuf>) -> StoreBuilder {
        StoreBuilder {
            place: place.into(),
            writer: Writer {
                disk: Box::new(disk),
                wakeup: Arc::default(),
                lanes: Vec::new(),
                counters: Arc::default(),
                unflushed: Unflushed::default(),
                retry_at: None,
                backoff: Backoff::default(),
            },
        }
    }

    /// Lends every row of a table to `each`, in the order of their keys. Returns the greatest key the table ever had, 0 if
    /// none.
    ///
    /// # Errors
    /// What the disk reports, or the first row that `each` cannot read.
    pub fn read(
        &self,
        table: Table,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), DecodeError>,
    ) -> Result<u64, OpenError> {
        let mut bad = None;
        let mut each = |key, record: &[u8]| {
            if bad.is_none() {
                bad = each(key, record).err().map(|error| (key, error));
            }
        };
        let read = begin_write(|| self.writer.disk.read(table, &mut each));
        let last = read.map_err(|error| self.error(Reason::Backend(error)))?;
        match bad {
            Some((key, error)) => Err(self.error(Reason::Record(table, key, error))),
            None => Ok(last),
        }
    }

    /// A change that reading led to, a row that is not needed any more above all. [`StoreBuilder::start`] writes it.
    pub fn change(&mut self, change: Change) {
        self.writer.unflushed.add(change);
    }

    /// The changes so far, to look at.
    #[cfg(test)]
    pub fn changes(&mut self) -> Vec<Change> {
        let rows = self.writer.unflushed.begin_write().rows.clone();
        let change = |((table, key), record)| Change { table, key, record };
        rows.into_iter().map(change).collect()
    }

    /// A lane for one service. The store thread calls `hand_on` with what was pushed, in order.
    pub fn queue<P: Send + 'static>(
        &mut self,
        deliver: impl FnMut(Vec<P>, Durability) + Send + 'static,
    ) -> WriteQueue<P> {
        let queue = WriteQueue::new(Arc::clone(&self.writer.wakeup), deliver);
        self.writer.lanes.push(queue.outlet());
        queue
    }

    /// What the store will count.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.writer.counters)
    }

    /// Writes what reading led to, and starts the store thread.
    ///
    /// # Errors
    /// What the disk reports: a disk that cannot be written to is found out now.
    pub fn start(mut self) -> Result<Store, OpenError> {
        let batch = self.writer.unflushed.begin_write();
        if let Err(error) = self.writer.disk.write(batch) {
            return Err(self.error(Reason::Backend(error)));
        }
        self.writer.unflushed.finish_write(true);
        let (place, wakeup) = (self.place, Arc::clone(&self.writer.wakeup));
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || self.writer.run());
        let thread = thread.map_err(|error| OpenError {
            place,
            reason: Reason::Backend(BackendError::Io(error)),
        })?;
        Ok(Store {
            wakeup,
            thread: Some(thread),
        })
    }

    fn error(&self, reason: Reason) -> OpenError {
        OpenError {
            place: self.place.clone(),
            reason,
        }
    }
}

impl Store {
    /// Writes what is left and closes the disk. What is pushed later is handed on, and lost.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.wakeup.end();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!(target: STORE, "the store thread panicked");
        }
    }
}

impl Writer {
    fn run(mut self) {
        loop {
            let end = self.wakeup.wait(self.retry_at);
            for queue in &self.lanes {
                queue.take(&mut self.unflushed);
            }
            match self.retry_at {
                None => {
                    let standing = self.write();
                    self.deliver(standing);
                }
                Some(retry_at) => {
                    self.deliver(Durability::NotPersisted);
                    if end || retry_at <= Instant::now() {
                        self.try_again();
                    }
                }
            }
            if end && self.lanes.iter().all(|queue| queue.close()) {
                break;
            }
        }
        if !self.unflushed.is_empty() {
            let rows = self.unflushed.rows();
            warn!(target: STORE, "history ends without {rows} changes that could not be written");
        }
    }

    /// Writes what the disk lacks, if anything.
    fn write(&mut self) -> Durability {
        if self.unflushed.is_empty() {
            return Durability::Persisted;
        }
        let began = Instant::now();
        let batch = self.unflushed.begin_write();
        match begin_write(|| self.disk.write(batch)) {
            Ok(()) => {
                let rows = batch.rows.len();
                debug!(target: STORE, "{rows} changes on disk in {:?}", began.elapsed());
                self.counters.commits.fetch_add(1, Relaxed);
                self.counters.rows.fetch_add(rows as u64, Relaxed);
                self.unflushed.finish_write(true);
                Durability::Persisted
            }
            Err(error) => {
                self.failed(&error);
                Durability::NotPersisted
            }
        }
    }

    /// Opens the disk again, and writes all that was said meanwhile.
    fn try_again(&mut self) {
        match begin_write(|| self.disk.recover()) {
            Ok(on_disk) => {
                self.unflushed.finish_write(on_disk);
                if self.write() == Durability::Persisted {
                    self.retry_at = None;
                    self.backoff.reset();
                    self.counters.failing.store(false, Relaxed);
                    info!(target: STORE, "history is kept again, with all that was said meanwhile");
                }
            }
            Err(error) => self.failed(&error),
        }
    }

    /// Notes a failure: in the log once, however long it lasts.
    fn failed(&mut self, error: &BackendError) {
        if self.backoff.has_failed() {
            debug!(target: STORE, "history is still not kept: {error}");
        } else {
            error!(target: STORE, "history is not kept any more: {error}; the chat goes on without");
            self.counters.failures.fetch_add(1, Relaxed);
            self.counters.failing.store(true, Relaxed);
        }
        self.retry_at = Some(Instant::now() + self.backoff.next());
    }

    fn deliver(&self, standing: Durability) {
        for queue in &self.lanes {
            queue.deliver(standing);
        }
    }
}

/// A panic in there is a failure like any other.
fn begin_write<T>(work: impl FnOnce() -> Result<T, BackendError>) -> Result<T, BackendError> {
    catch_panic(work).unwrap_or_else(|panic| Err(BackendError::Other(panic)))
}

impl fmt::Debug for StoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreBuilder")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
