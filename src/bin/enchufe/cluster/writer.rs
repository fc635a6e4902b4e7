//! The one thread that asks Redis to change something: it renews the lease and publishes what sessions put on the desk.
//!
//! ```text
//!   asleep -- something on the desk, or time to renew --> step --> answered: the reader sees it come back
//!                                                           |
//!                                                           +-- no answer: the same question again, until there is one
//!                                                           +-- fenced, or another epoch: join again, claim names again
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use log::{Level, info, log, warn};

use crate::backoff::Backoff;
use crate::cluster::entry::Position;
use crate::cluster::error::LinkError;
use crate::cluster::op::ClaimError;
use crate::cluster::op::Op;
use crate::cluster::op_queue::{Change, OpQueue, Side, Waiting};
use crate::cluster::redis_client::{BatchReply, RedisClient};
use crate::cluster::rejoin::Rejoin;
use crate::cluster::replica::{ClusterNotice, Replicas};
use crate::log_targets::CLUSTER;

pub struct Writer {
    pub client: RedisClient,
    pub queue: Arc<OpQueue>,
    pub replicas: Replicas,
    /// Taken from the desk, and not answered yet.
    pub batch: Vec<Waiting>,
    pub backoff: Backoff,
}

impl Writer {
    /// Publishes to the end.
    pub fn run(&mut self) {
        let mut renew_at = Instant::now();
        loop {
            let mut end = self.queue.is_over();
            if self.batch.is_empty() {
                (self.batch, end) = self.queue.take(renew_at);
                if end && self.batch.is_empty() {
                    return;
                }
            }
            match self.step() {
                Ok(BatchReply::Done {
                    seq,
                    results,
                    next_lease,
                    snapshot_due,
                }) => {
                    let batch = std::mem::take(&mut self.batch);
                    self.settle(batch, &results, seq);
                    if snapshot_due {
                        self.queue.ask_for_snapshot();
                    }
                    // Another lease may run out first, and one server has to notice it.
                    let next = (next_lease + TICK).min(self.client.lease() / 3);
                    renew_at = Instant::now() + next;
                }
                Ok(BatchReply::Fenced) => {
                    warn!(target: CLUSTER, "this server counted as gone: it joins anew");
                    self.queue.counters.fenced.fetch_add(1, Relaxed);
                    self.rejoin();
                    renew_at = Instant::now();
                }
                Ok(BatchReply::NewEpoch) => {
                    warn!(target: CLUSTER, "Redis has lost the log that was there: this server joins anew");
                    self.rejoin();
                    renew_at = Instant::now();
                }
                Err(error) => {
                    self.failed(&error);
                    if end {
                        let left = self.batch.len();
                        warn!(target: CLUSTER, "the server ends, and {left} changes did not reach Redis");
                        return;
                    }
                }
            }
        }
    }

    fn step(&mut self) -> Result<BatchReply, LinkError> {
        let (epoch, server) = self.queue.place();
        let first = self.batch.first().map_or(0, |waiting| waiting.number);
        let ops: Vec<Op> = self
            .batch
            .iter()
            .map(|waiting| waiting.op.clone())
            .collect();
        let stepped = self.client.step(epoch, server, first, &ops)?;
        let counters = &self.queue.counters;
        counters.steps.fetch_add(1, Relaxed);
        counters.operations.fetch_add(ops.len() as u64, Relaxed);
        self.works();
        Ok(stepped)
    }

    /// Tells who waits for a claim what came of it, and who lost a name that it has.
    fn settle(&self, batch: Vec<Waiting>, results: &[u8], seq: u64) {
        let Some(last) = batch.last().map(|waiting| waiting.number) else {
            return self.queue.answered(0, seq);
        };
        for (waiting, result) in batch.into_iter().zip(results) {
            let done = *result == DONE;
            match (waiting.op, waiting.claimant) {
                (Op::Claim { claim, .. }, Some(claimant)) => {
                    let answer = if done {
                        Ok(claim)
                    } else {
                        Err(ClaimError::Taken)
                    };
                    let _ = claimant.try_send(answer); // it may have given up
                }
                (Op::Claim { name, claim } | Op::AppendAs { name, claim, .. }, None) if !done => {
                    self.replicas.named.lost(&name, claim);
                }
                _ => {}
            }
        }
        self.queue.answered(last, seq);
    }

    /// Joins, waits until this server knows all that was before, and begins from there.
    fn rejoin(&mut self) {
        while !self.queue.is_over() {
            match self.try_rejoin() {
                Ok(Some(joined)) => {
                    let switch = Rejoin {
                        queue: &self.queue,
                        joined,
                        in_flight: std::mem::take(&mut self.batch),
                    };
                    let dropped = self.replicas.named.rejoin(switch);
                    info!(
                        target: CLUSTER, "joined anew as server {}, {} changes were dropped",
                        joined.1,
                        dropped.len()
                    );
                    for replica in self.replicas.each() {
                        replica.dropped(&dropped);
                    }
                    return;
                }
                Ok(None) => {}
                Err(error) => self.failed(&error),
            }
        }
    }

    /// `None` if it has to be tried again.
    fn try_rejoin(&mut self) -> Result<Option<(u64, u64)>, LinkError> {
        let joined = self.client.join()?;
        self.works();
        self.queue.want(joined.epoch);
        let position = Position {
            epoch: joined.epoch,
            seq: joined.seq,
        };
        let place = (joined.epoch, joined.server);
        while !self.queue.reach(position, self.client.lease() / 4) {
            match self.client.step(joined.epoch, joined.server, 0, &[])? {
                BatchReply::Done { .. } => {}
                BatchReply::Fenced | BatchReply::NewEpoch => return Ok(None),
            }
        }
        Ok(Some(place).filter(|_| !self.queue.is_over()))
    }

    fn works(&mut self) {
        self.backoff.reset();
        if let Some(change) = self.queue.report(Side::Writer, true, grace(&self.client)) {
            tell(change, &self.replicas);
        }
    }

    fn failed(&mut self, error: &LinkError) {
        // Who runs this wants to know why, and not each time that it is tried again.
        let level = match self.backoff.has_failed() {
            false => Level::Warn,
            true => Level::Debug,
        };
        log!(level, "Redis does not do what it is asked: {error}");
        self.client.disconnect();
        if let Some(change) = self.queue.report(Side::Writer, false, grace(&self.client)) {
            tell(change, &self.replicas);
        }
        self.queue.pause(self.backoff.next());
    }
}

/// Tells people, and the log, how things stand.
pub fn tell(change: Change, replicas: &Replicas) {
    let news = match change {
        Change::CutOff => {
            warn!(target: CLUSTER, "cut off from Redis: nothing is delivered until it can be used again");
            ClusterNotice::CutOff
        }
        Change::Healed => {
            info!(target: CLUSTER, "not cut off from Redis any more");
            ClusterNotice::Healed
        }
    };
    for replica in replicas.each() {
        replica.news(news);
    }
}

/// How long Redis may be silent before people are told.
pub fn grace(client: &RedisClient) -> Duration {
    client.lease() / 4
}

/// The letter for an operation that was carried out.
const DONE: u8 = b'o';

/// Redis counts in milliseconds.
const TICK: Duration = Duration::from_millis(2);

/// Waits between attempts to reach Redis: short enough to renew a lease in time.
pub fn backoff(lease: Duration) -> Backoff {
    Backoff::new(
        Duration::from_millis(20),
        Duration::from_secs(1).min(lease / 4),
    )
}
