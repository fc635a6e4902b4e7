//! The chat that all connections share.
//!
//! Each step locks the state, decides, commits, applies, appends the entries, unlocks, and then delivers. So the order in
//! which the state changes is the order in which every member receives the notices, and no lock is held during I/O.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use crate::chat::cluster::pending::PendingOps;
use crate::chat::dispatcher::{Commit, Connections, Dispatcher, Member};
use crate::chat::domain::command::{Command, Rejection};
use crate::chat::domain::event::Notice;
use crate::chat::domain::name::Name;
use crate::chat::domain::state::{ChatSettings, State};
use crate::chat::domain::time::{Now, Timestamp};
use crate::chat::limits::ConnectionLimits;
use crate::chat::persist::restore::restore;
use crate::chat::wire::codec::Codec;
use crate::cluster::log_handle::Log;
use crate::delivery::{DeliveryPipeline, PendingWrites, RoomEntry};
use crate::store::error::OpenError;
use crate::store::writer::StoreBuilder;
use enchufe::net::{Entry, Sender};

/// The chat, with both its wires. All clones are the same chat.
#[derive(Clone)]
pub struct Chat {
    /// Users, statuses and histories.
    state: Arc<Mutex<State>>,
    /// Connected users, by wire. Locked after `state`.
    connections: Arc<Mutex<Connections>>,
    /// A room for each wire, and the backend before them.
    pub pipeline: Arc<DeliveryPipeline>,
    limits: Arc<ConnectionLimits>,
}

impl Chat {
    /// An empty chat in memory.
    pub fn in_memory(settings: ChatSettings, limits: ConnectionLimits) -> Self {
        let pipeline = DeliveryPipeline::in_memory(Codec::ALL.len());
        Self::new(State::new(settings), Commit::Memory, pipeline, limits)
    }

    /// The chat that a store holds, without connections. Events are delivered once they are on disk.
    ///
    /// # Errors
    /// A row that cannot be read.
    pub fn stored(
        settings: ChatSettings,
        limits: ConnectionLimits,
        store: &mut StoreBuilder,
    ) -> Result<Self, OpenError> {
        let (state, rows) = restore(settings, store, now())?;
        let warning = |room: usize| Codec::ALL[room].encode(&Notice::NotPersisted, now());
        let pipeline = DeliveryPipeline::stored(Codec::ALL.len(), store, warning);
        Ok(Self::new(state, Commit::Disk(rows), pipeline, limits))
    }

    /// A chat that all servers of a cluster share, once it follows `log`.
    pub fn clustered(settings: ChatSettings, limits: ConnectionLimits, log: Log) -> Self {
        let commit = Commit::Cluster(PendingOps::new(log.clone(), settings));
        let pipeline = DeliveryPipeline::clustered(Codec::ALL.len(), log);
        Self::new(State::new(settings), commit, pipeline, limits)
    }

    fn new(
        state: State,
        commit: Commit,
        pipeline: DeliveryPipeline,
        limits: ConnectionLimits,
    ) -> Self {
        Self {
            state: Arc::new(Mutex::new(state)),
            connections: Arc::new(Mutex::new(Connections::new(commit))),
            pipeline: Arc::new(pipeline),
            limits: Arc::new(limits),
        }
    }

    /// Limits of each connection.
    pub fn limits(&self) -> &ConnectionLimits {
        &self.limits
    }

    /// Checks whether a user of this name could connect now.
    ///
    /// # Errors
    /// Why not.
    pub fn could_connect(&self, name: &[u8]) -> Result<(), Rejection> {
        let name = Name::parse(name)?;
        self.with(|dispatcher| {
            let decided = dispatcher.state.decide(&name, Command::Reserve, now());
            decided.map(drop)
        })
    }

    /// Runs one step of a user: what it returns is committed, and appended in the order of the steps.
    pub fn step<R>(
        &self,
        who: &Name,
        step: impl FnOnce(&mut Dispatcher<'_>) -> (Vec<RoomEntry>, R),
    ) -> R {
        self.with(|dispatcher| {
            let (entries, outcome) = step(dispatcher);
            let writes = dispatcher.connections.take_writes(who);
            self.pipeline.append(writes, entries);
            outcome
        })
    }

    /// Appends entries that have nothing to commit, and delivers them.
    pub fn publish(&self, entries: impl FnOnce(&mut Dispatcher<'_>) -> Vec<RoomEntry>) {
        self.with(|dispatcher| {
            let entries = entries(dispatcher);
            self.pipeline.append(PendingWrites::default(), entries);
        });
        self.pipeline.deliver();
    }

    /// Locks the state and the connections. A panic leaves both usable: each change is one assignment or insertion.
    pub fn with<R>(&self, step: impl FnOnce(&mut Dispatcher<'_>) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = self.connections.lock();
        let mut connections = connections.unwrap_or_else(PoisonError::into_inner);
        step(&mut Dispatcher {
            state: &mut state,
            connections: &mut connections,
        })
    }
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").finish_non_exhaustive()
    }
}

/// The entry that adds a member to the room of its wire.
pub fn join(member: Member, sender: Sender) -> RoomEntry {
    let id = member.id;
    (member.codec as usize, Entry::Join { id, sender })
}

pub fn now() -> Now {
    Now {
        instant: Instant::now(),
        timestamp: Timestamp::from(SystemTime::now()),
    }
}
