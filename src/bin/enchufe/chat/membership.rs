//! A user's name from its reservation to its end: a [`Reservation`] becomes a [`Membership`]. Dropping either releases what
//! it holds, also when its thread panics.

use std::time::{Duration, Instant};

use crate::chat::chat::{Chat, join, now};
use crate::chat::dispatcher::{Dispatcher, Effects, Member};
use crate::chat::dispatcher_json::name_asked_for;
use crate::chat::domain::command::Rejection;
use crate::chat::domain::name::Name;
use crate::chat::domain::time::Now;
use crate::chat::wire::codec::Codec;
use crate::chat::wire::json_error::RequestError;
use crate::chat::wire::json_object;
use crate::delivery::RoomEntry;
use enchufe::net::{MemberId, Sender};
use enchufe::protocol::{CloseCode, MessageKind};

/// A name that no other connection can take.
#[derive(Debug)]
pub struct Reservation {
    chat: Chat,
    /// `None` once a connection has it.
    name: Option<Name>,
    /// In a cluster: the number of the claim.
    claim: u64,
}

/// A connected user, held by its connection.
#[derive(Debug)]
pub struct Membership {
    pub chat: Chat,
    pub name: Name,
    pub codec: Codec,
    pub id: MemberId,
    pub inactive_at: Option<Instant>,
    /// Time of the first step that [`Membership::deliver`] has not delivered.
    undelivered: Option<Instant>,
    /// In a cluster: the number of the last operation.
    pub last: Option<u64>,
}

impl Chat {
    /// Reserves a name before its connection exists.
    ///
    /// # Errors
    /// Why the name is not available.
    pub fn reserve(&self, name: &[u8]) -> Result<Reservation, Rejection> {
        let name = Name::parse(name)?;
        let claim = match self.pipeline.log() {
            Some(log) => log.claim(name.as_bytes())?,
            None => {
                self.with(|dispatcher| dispatcher.reserve(&name, now()))?;
                0
            }
        };
        Ok(Reservation::new(self.clone(), name, claim))
    }

    /// Executes a message of a JSON connection without a user. After a `register`, `sender` receives the user's messages.
    ///
    /// # Errors
    /// What is wrong with the message or the name. The connection may try again, except after [`RequestError::NotUtf8`].
    pub fn register(
        &self,
        kind: MessageKind,
        payload: &[u8],
        address: &str,
        sender: &Sender,
    ) -> Result<Membership, RequestError> {
        let object = json_object::read(kind, payload, self.limits().json_depth)?;
        if let Some(log) = self.pipeline.log() {
            let name = name_asked_for(&object)?;
            let claim = log.claim(name.as_bytes()).map_err(Rejection::from)?;
            return Ok(self.join_cluster(name, claim, Codec::Json, address, sender)?);
        }
        let membership = self.with(|dispatcher| {
            let registered = dispatcher.register(&object, address, now())?;
            let (name, member) = (registered.name, registered.member);
            Ok::<_, RequestError>(self.join(dispatcher, name, member, sender, registered.entries))
        })?;
        self.pipeline.deliver();
        Ok(membership)
    }

    /// Connects a user whose name is reserved.
    ///
    /// # Errors
    /// [`Rejection::InvalidState`] if it is not.
    pub fn connect(
        &self,
        name: Name,
        codec: Codec,
        address: &str,
        sender: &Sender,
    ) -> Result<Membership, Rejection> {
        let membership = self.with(|dispatcher| {
            let (member, entries) = dispatcher.connect(&name, address, codec, now())?;
            Ok::<_, Rejection>(self.join(dispatcher, name, member, sender, entries))
        })?;
        self.pipeline.deliver();
        Ok(membership)
    }

    /// Appends the `Join` of a new member and the entries after it.
    fn join(
        &self,
        dispatcher: &mut Dispatcher<'_>,
        name: Name,
        member: Member,
        sender: &Sender,
        entries: Vec<RoomEntry>,
    ) -> Membership {
        let entries = [join(member, sender.clone())].into_iter().chain(entries);
        let writes = dispatcher.connections.take_writes(&name);
        self.pipeline.append(writes, entries);
        let inactive_at = dispatcher.state.inactivity_deadline(&name);
        Membership::new(self.clone(), name, member, inactive_at)
    }
}

impl Reservation {
    pub fn new(chat: Chat, name: Name, claim: u64) -> Self {
        Self {
            chat,
            name: Some(name),
            claim,
        }
    }

    /// Connects the user: the others are notified, and `sender` receives the user's messages from here on.
    ///
    /// # Errors
    /// [`Rejection::ClusterUnavailable`]; in memory and on disk there is none.
    pub fn connect(mut self, address: &str, sender: &Sender) -> Result<Membership, Rejection> {
        let name = self.name.take().ok_or(Rejection::InvalidState)?;
        if self.chat.pipeline.log().is_some() {
            let chat = &self.chat;
            return chat.join_cluster(name, self.claim, Codec::Binary, address, sender);
        }
        self.chat.connect(name, Codec::Binary, address, sender)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let Some(name) = &self.name else { return };
        match self.chat.pipeline.log() {
            Some(log) => {
                log.release(name.as_bytes(), self.claim, Vec::new());
            }
            None => self.chat.with(|dispatcher| dispatcher.release(name, now())),
        }
    }
}

impl Membership {
    pub fn new(chat: Chat, name: Name, member: Member, inactive_at: Option<Instant>) -> Self {
        Self {
            chat,
            name,
            codec: member.codec,
            id: member.id,
            inactive_at,
            undelivered: None,
            last: None,
        }
    }

    /// The user's name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// When to call [`Membership::tick`] if the user sends no chat message until then.
    pub fn inactive_at(&self) -> Option<Instant> {
        self.inactive_at
    }

    /// Executes a message. [`Membership::deliver`] sends its effects.
    ///
    /// Returns the code to close the connection with, after [`Membership::flush`].
    pub fn message(&mut self, kind: MessageKind, payload: &[u8]) -> Option<CloseCode> {
        self.undelivered.get_or_insert_with(Instant::now);
        if self.chat.pipeline.log().is_some() {
            return self.message_in_cluster(kind, payload);
        }
        let depth = self.chat.limits().json_depth;
        let message = self.codec.decode(kind, payload, depth);
        self.step(|dispatcher, name, now| dispatcher.message(name, message, now))
    }

    /// Sets the user inactive if it is time to.
    pub fn tick(&mut self) {
        self.undelivered.get_or_insert_with(Instant::now);
        if self.chat.pipeline.log().is_some() {
            return self.tick_in_cluster();
        }
        self.step(|dispatcher, name, now| Effects::from(dispatcher.tick(name, now)));
    }

    /// Delivers the effects of the steps so far. While more messages of this connection are buffered, steps are collected
    /// for up to 1 ms, so that one write carries their effects.
    pub fn deliver(&mut self, has_more: bool) {
        let late = |since: Instant| since.elapsed() >= COLLECT_TIME;
        if !has_more || self.undelivered.is_some_and(late) {
            self.undelivered = None;
            self.chat.pipeline.deliver();
            self.chat.pipeline.wait_for_log();
        }
    }

    /// Delivers, and returns when every message for this user was passed to its connection.
    pub fn flush(&mut self) {
        self.undelivered = None;
        self.wait_for_last();
        self.chat.pipeline.flush();
    }

    fn step(
        &mut self,
        step: impl FnOnce(&mut Dispatcher<'_>, &Name, Now) -> Effects,
    ) -> Option<CloseCode> {
        let name = &self.name;
        let (inactive_at, close) = self.chat.step(name, |dispatcher| {
            let effects = step(dispatcher, name, now());
            let inactive_at = dispatcher.state.inactivity_deadline(name);
            (effects.entries, (inactive_at, effects.close))
        });
        self.inactive_at = inactive_at;
        close
    }
}

/// The connection has ended: the others are notified.
impl Drop for Membership {
    fn drop(&mut self) {
        if self.chat.pipeline.log().is_some() {
            return self.leave_cluster();
        }
        let name = &self.name;
        self.chat.step(name, |dispatcher| {
            (dispatcher.leave(name, self.id, now()), ())
        });
        self.chat.pipeline.deliver();
    }
}

/// Longest time that steps are collected.
const COLLECT_TIME: Duration = Duration::from_millis(1);
