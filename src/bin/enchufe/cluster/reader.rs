//! The one thread that follows the log: what it reads is applied, and delivered, in the order of the log and in no other.
//!
//! Every entry must be the one right behind the last. If it is not, or if what was read last is not in the log any more,
//! the server begins anew from the last snapshot.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use log::{debug, error, info, warn};

use crate::cluster::entry::{Entry, Position};
use crate::cluster::error::LinkError;
use crate::cluster::op_queue::{Desk, Side};
use crate::cluster::redis_client::{Link, Loaded};
use crate::cluster::replica::{News, Replica, Replicas};
use crate::cluster::snapshot_codec;
use crate::cluster::writer::{PAUSE_MAX, PAUSE_MIN, grace, tell};
use crate::log_targets::CLUSTER;

pub struct Reader {
    link: Link,
    desk: Arc<Desk>,
    replicas: Replicas,
    at: Position,
    /// The last entry that was read: where it stands, and what it is known by.
    last: Option<(Position, Mark)>,
    /// What was read so far does not count any more.
    astray: bool,
    pause: Duration,
}

impl Reader {
    pub fn new(link: Link, desk: Arc<Desk>, replicas: Replicas) -> Reader {
        Reader {
            link,
            desk,
            replicas,
            at: Position::default(),
            last: None,
            astray: true,
            pause: PAUSE_MIN,
        }
    }

    /// Reads over another connection from here on.
    pub fn follow_by(&mut self, link: Link) {
        self.link = link;
    }

    /// Follows the log to the end.
    pub fn run(&mut self) {
        while !self.desk.is_over() {
            let turn = self.turn();
            let works = turn.is_ok();
            if let Err(error) = turn {
                debug!(target: CLUSTER, "the log cannot be read: {error}");
                self.link.hang_up();
            }
            let change = self.desk.report(Side::Reader, works, grace(&self.link));
            if let Some(change) = change {
                tell(change, &self.replicas);
            }
            if works {
                self.pause = PAUSE_MIN;
            } else {
                self.desk.pause(self.pause);
                self.pause = (self.pause * 2).min(PAUSE_MAX).min(self.link.lease() / 4);
            }
        }
    }

    /// Brings this server to where the log is now.
    pub fn load(&mut self) -> Result<(), LinkError> {
        let loaded = self.link.load()?;
        if loaded.epoch == 0 {
            // The writer will join, and there is one.
            return Err(LinkError::Answer("there is no log"));
        }
        if let Err(error) = self.restore(&loaded) {
            error!(target: CLUSTER, "the snapshot in Redis makes no sense: {error}; the chat begins empty");
            self.link.renew(loaded.epoch, true)?;
            return Err(LinkError::Answer("the snapshot"));
        }
        self.last = None;
        self.at = loaded.snapshot_at;
        while self.at.seq < loaded.seq {
            let entries = self.link.next(self.at, AT_ONCE)?;
            let follow = entries
                .first()
                .is_some_and(|first| first.position.seq == self.at.seq + 1);
            if !follow {
                return self.hole(&loaded);
            }
            for entry in &entries {
                // What was let go of meanwhile leaves a gap between two answers, and never within one.
                self.at = entry.position;
            }
            self.apply(entries);
        }
        self.at.epoch = self.at.epoch.max(loaded.epoch);
        self.astray = false;
        self.desk.applied(self.at, None);
        for replica in self.replicas.each() {
            replica.resume();
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<(), LinkError> {
        if !self.astray && !self.link.is_up() && !self.is_the_same()? {
            self.astray = true;
        }
        if !self.astray && self.desk.wanted() > self.at.epoch {
            self.astray = true;
        }
        if self.astray {
            return self.begin_anew();
        }
        if self.desk.take_snapshot_due() {
            self.take_snapshot()?;
        }
        let entries = self.link.await_next(self.at, AT_ONCE)?;
        let Some(last) = entries.last().map(|entry| entry.position) else {
            return Ok(());
        };
        let mut expected = self.at;
        for entry in &entries {
            expected.seq += 1;
            if entry.position != expected {
                warn!(target: CLUSTER, "{expected} is followed in the log by {}", entry.position);
                self.astray = true;
                return Ok(());
            }
        }
        self.at = last;
        self.apply(entries);
        Ok(())
    }

    /// After a connection was lost: whether the log is the one that was read.
    fn is_the_same(&mut self) -> Result<bool, LinkError> {
        let epoch = self.link.epoch()?;
        if epoch != self.at.epoch {
            return Ok(false);
        }
        let Some((at, known)) = self.last else {
            return Ok(true);
        };
        if self.link.entry(at)?.as_ref().map(mark) == Some(known) {
            return Ok(true);
        }
        let loaded = self.link.load()?;
        if loaded.epoch == epoch && loaded.snapshot_at < self.at {
            // It was not let go of: Redis came back with less than it had.
            warn!(target: CLUSTER, "Redis has lost the end of the log");
            self.link.renew(epoch, false)?;
        }
        Ok(false)
    }

    fn begin_anew(&mut self) -> Result<(), LinkError> {
        self.load()?;
        info!(target: CLUSTER, "began anew at {}", self.at);
        self.desk.counters.restarts.fetch_add(1, Relaxed);
        for replica in self.replicas.each() {
            replica.news(News::Anew);
        }
        Ok(())
    }

    /// The log does not go on where the snapshot ends. Unless there is another snapshot meanwhile, something was removed from
    /// Redis that must not be.
    fn hole(&mut self, loaded: &Loaded) -> Result<(), LinkError> {
        let again = self.link.load()?;
        if again.epoch == loaded.epoch && again.snapshot_at == loaded.snapshot_at {
            error!(target: CLUSTER, "entries are missing from the log in Redis: the chat begins empty");
            self.link.renew(loaded.epoch, true)?;
        }
        Err(LinkError::Answer("a hole in the log"))
    }

    fn restore(&self, loaded: &Loaded) -> Result<(), crate::store::record::RecordError> {
        for (service, replica) in (0..).zip(self.replicas.each()) {
            replica.restore(&snapshot_codec::unpack(&loaded.snapshot, service)?)?;
        }
        Ok(())
    }

    fn apply(&mut self, mut entries: Vec<Entry>) {
        self.desk.recognise(&mut entries);
        self.last = entries.last().map(|entry| (entry.position, mark(entry)));
        let own = entries.iter().rev().find(|entry| entry.own);
        let own = own.map(|entry| entry.number);
        let count = entries.len() as u64;
        // If this panics, not all of it may have been applied.
        let astray = std::mem::replace(&mut self.astray, true);
        self.replicas.apply(entries);
        self.astray = astray;
        self.desk.counters.entries.fetch_add(count, Relaxed);
        self.desk.applied(self.at, own);
    }

    fn take_snapshot(&mut self) -> Result<(), LinkError> {
        let services: Vec<_> = self.replicas.each().map(Replica::rows).collect();
        let (blob, rows) = snapshot_codec::pack(&services);
        let bytes = blob.len();
        if self.link.snapshot(self.at, rows, blob)? {
            debug!(target: CLUSTER, "snapshot of {rows} rows, {bytes} bytes, up to {}", self.at);
            self.desk.counters.snapshots.fetch_add(1, Relaxed);
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
