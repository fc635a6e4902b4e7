//! A server that counted as gone gets a new place in the cluster: what it had not published from the old one is dropped, and
//! the names it had are claimed again.

use std::fmt;

use crate::cluster::op::ClaimError;
use crate::cluster::op::Op;
use crate::cluster::op_queue::{Inner, OpQueue, Waiting};

/// An operation that was dropped, because this server counted as gone before the log had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedOp {
    /// Its number.
    pub number: u64,
    /// In whose name; empty for nobody's.
    pub who: Vec<u8>,
}

/// The moment at which a server takes its new place.
pub struct Rejoin<'a> {
    pub queue: &'a OpQueue,
    pub joined: (u64, u64),
    /// Taken from the desk before, and never answered.
    pub in_flight: Vec<Waiting>,
}

/// Claims names at the head of everything else.
pub struct Claims<'a> {
    queue: &'a OpQueue,
    inner: &'a mut Inner,
}

impl Rejoin<'_> {
    /// Takes the new place. Everything that was to be published from the old one, and that nobody has seen come back, is
    /// dropped. `claim` claims names again, before anything else can be published. Returns what was dropped.
    pub fn go(self, claim: impl FnOnce(&mut Claims<'_>)) -> Vec<DroppedOp> {
        let mut inner = self.queue.lock();
        let seen = inner.seen;
        inner.place = self.joined;
        inner.seen = 0;
        inner.marks.clear();
        inner.resolved = inner.next - 1;
        inner.bytes = 0;
        let queue = std::mem::take(&mut inner.queue);
        let dropped = self.in_flight.into_iter().chain(queue).filter_map(|it| {
            if let Some(claimant) = it.claimant {
                let _ = claimant.try_send(Err(ClaimError::CutOff)); // it may have given up
            }
            let who = match it.op {
                Op::AppendAs { name, .. } => name,
                Op::Append { .. } => Vec::new(),
                Op::Claim { .. } | Op::Release { .. } => return None,
            };
            let number = it.number;
            (number > seen).then_some(DroppedOp { number, who })
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
    /// Claims a name and, if that succeeds, publishes `what` in it. Returns the number of the claim.
    pub fn claim(&mut self, name: &[u8], what: Vec<u8>) -> u64 {
        let name = name.to_vec();
        let claim = self.inner.next;
        let op = Op::Claim {
            name: name.clone(),
            claim,
        };
        self.queue.put(self.inner, op, None);
        self.queue
            .put(self.inner, Op::AppendAs { name, claim, what }, None);
        claim
    }
}

impl fmt::Debug for Rejoin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch").finish_non_exhaustive()
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
    fn with_a_new_place_what_nobody_has_seen_is_dropped_and_names_are_claimed_first() {
        let log = Log(Arc::new(OpQueue::new()));
        let seen = log.append_as(b"ana", 1, b"x".to_vec());
        let unseen = log.append_as(b"bo", 1, b"y".to_vec());
        let (in_flight, _) = log.0.take(Instant::now());
        log.0.applied(Position { epoch: 1, seq: 1 }, Some(seen));
        let queued = log.append(b"z".to_vec());
        log.release(b"cy", 1, Vec::new());
        let switch = Rejoin {
            queue: &log.0,
            joined: (2, 9),
            in_flight,
        };
        let mut claimed = 0;
        let dropped = switch.go(|claims| claimed = claims.claim(b"ana", b"here".to_vec()));
        let dropped: Vec<_> = dropped.iter().map(|it| (it.number, &it.who[..])).collect();
        assert_eq!(dropped, [(unseen, &b"bo"[..]), (queued, b"")]);
        assert!(log.is_resolved(queued));
        assert_eq!(log.0.place(), (2, 9));
        log.append_as(b"ana", claimed, b"more".to_vec());
        let (batch, _) = log.0.take(Instant::now());
        let ops: Vec<&Op> = batch.iter().map(|waiting| &waiting.op).collect();
        assert!(matches!(ops[0], Op::Claim { claim, .. } if *claim == claimed));
        assert_eq!(ops.len(), 3);
    }
}
