//! Users of one server of a cluster, and their operations that the log has not returned yet.

use std::collections::HashMap;
use std::sync::Arc;

use crate::chat::cluster::operations;
use crate::chat::domain::command::{Command, Rejection, Target};
use crate::chat::domain::event::Event;
use crate::chat::domain::name::Name;
use crate::chat::domain::state::ChatSettings;
use crate::chat::wire::codec::Codec;
use crate::cluster::log_handle::Log;
use enchufe::net::{MemberId, Sender};

/// State of the dispatcher that only a cluster needs.
#[derive(Debug)]
pub struct PendingOps {
    pub log: Log,
    pub settings: ChatSettings,
    /// Operations of the current step, to append to the log.
    queued: Vec<Vec<u8>>,
    /// Users who wait until the log returns their `Connect`.
    pub joining: HashMap<Name, PendingJoin>,
    /// Users who are connected to this server.
    pub sessions: HashMap<Name, LocalSession>,
    /// Users who were connected before the state was restored; `None` except during a restore.
    pub before_restore: Option<Vec<Name>>,
}

/// A user whose `Connect` is in the log, or on the way there.
#[derive(Debug)]
pub struct PendingJoin {
    /// Number of the operation.
    pub number: u64,
    pub session: LocalSession,
    pub codec: Codec,
}

/// A user's connection to this server, and the claim on the name.
#[derive(Debug, Clone)]
pub struct LocalSession {
    pub claim: u64,
    /// The member in the room; `None` before the user is connected.
    pub member: Option<MemberId>,
    pub sender: Sender,
    pub address: Arc<str>,
}

impl PendingOps {
    pub fn new(log: Log, settings: ChatSettings) -> Self {
        Self {
            log,
            settings,
            queued: Vec::new(),
            joining: HashMap::new(),
            sessions: HashMap::new(),
            before_restore: None,
        }
    }

    /// Queues a command for the log, unless it is invalid at any position there. A recipient who is not connected yet may be
    /// connected by then, so that is decided later.
    pub fn enqueue(
        &mut self,
        command: Command<'_>,
        decided: Result<Event, Rejection>,
    ) -> Result<(), Rejection> {
        match (decided, command) {
            (Ok(_), _) => {}
            (
                Err(Rejection::RecipientDisconnected),
                Command::Send {
                    to: Target::User(name),
                    ..
                },
            ) if Name::parse(name).is_ok() => {}
            (Err(rejection), _) => return Err(rejection),
        }
        self.queued.extend(operations::encode(command));
        Ok(())
    }

    /// Returns the operations queued since the last call.
    pub fn take_queued(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.queued)
    }

    /// Returns the claim on a name, if this member still has it.
    pub fn claim(&self, name: &Name, member: MemberId) -> Option<u64> {
        let session = self.sessions.get(name)?;
        (session.member == Some(member)).then_some(session.claim)
    }
}
