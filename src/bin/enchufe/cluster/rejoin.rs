//! Joining again after the lease expired or the log was replaced: drops operations of the old membership, and claims names
//! again.

use std::fmt;

use crate::cluster::op::{ClaimError, Op};
use crate::cluster::op_queue::{Inner, OpQueue, QueuedOp};

/// An operation that was dropped because it was not in the log when this server joined again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedOp {
    pub number: u64,
    /// Name that the operation belongs to; empty for none.
    pub name: Vec<u8>,
}

/// The switch to a new membership.
pub struct Rejoin<'a> {
    pub queue: &'a OpQueue,
    /// Epoch and number of this server from now on.
    pub server_id: (u64, u64),
    /// Operations that the writer took from the queue, without an answer.
    pub in_flight: Vec<QueuedOp>,
}

/// Claims names before all other operations.
pub struct Claims<'a> {
    queue: &'a OpQueue,
    inner: &'a mut Inner,
}

impl Rejoin<'_> {
    /// Switches to the new membership. Drops all operations, and calls `claim` to claim names before any other operation.
    /// Returns the dropped operations that the log has not returned.
    pub fn run(self, claim: impl FnOnce(&mut Claims<'_>)) -> Vec<DroppedOp> {
        let mut inner = self.queue.lock();
        let last_own_applied = inner.last_own_applied;
        inner.server_id = self.server_id;
        inner.last_own_applied = 0;
        inner.unresolved.clear();
        inner.resolved = inner.next - 1;
        inner.bytes = 0;
        let queued = std::mem::take(&mut inner.queue);
        let dropped = self.in_flight.into_iter().chain(queued).filter_map(|it| {
            if let Some(claimant) = it.claimant {
                let _ = claimant.try_send(Err(ClaimError::Unavailable)); // it may have timed out
            }
            let name = match it.op {
                Op::AppendAs { name, .. } => name,
                Op::Append { .. } => Vec::new(),
                Op::Claim { .. } | Op::Release { .. } => return None,
            };
            let number = it.number;
            (number > last_own_applied).then_some(DroppedOp { number, name })
        });
        let dropped = dropped.collect();
        claim(&mut Claims {
            queue: self.queue,
            inner: &mut inner,
        });
        drop(inner);
        self.queue.progress.notify_all();
        self.queue.work.notify_one();
        dropped
    }
}

impl Claims<'_> {
    /// Claims a name and, if that succeeds, appends an entry under it. Returns the number of the claim.
    pub fn claim(&mut self, name: &[u8], content: Vec<u8>) -> u64 {
        let name = name.to_vec();
        let claim = self.inner.next;
        let op = Op::Claim {
            name: name.clone(),
            claim,
        };
        self.queue.enqueue(self.inner, op, None);
        let op = Op::AppendAs {
            name,
            claim,
            content,
        };
        self.queue.enqueue(self.inner, op, None);
        claim
    }
}

impl fmt::Debug for Rejoin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejoin").finish_non_exhaustive()
    }
}

impl fmt::Debug for Claims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;
    use crate::cluster::entry::Position;
    use crate::cluster::log_handle::Log;

    #[test]
    fn joining_again_drops_operations_that_are_not_applied_and_claims_names_first() {
        let log = Log(Arc::new(OpQueue::new()));
        let applied = log.append_as(b"ana", 1, b"x".to_vec());
        let not_applied = log.append_as(b"bo", 1, b"y".to_vec());
        let (in_flight, _) = log.0.take(Instant::now());
        log.0
            .mark_applied(Position { epoch: 1, seq: 1 }, Some(applied));
        let queued = log.append(b"z".to_vec());
        log.release(b"cy", 1, Vec::new());
        let rejoin = Rejoin {
            queue: &log.0,
            server_id: (2, 9),
            in_flight,
        };
        let mut claimed = 0;
        let dropped = rejoin.run(|claims| claimed = claims.claim(b"ana", b"connect".to_vec()));
        let dropped: Vec<_> = dropped.iter().map(|op| (op.number, &op.name[..])).collect();
        assert_eq!(dropped, [(not_applied, &b"bo"[..]), (queued, b"")]);
        assert!(log.is_resolved(queued));
        assert_eq!(log.0.server_id(), (2, 9));
        log.append_as(b"ana", claimed, b"more".to_vec());
        let (batch, _) = log.0.take(Instant::now());
        let ops: Vec<&Op> = batch.iter().map(|queued| &queued.op).collect();
        assert!(matches!(ops[0], Op::Claim { claim, .. } if *claim == claimed));
        assert_eq!(ops.len(), 3);
    }
}
