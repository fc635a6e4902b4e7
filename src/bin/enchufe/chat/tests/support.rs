//! A room played by a test: what [`Dispatcher`] says is handed to the members it is for, byte for byte and without
//! sockets.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::chat::dispatcher::{Connections, Dispatcher, Effects, Member};
use crate::chat::domain::command::Rejection;
use crate::chat::domain::name::Name;
use crate::chat::domain::state::{ChatSettings, State};
use crate::chat::domain::time::{Now, Timestamp};
use crate::chat::wire::binary_client as client;
use crate::chat::wire::codec::Codec;
use crate::chat::wire::json_error::RequestError;
use crate::chat::wire::json_object;
use crate::delivery::RoomEntry;
use crate::json::MAX_DEPTH;
use enchufe::net::{Entry, MemberId, Recipients};
use enchufe::protocol::{CloseCode, Header, MessageKind, Opcode};

/// A chat whose room is played by a test.
pub struct TestRoom {
    pub state: State,
    pub connections: Connections,
    pub now: Now,
    members: BTreeMap<MemberId, (String, Codec)>,
    /// What each user was sent and has not been looked at.
    pub inboxes: BTreeMap<String, Vec<Vec<u8>>>,
}

impl TestRoom {
    pub fn new() -> TestRoom {
        TestRoom {
            state: State::new(ChatSettings::default()),
            connections: Connections::default(),
            now: Now {
                instant: Instant::now(),
                timestamp: Timestamp(1_742_115_900_000),
            },
            members: BTreeMap::new(),
            inboxes: BTreeMap::new(),
        }
    }

    pub fn dispatcher(&mut self) -> Dispatcher<'_> {
        Dispatcher {
            state: &mut self.state,
            connections: &mut self.connections,
        }
    }

    /// Users of the binary chat, connected, with nothing in their inboxes.
    pub fn binary(users: &[&str]) -> TestRoom {
        TestRoom::mixed(users, &[])
    }

    /// Users of both chats.
    pub fn mixed(binary: &[&str], json: &[&str]) -> TestRoom {
        let mut room = TestRoom::new();
        for user in binary {
            room.connect(user).unwrap();
        }
        for user in json {
            room.register(user).unwrap();
        }
        room.inboxes.clear();
        room
    }

    pub fn connect(&mut self, who: &str) -> Result<(), Rejection> {
        let name = Name::parse(who.as_bytes())?;
        let now = self.now;
        self.dispatcher().reserve(&name, now)?;
        let (member, entries) = self
            .dispatcher()
            .connect(&name, "10.0.0.1", Codec::Binary, now)?;
        self.join(who, member, entries);
        Ok(())
    }

    pub fn register(&mut self, who: &str) -> Result<(), RequestError> {
        let message = format!(r#"{{"type":"register","sender":"{who}","content":null}}"#);
        self.first(MessageKind::Text, message.as_bytes())
    }

    /// A message of a JSON connection that is not registered.
    pub fn first(&mut self, kind: MessageKind, message: &[u8]) -> Result<(), RequestError> {
        let object = json_object::read(kind, message, MAX_DEPTH)?;
        let now = self.now;
        let registered = self.dispatcher().register(&object, "10.0.0.2", now)?;
        self.join(
            registered.name.as_str(),
            registered.member,
            registered.entries,
        );
        Ok(())
    }

    fn join(&mut self, who: &str, member: Member, entries: Vec<RoomEntry>) {
        self.members
            .insert(member.id, (who.to_owned(), member.codec));
        self.carry(entries);
    }

    pub fn send(&mut self, who: &str, message: &[u8]) -> Option<CloseCode> {
        self.send_as(who, MessageKind::Binary, message)
    }

    pub fn say(&mut self, who: &str, to: &str, text: &str) {
        for message in client::send_message(Some(to), text) {
            self.send(who, &message);
        }
    }

    pub fn json(&mut self, who: &str, message: &str) -> Option<CloseCode> {
        self.send_as(who, MessageKind::Text, message.as_bytes())
    }

    pub fn send_as(&mut self, who: &str, kind: MessageKind, message: &[u8]) -> Option<CloseCode> {
        let reaction = self.react(who, kind, message);
        self.carry(reaction.entries);
        reaction.close
    }

    /// What a message of a connected user leads to.
    pub fn react(&mut self, who: &str, kind: MessageKind, message: &[u8]) -> Effects {
        let who = name(who);
        let codec = self.connections.members[&who].codec;
        let heard = codec.decode(kind, message, MAX_DEPTH);
        let now = self.now;
        self.dispatcher().message(&who, heard, now)
    }

    pub fn leave(&mut self, who: &str) {
        let who = name(who);
        let id = self.connections.members.get(&who).map(|member| member.id);
        self.end(who.as_str(), id.unwrap_or_else(MemberId::unique));
    }

    /// The connection of a member has ended.
    pub fn end(&mut self, who: &str, id: MemberId) {
        let now = self.now;
        let entries = self.dispatcher().leave(&name(who), id, now);
        self.carry(entries);
    }

    pub fn advance(&mut self, seconds: u64) {
        self.now.instant += Duration::from_secs(seconds);
        self.now.timestamp.0 += 1_000 * seconds;
    }

    pub fn tick(&mut self, who: &str) {
        let now = self.now;
        let entries = self.dispatcher().tick(&name(who), now);
        self.carry(entries);
    }

    /// What the user was sent since last asked.
    pub fn take_inbox(&mut self, who: &str) -> Vec<Vec<u8>> {
        self.inboxes.remove(who).unwrap_or_default()
    }

    pub fn got_text(&mut self, who: &str) -> Vec<String> {
        self.take_inbox(who)
            .into_iter()
            .map(|message| String::from_utf8(message).unwrap())
            .collect()
    }

    fn carry(&mut self, entries: Vec<RoomEntry>) {
        for (room, entry) in entries {
            match entry {
                Entry::Message { to, message } => {
                    let members = self.members.iter();
                    for (id, (who, codec)) in
                        members.filter(|(_, (_, codec))| *codec as usize == room)
                    {
                        if includes(&to, *id) {
                            let inbox = self.inboxes.entry(who.clone()).or_default();
                            inbox.extend(payloads(message.frames(), *codec));
                        }
                    }
                }
                Entry::Leave(id) => assert!(self.members.remove(&id).is_some()),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn includes(to: &Recipients, id: MemberId) -> bool {
    match to {
        Recipients::All => true,
        Recipients::Except(other) => id != *other,
        Recipients::Only(one) => id == *one,
        Recipients::Members(ids) => ids.contains(&id),
    }
}

/// The payloads of whole, unmasked frames of the wire's kind.
fn payloads(mut frames: &[u8], codec: Codec) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    while !frames.is_empty() {
        let (header, start) = Header::decode(frames).unwrap().unwrap();
        let end = start + usize::try_from(header.length).unwrap();
        let opcode = if codec == Codec::Json {
            Opcode::Text
        } else {
            Opcode::Binary
        };
        assert_eq!(
            (header.fin, header.opcode, header.mask),
            (true, opcode, None)
        );
        payloads.push(frames[start..end].to_vec());
        frames = &frames[end..];
    }
    payloads
}

pub fn name(name: &str) -> Name {
    Name::parse(name.as_bytes()).unwrap()
}

/// What the JSON chat says at the time of the scene.
pub fn server_message(kind: &str, rest: &str) -> String {
    format!(r#"{{"type":"{kind}","sender":"server",{rest},"timestamp":"2025-03-16T09:05:00Z"}}"#)
}

pub fn error(sentence: &str) -> String {
    server_message("error", &format!(r#""content":"{sentence}""#))
}

pub fn status_update(user: &str, status: &str) -> String {
    server_message(
        "status_update",
        &format!(r#""content":{{"user":"{user}","status":"{status}"}}"#),
    )
}

pub fn broadcast(sender: &str, content: &str) -> String {
    format!(
        r#"{{"type":"broadcast","sender":"{sender}","content":"{content}","timestamp":"2025-03-16T09:05:00Z"}}"#
    )
}

pub fn private(sender: &str, target: &str, content: &str) -> String {
    format!(
        r#"{{"type":"private","sender":"{sender}","target":"{target}","content":"{content}","timestamp":"2025-03-16T09:05:00Z"}}"#
    )
}

pub const NOTHING: [&[u8]; 0] = [];
