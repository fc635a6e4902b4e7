//! The store thread.
//!
//! ```text
//!   idle --work--> take all queued changes --> write, flush --> deliver as `Persisted` --> idle
//!                                                  |
//!                                                  | failure: log it once
//!                                                  v
//!   idle --work, or time to retry--> take --> deliver as `NotPersisted` --> if it is time: recover, write all
//!                                                                           changes that are not on disk
//! ```
//!
//! While a batch is written, the next one is queued: under more load, more messages share a flush.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use log::{debug, error, info, warn};

use crate::backoff::Backoff;
use crate::log_targets::STORE;
use crate::store::backend::{BackendError, StoreBackend};
use crate::store::catch_panic::catch_panic;
use crate::store::change::{Change, Table};
use crate::store::counters::Counters;
use crate::store::error::{OpenError, OpenErrorReason};
use crate::store::record::DecodeError;
use crate::store::unflushed::Unflushed;
use crate::store::wakeup::Wakeup;
use crate::store::write_queue::{Durability, QueueDrain, WriteQueue};

/// A store that can be read, and is not written to yet.
pub struct StoreBuilder {
    path: PathBuf,
    writer: StoreWriter,
}

/// A running store. Dropping it writes the remaining changes, and stops its thread.
#[derive(Debug)]
pub struct Store {
    wakeup: Arc<Wakeup>,
    thread: Option<JoinHandle<()>>,
}

/// State of the store thread.
struct StoreWriter {
    backend: Box<dyn StoreBackend>,
    wakeup: Arc<Wakeup>,
    queues: Vec<Arc<dyn QueueDrain>>,
    counters: Arc<Counters>,
    unflushed: Unflushed,
    /// Time of the next recovery, while writing fails.
    retry_at: Option<Instant>,
    backoff: Backoff,
}

impl StoreBuilder {
    /// Creates a store on a backend. Errors show `path`.
    pub fn new(backend: impl StoreBackend + 'static, path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            writer: StoreWriter {
                backend: Box::new(backend),
                wakeup: Arc::default(),
                queues: Vec::new(),
                counters: Arc::default(),
                unflushed: Unflushed::default(),
                retry_at: None,
                backoff: Backoff::default(),
            },
        }
    }

    /// Calls `each` with every row of a table, in the order of the keys. Returns the greatest key that was ever put into
    /// the table; 0 if none was.
    ///
    /// # Errors
    /// The table cannot be read, or `each` returned an error.
    pub fn read(
        &self,
        table: Table,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), DecodeError>,
    ) -> Result<u64, OpenError> {
        let mut invalid = None;
        let mut each = |key, record: &[u8]| {
            if invalid.is_none() {
                invalid = each(key, record).err().map(|error| (key, error));
            }
        };
        let read = catch_backend_panic(|| self.writer.backend.read(table, &mut each));
        let last = read.map_err(|error| self.error(OpenErrorReason::Backend(error)))?;
        match invalid {
            Some((key, error)) => Err(self.error(OpenErrorReason::Record(table, key, error))),
            None => Ok(last),
        }
    }

    /// Adds a change found while reading, such as the removal of an unneeded row. [`StoreBuilder::start`] writes it.
    pub fn add_change(&mut self, change: Change) {
        self.writer.unflushed.add(change);
    }

    /// Returns the added changes.
    #[cfg(test)]
    pub fn take_changes(&mut self) -> Vec<Change> {
        let rows = self.writer.unflushed.begin_write().rows.clone();
        let change = |((table, key), record)| Change { table, key, record };
        rows.into_iter().map(change).collect()
    }

    /// Adds a queue for a service. The store thread calls `deliver` with the pushed deliveries, in order.
    pub fn queue<D: Send + 'static>(
        &mut self,
        deliver: impl FnMut(Vec<D>, Durability) + Send + 'static,
    ) -> WriteQueue<D> {
        let queue = WriteQueue::new(Arc::clone(&self.writer.wakeup), deliver);
        self.writer.queues.push(queue.drain());
        queue
    }

    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.writer.counters)
    }

    /// Writes the added changes, and starts the store thread.
    ///
    /// # Errors
    /// The backend cannot be written to, or the thread cannot be started.
    pub fn start(mut self) -> Result<Store, OpenError> {
        let batch = self.writer.unflushed.begin_write();
        if let Err(error) = self.writer.backend.write(batch) {
            return Err(self.error(OpenErrorReason::Backend(error)));
        }
        self.writer.unflushed.finish_write(true);
        let (path, wakeup) = (self.path, Arc::clone(&self.writer.wakeup));
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || self.writer.run());
        let thread = thread.map_err(|error| OpenError {
            path,
            reason: OpenErrorReason::Backend(BackendError::Io(error)),
        })?;
        Ok(Store {
            wakeup,
            thread: Some(thread),
        })
    }

    fn error(&self, reason: OpenErrorReason) -> OpenError {
        OpenError {
            path: self.path.clone(),
            reason,
        }
    }
}

impl Store {
    /// Writes the remaining changes and closes the backend. Later changes are not persisted.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.wakeup.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!(target: STORE, "the store thread panicked");
        }
    }
}

impl StoreWriter {
    fn run(mut self) {
        loop {
            let stop = self.wakeup.wait(self.retry_at);
            for queue in &self.queues {
                queue.take(&mut self.unflushed);
            }
            match self.retry_at {
                None => {
                    let durability = self.write();
                    self.deliver(durability);
                }
                Some(retry_at) => {
                    self.deliver(Durability::NotPersisted);
                    if stop || retry_at <= Instant::now() {
                        self.recover();
                    }
                }
            }
            if stop && self.queues.iter().all(|queue| queue.close()) {
                break;
            }
        }
        if !self.unflushed.is_empty() {
            let rows = self.unflushed.rows();
            warn!(target: STORE, "shutting down: {rows} changes could not be written");
        }
    }

    /// Writes the pending changes, if any.
    fn write(&mut self) -> Durability {
        if self.unflushed.is_empty() {
            return Durability::Persisted;
        }
        let began = Instant::now();
        let batch = self.unflushed.begin_write();
        match catch_backend_panic(|| self.backend.write(batch)) {
            Ok(()) => {
                let rows = batch.rows.len();
                debug!(target: STORE, "wrote {rows} changes in {:?}", began.elapsed());
                self.counters.commits.fetch_add(1, Relaxed);
                self.counters.rows.fetch_add(rows as u64, Relaxed);
                self.unflushed.finish_write(true);
                Durability::Persisted
            }
            Err(error) => {
                self.handle_failure(&error);
                Durability::NotPersisted
            }
        }
    }

    /// Recovers the backend, and writes all changes since the failure.
    fn recover(&mut self) {
        match catch_backend_panic(|| self.backend.recover()) {
            Ok(on_disk) => {
                self.unflushed.finish_write(on_disk);
                if self.write() == Durability::Persisted {
                    self.retry_at = None;
                    self.backoff.reset();
                    self.counters.failing.store(false, Relaxed);
                    info!(target: STORE, "history is persisted again, including all messages since the failure");
                }
            }
            Err(error) => self.handle_failure(&error),
        }
    }

    /// Logs the start of a failure once, and schedules the next recovery.
    fn handle_failure(&mut self, error: &BackendError) {
        if self.backoff.has_failed() {
            debug!(target: STORE, "history is still not persisted: {error}");
        } else {
            error!(target: STORE, "history is not persisted: {error}; messages are still delivered");
            self.counters.failures.fetch_add(1, Relaxed);
            self.counters.failing.store(true, Relaxed);
        }
        self.retry_at = Some(Instant::now() + self.backoff.next());
    }

    fn deliver(&self, durability: Durability) {
        for queue in &self.queues {
            queue.deliver(durability);
        }
    }
}

/// Turns a panic of the backend into an error.
fn catch_backend_panic<T>(
    work: impl FnOnce() -> Result<T, BackendError>,
) -> Result<T, BackendError> {
    catch_panic(work).unwrap_or_else(|panic| Err(BackendError::Other(panic)))
}

impl fmt::Debug for StoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreBuilder")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
