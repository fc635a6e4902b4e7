//! Requests that only the JSON wire has: `register`, `disconnect`, and errors as sentences.

use crate::chat::dispatcher::{Commit, Dispatcher, Effects, Member};
use crate::chat::domain::command::Command;
use crate::chat::domain::name::Name;
use crate::chat::domain::time::Now;
use crate::chat::wire::codec::{Codec, text};
use crate::chat::wire::json_decode::{JsonRequest, decode};
use crate::chat::wire::json_encode;
use crate::chat::wire::json_error::RequestError;
use crate::chat::wire::json_object::JsonMessage;
use crate::delivery::{RoomEntry, message};
use enchufe::net::PreparedMessage;
use enchufe::protocol::CloseCode;

/// A new member, and the entries that belong after its `Join`.
#[derive(Debug)]
pub struct Registered {
    pub name: Name,
    pub member: Member,
    pub entries: Vec<RoomEntry>,
}

/// Returns the name that a `register` requests.
///
/// # Errors
///
/// Any [`RequestError`] from [`RequestError::Missing`] on.
pub fn name_asked_for(object: &JsonMessage) -> Result<Name, RequestError> {
    let JsonRequest::Register(name) = decode(object, None)? else {
        return Err(RequestError::NotRegistered);
    };
    Ok(Name::parse(name.as_bytes())?)
}

impl Dispatcher<'_> {
    /// Registers a connection without a user, if its message is a `register`.
    ///
    /// # Errors
    ///
    /// Any [`RequestError`] from [`RequestError::Missing`] on; the connection may try again.
    pub fn register(
        &mut self,
        object: &JsonMessage,
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

    /// Executes a message of a registered user.
    pub fn json_message(
        &mut self,
        who: &Name,
        object: Result<JsonMessage, RequestError>,
        now: Now,
    ) -> Effects {
        let object = match object {
            Ok(object) => object,
            Err(error) => return self.error(who, error, now),
        };
        match decode(&object, Some(who)) {
            Ok(JsonRequest::Request(request)) => Effects::from(self.request(who, request, now)),
            Ok(JsonRequest::Disconnect) => Effects {
                entries: self.disconnect(who, now),
                close: Some(CloseCode::NormalClosure),
            },
            Ok(JsonRequest::Register(_)) => self.error(who, RequestError::AlreadyRegistered, now),
            Err(error) => self.error(who, error, now),
        }
    }

    /// Disconnects a user, and notifies all members, this one too.
    fn disconnect(&mut self, who: &Name, now: Now) -> Vec<RoomEntry> {
        let Ok(delivery) = self.run(who, Command::Leave { notify_self: true }, now) else {
            return Vec::new();
        };
        let entries = self.connections.entries(delivery, now);
        if let Commit::Cluster(_) = self.connections.commit {
            return entries; // it stays a member until the log returns its leave
        }
        let leave = self.connections.remove(who);
        entries.into_iter().chain(leave).collect()
    }

    /// Answers with an error. It goes through the room, so answers keep the order of the requests.
    fn error(&self, who: &Name, error: RequestError, now: Now) -> Effects {
        if error == RequestError::NotUtf8 {
            return Effects {
                close: Some(CloseCode::InvalidFramePayloadData),
                ..Effects::default()
            };
        }
        let Some(member) = self.connections.member(who) else {
            return Effects::default();
        };
        let json = json_encode::error(&error.to_string(), now.timestamp);
        let error = PreparedMessage::new(text(&json));
        Effects::from(vec![message(Codec::Json as usize, member.id, error)])
    }
}
