//! Turns requests of users into entries for the rooms: decides, commits, applies, and encodes the notices.
//!
//! There is one room per wire. A notice is encoded once for each wire that a recipient reads. No sockets, no threads, no
//! clock: the tests of the whole chat, both wires included, call this.

use std::collections::HashMap;

use crate::chat::cluster::pending::PendingOps;
use crate::chat::domain::command::{Command, Query, Rejection, Request};
use crate::chat::domain::event::{Audience, Delivery, Event, Notice};
use crate::chat::domain::name::Name;
use crate::chat::domain::state::State;
use crate::chat::domain::time::Now;
use crate::chat::persist::retention::RowIndex;
use crate::chat::wire::codec::{Codec, DecodedMessage};
use crate::delivery::{PendingWrites, RoomEntry};
use enchufe::net::{Entry, MemberId, Recipients};
use enchufe::protocol::CloseCode;

/// The chat's state and connections, both locked.
#[derive(Debug)]
pub struct Dispatcher<'a> {
    pub state: &'a mut State,
    pub connections: &'a mut Connections,
}

/// Connected users, and what the backend needs to know about events.
#[derive(Debug, Default)]
pub struct Connections {
    pub members: HashMap<Name, Member>,
    /// Number of members on each wire.
    readers: Readers,
    pub commit: Commit,
}

/// How events are committed.
#[derive(Debug, Default)]
pub enum Commit {
    /// In memory: at once.
    #[default]
    Memory,
    /// On disk: as rows that change.
    Disk(RowIndex),
    /// In a cluster: as operations in the log.
    Cluster(PendingOps),
}

/// Effects of a message.
#[derive(Debug, Default)]
pub struct Effects {
    /// Entries for the rooms.
    pub entries: Vec<RoomEntry>,
    /// Close code for the connection, sent after the entries.
    pub close: Option<CloseCode>,
}

impl From<Vec<RoomEntry>> for Effects {
    fn from(entries: Vec<RoomEntry>) -> Self {
        Self {
            entries,
            close: None,
        }
    }
}

/// A connected user in the room of its wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    pub id: MemberId,
    pub codec: Codec,
}

impl Dispatcher<'_> {
    /// Reserves a name for a connection to come.
    ///
    /// # Errors
    /// [`Rejection::NameTaken`].
    pub fn reserve(&mut self, name: &Name, now: Now) -> Result<(), Rejection> {
        self.run(name, Command::Reserve, now).map(drop)
    }

    /// Releases a reserved name; does nothing if it is not reserved.
    pub fn release(&mut self, name: &Name, now: Now) {
        let _ = self.run(name, Command::Release, now); // it may not be reserved
    }

    /// Connects a user whose name is reserved. The entries belong after the user's `Join`.
    ///
    /// # Errors
    /// [`Rejection::InvalidState`] if the name is not reserved.
    pub fn connect(
        &mut self,
        name: &Name,
        address: &str,
        codec: Codec,
        now: Now,
    ) -> Result<(Member, Vec<RoomEntry>), Rejection> {
        let delivery = self.run(name, Command::Connect { address }, now)?;
        Ok(self.add_member(name, codec, delivery, now))
    }

    /// Makes a user a member; `delivery` notifies the others.
    pub fn add_member(
        &mut self,
        name: &Name,
        codec: Codec,
        delivery: Delivery,
        now: Now,
    ) -> (Member, Vec<RoomEntry>) {
        let member = self.connections.add(name, codec);
        let mut entries = match codec {
            // A binary client requests the list of users itself.
            Codec::Binary => Vec::new(),
            Codec::Json => self.request(name, Request::Query(Query::Welcome), now),
        };
        entries.extend(self.connections.entries(delivery, now));
        (member, entries)
    }

    /// Executes a message of a user.
    pub fn message(&mut self, who: &Name, message: DecodedMessage<'_>, now: Now) -> Effects {
        match message {
            DecodedMessage::Binary(None) => Effects::default(),
            DecodedMessage::Binary(Some(request)) => Effects::from(self.request(who, request, now)),
            DecodedMessage::Json(object) => self.json_message(who, object, now),
        }
    }

    /// Executes a request of a user. A rejection becomes an entry too.
    pub fn request(&mut self, who: &Name, request: Request<'_>, now: Now) -> Vec<RoomEntry> {
        let outcome = match request {
            Request::Command(command) => self.run(who, command, now),
            Request::Query(query) => self
                .state
                .answer(who, query)
                .map(|notice| only(who, notice)),
        };
        let delivery = outcome.unwrap_or_else(|rejection| only(who, Notice::Rejected(rejection)));
        self.connections.entries(delivery, now)
    }

    /// Sets a user inactive if it is time to.
    pub fn tick(&mut self, who: &Name, now: Now) -> Vec<RoomEntry> {
        let event = self.state.tick(who, now);
        let delivery = event
            .map(|event| self.apply(event, now))
            .unwrap_or_default();
        self.connections.entries(delivery, now)
    }

    /// Removes a user whose connection has ended, and notifies the others. Does nothing if the user has left before: then
    /// the name may belong to another connection by now.
    pub fn leave(&mut self, who: &Name, id: MemberId, now: Now) -> Vec<RoomEntry> {
        if self
            .connections
            .member(who)
            .is_none_or(|member| member.id != id)
        {
            return Vec::new();
        }
        let Ok(delivery) = self.run(who, Command::Leave { notify_self: false }, now) else {
            return Vec::new();
        };
        let leave = self.connections.remove(who);
        leave
            .into_iter()
            .chain(self.connections.entries(delivery, now))
            .collect()
    }

    /// Decides a command and commits it. In a cluster it is applied when the log returns it; otherwise now.
    pub fn run(
        &mut self,
        who: &Name,
        command: Command<'_>,
        now: Now,
    ) -> Result<Delivery, Rejection> {
        let decided = self.state.decide(who, command, now);
        if let Commit::Cluster(pending) = &mut self.connections.commit {
            pending.enqueue(command, decided)?;
            return Ok(Delivery::new());
        }
        Ok(self.apply(decided?, now))
    }

    /// Applies an event, and notes the rows that it changes on disk.
    pub fn apply(&mut self, event: Event, now: Now) -> Delivery {
        let Commit::Disk(rows) = &mut self.connections.commit else {
            return self.state.apply(event, now);
        };
        rows.track(&event);
        let delivery = self.state.apply(event, now);
        rows.remove_evicted(self.state.take_evicted());
        delivery
    }
}

impl Connections {
    pub fn new(commit: Commit) -> Self {
        Self {
            commit,
            ..Self::default()
        }
    }

    pub fn member(&self, name: &Name) -> Option<Member> {
        self.members.get(name).copied()
    }

    fn add(&mut self, name: &Name, codec: Codec) -> Member {
        let id = MemberId::unique();
        let member = Member { id, codec };
        self.readers[codec as usize] += 1;
        self.members.insert(name.clone(), member);
        member
    }

    /// Removes a member. Returns its `Leave`.
    pub fn remove(&mut self, name: &Name) -> Option<RoomEntry> {
        let member = self.members.remove(name)?;
        self.readers[member.codec as usize] -= 1;
        Some((member.codec as usize, Entry::Leave(member.id)))
    }

    /// Rows changed since the last call, to commit before the entries that belong to them.
    pub fn take_writes(&mut self, who: &Name) -> PendingWrites {
        let Commit::Disk(rows) = &mut self.commit else {
            return PendingWrites::default();
        };
        let (rows, said) = rows.take_changes();
        let author = self.member(who).filter(|_| said);
        PendingWrites {
            rows,
            author: author.map(|member| (member.codec as usize, member.id)),
        }
    }

    /// Encodes notices for their audiences.
    pub fn entries(&self, delivery: Delivery, now: Now) -> Vec<RoomEntry> {
        let mut entries = Vec::new();
        for (audience, notice) in &delivery {
            for codec in Codec::ALL {
                if let Some(to) = self.recipients(audience, codec) {
                    let message = codec.encode(notice, now);
                    if !message.is_empty() {
                        entries.push((codec as usize, Entry::Message { to, message }));
                    }
                }
            }
        }
        entries
    }

    /// Members of an audience on a wire; `None` if there are none.
    fn recipients(&self, audience: &Audience, codec: Codec) -> Option<Recipients> {
        let readers = self.readers[codec as usize];
        let member = |name| self.member(name).filter(|member| member.codec == codec);
        match audience {
            Audience::All => (readers > 0).then_some(Recipients::All),
            Audience::Except(name) => match member(name) {
                None => (readers > 0).then_some(Recipients::All),
                Some(member) => (readers > 1).then_some(Recipients::Except(member.id)),
            },
            Audience::Only(name) => member(name).map(|member| Recipients::Only(member.id)),
            Audience::Both(one, other) => match (member(one), member(other)) {
                (Some(one), Some(other)) => Some(Recipients::Members(vec![one.id, other.id])),
                (one, other) => one.or(other).map(|member| Recipients::Only(member.id)),
            },
        }
    }
}

/// Number of members on each wire.
type Readers = [usize; Codec::ALL.len()];

pub fn only(who: &Name, notice: Notice) -> Delivery {
    vec![(Audience::Only(who.clone()), notice)]
}
