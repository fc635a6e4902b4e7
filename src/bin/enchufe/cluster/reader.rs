//! The reader thread: follows the log, and applies its entries in order.
//!
//! Each entry must directly follow the last one. If one does not, or the last one is no longer in the log, the reader
//! reloads the state from the last snapshot.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use log::{debug, error, info, warn};

use crate::backoff::Backoff;
use crate::cluster::entry::{LogEntry, Position};
use crate::cluster::error::ClientError;
use crate::cluster::op_queue::{OpQueue, Side};
use crate::cluster::redis_client::{Loaded, RedisClient};
use crate::cluster::replica::{ClusterNotice, Replica, Replicas};
use crate::cluster::snapshot_codec;
use crate::cluster::writer::{self, notify, outage_grace};
use crate::log_targets::CLUSTER;
use crate::store::record::DecodeError;

/// State of the reader thread.
pub struct LogReader {
    client: RedisClient,
    queue: Arc<OpQueue>,
    replicas: Replicas,
    /// Position of the last applied entry.
    at: Position,
    /// The last applied entry, to recognize the log after a reconnect.
    last: Option<(Position, Fingerprint)>,
    /// Whether the state must be loaded from a snapshot.
    needs_reload: bool,
    backoff: Backoff,
}

impl LogReader {
    pub fn new(client: RedisClient, queue: Arc<OpQueue>, replicas: Replicas) -> Self {
        let backoff = writer::backoff(client.lease());
        Self {
            client,
            queue,
            replicas,
            at: Position::default(),
            last: None,
            needs_reload: true,
            backoff,
        }
    }

    /// Replaces the connection.
    pub fn set_client(&mut self, client: RedisClient) {
        self.client = client;
    }

    /// Follows the log until the queue is closed.
    pub fn run(&mut self) {
        while !self.queue.is_closed() {
            let outcome = self.poll();
            let works = outcome.is_ok();
            if let Err(error) = outcome {
                debug!(target: CLUSTER, "cannot read the log: {error}");
                self.client.disconnect();
            }
            let grace = outage_grace(&self.client);
            if let Some(change) = self.queue.report(Side::Reader, works, grace) {
                notify(change, &self.replicas);
            }
            if works {
                self.backoff.reset();
            } else {
                self.queue.sleep(self.backoff.next());
            }
        }
    }

    /// Loads the snapshot, and applies the log up to its current end.
    pub fn load(&mut self) -> Result<(), ClientError> {
        let loaded = self.client.load()?;
        if loaded.epoch == 0 {
            // The writer creates one when it joins.
            return Err(ClientError::Reply("no log"));
        }
        if let Err(error) = self.restore(&loaded) {
            error!(target: CLUSTER, "invalid snapshot in Redis: {error}; starting with empty state");
            self.client.start_epoch(loaded.epoch, true)?;
            return Err(ClientError::Reply("invalid snapshot"));
        }
        self.last = None;
        self.at = loaded.snapshot_at;
        while self.at.seq < loaded.seq {
            let entries = self.client.next(self.at, MAX_ENTRIES)?;
            let is_next = entries
                .first()
                .is_some_and(|first| first.position.seq == self.at.seq + 1);
            if !is_next {
                return self.handle_gap(&loaded);
            }
            // Trimming the log can leave a gap between two replies, but not within one.
            if let Some(last) = entries.last() {
                self.at = last.position;
            }
            self.apply(entries);
        }
        self.at.epoch = self.at.epoch.max(loaded.epoch);
        self.needs_reload = false;
        self.queue.mark_applied(self.at, None);
        for replica in self.replicas.each() {
            replica.resume();
        }
        Ok(())
    }

    /// Reloads the state if necessary, or waits for the next entries and applies them.
    fn poll(&mut self) -> Result<(), ClientError> {
        if !self.needs_reload && !self.client.is_connected() && !self.is_same_log()? {
            self.needs_reload = true;
        }
        if !self.needs_reload && self.queue.target_epoch() > self.at.epoch {
            self.needs_reload = true;
        }
        if self.needs_reload {
            return self.reload();
        }
        if self.queue.take_snapshot_request() {
            self.write_snapshot()?;
        }
        let entries = self.client.await_next(self.at, MAX_ENTRIES)?;
        let Some(last) = entries.last().map(|entry| entry.position) else {
            return Ok(());
        };
        let mut expected = self.at;
        for entry in &entries {
            expected.seq += 1;
            if entry.position != expected {
                warn!(target: CLUSTER, "log entry {expected} is missing: found {}", entry.position);
                self.needs_reload = true;
                return Ok(());
            }
        }
        self.at = last;
        self.apply(entries);
        Ok(())
    }

    /// Checks after a reconnect whether the log is the same, up to the last applied entry.
    fn is_same_log(&mut self) -> Result<bool, ClientError> {
        let epoch = self.client.epoch()?;
        if epoch != self.at.epoch {
            return Ok(false);
        }
        let Some((at, fingerprint)) = self.last else {
            return Ok(true);
        };
        if self.client.entry(at)?.as_ref().map(fingerprint_of) == Some(fingerprint) {
            return Ok(true);
        }
        let loaded = self.client.load()?;
        if loaded.epoch == epoch && loaded.snapshot_at < self.at {
            // The entry was not trimmed: Redis restarted with older data.
            warn!(target: CLUSTER, "Redis has lost the end of the log");
            self.client.start_epoch(epoch, false)?;
        }
        Ok(false)
    }

    fn reload(&mut self) -> Result<(), ClientError> {
        self.load()?;
        info!(target: CLUSTER, "reloaded the state at log entry {}", self.at);
        self.queue.counters.reloads.fetch_add(1, Relaxed);
        for replica in self.replicas.each() {
            replica.notify(ClusterNotice::Restarted);
        }
        Ok(())
    }

    /// Handles a gap between snapshot and log. Unless there is a new snapshot by now, Redis has lost entries.
    fn handle_gap(&mut self, loaded: &Loaded) -> Result<(), ClientError> {
        let again = self.client.load()?;
        if again.epoch == loaded.epoch && again.snapshot_at == loaded.snapshot_at {
            error!(target: CLUSTER, "entries are missing from the log in Redis: starting with empty state");
            self.client.start_epoch(loaded.epoch, true)?;
        }
        Err(ClientError::Reply("gap in the log"))
    }

    fn restore(&self, loaded: &Loaded) -> Result<(), DecodeError> {
        for (service, replica) in (0..).zip(self.replicas.each()) {
            replica.restore(&snapshot_codec::unpack(&loaded.snapshot, service)?)?;
        }
        Ok(())
    }

    fn apply(&mut self, mut entries: Vec<LogEntry>) {
        self.queue.mark_own(&mut entries);
        let last = entries.last();
        self.last = last.map(|entry| (entry.position, fingerprint_of(entry)));
        let own = entries.iter().rev().find(|entry| entry.is_own);
        let own = own.map(|entry| entry.number);
        let count = entries.len() as u64;
        // After a panic in `apply`, the state is reloaded: some entries may not be applied.
        let needs_reload = std::mem::replace(&mut self.needs_reload, true);
        self.replicas.apply(entries);
        self.needs_reload = needs_reload;
        self.queue.counters.entries.fetch_add(count, Relaxed);
        self.queue.mark_applied(self.at, own);
    }

    fn write_snapshot(&mut self) -> Result<(), ClientError> {
        let services: Vec<_> = self.replicas.each().map(Replica::rows).collect();
        let (snapshot, rows) = snapshot_codec::pack(&services);
        let bytes = snapshot.len();
        if self.client.write_snapshot(self.at, rows, snapshot)? {
            debug!(target: CLUSTER, "wrote a snapshot of {rows} rows, {bytes} bytes, up to log entry {}", self.at);
            self.queue.counters.snapshots.fetch_add(1, Relaxed);
        }
        Ok(())
    }
}

/// Timestamp, server and number of an entry.
type Fingerprint = (u64, u64, u64);

fn fingerprint_of(entry: &LogEntry) -> Fingerprint {
    (entry.timestamp, entry.server, entry.number)
}

/// Maximum number of entries in a reply.
const MAX_ENTRIES: usize = 1_000;
