//! Handle of sessions to the log: claims names, appends operations, and waits until the log returns them.

use std::fmt;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::cluster::counters::Counters;
use crate::cluster::op::{ClaimError, Op};
use crate::cluster::op_queue::{Inner, OpQueue};

/// A handle to the log. All clones share one queue.
#[derive(Clone)]
pub struct Log(pub Arc<OpQueue>);

impl Log {
    /// Claims a name for this server. Returns the number of the claim, which every operation under the name needs. Waits for
    /// Redis up to a timeout: call it without any lock.
    ///
    /// # Errors
    /// [`ClaimError`]. The claim is then released.
    pub fn claim(&self, name: &[u8]) -> Result<u64, ClaimError> {
        let (claimant, result): (_, Receiver<Result<u64, ClaimError>>) = sync_channel(1);
        let number = {
            let mut inner = self.0.lock();
            if inner.outage_reported {
                return Err(ClaimError::Unavailable);
            }
            let op = Op::Claim {
                name: name.to_vec(),
                claim: inner.next,
            };
            self.0.enqueue(&mut inner, op, Some(claimant))
        };
        match result.recv_timeout(CLAIM_TIMEOUT) {
            Ok(result) => result,
            Err(_) => {
                self.release(name, number, Vec::new());
                Err(ClaimError::Unavailable)
            }
        }
    }

    /// Queues an entry under a name, without waiting. Returns the operation's number.
    pub fn append_as(&self, name: &[u8], claim: u64, content: Vec<u8>) -> u64 {
        let name = name.to_vec();
        self.enqueue(Op::AppendAs {
            name,
            claim,
            content,
        })
    }

    /// Queues the release of a name, with an entry unless `content` is empty, without waiting. Returns the operation's
    /// number.
    pub fn release(&self, name: &[u8], claim: u64, content: Vec<u8>) -> u64 {
        let name = name.to_vec();
        self.enqueue(Op::Release {
            name,
            claim,
            content,
        })
    }

    /// Queues an entry without a name, without waiting. Returns the operation's number.
    pub fn append(&self, content: Vec<u8>) -> u64 {
        self.enqueue(Op::Append { content })
    }

    /// Whether the log has returned an operation, or never will.
    pub fn is_resolved(&self, number: u64) -> bool {
        self.0.lock().resolved >= number
    }

    /// Waits until an operation is resolved, but not while Redis does not answer. Returns false if it is not resolved after
    /// `timeout`. Call it without any lock.
    pub fn wait(&self, number: u64, timeout: Duration) -> bool {
        let inner = self.0.lock();
        let is_pending =
            |inner: &mut Inner| inner.resolved < number && !inner.outage_reported && !inner.closed;
        let waited = self
            .0
            .progress
            .wait_timeout_while(inner, timeout, is_pending)
            .unwrap_or_else(PoisonError::into_inner);
        waited.0.resolved >= number
    }

    /// Waits while too many bytes are queued, so that the session reads no more messages. Call it without any lock.
    pub fn wait_for_space(&self) {
        let is_full = |inner: &mut Inner| inner.bytes > MAX_QUEUED_BYTES && !inner.closed;
        let waited = self.0.progress.wait_while(self.0.lock(), is_full);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.0.counters
    }

    fn enqueue(&self, op: Op) -> u64 {
        self.0.enqueue(&mut self.0.lock(), op, None)
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

/// Maximum time to wait for the result of a claim.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(5);

/// Queued bytes above which sessions wait.
const MAX_QUEUED_BYTES: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::cluster::entry::Position;
    use crate::cluster::op_queue::Side;

    const TICK: Duration = Duration::from_millis(1);

    fn at(seq: u64) -> Position {
        Position { epoch: 1, seq }
    }

    #[test]
    fn an_operation_is_resolved_when_its_entry_is_applied() {
        let log = Log(Arc::new(OpQueue::new()));
        let number = log.append_as(b"ana", 1, b"x".to_vec());
        assert_eq!(log.0.take(Instant::now()).0.len(), 1);
        log.0.mark_answered(number, 7);
        assert!(!log.wait(number, TICK));
        log.0.mark_applied(at(6), None);
        assert!(!log.is_resolved(number));
        log.0.mark_applied(at(7), Some(number));
        assert!(log.wait(number, TICK));
        // A rejected operation is resolved when all earlier entries are applied.
        let number = log.release(b"ana", 1, Vec::new());
        log.0.mark_answered(number, 7);
        assert!(log.is_resolved(number));
    }

    #[test]
    fn no_session_waits_while_redis_does_not_answer() {
        let log = Log(Arc::new(OpQueue::new()));
        log.0.report(Side::Writer, false, Duration::ZERO);
        assert_eq!(log.claim(b"ana"), Err(ClaimError::Unavailable));
        let number = log.append_as(b"ana", 1, b"x".to_vec());
        assert!(!log.wait(number, Duration::from_secs(60)));
    }
}
