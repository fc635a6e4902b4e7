//! Between the state, which speaks of users, and the room, which carries frames: who speaks which wire.
//!
//! Each step takes what one user asks for and returns entries for the room. A notice is encoded once for each wire
//! that somebody in its audience reads, whatever the number of readers. No sockets, no threads, no clock: the whole
//! chat, both wires included, is tested through here.

use std::collections::HashMap;

#[cfg(feature = "cluster")]
use crate::chat::cluster::pending::PendingOps;
use crate::chat::domain::command::Query;
use crate::chat::domain::command::{Command, Rejection, Request};
use crate::chat::domain::event::{self, Delivery, Event, Notice};
use crate::chat::domain::name::Name;
use crate::chat::domain::state::{Settings, State};
use crate::chat::domain::time::Now;
use crate::chat::persist::retention::RowIndex;
use crate::chat::wire::binary;
use crate::chat::wire::json_encode;
use crate::chat::wire::json_error::RequestError;
use crate::chat::wire::json_object::{self, Object};
use crate::delivery::PendingWrites;
use enchufe::net::{Audience, CODECS, Entry, MemberId};
use enchufe::protocol::{CloseCode, MessageKind, Opcode, encode_frame};

/// The chat behind its two wires.
#[derive(Debug)]
pub struct ChatEngine {
    pub state: State,
    /// With a store: what is to change in there.
    rows: Option<RowIndex>,
    pub members: HashMap<Name, Member>,
    /// How many members read each wire.
    readers: Readers,
    next_id: u64,
    /// In a cluster: where commands go instead of happening.
    #[cfg(feature = "cluster")]
    pub pending: Option<PendingOps>,
}

/// A wire, by its index in the frames of an [`Entry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Seed 001.
    Binary = 0,
    /// Seed 002.
    Json = 1,
}

/// What a message says. It is read before anything is locked: how long that takes is up to the peer.
#[derive(Debug)]
pub enum DecodedMessage<'a> {
    /// A request, or nothing that the binary chat knows.
    Binary(Option<Request<'a>>),
    /// An object, or what is wrong with it.
    Json(Result<Object, RequestError>),
}

/// What a message leads to.
#[derive(Debug, Default)]
pub struct Effects {
    /// What the room has to carry.
    pub entries: Vec<Entry>,
    /// The connection ends, with this code, after the entries.
    pub close: Option<CloseCode>,
}

impl From<Vec<Entry>> for Effects {
    fn from(entries: Vec<Entry>) -> Effects {
        Effects {
            entries,
            close: None,
        }
    }
}

/// A connected user's place in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Its name there.
    pub id: MemberId,
    /// What it reads.
    pub codec: Codec,
}

impl ChatEngine {
    /// An empty chat.
    pub fn new(settings: Settings) -> ChatEngine {
        ChatEngine::of(State::new(settings), None)
    }

    /// A chat that goes on where a store ends.
    pub fn restored(state: State, rows: RowIndex) -> ChatEngine {
        ChatEngine::of(state, Some(rows))
    }

    fn of(state: State, rows: Option<RowIndex>) -> ChatEngine {
        ChatEngine {
            state,
            rows,
            members: HashMap::new(),
            readers: Readers::default(),
            next_id: 0,
            #[cfg(feature = "cluster")]
            pending: None,
        }
    }

    /// The rules and the memory, to look at.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Claims a name for a connection to come.
    ///
    /// # Errors
    ///
    /// [`Rejection::NameTaken`].
    pub fn reserve(&mut self, name: &Name, now: Now) -> Result<(), Rejection> {
        self.run(name, Command::Reserve, now).map(drop)
    }

    /// Gives a claimed name back; nothing happens if it is not claimed.
    pub fn release(&mut self, name: &Name, now: Now) {
        let _not_claimed = self.run(name, Command::Release, now);
    }

    /// Connects a user whose name is claimed. Its `Join` has to be appended before the entries.
    ///
    /// # Errors
    ///
    /// [`Rejection::OutOfTurn`] if the name is not claimed.
    pub fn connect(
        &mut self,
        name: &Name,
        address: &str,
        codec: Codec,
        now: Now,
    ) -> Result<(Member, Vec<Entry>), Rejection> {
        let delivery = self.run(name, Command::Connect { address }, now)?;
        Ok(self.admit(name, codec, delivery, now))
    }

    /// Gives a user, of whose coming the others are told, its place in the room.
    pub fn admit(
        &mut self,
        name: &Name,
        codec: Codec,
        delivery: Delivery,
        now: Now,
    ) -> (Member, Vec<Entry>) {
        let member = Member {
            id: MemberId(self.next_id),
            codec,
        };
        self.next_id += 1;
        self.readers[codec as usize] += 1;
        self.members.insert(name.clone(), member);
        let mut entries = match codec {
            // A binary client asks for the list when it wants it.
            Codec::Binary => Vec::new(),
            Codec::Json => self.request(name, Request::Query(Query::Welcome), now),
        };
        entries.extend(self.entries(delivery, now));
        (member, entries)
    }

    /// Does what a message of a user asks for.
    pub fn message(&mut self, who: &Name, heard: DecodedMessage<'_>, now: Now) -> Effects {
        match heard {
            DecodedMessage::Binary(None) => Effects::default(),
            DecodedMessage::Binary(Some(request)) => Effects::from(self.request(who, request, now)),
            DecodedMessage::Json(object) => self.json_message(who, object, now),
        }
    }

    /// Does what a user asks for; a rejection is an entry too.
    pub fn request(&mut self, who: &Name, request: Request<'_>, now: Now) -> Vec<Entry> {
        let outcome = match request {
            Request::Command(command) => self.run(who, command, now),
            Request::Query(query) => self
                .state
                .answer(who, query)
                .map(|notice| only(who, notice)),
        };
        let delivery = outcome.unwrap_or_else(|rejection| only(who, Notice::Refused(rejection)));
        self.entries(delivery, now)
    }

    /// Does what the passing of time does to a user.
    pub fn tick(&mut self, who: &Name, now: Now) -> Vec<Entry> {
        let event = self.state.tick(who, now);
        let delivery = event
            .map(|event| self.apply(event, now))
            .unwrap_or_default();
        self.entries(delivery, now)
    }

    /// A user's connection has ended: the others are told. Nothing happens if the user has said goodbye before: then the
    /// name may be somebody else's by now.
    pub fn leave(&mut self, who: &Name, id: MemberId, now: Now) -> Vec<Entry> {
        if self.members.get(who).is_none_or(|member| member.id != id) {
            return Vec::new();
        }
        let Ok(delivery) = self.run(who, Command::Leave { notify_self: false }, now) else {
            return Vec::new();
        };
        let leave = self.remove(who).map(|member| Entry::Leave(member.id));
        leave
            .into_iter()
            .chain(self.entries(delivery, now))
            .collect()
    }

    pub fn run(
        &mut self,
        who: &Name,
        command: Command<'_>,
        now: Now,
    ) -> Result<Delivery, Rejection> {
        let decided = self.state.decide(who, command, now);
        #[cfg(feature = "cluster")]
        if let Some(pending) = &mut self.pending {
            pending.enqueue(command, decided)?;
            return Ok(Delivery::new());
        }
        let event: Event = decided?;
        Ok(self.apply(event, now))
    }

    /// Whether commands happen when they come back by the log of a cluster, and not now.
    pub fn is_clustered(&self) -> bool {
        #[cfg(feature = "cluster")]
        return self.pending.is_some();
        #[cfg(not(feature = "cluster"))]
        false
    }

    pub fn apply(&mut self, event: Event, now: Now) -> Delivery {
        let Some(rows) = &mut self.rows else {
            return self.state.apply(event, now);
        };
        rows.track(&event);
        let delivery = self.state.apply(event, now);
        rows.forget(self.state.take_forgotten());
        delivery
    }

    /// What `who` has led to since this was asked last, and has to be on disk before it is told.
    pub fn take_changes(&mut self, who: &Name) -> PendingWrites {
        let Some(rows) = &mut self.rows else {
            return PendingWrites::default();
        };
        let (rows, said) = rows.take();
        let author = self.members.get(who).filter(|_| said);
        PendingWrites {
            rows,
            author: author.map(|member| member.id),
        }
    }

    pub fn remove(&mut self, who: &Name) -> Option<Member> {
        let member = self.members.remove(who)?;
        self.readers[member.codec as usize] -= 1;
        Some(member)
    }

    /// What the room has to carry so that everybody in the audiences is told.
    pub fn entries(&self, delivery: Delivery, now: Now) -> Vec<Entry> {
        let entry = |(audience, notice): (event::Audience, Notice)| {
            let (to, readers) = self.audience(&audience)?;
            let frames = encode(&notice, readers, now);
            let says_something = frames.iter().any(|frames| !frames.is_empty());
            says_something.then_some(Entry::Frames { to, frames })
        };
        delivery.into_iter().filter_map(entry).collect()
    }

    /// The members an audience consists of, and how many of them read each wire. `None` if there are none.
    fn audience(&self, audience: &event::Audience) -> Option<(Audience, Readers)> {
        let member = |name| self.members.get(name).copied();
        Some(match audience {
            event::Audience::All => (Audience::All, self.readers),
            event::Audience::AllBut(name) => match member(name) {
                None => (Audience::All, self.readers),
                Some(member) => {
                    let mut readers = self.readers;
                    readers[member.codec as usize] -= 1;
                    (Audience::AllBut(member.id), readers)
                }
            },
            event::Audience::Only(name) => member(name).map(Member::alone)?,
            event::Audience::Both(one, other) => match (member(one), member(other)) {
                (Some(one), Some(other)) => {
                    let (_, mut readers) = one.alone();
                    readers[other.codec as usize] += 1;
                    (Audience::Both(one.id, other.id), readers)
                }
                (found, None) | (None, found) => found?.alone(),
            },
        })
    }
}

impl Codec {
    /// Reads a message from this wire, JSON nested at most `json_depth` deep.
    pub fn read(self, kind: MessageKind, payload: &[u8], json_depth: usize) -> DecodedMessage<'_> {
        match self {
            // Text is as good as binary here: known clients send so.
            Codec::Binary => DecodedMessage::Binary(binary::decode(payload)),
            Codec::Json => DecodedMessage::Json(json_object::read(kind, payload, json_depth)),
        }
    }
}

impl Member {
    fn alone(self) -> (Audience, Readers) {
        let mut readers = Readers::default();
        readers[self.codec as usize] = 1;
        (Audience::Only(self.id), readers)
    }
}

/// How many read each wire.
type Readers = [usize; CODECS];

/// Whole frames on each wire.
pub type Frames = [Vec<u8>; CODECS];

/// The frames that warn an author whose message cannot be put on disk, on every wire.
pub fn not_persisted(now: Now) -> Frames {
    encode(&Notice::NotPersisted, [1; CODECS], now)
}

/// The frames that tell a notice, on each wire that has readers.
fn encode(notice: &Notice, readers: Readers, now: Now) -> Frames {
    let mut frames = Frames::default();
    if readers[Codec::Binary as usize] > 0 {
        let out = &mut frames[Codec::Binary as usize];
        binary::encode(notice, |message| {
            encode_frame(true, Opcode::Binary, message, None, out);
        });
    }
    if readers[Codec::Json as usize] > 0 {
        let text = json_encode::encode(notice, now.timestamp);
        encode_frame(
            true,
            Opcode::Text,
            &text,
            None,
            &mut frames[Codec::Json as usize],
        );
    }
    frames
}

pub fn only(who: &Name, notice: Notice) -> Delivery {
    vec![(event::Audience::Only(who.clone()), notice)]
}
