//! What the switchboard of one server in a cluster keeps besides: who of its users is whose, and what has been asked for
//! and has not come back by the log.

use std::collections::HashMap;
use std::sync::Arc;

use super::command::Command;
use super::logged;
use super::name::Name;
use super::state::Settings;
use super::switchboard::Codec;
use crate::cluster::Log;
use crate::net::{MemberId, Sender};

/// The cluster's side of a switchboard.
#[derive(Debug)]
pub struct Front {
    pub(super) log: Log,
    pub(super) settings: Settings,
    /// What the last step asked for, as it goes into the log.
    diverted: Vec<Vec<u8>>,
    /// Users whose coming is in the log or on its way there.
    pub(super) arriving: HashMap<Name, Arrival>,
    /// Users with a connection to this server.
    pub(super) holds: HashMap<Name, Hold>,
    /// While the state is made anew: who was connected before.
    pub(super) before: Option<Vec<Name>>,
}

/// A user who waits for its coming to come back.
#[derive(Debug)]
pub struct Arrival {
    /// The number of the operation that says that it comes.
    pub(super) number: u64,
    pub(super) hold: Hold,
    pub(super) codec: Codec,
}

/// A user's connection, and the claim on its name.
#[derive(Debug, Clone)]
pub struct Hold {
    pub(super) claim: u64,
    /// Its place in the room, once it has one.
    pub(super) member: Option<MemberId>,
    pub(super) sender: Sender,
    pub(super) address: Arc<str>,
}

impl Front {
    /// Nobody is here.
    pub fn new(log: Log, settings: Settings) -> Front {
        Front {
            log,
            settings,
            diverted: Vec::new(),
            arriving: HashMap::new(),
            holds: HashMap::new(),
            before: None,
        }
    }

    /// Keeps a valid command for the log.
    pub(super) fn divert(&mut self, command: Command<'_>) {
        self.diverted.extend(logged::encode(command));
    }

    pub(super) fn take_diverted(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.diverted)
    }

    /// The claim on a name, if this member still has it.
    pub(super) fn claim(&self, name: &Name, member: MemberId) -> Option<u64> {
        let hold = self.holds.get(name)?;
        (hold.member == Some(member)).then_some(hold.claim)
    }
}
