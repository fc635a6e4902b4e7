//! Where the sessions, the thread that writes to the log and the thread that reads it meet.
//!
//! Sessions put operations here, under the lock of what decided them, and may wait until what they put has come back.
//! The writer takes as many as there are; while Redis answers, the next ones gather.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::counters::Counters;
use super::entry::{Entry, Position};
use super::op::Op;

/// A server's way into the log. All clones are the same.
#[derive(Clone)]
pub struct Log(pub(super) Arc<Desk>);

/// Why a name cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoClaim {
    /// It is somebody's.
    Taken,
    /// Redis does not answer.
    CutOff,
}

/// An operation that was dropped, because this server counted as gone before the log had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Its number.
    pub number: u64,
    /// In whose name; empty for nobody's.
    pub who: Vec<u8>,
}

/// The moment at which a server takes its new place.
pub struct Switch<'a> {
    pub(super) desk: &'a Desk,
    pub(super) joined: (u64, u64),
    /// Taken from the desk before, and never answered.
    pub(super) in_flight: Vec<Waiting>,
}

/// What sessions and the two threads share.
pub(super) struct Desk {
    inner: Mutex<Inner>,
    /// For the writer: there is something to do.
    work: Condvar,
    /// For everybody else: something has come back.
    progress: Condvar,
    pub(super) counters: Counters,
}

struct Inner {
    queue: VecDeque<Waiting>,
    /// What the queue takes of memory.
    bytes: usize,
    /// The number of the next operation.
    next: u64,
    /// Operations up to this one have come back, or never will.
    resolved: u64,
    /// Answered operations, and what has to be applied before they have come back.
    marks: VecDeque<(u64, u64)>,
    applied: Position,
    /// This server's epoch and number.
    place: (u64, u64),
    /// The last own operation that came back.
    seen: u64,
    /// Since when writing and reading fail.
    failing: [Option<Instant>; 2],
    /// Whether people have been told so.
    told: bool,
    /// The epoch that the reader is to be in.
    wanted: u64,
    /// The reader is to take a snapshot.
    snapshot_due: bool,
    end: bool,
}

/// An operation that waits for the log.
pub(super) struct Waiting {
    pub(super) number: u64,
    pub(super) op: Op,
    /// Who waits for a claim.
    pub(super) claimant: Option<SyncSender<Result<u64, NoClaim>>>,
}

/// The two threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Writer,
    Reader,
}

/// What has just become known about the connection to Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    CutOff,
    Healed,
}

impl Log {
    /// Makes a name this server's own. Returns the number of the claim, which every later operation in that name has to
    /// give. Waits for Redis, but not for ever. Call it without any lock.
    ///
    /// # Errors
    /// [`NoClaim`]. After [`NoClaim::CutOff`] the claim is withdrawn.
    pub fn claim(&self, name: &[u8]) -> Result<u64, NoClaim> {
        let (tell, answer): (_, Receiver<Result<u64, NoClaim>>) = sync_channel(1);
        let number = {
            let mut inner = self.0.lock();
            if inner.told {
                return Err(NoClaim::CutOff);
            }
            let op = Op::Claim {
                name: name.to_vec(),
                claim: inner.next,
            };
            self.0.put(&mut inner, op, Some(tell))
        };
        match answer.recv_timeout(CLAIMED) {
            Ok(answer) => answer,
            Err(_) => {
                self.release(name, number, Vec::new());
                Err(NoClaim::CutOff)
            }
        }
    }

    /// Publishes in a name. Never waits. Returns the operation's number.
    pub fn tell(&self, name: &[u8], claim: u64, what: Vec<u8>) -> u64 {
        let name = name.to_vec();
        self.put(Op::Tell { name, claim, what })
    }

    /// Gives a name back, publishing `what` if that is something. Never waits. Returns the operation's number.
    pub fn release(&self, name: &[u8], claim: u64, what: Vec<u8>) -> u64 {
        let name = name.to_vec();
        self.put(Op::Release { name, claim, what })
    }

    /// Publishes in nobody's name. Never waits. Returns the operation's number.
    pub fn post(&self, what: Vec<u8>) -> u64 {
        self.put(Op::Post { what })
    }

    /// Whether an operation has come back, or never will.
    pub fn is_resolved(&self, number: u64) -> bool {
        self.0.lock().resolved >= number
    }

    /// Waits until an operation has come back, or never will; at most so long, and not at all while Redis does not
    /// answer. False if it is still on its way. Call it without any lock.
    pub fn wait(&self, number: u64, at_most: Duration) -> bool {
        let inner = self.0.lock();
        let waits = |inner: &mut Inner| inner.resolved < number && !inner.told && !inner.end;
        let waited = self
            .0
            .progress
            .wait_timeout_while(inner, at_most, waits)
            .unwrap_or_else(PoisonError::into_inner);
        waited.0.resolved >= number
    }

    /// Waits while too much waits for Redis: a session that is not read from sends no more. Call it without any lock.
    pub fn wait_for_room(&self) {
        let full = |inner: &mut Inner| inner.bytes > MAX_WAITING && !inner.end;
        let waited = self.0.progress.wait_while(self.0.lock(), full);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// What this server counts.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.0.counters
    }

    fn put(&self, op: Op) -> u64 {
        self.0.put(&mut self.0.lock(), op, None)
    }
}

impl Switch<'_> {
    /// Takes the new place. Everything that was to be published from the old one, and that nobody has seen come back, is
    /// dropped. `claim` claims names anew, before anything else can be published. Returns what was dropped.
    pub fn go(self, claim: impl FnOnce(&mut Claims<'_>)) -> Vec<Dropped> {
        let mut inner = self.desk.lock();
        let seen = inner.seen;
        inner.place = self.joined;
        inner.seen = 0;
        inner.marks.clear();
        inner.resolved = inner.next - 1;
        inner.bytes = 0;
        let queue = std::mem::take(&mut inner.queue);
        let dropped = self.in_flight.into_iter().chain(queue).filter_map(|it| {
            if let Some(claimant) = it.claimant {
                let _ = claimant.try_send(Err(NoClaim::CutOff)); // it may have given up
            }
            let who = match it.op {
                Op::Tell { name, .. } => name,
                Op::Post { .. } => Vec::new(),
                Op::Claim { .. } | Op::Release { .. } => return None,
            };
            let number = it.number;
            (number > seen).then_some(Dropped { number, who })
        });
        let dropped = dropped.collect();
        claim(&mut Claims {
            desk: self.desk,
            inner: &mut inner,
        });
        drop(inner);
        self.desk.progress.notify_all();
        self.desk.work.notify_one();
        dropped
    }
}

/// Claims names at the head of everything else.
pub struct Claims<'a> {
    desk: &'a Desk,
    inner: &'a mut Inner,
}

impl Claims<'_> {
    /// Claims a name and, if that succeeds, publishes `what` in it. Returns the number of the claim.
    pub fn claim(&mut self, name: &[u8], what: Vec<u8>) -> u64 {
        let name = name.to_vec();
        let claim = self.inner.next;
        let op = Op::Claim {
            name: name.clone(),
            claim,
        };
        self.desk.put(self.inner, op, None);
        self.desk
            .put(self.inner, Op::Tell { name, claim, what }, None);
        claim
    }
}

impl Desk {
    pub(super) fn new() -> Desk {
        Desk {
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
                told: false,
                wanted: 0,
                snapshot_due: false,
                end: false,
            }),
            work: Condvar::new(),
            progress: Condvar::new(),
            counters: Counters::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(
        &self,
        inner: &mut Inner,
        op: Op,
        claimant: Option<SyncSender<Result<u64, NoClaim>>>,
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
    pub(super) fn take(&self, until: Instant) -> (Vec<Waiting>, bool) {
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
    pub(super) fn pause(&self, time: Duration) -> bool {
        let goes_on = |inner: &mut Inner| !inner.end;
        let waited = self.progress.wait_timeout_while(self.lock(), time, goes_on);
        waited.unwrap_or_else(PoisonError::into_inner).0.end
    }

    pub(super) fn place(&self) -> (u64, u64) {
        self.lock().place
    }

    pub(super) fn take_place(&self, place: (u64, u64)) {
        let mut inner = self.lock();
        inner.place = place;
        inner.wanted = place.0;
    }

    /// The reader is to be in this epoch.
    pub(super) fn want(&self, epoch: u64) {
        self.lock().wanted = epoch;
    }

    pub(super) fn wanted(&self) -> u64 {
        self.lock().wanted
    }

    pub(super) fn ask_for_snapshot(&self) {
        self.lock().snapshot_due = true;
    }

    pub(super) fn take_snapshot_due(&self) -> bool {
        std::mem::take(&mut self.lock().snapshot_due)
    }

    /// Operations up to `number` are answered; they have come back when everything up to `seq` is applied.
    pub(super) fn answered(&self, number: u64, seq: u64) {
        let mut inner = self.lock();
        inner.marks.push_back((number, seq));
        inner.resolve();
        drop(inner);
        self.counters.log_end.fetch_max(seq, Relaxed);
        self.progress.notify_all();
    }

    /// Marks entries of this server's own.
    pub(super) fn recognise(&self, entries: &mut [Entry]) {
        let (epoch, server) = self.lock().place;
        for entry in entries {
            entry.own = entry.position.epoch == epoch && entry.by == server && entry.number > 0;
        }
    }

    /// Everything up to a position is applied; `own` is the last own operation among it.
    pub(super) fn applied(&self, position: Position, own: Option<u64>) {
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
    pub(super) fn reach(&self, position: Position, at_most: Duration) -> bool {
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
    pub(super) fn report(&self, side: Side, works: bool, grace: Duration) -> Option<Change> {
        let mut inner = self.lock();
        let failing = &mut inner.failing[side as usize];
        if works {
            *failing = None;
        } else {
            failing.get_or_insert_with(Instant::now);
        }
        let mut since = inner.failing.iter().flatten();
        let change = match (inner.told, since.clone().count()) {
            (true, 0) => Some(Change::Healed),
            (false, _) if since.any(|since| since.elapsed() >= grace) => Some(Change::CutOff),
            _ => None,
        };
        if let Some(change) = change {
            inner.told = change == Change::CutOff;
            self.counters.cut_off.store(u64::from(inner.told), Relaxed);
            drop(inner);
            self.progress.notify_all();
        }
        change
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().end
    }

    pub(super) fn end(&self) {
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

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

impl fmt::Debug for Switch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch").finish_non_exhaustive()
    }
}

impl fmt::Debug for Claims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").finish_non_exhaustive()
    }
}

/// How long who claims a name waits for Redis.
const CLAIMED: Duration = Duration::from_secs(5);

/// Operations in one question, and about how many bytes.
const MAX_BATCH: usize = 512;
const MAX_BATCH_BYTES: usize = 1 << 20;

/// Bytes that may wait for Redis before sessions wait too.
const MAX_WAITING: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    fn at(seq: u64) -> Position {
        Position { epoch: 1, seq }
    }

    #[test]
    fn an_operation_has_come_back_when_what_it_led_to_is_applied() {
        let log = Log(Arc::new(Desk::new()));
        let number = log.tell(b"ana", 1, b"x".to_vec());
        assert_eq!(log.0.take(Instant::now()).0.len(), 1);
        log.0.answered(number, 7);
        assert!(!log.wait(number, SOON));
        log.0.applied(at(6), None);
        assert!(!log.is_resolved(number));
        log.0.applied(at(7), Some(number));
        assert!(log.wait(number, SOON));
        // One that was refused has come back when all that was before is applied.
        let number = log.release(b"ana", 1, Vec::new());
        log.0.answered(number, 7);
        assert!(log.is_resolved(number));
    }

    #[test]
    fn with_a_new_place_what_nobody_has_seen_is_dropped_and_names_are_claimed_first() {
        let log = Log(Arc::new(Desk::new()));
        let seen = log.tell(b"ana", 1, b"x".to_vec());
        let unseen = log.tell(b"bo", 1, b"y".to_vec());
        let (in_flight, _) = log.0.take(Instant::now());
        log.0.applied(at(1), Some(seen));
        let queued = log.post(b"z".to_vec());
        log.release(b"cy", 1, Vec::new());
        let switch = Switch {
            desk: &log.0,
            joined: (2, 9),
            in_flight,
        };
        let mut claimed = 0;
        let dropped = switch.go(|claims| claimed = claims.claim(b"ana", b"here".to_vec()));
        let dropped: Vec<_> = dropped.iter().map(|it| (it.number, &it.who[..])).collect();
        assert_eq!(dropped, [(unseen, &b"bo"[..]), (queued, b"")]);
        assert!(log.is_resolved(queued));
        assert_eq!(log.0.place(), (2, 9));
        log.tell(b"ana", claimed, b"more".to_vec());
        let (batch, _) = log.0.take(Instant::now());
        let ops: Vec<&Op> = batch.iter().map(|waiting| &waiting.op).collect();
        assert!(matches!(ops[0], Op::Claim { claim, .. } if *claim == claimed));
        assert_eq!(ops.len(), 3);
    }

    #[test]
    fn people_are_told_once_when_redis_is_silent_and_once_when_it_is_not() {
        let desk = Desk::new();
        let report = |side, works| desk.report(side, works, SOON * 20);
        assert_eq!(report(Side::Writer, false), None, "for a moment");
        std::thread::sleep(SOON * 25);
        assert_eq!(report(Side::Reader, false), Some(Change::CutOff));
        assert_eq!(report(Side::Writer, false), None);
        assert_eq!(report(Side::Writer, true), None, "one still fails");
        assert_eq!(report(Side::Reader, true), Some(Change::Healed));
        assert_eq!(report(Side::Reader, true), None);
    }

    #[test]
    fn nobody_waits_while_redis_is_silent() {
        let log = Log(Arc::new(Desk::new()));
        log.0.report(Side::Writer, false, Duration::ZERO);
        assert_eq!(log.claim(b"ana"), Err(NoClaim::CutOff));
        let number = log.tell(b"ana", 1, b"x".to_vec());
        assert!(!log.wait(number, Duration::from_secs(60)));
    }
}
