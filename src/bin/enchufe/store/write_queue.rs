//! Queue between a service and the store thread. Changes and the delivery pushed with them are passed on together, in
//! order.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use log::error;

use crate::log_targets::STORE;
use crate::store::change::Change;
use crate::store::unflushed::Unflushed;
use crate::store::wakeup::Wakeup;

/// The service's end of the queue; `D` is a delivery. All clones share one queue.
pub struct WriteQueue<D> {
    shared: Arc<Shared<D>>,
    wakeup: Arc<Wakeup>,
}

/// Whether the changes of some deliveries are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    Persisted,
    /// Writing fails now, so the changes may not be on disk.
    NotPersisted,
}

/// The store thread's end of the queue.
pub trait QueueDrain: Send + Sync {
    /// Takes all pushed changes. [`QueueDrain::deliver`] passes on their deliveries.
    fn take(&self, unflushed: &mut Unflushed);
    /// Passes on the deliveries of the changes taken.
    fn deliver(&self, durability: Durability);
    /// Closes the queue if it is empty, and returns whether it did. Later deliveries are passed on at once.
    fn close(&self) -> bool;
}

struct Shared<D> {
    queue: Mutex<Queue<D>>,
    space_freed: Condvar,
    consumer: Mutex<Consumer<D>>,
}

struct Queue<D> {
    changes: Vec<Change>,
    deliveries: Vec<D>,
    /// Approximate memory of the queue, in bytes.
    cost: usize,
    closed: bool,
}

/// Deliveries that the store thread has taken, and the function that receives them.
struct Consumer<D> {
    deliveries: Vec<D>,
    deliver: Box<dyn FnMut(Vec<D>, Durability) + Send>,
}

impl<D: Send + 'static> WriteQueue<D> {
    pub fn new(
        wakeup: Arc<Wakeup>,
        deliver: impl FnMut(Vec<D>, Durability) + Send + 'static,
    ) -> Self {
        let queue = Queue {
            changes: Vec::new(),
            deliveries: Vec::new(),
            cost: 0,
            closed: false,
        };
        let consumer = Consumer {
            deliveries: Vec::new(),
            deliver: Box::new(deliver),
        };
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            space_freed: Condvar::new(),
            consumer: Mutex::new(consumer),
        });
        Self { shared, wakeup }
    }

    /// Returns the store thread's end of the queue.
    pub fn drain(&self) -> Arc<dyn QueueDrain> {
        Arc::clone(&self.shared) as Arc<dyn QueueDrain>
    }

    /// Appends changes and a delivery of about `cost` bytes, to pass on when the changes and all earlier ones are on disk.
    /// Call it while holding the lock of the state that decided them: it does not wait for the disk.
    pub fn push(&self, changes: Vec<Change>, delivery: D, cost: usize) {
        let mut queue = self.shared.queue();
        if queue.closed {
            drop(queue);
            // The store thread has stopped: the server is shutting down.
            let mut consumer = self.shared.consumer();
            return consumer.deliver(vec![delivery], Durability::NotPersisted);
        }
        queue.cost += cost + changes.iter().map(Change::cost).sum::<usize>();
        queue.changes.extend(changes);
        queue.deliveries.push(delivery);
        drop(queue);
        self.wakeup.notify();
    }

    /// Waits while more than [`MAX_QUEUED_BYTES`] are queued, so that the session reads no more messages. Call it without
    /// any lock.
    pub fn wait(&self) {
        let is_full = |queue: &mut Queue<D>| queue.cost > MAX_QUEUED_BYTES && !queue.closed;
        let waited = self
            .shared
            .space_freed
            .wait_while(self.shared.queue(), is_full);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl<D> Shared<D> {
    fn queue(&self) -> MutexGuard<'_, Queue<D>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn consumer(&self) -> MutexGuard<'_, Consumer<D>> {
        self.consumer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Send> QueueDrain for Shared<D> {
    fn take(&self, unflushed: &mut Unflushed) {
        let mut consumer = self.consumer();
        let mut queue = self.queue();
        let changes = std::mem::take(&mut queue.changes);
        consumer.deliveries.append(&mut queue.deliveries);
        queue.cost = 0;
        drop(queue);
        self.space_freed.notify_all();
        for change in changes {
            unflushed.add(change);
        }
    }

    fn deliver(&self, durability: Durability) {
        let mut consumer = self.consumer();
        let deliveries = std::mem::take(&mut consumer.deliveries);
        if !deliveries.is_empty() {
            consumer.deliver(deliveries, durability);
        }
    }

    fn close(&self) -> bool {
        let mut queue = self.queue();
        queue.closed = queue.deliveries.is_empty() && queue.changes.is_empty();
        queue.closed
    }
}

impl<D> Consumer<D> {
    /// Passes deliveries on. A panic loses them, but does not end the store thread.
    fn deliver(&mut self, deliveries: Vec<D>, durability: Durability) {
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.deliver)(deliveries, durability)));
        if outcome.is_err() {
            error!(target: STORE, "panic while delivering messages");
        }
    }
}

impl<D> Clone for WriteQueue<D> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            wakeup: Arc::clone(&self.wakeup),
        }
    }
}

impl<D> fmt::Debug for WriteQueue<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteQueue").finish_non_exhaustive()
    }
}

/// Queued bytes above which sessions wait.
pub const MAX_QUEUED_BYTES: usize = 4 << 20;
