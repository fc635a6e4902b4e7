//! The way of one service to the store thread: what is pushed together is written before its parcel is handed on, and
//! parcels leave in the order in which they were pushed.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use log::error;

use crate::log_targets::STORE;
use crate::store::change::Change;
use crate::store::unflushed::Unflushed;
use crate::store::wakeup::Wakeup;

/// Hands changes and parcels to the store thread. All clones are the same lane.
pub struct WriteQueue<P> {
    shared: Arc<Shared<P>>,
    wakeup: Arc<Wakeup>,
}

/// Whether the changes that came with some parcels are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// They are.
    Persisted,
    /// They are not, or not surely: writing fails at the moment.
    NotPersisted,
}

/// What the store thread does with a lane of whatever parcels.
pub trait QueueDrain: Send + Sync {
    /// Takes the changes that were pushed so far; their parcels are what [`Outlet::hand_on`] hands on next.
    fn take(&self, unflushed: &mut Unflushed);
    /// Hands on the parcels whose changes were taken.
    fn deliver(&self, standing: Durability);
    /// Closes the lane if nothing is in it: what is pushed later goes straight through.
    fn close(&self) -> bool;
}

struct Shared<P> {
    queue: Mutex<Queue<P>>,
    space_freed: Condvar,
    /// The store thread's own: parcels taken, and what to do with them.
    exit: Mutex<Consumer<P>>,
}

struct Queue<P> {
    changes: Vec<Change>,
    parcels: Vec<P>,
    /// About how much memory it holds, in bytes.
    cost: usize,
    closed: bool,
}

struct Consumer<P> {
    parcels: Vec<P>,
    deliver: Box<dyn FnMut(Vec<P>, Durability) + Send>,
}

impl<P: Send + 'static> WriteQueue<P> {
    pub fn new(
        wakeup: Arc<Wakeup>,
        deliver: impl FnMut(Vec<P>, Durability) + Send + 'static,
    ) -> WriteQueue<P> {
        let queue = Queue {
            changes: Vec::new(),
            parcels: Vec::new(),
            cost: 0,
            closed: false,
        };
        let exit = Consumer {
            parcels: Vec::new(),
            deliver: Box::new(deliver),
        };
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            space_freed: Condvar::new(),
            exit: Mutex::new(exit),
        });
        WriteQueue { shared, wakeup }
    }

    pub fn outlet(&self) -> Arc<dyn QueueDrain> {
        Arc::clone(&self.shared) as Arc<dyn QueueDrain>
    }

    /// Appends to the order: `parcel`, which takes about `cost` bytes of memory, leaves when `changes` and all that was
    /// pushed before are on disk. Call it while holding the lock of whatever decided them. Never blocks for long.
    pub fn push(&self, changes: Vec<Change>, parcel: P, cost: usize) {
        let mut queue = self.shared.queue();
        if queue.closed {
            drop(queue);
            // Nobody writes any more: the server is on its last breath.
            return self
                .shared
                .exit()
                .deliver(vec![parcel], Durability::NotPersisted);
        }
        queue.cost += cost + changes.iter().map(Change::cost).sum::<usize>();
        queue.changes.extend(changes);
        queue.parcels.push(parcel);
        drop(queue);
        self.wakeup.notify();
    }

    /// Waits while more than [`MAX_WAITING`] bytes wait for the disk: a session that is not read from sends no more. Call
    /// it without any lock.
    pub fn wait(&self) {
        let full = |queue: &mut Queue<P>| queue.cost > MAX_WAITING && !queue.closed;
        let waited = self
            .shared
            .space_freed
            .wait_while(self.shared.queue(), full);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl<P> Shared<P> {
    fn queue(&self) -> MutexGuard<'_, Queue<P>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exit(&self) -> MutexGuard<'_, Consumer<P>> {
        self.exit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Send> QueueDrain for Shared<P> {
    fn take(&self, unflushed: &mut Unflushed) {
        let mut exit = self.exit();
        let mut queue = self.queue();
        let changes = std::mem::take(&mut queue.changes);
        exit.parcels.append(&mut queue.parcels);
        queue.cost = 0;
        drop(queue);
        self.space_freed.notify_all();
        for change in changes {
            unflushed.add(change);
        }
    }

    fn deliver(&self, standing: Durability) {
        let mut exit = self.exit();
        let parcels = std::mem::take(&mut exit.parcels);
        if !parcels.is_empty() {
            exit.deliver(parcels, standing);
        }
    }

    fn close(&self) -> bool {
        let mut queue = self.queue();
        queue.closed = queue.parcels.is_empty() && queue.changes.is_empty();
        queue.closed
    }
}

impl<P> Consumer<P> {
    /// A panic in there loses what it was given, and must not end the thread that everybody needs.
    fn deliver(&mut self, parcels: Vec<P>, standing: Durability) {
        let handed = catch_unwind(AssertUnwindSafe(|| (self.deliver)(parcels, standing)));
        if handed.is_err() {
            error!(target: STORE, "handing on what was written panicked");
        }
    }
}

impl<P> Clone for WriteQueue<P> {
    fn clone(&self) -> WriteQueue<P> {
        WriteQueue {
            shared: Arc::clone(&self.shared),
            wakeup: Arc::clone(&self.wakeup),
        }
    }
}

impl<P> fmt::Debug for WriteQueue<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteQueue").finish_non_exhaustive()
    }
}

/// Bytes that may wait for the disk in one lane before its sessions wait too.
pub const MAX_WAITING: usize = 4 << 20;
