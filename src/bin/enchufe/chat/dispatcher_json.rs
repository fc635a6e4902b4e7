//! The part of the switchboard that only the JSON chat needs: registering within the conversation, errors in words,
//! and a goodbye that the leaver gets too.

use crate::chat::dispatcher::{ChatEngine, Codec, Effects, Frames, Member};
use crate::chat::domain::command::Command;
use crate::chat::domain::name::Name;
use crate::chat::domain::time::Now;
use crate::chat::wire::json_decode::{JsonRequest, decode};
use crate::chat::wire::json_encode;
use crate::chat::wire::json_error::RequestError;
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
/// Any [`RequestError`] from [`RequestError::Missing`] on.
pub fn name_asked_for(object: &Object) -> Result<Name, RequestError> {
    let JsonRequest::Register(name) = decode(object, None)? else {
        return Err(RequestError::NotRegistered);
    };
    Ok(Name::parse(name.as_bytes())?)
}

impl ChatEngine {
    /// Registers a connection that speaks for nobody yet, if that is what its message asks for.
    ///
    /// # Errors
    ///
    /// Any [`RequestError`] from [`RequestError::Missing`] on; the connection may try again.
    pub fn register(
        &mut self,
        object: &Object,
        address: &str,
        now: Now,
    ) -> Result<Registered, RequestError> {
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
        object: Result<Object, RequestError>,
        now: Now,
    ) -> Effects {
        let object = match object {
            Ok(object) => object,
            Err(fault) => return self.fault(who, fault, now),
        };
        match decode(&object, Some(who)) {
            Ok(JsonRequest::Request(request)) => Effects::from(self.request(who, request, now)),
            Ok(JsonRequest::Disconnect) => Effects {
                entries: self.notify_self(who, now),
                close: Some(CloseCode::NormalClosure),
            },
            Ok(JsonRequest::Register(_)) => self.fault(who, RequestError::AlreadyRegistered, now),
            Err(fault) => self.fault(who, fault, now),
        }
    }

    /// All are told, the leaver too.
    fn notify_self(&mut self, who: &Name, now: Now) -> Vec<Entry> {
        let Ok(delivery) = self.run(who, Command::Leave { notify_self: true }, now) else {
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
    fn fault(&self, who: &Name, fault: RequestError, now: Now) -> Effects {
        if fault == RequestError::NotUtf8 {
            return Effects {
                close: Some(CloseCode::InvalidFramePayloadData),
                ..Effects::default()
            };
        }
        let Some(member) = self.members.get(who) else {
            return Effects::default();
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
        Effects::from(vec![Entry::Frames {
            to: Audience::Only(member.id),
            frames,
        }])
    }
}
