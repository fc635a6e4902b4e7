//! The writer thread: renews the lease, and sends the queued operations to Redis in batches.
//!
//! ```text
//!   idle -- operations, or time to renew --> batch --> done: the reader gets the entries
//!                                              |
//!                                              +--> no answer: send the same batch again
//!                                              +--> fenced, or a new epoch: join again, claim names again
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use log::{Level, info, log, warn};

use crate::backoff::Backoff;
use crate::cluster::entry::Position;
use crate::cluster::error::ClientError;
use crate::cluster::op::{ClaimError, Op};
use crate::cluster::op_queue::{Connectivity, OpQueue, QueuedOp, Side};
use crate::cluster::redis_client::{BatchReply, RedisClient};
use crate::cluster::rejoin::Rejoin;
use crate::cluster::replica::{ClusterNotice, Replicas};
use crate::log_targets::CLUSTER;

/// State of the writer thread.
pub struct LogWriter {
    pub client: RedisClient,
    pub queue: Arc<OpQueue>,
    pub replicas: Replicas,
    /// Operations that were taken from the queue, without an answer yet.
    pub batch: Vec<QueuedOp>,
    pub backoff: Backoff,
}

impl LogWriter {
    /// Sends operations until the queue is closed.
    pub fn run(&mut self) {
        let mut renew_at = Instant::now();
        loop {
            let mut closed = self.queue.is_closed();
            if self.batch.is_empty() {
                (self.batch, closed) = self.queue.take(renew_at);
                if closed && self.batch.is_empty() {
                    return;
                }
            }
            match self.send_batch() {
                Ok(BatchReply::Done {
                    seq,
                    results,
                    next_lease,
                    snapshot_due,
                }) => {
                    let batch = std::mem::take(&mut self.batch);
                    self.finish(batch, &results, seq);
                    if snapshot_due {
                        self.queue.request_snapshot();
                    }
                    // The lease of another server may expire first, and some server must run a script then.
                    let next = (next_lease + TICK).min(self.client.lease() / 3);
                    renew_at = Instant::now() + next;
                }
                Ok(BatchReply::Fenced) => {
                    warn!(target: CLUSTER, "the lease of this server has expired: joining again");
                    self.queue.counters.fenced.fetch_add(1, Relaxed);
                    self.rejoin();
                    renew_at = Instant::now();
                }
                Ok(BatchReply::NewEpoch) => {
                    warn!(target: CLUSTER, "Redis has a new log: joining again");
                    self.rejoin();
                    renew_at = Instant::now();
                }
                Err(error) => {
                    self.handle_failure(&error);
                    if closed {
                        let left = self.batch.len();
                        warn!(target: CLUSTER, "shutting down: {left} operations did not reach Redis");
                        return;
                    }
                }
            }
        }
    }

    fn send_batch(&mut self) -> Result<BatchReply, ClientError> {
        let (epoch, server) = self.queue.server_id();
        let first = self.batch.first().map_or(0, |queued| queued.number);
        let ops: Vec<Op> = self.batch.iter().map(|queued| queued.op.clone()).collect();
        let reply = self.client.run_batch(epoch, server, first, &ops)?;
        let counters = &self.queue.counters;
        counters.round_trips.fetch_add(1, Relaxed);
        counters.operations.fetch_add(ops.len() as u64, Relaxed);
        self.report_success();
        Ok(reply)
    }

    /// Passes results of claims to their sessions, and lost names to the service.
    fn finish(&self, batch: Vec<QueuedOp>, results: &[u8], seq: u64) {
        let Some(last) = batch.last().map(|queued| queued.number) else {
            return self.queue.mark_answered(0, seq);
        };
        for (queued, result) in batch.into_iter().zip(results) {
            let done = *result == DONE;
            match (queued.op, queued.claimant) {
                (Op::Claim { claim, .. }, Some(claimant)) => {
                    let outcome = if done {
                        Ok(claim)
                    } else {
                        Err(ClaimError::Taken)
                    };
                    let _ = claimant.try_send(outcome); // it may have timed out
                }
                (Op::Claim { name, claim } | Op::AppendAs { name, claim, .. }, None) if !done => {
                    self.replicas.named.name_lost(&name, claim);
                }
                _ => {}
            }
        }
        self.queue.mark_answered(last, seq);
    }

    /// Joins again, waits until all entries before that are applied, and switches to the new membership.
    fn rejoin(&mut self) {
        while !self.queue.is_closed() {
            match self.try_rejoin() {
                Ok(Some(server_id)) => {
                    let rejoin = Rejoin {
                        queue: &self.queue,
                        server_id,
                        in_flight: std::mem::take(&mut self.batch),
                    };
                    let dropped = self.replicas.named.rejoin(rejoin);
                    info!(
                        target: CLUSTER, "joined again as server {}, dropped {} operations",
                        server_id.1,
                        dropped.len()
                    );
                    for replica in self.replicas.each() {
                        replica.notify_dropped(&dropped);
                    }
                    return;
                }
                Ok(None) => {}
                Err(error) => self.handle_failure(&error),
            }
        }
    }

    /// Returns the new epoch and server number; `None` to try again.
    fn try_rejoin(&mut self) -> Result<Option<(u64, u64)>, ClientError> {
        let joined = self.client.join()?;
        self.report_success();
        self.queue.set_target_epoch(joined.epoch);
        let position = Position {
            epoch: joined.epoch,
            seq: joined.seq,
        };
        let server_id = (joined.epoch, joined.server);
        while !self.queue.wait_applied(position, self.client.lease() / 4) {
            match self.client.run_batch(joined.epoch, joined.server, 0, &[])? {
                BatchReply::Done { .. } => {}
                BatchReply::Fenced | BatchReply::NewEpoch => return Ok(None),
            }
        }
        Ok(Some(server_id).filter(|_| !self.queue.is_closed()))
    }

    fn report_success(&mut self) {
        self.backoff.reset();
        if let Some(change) = self
            .queue
            .report(Side::Writer, true, outage_grace(&self.client))
        {
            notify(change, &self.replicas);
        }
    }

    /// Disconnects, reports the failure, and waits before the next attempt.
    fn handle_failure(&mut self, error: &ClientError) {
        // Retries are logged for debugging only.
        let level = match self.backoff.has_failed() {
            false => Level::Warn,
            true => Level::Debug,
        };
        log!(target: CLUSTER, level, "request to Redis failed: {error}");
        self.client.disconnect();
        if let Some(change) = self
            .queue
            .report(Side::Writer, false, outage_grace(&self.client))
        {
            notify(change, &self.replicas);
        }
        self.queue.sleep(self.backoff.next());
    }
}

/// Logs a change in the connection to Redis, and notifies all clients.
pub fn notify(change: Connectivity, replicas: &Replicas) {
    let notice = match change {
        Connectivity::Lost => {
            warn!(target: CLUSTER, "cut off from Redis: nothing is delivered until it answers again");
            ClusterNotice::Unavailable
        }
        Connectivity::Restored => {
            info!(target: CLUSTER, "reconnected to Redis");
            ClusterNotice::Available
        }
    };
    for replica in replicas.each() {
        replica.notify(notice);
    }
}

/// Returns the time without an answer of Redis after which clients are notified.
pub fn outage_grace(client: &RedisClient) -> Duration {
    client.lease() / 4
}

/// Result of an operation that was executed.
const DONE: u8 = b'o';

/// Margin for leases, which Redis counts in milliseconds.
const TICK: Duration = Duration::from_millis(2);

/// Returns the backoff between attempts to reach Redis. Its waits are short enough to renew a lease in time.
pub fn backoff(lease: Duration) -> Backoff {
    Backoff::new(
        Duration::from_millis(20),
        Duration::from_secs(1).min(lease / 4),
    )
}
