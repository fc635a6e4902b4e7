//! The one thread that asks Redis to change something: it renews the lease and publishes what sessions put on the desk.
//!
//! ```text
//!   asleep -- something on the desk, or time to renew --> step --> answered: the reader sees it come back
//!                                                           |
//!                                                           +-- no answer: the same question again, until there is one
//!                                                           +-- fenced, or another epoch: join anew, claim names anew
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use log::{Level, info, log, warn};

use crate::cluster::entry::Position;
use crate::cluster::error::LinkError;
use crate::cluster::log_handle::NoClaim;
use crate::cluster::op::Op;
use crate::cluster::op_queue::{Change, Desk, Side, Waiting};
use crate::cluster::redis_client::{Link, Stepped};
use crate::cluster::rejoin::Switch;
use crate::cluster::replica::{News, Replicas};
use crate::log_targets::CLUSTER;

pub struct Writer {
    pub link: Link,
    pub desk: Arc<Desk>,
    pub replicas: Replicas,
    /// Taken from the desk, and not answered yet.
    pub batch: Vec<Waiting>,
    /// How long to wait after the next failure.
    pub pause: Duration,
}

impl Writer {
    /// Publishes to the end.
    pub fn run(&mut self) {
        let mut renew_at = Instant::now();
        loop {
            let mut end = self.desk.is_over();
            if self.batch.is_empty() {
                (self.batch, end) = self.desk.take(renew_at);
                if end && self.batch.is_empty() {
                    return;
                }
            }
            match self.step() {
                Ok(Stepped::Done {
                    seq,
                    results,
                    next_lease,
                    snapshot_due,
                }) => {
                    let batch = std::mem::take(&mut self.batch);
                    self.settle(batch, &results, seq);
                    if snapshot_due {
                        self.desk.ask_for_snapshot();
                    }
                    // Whoever's lease runs out first: somebody has to be there to see it.
                    let next = (next_lease + TICK).min(self.link.lease() / 3);
                    renew_at = Instant::now() + next;
                }
                Ok(Stepped::Fenced) => {
                    warn!(target: CLUSTER, "this server counted as gone: it joins anew");
                    self.desk.counters.fenced.fetch_add(1, Relaxed);
                    self.rejoin();
                    renew_at = Instant::now();
                }
                Ok(Stepped::NewEpoch) => {
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

    fn step(&mut self) -> Result<Stepped, LinkError> {
        let (epoch, server) = self.desk.place();
        let first = self.batch.first().map_or(0, |waiting| waiting.number);
        let ops: Vec<Op> = self
            .batch
            .iter()
            .map(|waiting| waiting.op.clone())
            .collect();
        let stepped = self.link.step(epoch, server, first, &ops)?;
        let counters = &self.desk.counters;
        counters.steps.fetch_add(1, Relaxed);
        counters.operations.fetch_add(ops.len() as u64, Relaxed);
        self.works();
        Ok(stepped)
    }

    /// Tells who waits for a claim what came of it, and who lost a name that it has.
    fn settle(&self, batch: Vec<Waiting>, results: &[u8], seq: u64) {
        let Some(last) = batch.last().map(|waiting| waiting.number) else {
            return self.desk.answered(0, seq);
        };
        for (waiting, result) in batch.into_iter().zip(results) {
            let done = *result == DONE;
            match (waiting.op, waiting.claimant) {
                (Op::Claim { claim, .. }, Some(claimant)) => {
                    let answer = if done { Ok(claim) } else { Err(NoClaim::Taken) };
                    let _ = claimant.try_send(answer); // it may have given up
                }
                (Op::Claim { name, claim } | Op::Tell { name, claim, .. }, None) if !done => {
                    self.replicas.named.lost(&name, claim);
                }
                _ => {}
            }
        }
        self.desk.answered(last, seq);
    }

    /// Joins, waits until this server knows all that was before, and begins from there.
    fn rejoin(&mut self) {
        while !self.desk.is_over() {
            match self.try_rejoin() {
                Ok(Some(joined)) => {
                    let switch = Switch {
                        desk: &self.desk,
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
        let joined = self.link.join()?;
        self.works();
        self.desk.want(joined.epoch);
        let position = Position {
            epoch: joined.epoch,
            seq: joined.seq,
        };
        let place = (joined.epoch, joined.server);
        while !self.desk.reach(position, self.link.lease() / 4) {
            match self.link.step(joined.epoch, joined.server, 0, &[])? {
                Stepped::Done { .. } => {}
                Stepped::Fenced | Stepped::NewEpoch => return Ok(None),
            }
        }
        Ok(Some(place).filter(|_| !self.desk.is_over()))
    }

    fn works(&mut self) {
        self.pause = PAUSE_MIN;
        if let Some(change) = self.desk.report(Side::Writer, true, grace(&self.link)) {
            tell(change, &self.replicas);
        }
    }

    fn failed(&mut self, error: &LinkError) {
        // Who runs this wants to know why, and not each time that it is tried again.
        let level = match self.pause {
            PAUSE_MIN => Level::Warn,
            _ => Level::Debug,
        };
        log!(level, "Redis does not do what it is asked: {error}");
        self.link.hang_up();
        if let Some(change) = self.desk.report(Side::Writer, false, grace(&self.link)) {
            tell(change, &self.replicas);
        }
        self.desk.pause(self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX).min(self.link.lease() / 4);
    }
}

/// Tells people, and the log, how things stand.
pub fn tell(change: Change, replicas: &Replicas) {
    let news = match change {
        Change::CutOff => {
            warn!(target: CLUSTER, "cut off from Redis: nothing is delivered until it can be used again");
            News::CutOff
        }
        Change::Healed => {
            info!(target: CLUSTER, "not cut off from Redis any more");
            News::Healed
        }
    };
    for replica in replicas.each() {
        replica.news(news);
    }
}

/// How long Redis may be silent before people are told.
pub fn grace(link: &Link) -> Duration {
    link.lease() / 4
}

/// The letter for an operation that was carried out.
const DONE: u8 = b'o';

/// Redis counts in milliseconds.
const TICK: Duration = Duration::from_millis(2);

pub const PAUSE_MIN: Duration = Duration::from_millis(20);
pub const PAUSE_MAX: Duration = Duration::from_secs(1);
