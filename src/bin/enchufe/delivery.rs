//! The path from an event to its recipients: decide, commit, then apply and deliver.
//!
//! | backend | an event is committed | it is applied | its entries are delivered |
//! |---|---|---|---|
//! | memory | at once | at once | at once |
//! | disk | when the store thread has flushed it | at once | when it is committed |
//! | cluster | when it is in the log in Redis | when the log returns it | when it is applied |

use std::sync::{Arc, mpsc};
use std::time::Duration;

use enchufe::net::{Entry, MemberId, PreparedMessage, Recipients, Room};

use crate::cluster::log_handle::Log;
use crate::store::change::Change;
use crate::store::write_queue::{Durability, WriteQueue};
use crate::store::writer::StoreBuilder;

/// Where events are committed before their recipients see them.
#[derive(Debug)]
pub enum Backend {
    /// Nowhere.
    Memory,
    /// In a file, by the store thread.
    Disk(WriteQueue<PendingDelivery>),
    /// In a log that all servers of a cluster share.
    Cluster(Log),
}

/// The rooms of a service, and its backend.
#[derive(Debug)]
pub struct DeliveryPipeline {
    rooms: Arc<[Room]>,
    pub backend: Backend,
}

/// An entry, and the index of its room.
pub type RoomEntry = (usize, Entry);

/// Rows to commit before the entries that come with them are delivered.
#[derive(Debug, Default)]
pub struct PendingWrites {
    pub rows: Vec<Change>,
    /// The member to warn if they cannot be written.
    pub author: Option<(usize, MemberId)>,
}

/// Entries that wait for the disk.
#[derive(Debug)]
pub struct PendingDelivery {
    author: Option<(usize, MemberId)>,
    entries: Vec<RoomEntry>,
}

impl DeliveryPipeline {
    /// Delivers at once.
    pub fn in_memory(rooms: usize) -> Self {
        Self::new(rooms, Backend::Memory)
    }

    /// Delivers what a cluster's log returns.
    pub fn clustered(rooms: usize, log: Log) -> Self {
        Self::new(rooms, Backend::Cluster(log))
    }

    /// Delivers what a store has written. `warning` tells an author, in the format of a room, that the next message is not
    /// on disk.
    pub fn stored(
        rooms: usize,
        store: &mut StoreBuilder,
        warning: impl Fn(usize) -> PreparedMessage + Send + 'static,
    ) -> Self {
        let mut delivery = Self::in_memory(rooms);
        let rooms = Arc::clone(&delivery.rooms);
        delivery.backend =
            Backend::Disk(store.queue(move |batch: Vec<PendingDelivery>, durability| {
                for PendingDelivery { author, entries } in batch {
                    let author = author.filter(|_| durability == Durability::NotPersisted);
                    let warning = author.map(|(room, author)| message(room, author, warning(room)));
                    append(&rooms, warning.into_iter().chain(entries));
                }
                deliver(&rooms);
            }));
        delivery
    }

    fn new(rooms: usize, backend: Backend) -> Self {
        Self {
            rooms: std::iter::repeat_with(Room::new).take(rooms).collect(),
            backend,
        }
    }

    /// The cluster's log, if there is one.
    pub fn log(&self) -> Option<&Log> {
        match &self.backend {
            Backend::Cluster(log) => Some(log),
            Backend::Memory | Backend::Disk(_) => None,
        }
    }

    /// Appends to the order. Call it while holding the lock of the state that decided, and [`DeliveryPipeline::deliver`] after
    /// releasing that lock.
    pub fn append(&self, writes: PendingWrites, entries: impl IntoIterator<Item = RoomEntry>) {
        let Backend::Disk(queue) = &self.backend else {
            return append(&self.rooms, entries);
        };
        let pending = PendingDelivery {
            author: writes.author,
            entries: entries.into_iter().collect(),
        };
        if !writes.rows.is_empty() || !pending.entries.is_empty() {
            let cost = pending.entries.iter().map(cost).sum();
            queue.push(writes.rows, pending, cost);
        }
    }

    /// Delivers everything appended. With a store its thread does, and a caller that is faster than the disk waits.
    pub fn deliver(&self) {
        match &self.backend {
            Backend::Memory | Backend::Cluster(_) => deliver(&self.rooms),
            Backend::Disk(queue) => queue.wait(),
        }
    }

    /// Waits while too many operations wait for Redis. Call it without any lock.
    pub fn wait_for_log(&self) {
        if let Some(log) = self.log() {
            log.wait_for_space();
        }
    }

    /// Delivers, and waits until everything appended was passed to the members' connections.
    pub fn flush(&self) {
        let (done, flushed) = mpsc::channel();
        let barriers = (0..self.rooms.len()).map(|room| (room, Entry::Barrier(done.clone())));
        self.append(PendingWrites::default(), barriers);
        drop(done);
        self.deliver();
        for _ in 0..self.rooms.len() {
            if flushed.recv_timeout(FLUSH_TIMEOUT).is_err() {
                return;
            }
        }
    }
}

/// An entry for one member.
pub fn message(room: usize, member: MemberId, message: PreparedMessage) -> RoomEntry {
    let to = Recipients::Only(member);
    (room, Entry::Message { to, message })
}

fn append(rooms: &[Room], entries: impl IntoIterator<Item = RoomEntry>) {
    for (room, entry) in entries {
        rooms[room].append([entry]);
    }
}

fn deliver(rooms: &[Room]) {
    rooms.iter().for_each(Room::deliver);
}

/// Approximate memory of an entry, in bytes.
fn cost((_, entry): &RoomEntry) -> usize {
    let frames = match entry {
        Entry::Message { message, .. } => message.frames().len(),
        _ => 0,
    };
    size_of::<Entry>() + frames
}

/// No delivery takes this long, unless a disk does.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
