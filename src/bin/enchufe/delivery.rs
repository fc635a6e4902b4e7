//! The way from what a service decides to everybody it concerns: straight into the room or, with a store, through the
//! store thread, which lets it go on when what it tells is on disk.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::store::change::Change;
use crate::store::write_queue::{Durability, WriteQueue};
use crate::store::writer::StoreBuilder;
use enchufe::net::{Audience, CODECS, Entry, MemberId, Room};

/// A room, and perhaps a store before it.
#[derive(Debug)]
pub struct DeliveryPipeline {
    room: Arc<Room>,
    queue: Option<WriteQueue<PendingDelivery>>,
}

/// What has to be on disk before everybody hears of it.
#[derive(Debug, Default)]
pub struct PendingWrites {
    pub rows: Vec<Change>,
    /// Who is to be told if it is not.
    pub author: Option<MemberId>,
}

#[derive(Debug)]
struct PendingDelivery {
    author: Option<MemberId>,
    entries: Vec<Entry>,
}

/// Whole frames on each wire of a room.
type Frames = [Vec<u8>; CODECS];

impl DeliveryPipeline {
    /// Straight into a room.
    pub fn direct() -> DeliveryPipeline {
        DeliveryPipeline {
            room: Arc::default(),
            queue: None,
        }
    }

    /// Through a store. `unkept` says to an author that what comes next is not on disk.
    pub fn stored(
        opened: &mut StoreBuilder,
        unkept: impl Fn() -> Frames + Send + 'static,
    ) -> DeliveryPipeline {
        let room = Arc::new(Room::new());
        let exit = Arc::clone(&room);
        let queue = opened.queue(move |parcels: Vec<PendingDelivery>, standing| {
            for PendingDelivery { author, entries } in parcels {
                let author = author.filter(|_| standing == Durability::NotPersisted);
                let warning = author.map(|author| Entry::Frames {
                    to: Audience::Only(author),
                    frames: unkept(),
                });
                exit.append(warning.into_iter().chain(entries));
            }
            exit.deliver();
        });
        DeliveryPipeline {
            room,
            queue: Some(queue),
        }
    }

    /// Appends to the order. Call it under the lock of what decided, and [`DeliveryPipeline::deliver`] after letting go of it.
    pub fn append(&self, changes: PendingWrites, entries: impl IntoIterator<Item = Entry>) {
        let Some(queue) = &self.queue else {
            return self.room.append(entries);
        };
        let parcel = PendingDelivery {
            author: changes.author,
            entries: entries.into_iter().collect(),
        };
        if !changes.rows.is_empty() || !parcel.entries.is_empty() {
            let cost = parcel.entries.iter().map(cost).sum();
            queue.push(changes.rows, parcel, cost);
        }
    }

    /// Sees to it that everything appended so far reaches the members. With a store that is the store thread's doing;
    /// who outruns the disk waits here for it.
    pub fn deliver(&self) {
        match &self.queue {
            None => self.room.deliver(),
            Some(queue) => queue.wait(),
        }
    }

    /// Delivers, and returns when everything appended so far has been handed to the members' connections: what comes
    /// next comes last.
    pub fn flush(&self) {
        let (done, settled) = mpsc::channel();
        self.append(PendingWrites::default(), [Entry::Mark(done)]);
        self.deliver();
        // Whoever delivers gets there, or is gone with its end of the channel.
        let _either = settled.recv_timeout(SETTLED);
    }
}

/// About how much memory an entry takes, in bytes.
fn cost(entry: &Entry) -> usize {
    let frames = match entry {
        Entry::Frames { frames, .. } => frames.iter().map(Vec::len).sum(),
        _ => 0,
    };
    size_of::<Entry>() + frames
}

/// Nobody who delivers takes this long, unless a disk does.
const SETTLED: Duration = Duration::from_secs(5);
