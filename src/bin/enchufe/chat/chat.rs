//! The chat as connections share it, and a name's way through it as values: a [`Reservation`] becomes a [`Membership`], and
//! whichever of them is dropped gives back what it holds, also when its thread panics.
//!
//! Each step is: read, lock, decide, apply, append the frames to the outlet, unlock, deliver. The order in which the state
//! changes is the order in which everybody hears of it, and no lock is held while bytes move. With a store the frames
//! leave later, in the same order: when what they tell is on disk.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::chat::dispatcher::{ChatEngine, Codec, Effects, Member, not_persisted};
#[cfg(feature = "cluster")]
use crate::chat::dispatcher_json::name_asked_for;
use crate::chat::domain::command::{Command, Rejection};
use crate::chat::domain::name::Name;
use crate::chat::domain::state::Settings;
use crate::chat::domain::time::{Now, Timestamp};
use crate::chat::limits::ConnectionLimits;
use crate::chat::persist::restore::restore;
use crate::chat::wire::json_error::RequestError;
use crate::chat::wire::json_object;
#[cfg(feature = "cluster")]
use crate::cluster::log_handle::Log;
use crate::delivery::DeliveryPipeline;
use crate::store::error::OpenError;
use crate::store::writer::StoreBuilder;
use enchufe::net::{Entry, MemberId, Sender};
use enchufe::protocol::{CloseCode, MessageKind};

/// The chat, with both its wires. Cheap to clone: all clones are the same chat.
#[derive(Clone)]
pub struct Chat(pub Arc<Shared>);

pub struct Shared {
    engine: Mutex<ChatEngine>,
    pub pipeline: DeliveryPipeline,
    pub limits: ConnectionLimits,
    /// In a cluster: its log.
    #[cfg(feature = "cluster")]
    pub log: Option<Log>,
}

/// A name that nobody else can take, for a connection that is about to be.
#[derive(Debug)]
pub struct Reservation {
    chat: Chat,
    /// `None` once the place is taken.
    name: Option<Name>,
    /// In a cluster: the number of the claim.
    #[cfg(feature = "cluster")]
    claim: u64,
}

/// A user's place in the chat, held by the one connection that speaks for it.
#[derive(Debug)]
pub struct Membership {
    pub chat: Chat,
    pub name: Name,
    pub codec: Codec,
    pub id: MemberId,
    pub inactive_at: Option<Instant>,
    /// Since when something may wait for [`Membership::deliver`].
    undelivered: Option<Instant>,
    /// In a cluster: the last operation that it asked for.
    #[cfg(feature = "cluster")]
    pub last: Option<u64>,
}

impl Chat {
    /// An empty chat.
    #[must_use]
    pub fn new(settings: Settings) -> Chat {
        Chat::with_limits(settings, ConnectionLimits::default())
    }

    /// An empty chat with other bounds on its connections.
    #[must_use]
    pub fn with_limits(settings: Settings, limits: ConnectionLimits) -> Chat {
        Chat::of(
            ChatEngine::new(settings),
            DeliveryPipeline::direct(),
            limits,
        )
    }

    /// The chat as it is in a store, with nobody connected, and from here on everything is on disk before it is told.
    ///
    /// # Errors
    ///
    /// What cannot be read.
    pub fn stored(
        settings: Settings,
        limits: ConnectionLimits,
        opened: &mut StoreBuilder,
    ) -> Result<Chat, OpenError> {
        let (state, rows) = restore(settings, opened, now())?;
        let pipeline = DeliveryPipeline::stored(opened, || not_persisted(now()));
        Ok(Chat::of(
            ChatEngine::restored(state, rows),
            pipeline,
            limits,
        ))
    }

    fn of(engine: ChatEngine, pipeline: DeliveryPipeline, limits: ConnectionLimits) -> Chat {
        #[cfg(feature = "cluster")]
        let log = engine.pending.as_ref().map(|pending| pending.log.clone());
        Chat(Arc::new(Shared {
            engine: Mutex::new(engine),
            pipeline,
            limits,
            #[cfg(feature = "cluster")]
            log,
        }))
    }

    /// A chat whose commands go through the log of a cluster.
    #[cfg(feature = "cluster")]
    pub fn behind(engine: ChatEngine, limits: ConnectionLimits) -> Chat {
        Chat::of(engine, DeliveryPipeline::direct(), limits)
    }

    /// The bounds on each connection.
    #[must_use]
    pub fn limits(&self) -> &ConnectionLimits {
        &self.0.limits
    }

    /// Whether a user of this name could connect now.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn could_connect(&self, name: &[u8]) -> Result<(), Rejection> {
        let name = Name::parse(name)?;
        self.lock()
            .state()
            .decide(&name, Command::Reserve, now())
            .map(drop)
    }

    /// Claims a name before there is a connection that speaks for it.
    ///
    /// # Errors
    ///
    /// Why the name cannot be had.
    pub fn reserve(&self, name: &[u8]) -> Result<Reservation, Rejection> {
        let name = Name::parse(name)?;
        #[cfg(feature = "cluster")]
        if let Some(log) = &self.0.log {
            return Ok(Reservation {
                chat: self.clone(),
                claim: log.claim(name.as_bytes())?,
                name: Some(name),
            });
        }
        self.lock().reserve(&name, now())?;
        Ok(Reservation {
            chat: self.clone(),
            name: Some(name),
            #[cfg(feature = "cluster")]
            claim: 0,
        })
    }

    /// Reads a message of a JSON connection that speaks for nobody yet. If it registers a name, `sender` gets from
    /// here on what that user is told.
    ///
    /// # Errors
    ///
    /// What is wrong with the message or the name. Except after [`RequestError::NotUtf8`] the connection may try again.
    pub fn register(
        &self,
        kind: MessageKind,
        payload: &[u8],
        address: &str,
        sender: &Sender,
    ) -> Result<Membership, RequestError> {
        let object = json_object::read(kind, payload, self.0.limits.json_depth)?;
        #[cfg(feature = "cluster")]
        if let Some(log) = &self.0.log {
            let name = name_asked_for(&object)?;
            let claim = log.claim(name.as_bytes()).map_err(Rejection::from)?;
            return Ok(self.arrive(name, claim, Codec::Json, address, sender)?);
        }
        let mut engine = self.lock();
        let registered = engine.register(&object, address, now())?;
        let (name, member) = (registered.name, registered.member);
        let membership = self.join(&mut engine, name, member, sender, registered.entries);
        drop(engine);
        self.0.pipeline.deliver();
        Ok(membership)
    }

    fn join(
        &self,
        engine: &mut ChatEngine,
        name: Name,
        member: Member,
        sender: &Sender,
        entries: Vec<Entry>,
    ) -> Membership {
        let Member { id, codec } = member;
        let join = Entry::Join {
            id,
            sender: sender.clone(),
            codec: codec as usize,
        };
        let changes = engine.take_changes(&name);
        let entries = [join].into_iter().chain(entries);
        self.0.pipeline.append(changes, entries);
        let inactive_at = engine.state().inactivity_deadline(&name);
        Membership {
            chat: self.clone(),
            name,
            codec,
            id,
            inactive_at,
            undelivered: None,
            #[cfg(feature = "cluster")]
            last: None,
        }
    }

    /// A place whose commands go through the log of a cluster.
    #[cfg(feature = "cluster")]
    pub fn membership(
        &self,
        name: Name,
        member: Member,
        inactive_at: Option<Instant>,
        last: u64,
    ) -> Membership {
        Membership {
            chat: self.clone(),
            name,
            codec: member.codec,
            id: member.id,
            inactive_at,
            undelivered: None,
            last: Some(last),
        }
    }

    /// What a panicking thread leaves behind is still a chat: every change is made in one piece.
    pub fn lock(&self) -> MutexGuard<'_, ChatEngine> {
        self.0.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// Takes the place: the others are told, and `sender` gets from here on what the user is told.
    ///
    /// # Errors
    ///
    /// Never for a name that was reserved.
    pub fn connect(mut self, address: &str, sender: &Sender) -> Result<Membership, Rejection> {
        let chat = self.chat.clone();
        #[cfg(feature = "cluster")]
        if chat.0.log.is_some() {
            let name = self.name.take().ok_or(Rejection::InvalidState)?;
            return chat.arrive(name, self.claim, Codec::Binary, address, sender);
        }
        let mut engine = chat.lock();
        let name = self.name.take().ok_or(Rejection::InvalidState)?;
        let (member, entries) = engine.connect(&name, address, Codec::Binary, now())?;
        let membership = chat.join(&mut engine, name, member, sender, entries);
        drop(engine);
        chat.0.pipeline.deliver();
        Ok(membership)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            #[cfg(feature = "cluster")]
            if let Some(log) = &self.chat.0.log {
                log.release(name.as_bytes(), self.claim, Vec::new());
                return;
            }
            self.chat.lock().release(name, now());
        }
    }
}

impl Membership {
    /// Whose place it is.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// When [`Membership::tick`] is due if the user sends no chat message until then.
    #[must_use]
    pub fn inactive_at(&self) -> Option<Instant> {
        self.inactive_at
    }

    /// Does what a message asks for. What it leads to leaves with the next [`Membership::deliver`].
    ///
    /// Returns the code with which the connection is to be closed, if it is, after [`Membership::settle`].
    pub fn message(&mut self, kind: MessageKind, payload: &[u8]) -> Option<CloseCode> {
        #[cfg(feature = "cluster")]
        if self.last.is_some() {
            self.undelivered.get_or_insert_with(Instant::now);
            return self.message_by_log(kind, payload);
        }
        let heard = self
            .codec
            .read(kind, payload, self.chat.0.limits.json_depth);
        self.step(|engine, name, now| engine.message(name, heard, now))
    }

    /// Does what the passing of time does to the user.
    pub fn tick(&mut self) {
        #[cfg(feature = "cluster")]
        if self.last.is_some() {
            return self.tick_by_log();
        }
        self.step(|engine, name, now| Effects::from(engine.tick(name, now)));
    }

    /// Sees to it that what was done reaches everybody. While more messages of this connection already wait, a few are
    /// collected: what they lead to goes out in one write.
    pub fn deliver(&mut self, more_waits: bool) {
        let late = |since: Instant| since.elapsed() >= COLLECTED;
        if !more_waits || self.undelivered.is_some_and(late) {
            self.undelivered = None;
            self.chat.0.pipeline.deliver();
            #[cfg(feature = "cluster")]
            if let Some(log) = &self.chat.0.log {
                log.wait_for_room();
            }
        }
    }

    /// Delivers, and returns when everything the user was told is on its way: what comes next comes last.
    pub fn flush(&mut self) {
        self.undelivered = None;
        #[cfg(feature = "cluster")]
        self.wait_for_own();
        self.chat.0.pipeline.flush();
    }

    fn step(
        &mut self,
        step: impl FnOnce(&mut ChatEngine, &Name, Now) -> Effects,
    ) -> Option<CloseCode> {
        let mut engine = self.chat.lock();
        let now = now();
        let reaction = step(&mut engine, &self.name, now);
        self.inactive_at = engine.state().inactivity_deadline(&self.name);
        let changes = engine.take_changes(&self.name);
        self.chat.0.pipeline.append(changes, reaction.entries);
        drop(engine);
        self.undelivered.get_or_insert(now.instant);
        reaction.close
    }
}

/// The connection has ended, however it did: the others are told.
impl Drop for Membership {
    fn drop(&mut self) {
        #[cfg(feature = "cluster")]
        if self.last.is_some() {
            return self.leave_by_log();
        }
        let mut engine = self.chat.lock();
        let entries = engine.leave(&self.name, self.id, now());
        let changes = engine.take_changes(&self.name);
        self.chat.0.pipeline.append(changes, entries);
        drop(engine);
        self.chat.0.pipeline.deliver();
    }
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").finish_non_exhaustive()
    }
}

pub fn now() -> Now {
    Now {
        instant: Instant::now(),
        timestamp: Timestamp::from(SystemTime::now()),
    }
}

/// Messages of one connection are collected no longer than this.
const COLLECTED: Duration = Duration::from_millis(1);
