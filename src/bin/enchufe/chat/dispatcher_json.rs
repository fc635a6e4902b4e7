//! The part of the switchboard that only the JSON chat needs: registering within the conversation, errors in words,
//! and a goodbye that the leaver gets too.

use crate::chat::dispatcher::{Codec, Frames, Member, Reaction, Switchboard};
use crate::chat::domain::command::Command;
use crate::chat::domain::name::Name;
use crate::chat::domain::time::Moment;
use crate::chat::wire::json_decode::{Meaning, meaning};
use crate::chat::wire::json_encode;
use crate::chat::wire::json_error::Fault;
use crate::chat::wire::json_object::Object;
use enchufe::net::{Audience, Entry};
use enchufe::protocol::{CloseCode, Opcode, encode_frame};

/// A newcomer's place, and what the room has to carry after its `Join`.
#[derive(Debug)]
pub struct Registered {
    /// Who it is.
    pub name: Name,
    /// Its place in the room.
    pub member: Member,
    /// What it and the others are told.
    pub entries: Vec<Entry>,
}

/// The name under which a connection wants to register.
///
/// # Errors
///
/// Any [`Fault`] from [`Fault::Missing`] on.
pub fn name_asked_for(object: &Object) -> Result<Name, Fault> {
    let Meaning::Register(name) = meaning(object, None)? else {
        return Err(Fault::NotRegistered);
    };
    Ok(Name::parse(name.as_bytes())?)
}

impl Switchboard {
    /// Registers a connection that speaks for nobody yet, if that is what its message asks for.
    ///
    /// # Errors
    ///
    /// Any [`Fault`] from [`Fault::Missing`] on; the connection may try again.
    pub fn register(
        &mut self,
        object: &Object,
        address: &str,
        now: Moment,
    ) -> Result<Registered, Fault> {
        let name = name_asked_for(object)?;
        self.reserve(&name, now)?;
        let (member, entries) = self.connect(&name, address, Codec::Json, now)?;
        Ok(Registered {
            name,
            member,
            entries,
        })
    }

    /// Does what a message of a registered user asks for.
    pub fn json_message(
        &mut self,
        who: &Name,
        object: Result<Object, Fault>,
        now: Moment,
    ) -> Reaction {
        let object = match object {
            Ok(object) => object,
            Err(fault) => return self.fault(who, fault, now),
        };
        match meaning(&object, Some(who)) {
            Ok(Meaning::Request(request)) => Reaction::from(self.request(who, request, now)),
            Ok(Meaning::Disconnect) => Reaction {
                entries: self.farewell(who, now),
                close: Some(CloseCode::NormalClosure),
            },
            Ok(Meaning::Register(_)) => self.fault(who, Fault::AlreadyRegistered, now),
            Err(fault) => self.fault(who, fault, now),
        }
    }

    /// All are told, the leaver too.
    fn farewell(&mut self, who: &Name, now: Moment) -> Vec<Entry> {
        let Ok(delivery) = self.run(who, Command::Leave { farewell: true }, now) else {
            return Vec::new();
        };
        let entries = self.entries(delivery, now);
        if self.is_clustered() {
            return entries; // it stays until it has heard of it
        }
        let leave = self.remove(who).map(|member| Entry::Leave(member.id));
        entries.into_iter().chain(leave).collect()
    }

    /// The error goes through the room like everything else, so that answers come in the order of the questions.
    fn fault(&self, who: &Name, fault: Fault, now: Moment) -> Reaction {
        if fault == Fault::NotUtf8 {
            return Reaction {
                close: Some(CloseCode::InvalidFramePayloadData),
                ..Reaction::default()
            };
        }
        let Some(member) = self.members.get(who) else {
            return Reaction::default();
        };
        let mut frames = Frames::default();
        let text = json_encode::error(&fault.to_string(), now.timestamp);
        encode_frame(
            true,
            Opcode::Text,
            &text,
            None,
            &mut frames[Codec::Json as usize],
        );
        Reaction::from(vec![Entry::Frames {
            to: Audience::Only(member.id),
            frames,
        }])
    }
}
