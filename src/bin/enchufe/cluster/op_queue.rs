//! Queue of operations between sessions and the writer thread, and the progress that the writer and the reader report.
//!
//! Sessions enqueue operations under the lock of the state that decided them, and may wait until the log returns them (see
//! `log_handle`). The writer takes all that are queued; while Redis answers, the next ones are queued.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::cluster::counters::Counters;
use crate::cluster::entry::{LogEntry, Position};
use crate::cluster::op::{ClaimError, Op};

/// State shared by sessions, writer and reader.
pub struct OpQueue {
    inner: Mutex<Inner>,
    /// Wakes the writer: operations were queued, or the queue was closed.
    pub work: Condvar,
    /// Wakes all others: operations were taken or resolved, the connection to Redis changed, or the queue was closed.
    pub progress: Condvar,
    pub counters: Counters,
}

pub struct Inner {
    pub queue: VecDeque<QueuedOp>,
    /// Approximate memory of the queue.
    pub bytes: usize,
    /// Number of the next operation.
    pub next: u64,
    /// Operations up to this number are resolved: the log has returned them, or they were rejected or dropped.
    pub resolved: u64,
    /// Operations that Redis has answered: the number, and the sequence number to apply before it is resolved.
    pub unresolved: VecDeque<(u64, u64)>,
    applied: Position,
    /// Epoch and number of this server.
    pub server_id: (u64, u64),
    /// Number of the last operation of this server that was applied.
    pub last_own_applied: u64,
    /// Start of the current failure of the writer and of the reader.
    failing_since: [Option<Instant>; 2],
    /// Whether clients were notified of the outage.
    pub outage_reported: bool,
    /// Epoch that the reader should follow.
    target_epoch: u64,
    /// Whether the reader should write a snapshot.
    snapshot_due: bool,
    pub closed: bool,
}

/// A queued operation.
pub struct QueuedOp {
    pub number: u64,
    pub op: Op,
    /// The session that waits for the result of a claim.
    pub claimant: Option<SyncSender<Result<u64, ClaimError>>>,
}

/// One of the two threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Writer,
    Reader,
}

/// A change in the connection to Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connectivity {
    Lost,
    Restored,
}

impl OpQueue {
    pub fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                queue: VecDeque::new(),
                bytes: 0,
                next: 1,
                resolved: 0,
                unresolved: VecDeque::new(),
                applied: Position::default(),
                server_id: (0, 0),
                last_own_applied: 0,
                failing_since: [None; 2],
                outage_reported: false,
                target_epoch: 0,
                snapshot_due: false,
                closed: false,
            }),
            work: Condvar::new(),
            progress: Condvar::new(),
            counters: Counters::default(),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends an operation to the queue. Returns its number.
    pub fn enqueue(
        &self,
        inner: &mut Inner,
        op: Op,
        claimant: Option<SyncSender<Result<u64, ClaimError>>>,
    ) -> u64 {
        let number = inner.next;
        inner.next += 1;
        inner.bytes += op.cost();
        inner.queue.push_back(QueuedOp {
            number,
            op,
            claimant,
        });
        self.work.notify_one();
        number
    }

    /// Takes the next operations, and waits for some until `deadline`. Also returns whether the queue is closed.
    pub fn take(&self, deadline: Instant) -> (Vec<QueuedOp>, bool) {
        let timeout = deadline.saturating_duration_since(Instant::now());
        let is_idle = |inner: &mut Inner| inner.queue.is_empty() && !inner.closed;
        let waited = self.work.wait_timeout_while(self.lock(), timeout, is_idle);
        let mut inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < MAX_BATCH
            && bytes < MAX_BATCH_BYTES
            && let Some(queued) = inner.queue.pop_front()
        {
            bytes += queued.op.cost();
            batch.push(queued);
        }
        inner.bytes = inner.bytes.saturating_sub(bytes);
        let closed = inner.closed;
        drop(inner);
        self.progress.notify_all();
        (batch, closed)
    }

    /// Sleeps, but at most until the queue is closed.
    pub fn sleep(&self, time: Duration) {
        let is_open = |inner: &mut Inner| !inner.closed;
        let waited = self.progress.wait_timeout_while(self.lock(), time, is_open);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    pub fn server_id(&self) -> (u64, u64) {
        self.lock().server_id
    }

    pub fn set_server_id(&self, server_id: (u64, u64)) {
        let mut inner = self.lock();
        inner.server_id = server_id;
        inner.target_epoch = server_id.0;
    }

    pub fn set_target_epoch(&self, epoch: u64) {
        self.lock().target_epoch = epoch;
    }

    pub fn target_epoch(&self) -> u64 {
        self.lock().target_epoch
    }

    pub fn request_snapshot(&self) {
        self.lock().snapshot_due = true;
    }

    pub fn take_snapshot_request(&self) -> bool {
        std::mem::take(&mut self.lock().snapshot_due)
    }

    /// Marks operations up to `number` as answered: they are resolved when all entries up to `seq` are applied.
    pub fn mark_answered(&self, number: u64, seq: u64) {
        let mut inner = self.lock();
        inner.unresolved.push_back((number, seq));
        inner.resolve();
        drop(inner);
        self.counters.log_end.fetch_max(seq, Relaxed);
        self.progress.notify_all();
    }

    /// Sets [`LogEntry::is_own`].
    pub fn mark_own(&self, entries: &mut [LogEntry]) {
        let (epoch, server) = self.server_id();
        for entry in entries {
            let same_server = entry.position.epoch == epoch && entry.server == server;
            entry.is_own = same_server && entry.number > 0;
        }
    }

    /// Marks entries up to a position as applied. `own` is the number of the last operation of this server among them.
    pub fn mark_applied(&self, position: Position, own: Option<u64>) {
        let mut inner = self.lock();
        inner.applied = position;
        inner.last_own_applied = inner.last_own_applied.max(own.unwrap_or(0));
        inner.resolve();
        drop(inner);
        self.counters.applied.store(position.seq, Relaxed);
        self.counters.log_end.fetch_max(position.seq, Relaxed);
        self.progress.notify_all();
    }

    /// Waits until all entries up to a position of its epoch are applied. Returns false after `timeout`.
    pub fn wait_applied(&self, position: Position, timeout: Duration) -> bool {
        let is_behind = |inner: &mut Inner| {
            let applied = inner.applied;
            let reached = applied.epoch == position.epoch && applied.seq >= position.seq;
            !reached && !inner.closed
        };
        let waited = self
            .progress
            .wait_timeout_while(self.lock(), timeout, is_behind);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Records whether a thread reaches Redis. Returns a change to notify clients of: an outage counts after `grace`.
    pub fn report(&self, side: Side, works: bool, grace: Duration) -> Option<Connectivity> {
        let mut inner = self.lock();
        let failing_since = &mut inner.failing_since[side as usize];
        if works {
            *failing_since = None;
        } else {
            failing_since.get_or_insert_with(Instant::now);
        }
        let mut failing = inner.failing_since.iter().flatten();
        let change = match (inner.outage_reported, failing.clone().count()) {
            (true, 0) => Some(Connectivity::Restored),
            (false, _) if failing.any(|since| since.elapsed() >= grace) => Some(Connectivity::Lost),
            _ => None,
        };
        if let Some(change) = change {
            inner.outage_reported = change == Connectivity::Lost;
            self.counters
                .unavailable
                .store(u64::from(inner.outage_reported), Relaxed);
            drop(inner);
            self.progress.notify_all();
        }
        change
    }

    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
        self.progress.notify_all();
    }
}

impl Inner {
    fn resolve(&mut self) {
        while let Some(&(number, seq)) = self.unresolved.front()
            && seq <= self.applied.seq
        {
            self.unresolved.pop_front();
            self.resolved = self.resolved.max(number);
        }
    }
}

/// Maximum number of operations in a batch.
const MAX_BATCH: usize = 512;

/// Approximate maximum size of a batch.
const MAX_BATCH_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(1);

    #[test]
    fn an_outage_of_redis_is_reported_once_and_so_is_its_end() {
        let queue = OpQueue::new();
        let report = |side, works| queue.report(side, works, TICK * 20);
        assert_eq!(report(Side::Writer, false), None, "within the grace time");
        std::thread::sleep(TICK * 25);
        assert_eq!(report(Side::Reader, false), Some(Connectivity::Lost));
        assert_eq!(report(Side::Writer, false), None);
        assert_eq!(report(Side::Writer, true), None, "the reader still fails");
        assert_eq!(report(Side::Reader, true), Some(Connectivity::Restored));
        assert_eq!(report(Side::Reader, true), None);
    }
}
