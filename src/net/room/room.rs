//! One message to everybody, in one order, with one write per member.
//!
//! A room is a **combiner**. A session appends its frames to the room's batch while it holds the lock of the state
//! that decided them, so the order of the batch is *the* order. After it has let go of that lock it calls
//! [`Room::deliver`]: if nobody is delivering it becomes the deliverer, takes the whole batch, hands every member all
//! its frames in one write, and goes on until the batch is empty. Under load many messages share one system call; at
//! rest a message goes straight out.
//!
//! Joins and leaves travel in the same batch, so a newcomer gets exactly what was appended after it came.
//!
//! Who delivers, and when a deliverer that others keep busy hands over, is decided in `combiner`; this file does it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::mpsc;

use crate::net::connection::sync::{Condvar, Mutex, MutexGuard, PoisonError, catch_panic, thread};
use crate::net::connection::websocket::Sender;
use crate::net::room::combiner::{EnterResult, FlatCombiner};
use crate::net::socket::transport::{Socket, Transport};

/// How many encodings of the same notice a room carries side by side.
pub const CODECS: usize = 2;

/// Names a member of a [`Room`]; the caller chooses the numbers and never uses one twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u64);

/// Who gets the frames of an [`Entry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Every member.
    All,
    /// Every member but one.
    AllBut(MemberId),
    /// One member.
    Only(MemberId),
    /// Two members, once each; once if they are the same.
    Both(MemberId, MemberId),
}

/// One step in the order of a room.
#[derive(Debug)]
pub enum Entry<T: Transport = Socket> {
    /// A member comes; it gets what is appended from here on.
    Join {
        /// Its name in the room.
        id: MemberId,
        /// Where its frames go.
        sender: Sender<T>,
        /// Which of the encodings it reads, below [`CODECS`].
        codec: usize,
    },
    /// A member goes.
    Leave(MemberId),
    /// Encoded server frames, one encoding per codec; an empty one means nothing for that codec.
    Frames {
        /// Who gets them.
        to: Audience,
        /// Whole, unmasked frames, not compressed: no two members have the same window.
        frames: [Vec<u8>; CODECS],
    },
    /// Tells who waits at the other end that all before it has been handed to the members' connections.
    Mark(mpsc::Sender<()>),
}

/// A group of connections that see the same messages in the same order.
#[derive(Debug)]
pub struct Room<T: Transport = Socket> {
    batch: Mutex<FlatCombiner<Entry<T>>>,
    handed_over: Condvar,
    /// Locked by the deliverer alone.
    members: Mutex<Members<T>>,
    /// Batches one session delivers before it hands over.
    pub(crate) rounds: u32,
}

type Members<T> = BTreeMap<MemberId, Member<T>>;

#[derive(Debug)]
struct Member<T: Transport> {
    sender: Sender<T>,
    codec: usize,
}

impl Room {
    /// An empty room of sockets. [`Room::default`] makes one of any other [`Transport`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<T: Transport> Room<T> {
    /// Appends to the order. Call it while holding the lock of whatever decided the entries, and [`Room::deliver`]
    /// after letting go of that lock.
    pub fn append(&self, entries: impl IntoIterator<Item = Entry<T>>) {
        self.lock().append(entries);
    }

    /// Sees to it that everything appended so far reaches the members: by this thread, or by one that is at it.
    pub fn deliver(&self) {
        // Other sessions that are ready to run get to append first, and one write carries their messages too.
        thread::yield_now();
        let mut batch = self.lock();
        let entries = loop {
            match batch.enter(self.rounds) {
                EnterResult::Leave => return,
                EnterResult::Deliver(entries) => break entries,
                EnterResult::Wait => {
                    batch = self
                        .handed_over
                        .wait_while(batch, |batch| batch.is_awaited())
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        };
        drop(batch);
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Some(entries);
        for round in 1.. {
            let Some(entries) = next else { break };
            dispatch(entries, &mut members);
            if round < self.rounds {
                thread::yield_now();
            }
            next = self.lock().next_batch();
        }
        drop(members);
        self.handed_over.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, FlatCombiner<Entry<T>>> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Transport> Default for Room<T> {
    fn default() -> Self {
        Self {
            batch: Mutex::new(FlatCombiner::new()),
            handed_over: Condvar::new(),
            members: Mutex::default(),
            rounds: ROUNDS,
        }
    }
}

/// Applies joins and leaves and hands out the frames between them, in order.
fn dispatch<T: Transport>(entries: Vec<Entry<T>>, members: &mut Members<T>) {
    let mut frames = Vec::with_capacity(entries.len());
    for entry in entries {
        match entry {
            Entry::Frames {
                to,
                frames: encodings,
            } => frames.push((to, encodings)),
            Entry::Join { id, sender, codec } => {
                send_all(&frames, members);
                frames.clear();
                members.insert(
                    id,
                    Member {
                        sender,
                        codec: codec.min(CODECS - 1),
                    },
                );
            }
            Entry::Leave(id) => {
                send_all(&frames, members);
                frames.clear();
                members.remove(&id);
            }
            Entry::Mark(done) => {
                send_all(&frames, members);
                frames.clear();
                let _ = done.send(()); // nobody may wait any more
            }
        }
    }
    send_all(&frames, members);
}

type Frames = (Audience, [Vec<u8>; CODECS]);

/// One write per member: the same shared bytes to everyone the audiences do not single out, and a selection to those
/// they do.
fn send_all<T: Transport>(frames: &[Frames], members: &Members<T>) {
    let mut common: [Vec<u8>; CODECS] = Default::default();
    let mut count = 0;
    let mut singled_out: Vec<MemberId> = Vec::new();
    for (to, encodings) in frames {
        match *to {
            Audience::All => {}
            Audience::AllBut(id) | Audience::Only(id) => singled_out.push(id),
            Audience::Both(one, other) => singled_out.extend([one, other]),
        }
        if matches!(to, Audience::All | Audience::AllBut(_)) {
            count += 1;
            for (all, encoding) in common.iter_mut().zip(encodings) {
                all.extend_from_slice(encoding);
            }
        }
    }
    singled_out.sort_unstable();
    singled_out.dedup();
    if count > 0 {
        for (id, member) in members {
            if singled_out.binary_search(id).is_err() && !common[member.codec].is_empty() {
                deliver_to(member, &common[member.codec], count);
            }
        }
    }
    for id in singled_out {
        if let Some(member) = members.get(&id) {
            send_selection(frames, id, member);
        }
    }
}

fn send_selection<T: Transport>(frames: &[Frames], id: MemberId, member: &Member<T>) {
    let mut own = Vec::new();
    let mut count = 0;
    for (_, encodings) in frames.iter().filter(|(to, _)| to.includes(id)) {
        own.extend_from_slice(&encodings[member.codec]);
        count += 1;
    }
    if !own.is_empty() {
        deliver_to(member, &own, count);
    }
}

/// One write to one member. If that panics, in a transport of the caller's own or in a logger, it is this connection that
/// ends: everybody else still needs whoever delivers.
fn deliver_to<T: Transport>(member: &Member<T>, frames: &[u8], messages: u64) {
    let queue = &member.sender.queue;
    if catch_panic(|| queue.send_encoded(frames, messages)).is_none() {
        let _ = catch_panic(|| queue.fail(&mut queue.lock(), ErrorKind::Other.into())); // it may panic again
    }
}

impl Audience {
    fn includes(self, id: MemberId) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(other) => other != id,
            Self::Only(one) => one == id,
            Self::Both(one, other) => one == id || other == id,
        }
    }
}

/// Batches one session delivers before it hands over.
const ROUNDS: u32 = 8;

#[cfg(test)]
mod tests {
    use std::io::{self, Read, Write};
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;
    use crate::net::connection::websocket::WebSocket;
    use crate::net::error::Error;
    use crate::net::limits::Limits;
    use crate::net::socket::transport::Locked;
    use crate::protocol::role::Role;

    /// A stream that tells what is written to it, and panics when nobody wants to know.
    struct Told(Sender<Vec<u8>>);

    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).expect("somebody listens");
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Read for Told {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Ok(0)
        }
    }

    fn member(room: &Room<Locked<Told>>, id: u64) -> (WebSocket<Locked<Told>>, Receiver<Vec<u8>>) {
        let (tell, told) = channel();
        let ws = WebSocket::from_stream(Told(tell), Role::Server, &Limits::default());
        let (id, sender) = (MemberId(id), ws.sender());
        room.append([Entry::Join {
            id,
            sender,
            codec: 0,
        }]);
        (ws, told)
    }

    /// A transport of the caller's own may do anything. The room is there for the others all the same.
    #[test]
    fn a_member_whose_transport_panics_is_closed_and_the_others_miss_nothing() {
        let room = Room::default();
        let (bad, nobody) = member(&room, 1);
        let (good, told) = member(&room, 2);
        drop(nobody);
        for frame in [b"\x81\x01a", b"\x81\x01b"] {
            let frames = [frame.to_vec(), Vec::new()];
            let to = Audience::All;
            room.append([Entry::Frames { to, frames }]);
            room.deliver();
            assert_eq!(told.try_recv().as_deref(), Ok(&frame[..]));
        }
        let refused = bad.sender().send("c");
        assert!(matches!(refused, Err(Error::Io(_))), "{refused:?}");
        drop(good); // it says Close, which somebody still has to want to know
    }
}
