//! What the server counts while it runs, for `/metrics` and for tests.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Totals since the start. Connections add to them when they pause, not per message.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Connections open now, WebSocket or HTTP.
    pub open: AtomicU64,
    /// WebSocket handshakes answered with 101.
    pub upgraded: AtomicU64,
    /// Messages received.
    pub messages_received: AtomicU64,
    /// Bytes received on WebSocket connections.
    pub bytes_received: AtomicU64,
    /// Messages sent, each recipient of a room counted.
    pub messages_sent: AtomicU64,
    /// Bytes sent on WebSocket connections.
    pub bytes_sent: AtomicU64,
    /// Peers closed because their backlog was full.
    pub too_slow: AtomicU64,
    /// Handlers that panicked.
    pub panics: AtomicU64,
    /// HTTP answers by status, `statuses[404 - 100]`.
    statuses: Table<500>,
    /// Close codes sent or received, whichever ended the connection, `closes[1000 - 1000]`; 1006 for none.
    closes: Table<4000>,
}

impl Counters {
    pub(crate) fn status(&self, status: u16) {
        self.statuses.add(usize::from(status), 100);
    }

    pub(crate) fn closed(&self, code: u16) {
        self.closes.add(usize::from(code), 1000);
    }

    /// HTTP answers so far: status and how many, without the statuses that never occurred.
    pub fn statuses(&self) -> impl Iterator<Item = (u16, u64)> {
        self.statuses.rows(100)
    }

    /// Ends of WebSocket connections so far: close code and how many; 1006 where no Close came.
    pub fn closes(&self) -> impl Iterator<Item = (u16, u64)> {
        self.closes.rows(1000)
    }
}

pub(crate) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Relaxed);
}

#[derive(Debug)]
struct Table<const N: usize>(Box<[AtomicU64]>);

impl<const N: usize> Default for Table<N> {
    fn default() -> Self {
        Self((0..N).map(|_| AtomicU64::new(0)).collect())
    }
}

impl<const N: usize> Table<N> {
    fn add(&self, number: usize, first: usize) {
        if let Some(counter) = number.checked_sub(first).and_then(|at| self.0.get(at)) {
            add(counter, 1);
        }
    }

    fn rows(&self, first: u16) -> impl Iterator<Item = (u16, u64)> {
        (first..)
            .zip(self.0.iter().map(|n| n.load(Relaxed)))
            .filter(|&(_, count)| count > 0)
    }
}
