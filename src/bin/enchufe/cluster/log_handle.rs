//! What sessions do with the log: claim names, publish, and wait until what they published has come back.

use std::fmt;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::cluster::counters::Counters;
use crate::cluster::op::{ClaimError, Op};
use crate::cluster::op_queue::{Inner, OpQueue};

/// A server's way into the log. All clones are the same.
#[derive(Clone)]
pub struct Log(pub Arc<OpQueue>);

impl Log {
    /// Makes a name this server's own. Returns the number of the claim, which every later operation in that name has to
    /// give. Waits for Redis, but not for ever. Call it without any lock.
    ///
    /// # Errors
    /// [`NoClaim`]. After [`NoClaim::CutOff`] the claim is withdrawn.
    pub fn claim(&self, name: &[u8]) -> Result<u64, ClaimError> {
        let (tell, answer): (_, Receiver<Result<u64, ClaimError>>) = sync_channel(1);
        let number = {
            let mut inner = self.0.lock();
            if inner.outage_reported {
                return Err(ClaimError::CutOff);
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
                Err(ClaimError::CutOff)
            }
        }
    }

    /// Publishes in a name. Never waits. Returns the operation's number.
    pub fn append_as(&self, name: &[u8], claim: u64, what: Vec<u8>) -> u64 {
        let name = name.to_vec();
        self.put(Op::AppendAs { name, claim, what })
    }

    /// Gives a name back, publishing `what` if that is something. Never waits. Returns the operation's number.
    pub fn release(&self, name: &[u8], claim: u64, what: Vec<u8>) -> u64 {
        let name = name.to_vec();
        self.put(Op::Release { name, claim, what })
    }

    /// Publishes in nobody's name. Never waits. Returns the operation's number.
    pub fn append(&self, what: Vec<u8>) -> u64 {
        self.put(Op::Append { what })
    }

    /// Whether an operation has come back, or never will.
    pub fn is_resolved(&self, number: u64) -> bool {
        self.0.lock().resolved >= number
    }

    /// Waits until an operation has come back, or never will; at most so long, and not at all while Redis does not
    /// answer. False if it is still on its way. Call it without any lock.
    pub fn wait(&self, number: u64, at_most: Duration) -> bool {
        let inner = self.0.lock();
        let waits =
            |inner: &mut Inner| inner.resolved < number && !inner.outage_reported && !inner.end;
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

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

/// How long who claims a name waits for Redis.
const CLAIMED: Duration = Duration::from_secs(5);

/// Bytes that may wait for Redis before sessions wait too.
const MAX_WAITING: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::cluster::entry::Position;
    use crate::cluster::op_queue::Side;

    const SOON: Duration = Duration::from_millis(1);

    fn at(seq: u64) -> Position {
        Position { epoch: 1, seq }
    }

    #[test]
    fn an_operation_has_come_back_when_what_it_led_to_is_applied() {
        let log = Log(Arc::new(OpQueue::new()));
        let number = log.append_as(b"ana", 1, b"x".to_vec());
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
    fn nobody_waits_while_redis_is_silent() {
        let log = Log(Arc::new(OpQueue::new()));
        log.0.report(Side::Writer, false, Duration::ZERO);
        assert_eq!(log.claim(b"ana"), Err(ClaimError::CutOff));
        let number = log.append_as(b"ana", 1, b"x".to_vec());
        assert!(!log.wait(number, Duration::from_secs(60)));
    }
}
