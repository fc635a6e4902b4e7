//! The one thread that follows the log: what it reads is applied, and delivered, in the order of the log and in no other.
//!
//! Every entry must be the one right behind the last. If it is not, or if what was read last is not in the log any more,
//! the server begins again from the last snapshot.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use log::{debug, error, info, warn};

use crate::backoff::Backoff;
use crate::cluster::entry::{Entry, Position};
use crate::cluster::error::LinkError;
use crate::cluster::op_queue::{OpQueue, Side};
use crate::cluster::redis_client::{Loaded, RedisClient};
use crate::cluster::replica::{ClusterNotice, Replica, Replicas};
use crate::cluster::snapshot_codec;
use crate::cluster::writer::{self, grace, tell};
use crate::log_targets::CLUSTER;

pub struct Reader {
    client: RedisClient,
    queue: Arc<OpQueue>,
    replicas: Replicas,
    at: Position,
    /// The last entry that was read: where it stands, and what it is known by.
    last: Option<(Position, Mark)>,
    /// What was read so far does not count any more.
    needs_reload: bool,
    backoff: Backoff,
}

impl Reader {
    pub fn new(client: RedisClient, queue: Arc<OpQueue>, replicas: Replicas) -> Reader {
        let backoff = writer::backoff(client.lease());
        Reader {
            client,
            queue,
            replicas,
            at: Position::default(),
            last: None,
            needs_reload: true,
            backoff,
        }
    }

    /// Reads over another connection from here on.
    pub fn follow_by(&mut self, client: RedisClient) {
        self.client = client;
    }

    /// Follows the log to the end.
    pub fn run(&mut self) {
        while !self.queue.is_over() {
            let turn = self.turn();
            let works = turn.is_ok();
            if let Err(error) = turn {
                debug!(target: CLUSTER, "the log cannot be read: {error}");
                self.client.disconnect();
            }
            let change = self.queue.report(Side::Reader, works, grace(&self.client));
            if let Some(change) = change {
                tell(change, &self.replicas);
            }
            if works {
                self.backoff.reset();
            } else {
                self.queue.pause(self.backoff.next());
            }
        }
    }

    /// Brings this server to where the log is now.
    pub fn load(&mut self) -> Result<(), LinkError> {
        let loaded = self.client.load()?;
        if loaded.epoch == 0 {
            // The writer will join, and there is one.
            return Err(LinkError::Answer("there is no log"));
        }
        if let Err(error) = self.restore(&loaded) {
            error!(target: CLUSTER, "the snapshot in Redis makes no sense: {error}; the chat begins empty");
            self.client.renew(loaded.epoch, true)?;
            return Err(LinkError::Answer("the snapshot"));
        }
        self.last = None;
        self.at = loaded.snapshot_at;
        while self.at.seq < loaded.seq {
            let entries = self.client.next(self.at, AT_ONCE)?;
            let follow = entries
                .first()
                .is_some_and(|first| first.position.seq == self.at.seq + 1);
            if !follow {
                return self.gap(&loaded);
            }
            for entry in &entries {
                // What was let go of meanwhile leaves a gap between two answers, and never within one.
                self.at = entry.position;
            }
            self.apply(entries);
        }
        self.at.epoch = self.at.epoch.max(loaded.epoch);
        self.needs_reload = false;
        self.queue.applied(self.at, None);
        for replica in self.replicas.each() {
            replica.resume();
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<(), LinkError> {
        if !self.needs_reload && !self.client.is_up() && !self.is_the_same()? {
            self.needs_reload = true;
        }
        if !self.needs_reload && self.queue.target_epoch() > self.at.epoch {
            self.needs_reload = true;
        }
        if self.needs_reload {
            return self.begin_anew();
        }
        if self.queue.take_snapshot_due() {
            self.take_snapshot()?;
        }
        let entries = self.client.await_next(self.at, AT_ONCE)?;
        let Some(last) = entries.last().map(|entry| entry.position) else {
            return Ok(());
        };
        let mut expected = self.at;
        for entry in &entries {
            expected.seq += 1;
            if entry.position != expected {
                warn!(target: CLUSTER, "{expected} is followed in the log by {}", entry.position);
                self.needs_reload = true;
                return Ok(());
            }
        }
        self.at = last;
        self.apply(entries);
        Ok(())
    }

    /// After a connection was lost: whether the log is the one that was read.
    fn is_the_same(&mut self) -> Result<bool, LinkError> {
        let epoch = self.client.epoch()?;
        if epoch != self.at.epoch {
            return Ok(false);
        }
        let Some((at, known)) = self.last else {
            return Ok(true);
        };
        if self.client.entry(at)?.as_ref().map(mark) == Some(known) {
            return Ok(true);
        }
        let loaded = self.client.load()?;
        if loaded.epoch == epoch && loaded.snapshot_at < self.at {
            // It was not let go of: Redis came back with less than it had.
            warn!(target: CLUSTER, "Redis has lost the end of the log");
            self.client.renew(epoch, false)?;
        }
        Ok(false)
    }

    fn begin_anew(&mut self) -> Result<(), LinkError> {
        self.load()?;
        info!(target: CLUSTER, "began anew at {}", self.at);
        self.queue.counters.restarts.fetch_add(1, Relaxed);
        for replica in self.replicas.each() {
            replica.news(ClusterNotice::Anew);
        }
        Ok(())
    }

    /// The log does not go on where the snapshot ends. Unless there is another snapshot meanwhile, something was removed from
    /// Redis that must not be.
    fn gap(&mut self, loaded: &Loaded) -> Result<(), LinkError> {
        let again = self.client.load()?;
        if again.epoch == loaded.epoch && again.snapshot_at == loaded.snapshot_at {
            error!(target: CLUSTER, "entries are missing from the log in Redis: the chat begins empty");
            self.client.renew(loaded.epoch, true)?;
        }
        Err(LinkError::Answer("a hole in the log"))
    }

    fn restore(&self, loaded: &Loaded) -> Result<(), crate::store::record::DecodeError> {
        for (service, replica) in (0..).zip(self.replicas.each()) {
            replica.restore(&snapshot_codec::unpack(&loaded.snapshot, service)?)?;
        }
        Ok(())
    }

    fn apply(&mut self, mut entries: Vec<Entry>) {
        self.queue.mark_own(&mut entries);
        self.last = entries.last().map(|entry| (entry.position, mark(entry)));
        let own = entries.iter().rev().find(|entry| entry.own);
        let own = own.map(|entry| entry.number);
        let count = entries.len() as u64;
        // If this panics, not all of it may have been applied.
        let needs_reload = std::mem::replace(&mut self.needs_reload, true);
        self.replicas.apply(entries);
        self.needs_reload = needs_reload;
        self.queue.counters.entries.fetch_add(count, Relaxed);
        self.queue.applied(self.at, own);
    }

    fn take_snapshot(&mut self) -> Result<(), LinkError> {
        let services: Vec<_> = self.replicas.each().map(Replica::rows).collect();
        let (codec, rows) = snapshot_codec::pack(&services);
        let bytes = codec.len();
        if self.client.snapshot(self.at, rows, codec)? {
            debug!(target: CLUSTER, "snapshot of {rows} rows, {bytes} bytes, up to {}", self.at);
            self.queue.counters.snapshots.fetch_add(1, Relaxed);
        }
        Ok(())
    }
}

/// When an entry was made, by whom, and its number there.
type Mark = (u64, u64, u64);

fn mark(entry: &Entry) -> Mark {
    (entry.at, entry.by, entry.number)
}

/// Entries in one answer.
const AT_ONCE: usize = 1_000;
