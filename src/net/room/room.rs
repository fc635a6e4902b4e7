//! One message to many connections, in one order, with one write per member.
//!
//! A room is a *flat combiner*. Threads append to the room's batch. One of them delivers: it takes the whole batch, writes
//! to every member once, and repeats until the batch is empty. Under load many messages share one system call; at rest a
//! message goes straight out. Joins and leaves are part of the batch, so a new member receives exactly what was appended
//! after its join.
//!
//! `combiner` decides which thread delivers; this file delivers.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use crate::net::connection::message::{AsMessage, MessageRef};
use crate::net::connection::sync::{Condvar, Mutex, MutexGuard, catch_panic, thread};
use crate::net::connection::websocket::Sender;
use crate::net::room::combiner::{EnterResult, FlatCombiner};
use crate::net::socket::transport::{Socket, Transport};
use crate::protocol::encoder::encode_frame;
use crate::protocol::opcode::Opcode;

/// A group of connections that receive the same messages in the same order.
///
/// Each message is encoded once, whatever the number of members. A member that reads too slowly is closed when its send
/// queue is full; it delays nobody.
///
/// Messages of a room are never compressed, also for members that negotiated permessage-deflate: each of those has a window
/// of its own, so a shared frame cannot refer to it ([RFC 7692, 7.2.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1)
/// lets a sender choose per message).
///
/// ```
/// use std::sync::Arc;
/// use enchufe::Server;
/// use enchufe::net::{Recipients, Room};
///
/// // A chat: every message goes to all members but its author.
/// let room = Arc::new(Room::new());
/// let server = Server::bind("127.0.0.1:0")?.route("/chat", move |ws| {
///     let (mut reader, sender) = ws.split();
///     let member = room.join(sender);
///     while let Ok(Some(message)) = reader.read() {
///         room.send(Recipients::Except(member), message);
///     }
///     room.leave(member);
///     Ok(())
/// });
/// # Ok::<(), enchufe::Error>(())
/// ```
///
/// # Order under a lock
///
/// To make the order of messages the order of changes to some state, call [`Room::queue`] while holding the lock of that
/// state, release the lock, then call [`Room::deliver`].
#[derive(Debug)]
pub struct Room<T: Transport = Socket> {
    batch: Mutex<FlatCombiner<Entry<T>>>,
    handed_over: Condvar,
    /// Locked by the delivering thread only.
    members: Mutex<Members<T>>,
    /// Batches that one thread delivers before another takes over.
    pub(crate) rounds: u32,
}

/// Identifies a member of a [`Room`]. No two members in one process share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub(crate) u64);

/// Members that receive a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// Every member.
    All,
    /// Every member but one.
    Except(MemberId),
    /// One member.
    Only(MemberId),
    /// These members, once each. Those that are not in the room are ignored.
    Members(Vec<MemberId>),
}

/// A message, or several that stay together, encoded once for any number of connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PreparedMessage {
    /// Whole, unmasked frames.
    frames: Vec<u8>,
    count: u64,
}

/// One step in the order of a [`Room`], for callers that collect steps and append them later.
#[derive(Debug)]
pub enum Entry<T: Transport = Socket> {
    /// A connection becomes a member.
    Join {
        /// The new member, from [`MemberId::unique`].
        id: MemberId,
        /// Its connection.
        sender: Sender<T>,
    },
    /// A member leaves.
    Leave(MemberId),
    /// A message.
    Message {
        /// Its recipients.
        to: Recipients,
        /// Its frames.
        message: PreparedMessage,
    },
    /// Notifies the other end once everything before it was passed to the members' connections.
    Barrier(mpsc::Sender<()>),
}

type Members<T> = BTreeMap<MemberId, Sender<T>>;

impl Room {
    /// An empty room of sockets. [`Room::default`] makes one of any other [`Transport`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<T: Transport> Room<T> {
    /// Adds a connection. It receives every message that is queued from here on.
    pub fn join(&self, sender: Sender<T>) -> MemberId {
        let id = MemberId::unique();
        self.append([Entry::Join { id, sender }]);
        self.deliver();
        id
    }

    /// Removes a member; its connection stays open.
    pub fn leave(&self, member: MemberId) {
        self.append([Entry::Leave(member)]);
        self.deliver();
    }

    /// Sends a message, text or bytes. Returns when it was written or queued for every recipient, or when another thread
    /// has taken over the delivery. Never waits for a slow member.
    pub fn send(&self, to: Recipients, message: impl AsMessage) {
        self.queue(to, message);
        self.deliver();
    }

    /// Appends a message to the order; [`Room::deliver`] sends it.
    pub fn queue(&self, to: Recipients, message: impl AsMessage) {
        let message = PreparedMessage::new(message);
        self.append([Entry::Message { to, message }]);
    }

    /// Appends steps to the order; [`Room::deliver`] carries them out.
    pub fn append(&self, entries: impl IntoIterator<Item = Entry<T>>) {
        self.lock().append(entries);
    }

    /// Delivers everything appended so far, unless another thread is delivering and takes it along. Call it without holding
    /// a lock that senders need.
    pub fn deliver(&self) {
        if self.lock().is_empty() {
            return;
        }
        // Let threads that are ready append first: one write then carries their messages too.
        thread::yield_now();
        let mut batch = self.lock();
        let entries = loop {
            match batch.enter(self.rounds) {
                EnterResult::Leave => return,
                EnterResult::Deliver(entries) => break entries,
                EnterResult::Wait => {
                    batch = self
                        .handed_over
                        .wait_while(batch, |batch| batch.is_awaited());
                }
            }
        };
        drop(batch);
        let mut members = self.members.lock();
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

    /// Delivers, and waits until everything appended before was passed to the members' connections. Returns `false` if that
    /// took longer than `timeout`.
    pub fn flush(&self, timeout: Duration) -> bool {
        let (done, flushed) = mpsc::channel();
        self.append([Entry::Barrier(done)]);
        self.deliver();
        flushed.recv_timeout(timeout).is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, FlatCombiner<Entry<T>>> {
        self.batch.lock()
    }
}

impl<T: Transport> Default for Room<T> {
    fn default() -> Self {
        Self {
            batch: Mutex::new(FlatCombiner::new()),
            handed_over: Condvar::default(),
            members: Mutex::default(),
            rounds: ROUNDS,
        }
    }
}

impl MemberId {
    /// Returns an id that was never returned before.
    #[must_use]
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PreparedMessage {
    /// Encodes a message.
    #[must_use]
    pub fn new(message: impl AsMessage) -> Self {
        let mut prepared = Self::default();
        prepared.push(message);
        prepared
    }

    /// Adds a message that is sent right after those before it.
    pub fn push(&mut self, message: impl AsMessage) {
        self.push_message(message.as_message());
    }

    fn push_message(&mut self, message: MessageRef<'_>) {
        // 5.1: frames of a server are not masked, so all members can share them.
        let opcode = Opcode::from(message.kind());
        encode_frame(true, opcode, message.payload(), None, &mut self.frames);
        self.count += 1;
    }

    /// Whether it holds no message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The encoded frames.
    #[must_use]
    pub fn frames(&self) -> &[u8] {
        &self.frames
    }
}

impl Recipients {
    pub(crate) fn includes(&self, id: MemberId) -> bool {
        match self {
            Self::All => true,
            Self::Except(other) => *other != id,
            Self::Only(one) => *one == id,
            Self::Members(ids) => ids.contains(&id),
        }
    }
}

/// Applies joins and leaves, and sends the messages between them, in order.
fn dispatch<T: Transport>(entries: Vec<Entry<T>>, members: &mut Members<T>) {
    let mut messages = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Entry::Message { to, message } = entry {
            messages.push((to, message));
            continue;
        }
        send_all(&messages, members);
        messages.clear();
        match entry {
            Entry::Join { id, sender } => {
                members.insert(id, sender);
            }
            Entry::Leave(id) => {
                members.remove(&id);
            }
            Entry::Barrier(done) => {
                let _ = done.send(()); // the other end may have stopped waiting
            }
            Entry::Message { .. } => {}
        }
    }
    send_all(&messages, members);
}

/// Writes once per member: the same bytes to every member that no message singles out, and a selection to the others.
fn send_all<T: Transport>(messages: &[(Recipients, PreparedMessage)], members: &Members<T>) {
    let mut common = PreparedMessage::default();
    let mut singled_out: Vec<MemberId> = Vec::new();
    for (to, message) in messages {
        match to {
            Recipients::All => {}
            Recipients::Except(id) | Recipients::Only(id) => singled_out.push(*id),
            Recipients::Members(ids) => singled_out.extend(ids),
        }
        if matches!(to, Recipients::All | Recipients::Except(_)) {
            common.extend(message);
        }
    }
    singled_out.sort_unstable();
    singled_out.dedup();
    if !common.is_empty() {
        for (id, sender) in members {
            if singled_out.binary_search(id).is_err() {
                deliver_to(sender, &common);
            }
        }
    }
    for id in singled_out {
        if let Some(sender) = members.get(&id) {
            let mut own = PreparedMessage::default();
            let received = messages.iter().filter(|(to, _)| to.includes(id));
            received.for_each(|(_, message)| own.extend(message));
            if !own.is_empty() {
                deliver_to(sender, &own);
            }
        }
    }
}

impl PreparedMessage {
    fn extend(&mut self, other: &Self) {
        self.frames.extend_from_slice(&other.frames);
        self.count += other.count;
    }
}

/// Writes to one member. If that panics, in a caller's transport or a logger, only this connection ends: the others still
/// need the delivering thread.
fn deliver_to<T: Transport>(sender: &Sender<T>, message: &PreparedMessage) {
    let queue = &sender.queue;
    if catch_panic(|| queue.send_encoded(&message.frames, message.count)).is_none() {
        let _ = catch_panic(|| queue.fail(&mut queue.lock(), ErrorKind::Other.into())); // it may panic again
    }
}

/// Batches that one thread delivers before another takes over.
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
    use crate::protocol::state::Role;

    /// Records what is written to it, and panics when the record is gone.
    struct Recorder(Sender<Vec<u8>>);

    impl Write for Recorder {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).expect("the record is there");
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Read for Recorder {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Ok(0)
        }
    }

    fn member(room: &Room<Locked<Recorder>>) -> (WebSocket<Locked<Recorder>>, Receiver<Vec<u8>>) {
        let (written, record) = channel();
        let ws = WebSocket::from_stream(Recorder(written), Role::Server, &Limits::default());
        room.join(ws.sender());
        (ws, record)
    }

    /// A caller's transport may do anything; the room still serves the others.
    #[test]
    fn a_member_whose_transport_panics_is_closed_and_the_others_miss_nothing() {
        let room = Room::default();
        let (bad, record) = member(&room);
        drop(record);
        let (good, record) = member(&room);
        for (text, frame) in [("a", b"\x81\x01a"), ("b", b"\x81\x01b")] {
            room.send(Recipients::All, text);
            assert_eq!(record.try_recv().as_deref(), Ok(&frame[..]));
        }
        let rejected = bad.sender().send("c");
        assert!(matches!(rejected, Err(Error::Io(_))), "{rejected:?}");
        drop(good); // it writes a Close, which the record must still take
    }
}
