//! What the server counts while it runs, for `/metrics` and for tests.
//!
//! Rare things are counted where everybody sees them. What happens for each message is counted by its connection alone,
//! in numbers nobody else writes, and added up when somebody asks: no two processors ever pull at the same counter.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::net::connection::sync::{Mutex, MutexGuard};

/// Totals since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Connections open now, WebSocket or HTTP.
    pub open: AtomicU64,
    /// WebSocket handshakes answered with 101.
    pub upgraded: AtomicU64,
    /// Peers closed because their backlog was full.
    pub too_slow: AtomicU64,
    /// Handlers that panicked.
    pub panics: AtomicU64,
    /// Lines that were left out of the log, see [`Limits::log_rate`](crate::net::limits::Limits::log_rate).
    pub log_lines_left_out: AtomicU64,
    /// HTTP answers by status.
    statuses: Table,
    /// Close codes sent or received, whichever ended the connection; 1006 for none.
    closes: Table,
    connections: Mutex<Connections>,
}

/// What went over WebSocket connections.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Messages received.
    pub messages_received: u64,
    /// Bytes received, frame headers and control frames included.
    pub bytes_received: u64,
    /// Messages sent, each recipient of a room counted.
    pub messages_sent: u64,
    /// Bytes sent, frame headers and control frames included.
    pub bytes_sent: u64,
}

#[derive(Debug, Default)]
struct Connections {
    live: BTreeMap<u64, Arc<ConnectionCounters>>,
    /// Of those that are gone.
    past: Traffic,
}

impl Counters {
    pub(crate) fn status(&self, status: u16) {
        self.statuses.add(status);
    }

    pub(crate) fn closed(&self, code: u16) {
        self.closes.add(code);
    }

    /// HTTP answers so far: status and how many, without the statuses that never occurred.
    pub fn statuses(&self) -> impl Iterator<Item = (u16, u64)> {
        self.statuses.rows()
    }

    /// Ends of WebSocket connections so far: close code and how many; 1006 where no Close came.
    pub fn closes(&self) -> impl Iterator<Item = (u16, u64)> {
        self.closes.rows()
    }

    /// What went over all WebSocket connections so far, those that are open included.
    pub fn traffic(&self) -> Traffic {
        let connections = self.connections.lock();
        let live = connections.live.values().map(|tally| tally.read());
        live.fold(connections.past, Traffic::plus)
    }

    /// A connection comes, under a number no other has.
    pub(crate) fn begin(&self, id: u64) -> Arc<ConnectionCounters> {
        let tally = Arc::new(ConnectionCounters::default());
        let mut connections = self.connections.lock();
        connections.live.insert(id, Arc::clone(&tally));
        tally
    }

    /// The connection goes.
    pub(crate) fn end(&self, id: u64) {
        let mut connections = self.connections.lock();
        if let Some(tally) = connections.live.remove(&id) {
            connections.past = connections.past.plus(tally.read());
        }
    }
}

impl Traffic {
    fn plus(self, other: Self) -> Self {
        Self {
            messages_received: self.messages_received + other.messages_received,
            bytes_received: self.bytes_received + other.bytes_received,
            messages_sent: self.messages_sent + other.messages_sent,
            bytes_sent: self.bytes_sent + other.bytes_sent,
        }
    }
}

/// The counts of one connection. Each number has one writer at a time.
#[derive(Debug, Default)]
pub(crate) struct ConnectionCounters {
    messages_received: AtomicU64,
    bytes_received: AtomicU64,
    messages_sent: AtomicU64,
    bytes_sent: AtomicU64,
}

impl ConnectionCounters {
    /// By the thread that reads the connection.
    pub(crate) fn received(&self, messages: u64, bytes: u64) {
        add_single_writer(&self.messages_received, messages);
        add_single_writer(&self.bytes_received, bytes);
    }

    /// Written by the holder of the send queue's lock.
    pub(crate) fn sent(&self, messages: u64, bytes: u64) {
        add_single_writer(&self.messages_sent, messages);
        add_single_writer(&self.bytes_sent, bytes);
    }

    fn read(&self) -> Traffic {
        Traffic {
            messages_received: self.messages_received.load(Relaxed),
            bytes_received: self.bytes_received.load(Relaxed),
            messages_sent: self.messages_sent.load(Relaxed),
            bytes_sent: self.bytes_sent.load(Relaxed),
        }
    }
}

/// There is one writer, so two plain steps do, and no processor has to lock anything.
fn add_single_writer(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Relaxed) + count, Relaxed);
}

/// Adds to a number that anybody may write.
pub(crate) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Relaxed);
}

/// How often each number occurred. A connection adds to it once or twice in its life, and most numbers never occur.
#[derive(Debug, Default)]
struct Table(Mutex<BTreeMap<u16, u64>>);

impl Table {
    fn add(&self, number: u16) {
        *self.lock().entry(number).or_default() += 1;
    }

    fn rows(&self) -> impl Iterator<Item = (u16, u64)> {
        self.lock().clone().into_iter()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u16, u64>> {
        self.0.lock()
    }
}
