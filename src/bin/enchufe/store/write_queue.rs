//! The way of one service to the store thread: what is pushed together is written before its parcel is handed on, and
//! parcels leave in the order in which they were pushed.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use log::error;

use crate::log_targets::STORE;
use crate::store::change::Change;
use crate::store::unflushed::Lacking;
use crate::store::writer::Bell;

/// Hands changes and parcels to the store thread. All clones are the same lane.
pub struct Lane<P> {
    shared: Arc<Shared<P>>,
    bell: Arc<Bell>,
}

/// Whether the changes that came with some parcels are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They are.
    Kept,
    /// They are not, or not surely: writing fails at the moment.
    Unkept,
}

/// What the store thread does with a lane of whatever parcels.
pub trait Outlet: Send + Sync {
    /// Takes the changes that were pushed so far; their parcels are what [`Outlet::hand_on`] hands on next.
    fn take(&self, lacking: &mut Lacking);
    /// Hands on the parcels whose changes were taken.
    fn hand_on(&self, standing: Standing);
    /// Closes the lane if nothing is in it: what is pushed later goes straight through.
    fn close(&self) -> bool;
}

struct Shared<P> {
    queue: Mutex<Queue<P>>,
    shorter: Condvar,
    /// The store thread's own: parcels taken, and what to do with them.
    exit: Mutex<Exit<P>>,
}

struct Queue<P> {
    changes: Vec<Change>,
    parcels: Vec<P>,
    /// About how much memory it holds, in bytes.
    cost: usize,
    closed: bool,
}

struct Exit<P> {
    parcels: Vec<P>,
    hand_on: Box<dyn FnMut(Vec<P>, Standing) + Send>,
}

impl<P: Send + 'static> Lane<P> {
    pub fn new(bell: Arc<Bell>, hand_on: impl FnMut(Vec<P>, Standing) + Send + 'static) -> Lane<P> {
        let queue = Queue {
            changes: Vec::new(),
            parcels: Vec::new(),
            cost: 0,
            closed: false,
        };
        let exit = Exit {
            parcels: Vec::new(),
            hand_on: Box::new(hand_on),
        };
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            shorter: Condvar::new(),
            exit: Mutex::new(exit),
        });
        Lane { shared, bell }
    }

    pub fn outlet(&self) -> Arc<dyn Outlet> {
        Arc::clone(&self.shared) as Arc<dyn Outlet>
    }

    /// Appends to the order: `parcel`, which takes about `cost` bytes of memory, leaves when `changes` and all that was
    /// pushed before are on disk. Call it while holding the lock of whatever decided them. Never blocks for long.
    pub fn push(&self, changes: Vec<Change>, parcel: P, cost: usize) {
        let mut queue = self.shared.queue();
        if queue.closed {
            drop(queue);
            // Nobody writes any more: the server is on its last breath.
            return self.shared.exit().hand_on(vec![parcel], Standing::Unkept);
        }
        queue.cost += cost + changes.iter().map(Change::cost).sum::<usize>();
        queue.changes.extend(changes);
        queue.parcels.push(parcel);
        drop(queue);
        self.bell.ring();
    }

    /// Waits while more than [`MAX_WAITING`] bytes wait for the disk: a session that is not read from sends no more. Call
    /// it without any lock.
    pub fn wait(&self) {
        let full = |queue: &mut Queue<P>| queue.cost > MAX_WAITING && !queue.closed;
        let waited = self.shared.shorter.wait_while(self.shared.queue(), full);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl<P> Shared<P> {
    fn queue(&self) -> MutexGuard<'_, Queue<P>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exit(&self) -> MutexGuard<'_, Exit<P>> {
        self.exit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Send> Outlet for Shared<P> {
    fn take(&self, lacking: &mut Lacking) {
        let mut exit = self.exit();
        let mut queue = self.queue();
        let changes = std::mem::take(&mut queue.changes);
        exit.parcels.append(&mut queue.parcels);
        queue.cost = 0;
        drop(queue);
        self.shorter.notify_all();
        for change in changes {
            lacking.add(change);
        }
    }

    fn hand_on(&self, standing: Standing) {
        let mut exit = self.exit();
        let parcels = std::mem::take(&mut exit.parcels);
        if !parcels.is_empty() {
            exit.hand_on(parcels, standing);
        }
    }

    fn close(&self) -> bool {
        let mut queue = self.queue();
        queue.closed = queue.parcels.is_empty() && queue.changes.is_empty();
        queue.closed
    }
}

impl<P> Exit<P> {
    /// A panic in there loses what it was given, and must not end the thread that everybody needs.
    fn hand_on(&mut self, parcels: Vec<P>, standing: Standing) {
        let handed = catch_unwind(AssertUnwindSafe(|| (self.hand_on)(parcels, standing)));
        if handed.is_err() {
            error!(target: STORE, "handing on what was written panicked");
        }
    }
}

impl<P> Clone for Lane<P> {
    fn clone(&self) -> Lane<P> {
        Lane {
            shared: Arc::clone(&self.shared),
            bell: Arc::clone(&self.bell),
        }
    }
}

impl<P> fmt::Debug for Lane<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").finish_non_exhaustive()
    }
}

/// Bytes that may wait for the disk in one lane before its sessions wait too.
pub const MAX_WAITING: usize = 4 << 20;
