//! Where the sessions, the thread that writes to the log and the thread that reads it meet.
//!
//! Sessions put operations here, under the lock of what decided them, and may wait until what they put has come back: what
//! they can do is in `publishing`. The writer takes as many as there are; while Redis answers, the next ones gather.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::cluster::counters::Counters;
use crate::cluster::entry::{Entry, Position};
use crate::cluster::op::ClaimError;
use crate::cluster::op::Op;

/// What sessions and the two threads share.
pub struct OpQueue {
    inner: Mutex<Inner>,
    /// For the writer: there is something to do.
    pub work: Condvar,
    /// For everybody else: something has come back.
    pub progress: Condvar,
    pub counters: Counters,
}

pub struct Inner {
    pub queue: VecDeque<Waiting>,
    /// What the queue takes of memory.
    pub bytes: usize,
    /// The number of the next operation.
    pub next: u64,
    /// Operations up to this one have come back, or never will.
    pub resolved: u64,
    /// Answered operations, and what has to be applied before they have come back.
    pub marks: VecDeque<(u64, u64)>,
    applied: Position,
    /// This server's epoch and number.
    pub place: (u64, u64),
    /// The last own operation that came back.
    pub seen: u64,
    /// Since when writing and reading fail.
    failing: [Option<Instant>; 2],
    /// Whether people have been told so.
    pub outage_reported: bool,
    /// The epoch that the reader is to be in.
    target_epoch: u64,
    /// The reader is to take a snapshot.
    snapshot_due: bool,
    pub end: bool,
}

/// An operation that waits for the log.
pub struct Waiting {
    pub number: u64,
    pub op: Op,
    /// Who waits for a claim.
    pub claimant: Option<SyncSender<Result<u64, ClaimError>>>,
}

/// The two threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Writer,
    Reader,
}

/// What has just become known about the connection to Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    CutOff,
    Healed,
}

impl OpQueue {
    pub fn new() -> OpQueue {
        OpQueue {
            inner: Mutex::new(Inner {
                queue: VecDeque::new(),
                bytes: 0,
                next: 1,
                resolved: 0,
                marks: VecDeque::new(),
                applied: Position::default(),
                place: (0, 0),
                seen: 0,
                failing: [None; 2],
                outage_reported: false,
                target_epoch: 0,
                snapshot_due: false,
                end: false,
            }),
            work: Condvar::new(),
            progress: Condvar::new(),
            counters: Counters::default(),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an operation at the end of the queue. Returns its number.
    pub fn put(
        &self,
        inner: &mut Inner,
        op: Op,
        claimant: Option<SyncSender<Result<u64, ClaimError>>>,
    ) -> u64 {
        let number = inner.next;
        inner.next += 1;
        inner.bytes += op.cost();
        inner.queue.push_back(Waiting {
            number,
            op,
            claimant,
        });
        self.work.notify_one();
        number
    }

    /// Takes the next operations, waiting for some until `until`. True if it was the end.
    pub fn take(&self, until: Instant) -> (Vec<Waiting>, bool) {
        let left = until.saturating_duration_since(Instant::now());
        let idle = |inner: &mut Inner| inner.queue.is_empty() && !inner.end;
        let waited = self.work.wait_timeout_while(self.lock(), left, idle);
        let mut inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < MAX_BATCH
            && bytes < MAX_BATCH_BYTES
            && let Some(waiting) = inner.queue.pop_front()
        {
            bytes += waiting.op.cost();
            batch.push(waiting);
        }
        inner.bytes = inner.bytes.saturating_sub(bytes);
        let end = inner.end;
        drop(inner);
        self.progress.notify_all();
        (batch, end)
    }

    /// Waits, but wakes at the end. True if it is.
    pub fn pause(&self, time: Duration) -> bool {
        let goes_on = |inner: &mut Inner| !inner.end;
        let waited = self.progress.wait_timeout_while(self.lock(), time, goes_on);
        waited.unwrap_or_else(PoisonError::into_inner).0.end
    }

    pub fn place(&self) -> (u64, u64) {
        self.lock().place
    }

    pub fn take_place(&self, place: (u64, u64)) {
        let mut inner = self.lock();
        inner.place = place;
        inner.target_epoch = place.0;
    }

    /// The reader is to be in this epoch.
    pub fn want(&self, epoch: u64) {
        self.lock().target_epoch = epoch;
    }

    pub fn target_epoch(&self) -> u64 {
        self.lock().target_epoch
    }

    pub fn ask_for_snapshot(&self) {
        self.lock().snapshot_due = true;
    }

    pub fn take_snapshot_due(&self) -> bool {
        std::mem::take(&mut self.lock().snapshot_due)
    }

    /// Operations up to `number` are answered; they have come back when everything up to `seq` is applied.
    pub fn answered(&self, number: u64, seq: u64) {
        let mut inner = self.lock();
        inner.marks.push_back((number, seq));
        inner.resolve();
        drop(inner);
        self.counters.log_end.fetch_max(seq, Relaxed);
        self.progress.notify_all();
    }

    /// Marks entries of this server's own.
    pub fn mark_own(&self, entries: &mut [Entry]) {
        let (epoch, server) = self.lock().place;
        for entry in entries {
            entry.own = entry.position.epoch == epoch && entry.by == server && entry.number > 0;
        }
    }

    /// Everything up to a position is applied; `own` is the last own operation among it.
    pub fn applied(&self, position: Position, own: Option<u64>) {
        let mut inner = self.lock();
        inner.applied = position;
        inner.seen = own.unwrap_or(inner.seen).max(inner.seen);
        inner.resolve();
        drop(inner);
        self.counters.applied.store(position.seq, Relaxed);
        self.counters.log_end.fetch_max(position.seq, Relaxed);
        self.progress.notify_all();
    }

    /// Waits until everything up to a position of an epoch is applied, at most so long.
    pub fn reach(&self, position: Position, at_most: Duration) -> bool {
        let waits = |inner: &mut Inner| {
            let there = inner.applied.epoch == position.epoch && inner.applied.seq >= position.seq;
            !there && !inner.end
        };
        let waited = self
            .progress
            .wait_timeout_while(self.lock(), at_most, waits);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Whether one side can do its work; what people have to be told about it, if anything.
    pub fn report(&self, side: Side, works: bool, grace: Duration) -> Option<Change> {
        let mut inner = self.lock();
        let failing = &mut inner.failing[side as usize];
        if works {
            *failing = None;
        } else {
            failing.get_or_insert_with(Instant::now);
        }
        let mut since = inner.failing.iter().flatten();
        let change = match (inner.outage_reported, since.clone().count()) {
            (true, 0) => Some(Change::Healed),
            (false, _) if since.any(|since| since.elapsed() >= grace) => Some(Change::CutOff),
            _ => None,
        };
        if let Some(change) = change {
            inner.outage_reported = change == Change::CutOff;
            self.counters
                .cut_off
                .store(u64::from(inner.outage_reported), Relaxed);
            drop(inner);
            self.progress.notify_all();
        }
        change
    }

    pub fn is_over(&self) -> bool {
        self.lock().end
    }

    pub fn end(&self) {
        self.lock().end = true;
        self.work.notify_all();
        self.progress.notify_all();
    }
}

impl Inner {
    fn resolve(&mut self) {
        while let Some(&(number, seq)) = self.marks.front()
            && seq <= self.applied.seq
        {
            self.marks.pop_front();
            self.resolved = self.resolved.max(number);
        }
    }
}

/// Operations in one question, and about how many bytes.
const MAX_BATCH: usize = 512;
const MAX_BATCH_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    #[test]
    fn people_are_told_once_when_redis_is_silent_and_once_when_it_is_not() {
        let queue = OpQueue::new();
        let report = |side, works| queue.report(side, works, SOON * 20);
        assert_eq!(report(Side::Writer, false), None, "for a moment");
        std::thread::sleep(SOON * 25);
        assert_eq!(report(Side::Reader, false), Some(Change::CutOff));
        assert_eq!(report(Side::Writer, false), None);
        assert_eq!(report(Side::Writer, true), None, "one still fails");
        assert_eq!(report(Side::Reader, true), Some(Change::Healed));
        assert_eq!(report(Side::Reader, true), None);
    }
}
