//! The way from what a service decides to everybody it concerns: straight into the room or, with a store, through the
//! store thread, which lets it go on when what it tells is on disk.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::store::change::Change;
use crate::store::write_queue::{Lane, Standing};
use crate::store::writer::Opened;
use enchufe::net::{Audience, CODECS, Entry, MemberId, Room};

/// A room, and perhaps a store before it.
#[derive(Debug)]
pub struct Outlet {
    room: Arc<Room>,
    lane: Option<Lane<Parcel>>,
}

/// What has to be on disk before everybody hears of it.
#[derive(Debug, Default)]
pub struct Changes {
    pub rows: Vec<Change>,
    /// Who is to be told if it is not.
    pub author: Option<MemberId>,
}

#[derive(Debug)]
struct Parcel {
    author: Option<MemberId>,
    entries: Vec<Entry>,
}

/// Whole frames on each wire of a room.
type Frames = [Vec<u8>; CODECS];

impl Outlet {
    /// Straight into a room.
    pub fn direct() -> Outlet {
        Outlet {
            room: Arc::default(),
            lane: None,
        }
    }

    /// Through a store. `unkept` says to an author that what comes next is not on disk.
    pub fn stored(opened: &mut Opened, unkept: impl Fn() -> Frames + Send + 'static) -> Outlet {
        let room = Arc::new(Room::new());
        let exit = Arc::clone(&room);
        let lane = opened.lane(move |parcels: Vec<Parcel>, standing| {
            for Parcel { author, entries } in parcels {
                let author = author.filter(|_| standing == Standing::Unkept);
                let warning = author.map(|author| Entry::Frames {
                    to: Audience::Only(author),
                    frames: unkept(),
                });
                exit.append(warning.into_iter().chain(entries));
            }
            exit.deliver();
        });
        Outlet {
            room,
            lane: Some(lane),
        }
    }

    /// Appends to the order. Call it under the lock of what decided, and [`Outlet::deliver`] after letting go of it.
    pub fn append(&self, changes: Changes, entries: impl IntoIterator<Item = Entry>) {
        let Some(lane) = &self.lane else {
            return self.room.append(entries);
        };
        let parcel = Parcel {
            author: changes.author,
            entries: entries.into_iter().collect(),
        };
        if !changes.rows.is_empty() || !parcel.entries.is_empty() {
            let cost = parcel.entries.iter().map(cost).sum();
            lane.push(changes.rows, parcel, cost);
        }
    }

    /// Sees to it that everything appended so far reaches the members. With a store that is the store thread's doing;
    /// who outruns the disk waits here for it.
    pub fn deliver(&self) {
        match &self.lane {
            None => self.room.deliver(),
            Some(lane) => lane.wait(),
        }
    }

    /// Delivers, and returns when everything appended so far has been handed to the members' connections: what comes
    /// next comes last.
    pub fn settle(&self) {
        let (done, settled) = mpsc::channel();
        self.append(Changes::default(), [Entry::Mark(done)]);
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
