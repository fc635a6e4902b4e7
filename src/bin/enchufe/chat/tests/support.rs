//! A chat with a fake room: delivers the entries of [`Dispatcher`] to inboxes instead of sockets.

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

/// A chat with an inbox for each user.
pub struct TestRoom {
    pub state: State,
    pub connections: Connections,
    pub now: Now,
    members: BTreeMap<MemberId, (String, Codec)>,
    /// Messages to each user since the last [`TestRoom::take_inbox`].
    pub inboxes: BTreeMap<String, Vec<Vec<u8>>>,
}

impl TestRoom {
    pub fn new() -> Self {
        Self {
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

    /// A chat with connected users of the binary wire, and empty inboxes.
    pub fn binary(users: &[&str]) -> Self {
        Self::mixed(users, &[])
    }

    /// A chat with connected users of both wires, and empty inboxes.
    pub fn mixed(binary: &[&str], json: &[&str]) -> Self {
        let mut room = Self::new();
        for user in binary {
            room.connect(user).unwrap();
        }
        for user in json {
            room.register(user).unwrap();
        }
        room.inboxes.clear();
        room
    }

    pub fn connect(&mut self, user: &str) -> Result<(), Rejection> {
        let name = Name::parse(user.as_bytes())?;
        let now = self.now;
        self.dispatcher().reserve(&name, now)?;
        let (member, entries) = self
            .dispatcher()
            .connect(&name, "10.0.0.1", Codec::Binary, now)?;
        self.join(user, member, entries);
        Ok(())
    }

    pub fn register(&mut self, user: &str) -> Result<(), RequestError> {
        let message = format!(r#"{{"type":"register","sender":"{user}","content":null}}"#);
        self.send_first(MessageKind::Text, message.as_bytes())
    }

    /// Sends a message from a JSON connection that is not registered.
    pub fn send_first(&mut self, kind: MessageKind, message: &[u8]) -> Result<(), RequestError> {
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

    fn join(&mut self, user: &str, member: Member, entries: Vec<RoomEntry>) {
        self.members
            .insert(member.id, (user.to_owned(), member.codec));
        self.deliver(entries);
    }

    pub fn send(&mut self, user: &str, message: &[u8]) -> Option<CloseCode> {
        self.send_as(user, MessageKind::Binary, message)
    }

    pub fn send_text(&mut self, user: &str, to: &str, text: &str) {
        for message in client::send_message(Some(to), text) {
            self.send(user, &message);
        }
    }

    pub fn json(&mut self, user: &str, message: &str) -> Option<CloseCode> {
        self.send_as(user, MessageKind::Text, message.as_bytes())
    }

    pub fn send_as(&mut self, user: &str, kind: MessageKind, message: &[u8]) -> Option<CloseCode> {
        let effects = self.effects(user, kind, message);
        self.deliver(effects.entries);
        effects.close
    }

    /// Returns the effects of a message of a connected user, without delivering them.
    pub fn effects(&mut self, user: &str, kind: MessageKind, message: &[u8]) -> Effects {
        let user = name(user);
        let codec = self.connections.members[&user].codec;
        let message = codec.decode(kind, message, MAX_DEPTH);
        let now = self.now;
        self.dispatcher().message(&user, message, now)
    }

    pub fn leave(&mut self, user: &str) {
        let user = name(user);
        let id = self.connections.members.get(&user).map(|member| member.id);
        self.end_connection(user.as_str(), id.unwrap_or_else(MemberId::unique));
    }

    /// Ends the connection of a member.
    pub fn end_connection(&mut self, user: &str, id: MemberId) {
        let now = self.now;
        let entries = self.dispatcher().leave(&name(user), id, now);
        self.deliver(entries);
    }

    pub fn advance(&mut self, seconds: u64) {
        self.now.instant += Duration::from_secs(seconds);
        self.now.timestamp.0 += 1_000 * seconds;
    }

    pub fn tick(&mut self, user: &str) {
        let now = self.now;
        let entries = self.dispatcher().tick(&name(user), now);
        self.deliver(entries);
    }

    /// Returns the messages to a user since the last call.
    pub fn take_inbox(&mut self, user: &str) -> Vec<Vec<u8>> {
        self.inboxes.remove(user).unwrap_or_default()
    }

    pub fn take_text_inbox(&mut self, user: &str) -> Vec<String> {
        self.take_inbox(user)
            .into_iter()
            .map(|message| String::from_utf8(message).unwrap())
            .collect()
    }

    fn deliver(&mut self, entries: Vec<RoomEntry>) {
        for (room, entry) in entries {
            match entry {
                Entry::Message { to, message } => {
                    let members = self.members.iter();
                    for (id, (user, codec)) in
                        members.filter(|(_, (_, codec))| *codec as usize == room)
                    {
                        if includes(&to, *id) {
                            let inbox = self.inboxes.entry(user.clone()).or_default();
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

/// Returns the payloads of frames, which must be complete, unmasked and of the wire's kind.
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

/// A JSON message from the server at the start of the test.
pub fn server_message(kind: &str, rest: &str) -> String {
    format!(r#"{{"type":"{kind}","sender":"server",{rest},"timestamp":"2025-03-16T09:05:00Z"}}"#)
}

pub fn error(text: &str) -> String {
    server_message("error", &format!(r#""content":"{text}""#))
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

pub const NO_MESSAGES: [&[u8]; 0] = [];
