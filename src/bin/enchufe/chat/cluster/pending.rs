//! What the dispatcher of one server in a cluster keeps besides: who of its users is whose, and what has been asked for
//! and has not come back by the log.

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

/// The cluster's side of a dispatcher.
#[derive(Debug)]
pub struct PendingOps {
    pub log: Log,
    pub settings: ChatSettings,
    /// What the last step asked for, as it goes into the log.
    queued: Vec<Vec<u8>>,
    /// Users whose coming is in the log or on its way there.
    pub joining: HashMap<Name, PendingJoin>,
    /// Users with a connection to this server.
    pub sessions: HashMap<Name, LocalSession>,
    /// While the state is made again: who was connected before.
    pub before_restore: Option<Vec<Name>>,
}

/// A user who waits for its coming to come back.
#[derive(Debug)]
pub struct PendingJoin {
    /// The number of the operation that says that it comes.
    pub number: u64,
    pub session: LocalSession,
    pub codec: Codec,
}

/// A user's connection, and the claim on its name.
#[derive(Debug, Clone)]
pub struct LocalSession {
    pub claim: u64,
    /// Its place in the room, once it has one.
    pub member: Option<MemberId>,
    pub sender: Sender,
    pub address: Arc<str>,
}

impl PendingOps {
    /// Nobody is here.
    pub fn new(log: Log, settings: ChatSettings) -> PendingOps {
        PendingOps {
            log,
            settings,
            queued: Vec::new(),
            joining: HashMap::new(),
            sessions: HashMap::new(),
            before_restore: None,
        }
    }

    /// Keeps a command for the log, unless it is wrong wherever it stands there. Who is not here yet may be there by then: that
    /// is for the log to say.
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

    pub fn take_queued(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.queued)
    }

    /// The claim on a name, if this member still has it.
    pub fn claim(&self, name: &Name, member: MemberId) -> Option<u64> {
        let session = self.sessions.get(name)?;
        (session.member == Some(member)).then_some(session.claim)
    }
}
