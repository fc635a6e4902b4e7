//! The chat of one server of several, as its users meet it: names are claimed, and what they ask for goes into the log.
//!
//! A step decides as it does without a cluster, to refuse at once what can never be valid; the rest goes into the log, and
//! every server decides it again when it reads it, at its place in the order: that is `replica`, and that decision counts.
//! Answers of one user keep the order of its questions: what is answered here waits until what was asked for before has
//! come back.

use std::time::{Duration, Instant};

use crate::chat::chat::{Chat, now};
use crate::chat::cluster::operations;
use crate::chat::cluster::pending::{LocalSession, PendingJoin, PendingOps};
use crate::chat::dispatcher::{Commit, Connections, Dispatcher, Member};
use crate::chat::domain::command::{Command, Rejection};
use crate::chat::domain::name::Name;
use crate::chat::domain::status::Status;
use crate::chat::membership::Membership;
use crate::chat::wire::codec::{Codec, DecodedMessage};
use crate::cluster::log_handle::Log;
use crate::cluster::op::ClaimError;
use crate::delivery::RoomEntry;
use enchufe::net::{MemberId, Sender};
use enchufe::protocol::{CloseCode, MessageKind};

impl Chat {
    /// Takes the place of a claimed name: publishes that the user comes, and waits until that has come back.
    ///
    /// # Errors
    ///
    /// [`Rejection::CutOff`]; the claim is given back.
    pub fn join_cluster(
        &self,
        name: Name,
        claim: u64,
        codec: Codec,
        address: &str,
        sender: &Sender,
    ) -> Result<Membership, Rejection> {
        let log = self.log()?;
        let what =
            operations::encode(Command::Connect { address }).ok_or(Rejection::InvalidState)?;
        let session = LocalSession {
            claim,
            member: None,
            sender: sender.clone(),
            address: address.into(),
        };
        let number = self.with(|dispatcher| {
            // Under the lock under which it will come back.
            let number = log.append_as(name.as_bytes(), claim, what);
            let join = PendingJoin {
                number,
                session,
                codec,
            };
            let pending = dispatcher.connections.pending()?;
            pending.joining.insert(name.clone(), join);
            Ok::<_, Rejection>(number)
        })?;
        let _in_time = log.wait(number, LOG_TIMEOUT);
        let joined = self.with(|dispatcher| {
            let pending = dispatcher.connections.pending()?;
            let gave_up = pending.joining.remove(&name).is_some();
            let session = pending.sessions.get(&name);
            let member = session
                .filter(|_| !gave_up)
                .and_then(|session| session.member);
            let inactive_at = dispatcher.state.inactivity_deadline(&name);
            Ok::<_, Rejection>(member.map(|id| (Member { id, codec }, inactive_at)))
        })?;
        let Some((member, inactive_at)) = joined else {
            log.release(name.as_bytes(), claim, left());
            return Err(Rejection::ClusterUnavailable);
        };
        let mut membership = Membership::new(self.clone(), name, member, inactive_at);
        membership.last = Some(number);
        Ok(membership)
    }

    fn log(&self) -> Result<&Log, Rejection> {
        self.pipeline.log().ok_or(Rejection::InvalidState)
    }
}

impl Membership {
    /// Appends a message's operations to the log, or answers it.
    pub fn message_in_cluster(&mut self, kind: MessageKind, payload: &[u8]) -> Option<CloseCode> {
        let depth = self.chat.limits().json_depth;
        let message = |codec: Codec| codec.decode(kind, payload, depth);
        if let Some(close) = self.try_message(message(self.codec), false) {
            return close;
        }
        // Nothing has changed: what is answered here is asked again in a moment.
        self.wait_for_last();
        self.try_message(message(self.codec), true).flatten()
    }

    /// `None` if the message is answered here, earlier operations are not back yet, and it is not the `last_try`.
    fn try_message(
        &mut self,
        message: DecodedMessage<'_>,
        last_try: bool,
    ) -> Option<Option<CloseCode>> {
        let chat = self.chat.clone();
        let name = self.name.clone();
        chat.step(&name, |dispatcher| {
            let effects = dispatcher.message(&name, message, now());
            let asked = dispatcher.connections.take_enqueued();
            if asked.is_empty() && !last_try && !self.is_resolved() {
                return (Vec::new(), None);
            }
            self.publish(dispatcher, asked);
            (effects.entries, Some(effects.close))
        })
    }

    pub fn tick_in_cluster(&mut self) {
        self.wait_for_last();
        let chat = self.chat.clone();
        chat.with(|dispatcher| {
            let due = dispatcher.state.tick(&self.name, now()).is_some();
            let inactive = Command::ChangeStatus {
                name: self.name.as_bytes(),
                status: Some(Status::Inactive),
            };
            let asked = operations::encode(inactive).filter(|_| due);
            self.publish(dispatcher, asked.into_iter().collect());
        });
    }

    /// Waits, not for ever, until what this user asked for has come back.
    pub fn wait_for_last(&self) {
        if let (Some(log), Some(last)) = (self.chat.pipeline.log(), self.last) {
            log.wait(last, LOG_TIMEOUT);
        }
    }

    /// The connection has ended: the others are notified through the log.
    pub fn leave_cluster(&mut self) {
        let Some(log) = self.chat.pipeline.log() else {
            return;
        };
        self.chat.publish(|dispatcher| {
            let Some(claim) = dispatcher.connections.claim(&self.name, self.id) else {
                return Vec::new(); // it was lost, and the member with it
            };
            log.release(self.name.as_bytes(), claim, left());
            let leave = dispatcher.connections.remove_local(&self.name);
            leave.into_iter().collect()
        });
    }

    fn is_resolved(&self) -> bool {
        match (self.chat.pipeline.log(), self.last) {
            (Some(log), Some(last)) => log.is_resolved(last),
            _ => true,
        }
    }

    fn publish(&mut self, dispatcher: &mut Dispatcher<'_>, asked: Vec<Vec<u8>>) {
        let Some(log) = self.chat.pipeline.log() else {
            return;
        };
        let claim = dispatcher.connections.claim(&self.name, self.id);
        let is_asked = !asked.is_empty();
        for what in asked {
            let Some(claim) = claim else { return };
            let name = self.name.as_bytes();
            self.last = Some(if operations::is_leave(&what) {
                log.release(name, claim, what)
            } else {
                log.append_as(name, claim, what)
            });
        }
        let known = dispatcher.state.inactivity_deadline(&self.name);
        // What was just asked for may make the user active or inactive: it is looked at again soon.
        let soon = is_asked.then(|| Instant::now() + RECHECK_DELAY);
        self.inactive_at = match (known, soon) {
            (Some(known), Some(soon)) => Some(known.max(soon)),
            (known, soon) => known.or(soon),
        };
    }
}

impl Connections {
    /// Removes a user of this server; the log tells the state. Returns the member's `Leave`.
    pub fn remove_local(&mut self, name: &Name) -> Option<RoomEntry> {
        if let Commit::Cluster(pending) = &mut self.commit {
            pending.sessions.remove(name);
        }
        self.remove(name)
    }

    fn pending(&mut self) -> Result<&mut PendingOps, Rejection> {
        match &mut self.commit {
            Commit::Cluster(pending) => Ok(pending),
            Commit::Memory | Commit::Disk(_) => Err(Rejection::InvalidState),
        }
    }

    fn take_enqueued(&mut self) -> Vec<Vec<u8>> {
        let pending = self.pending().map(PendingOps::take_queued);
        pending.unwrap_or_default()
    }

    fn claim(&self, name: &Name, member: MemberId) -> Option<u64> {
        match &self.commit {
            Commit::Cluster(pending) => pending.claim(name, member),
            Commit::Memory | Commit::Disk(_) => None,
        }
    }
}

/// The entry of a user whose connection has ended.
fn left() -> Vec<u8> {
    operations::encode(Command::Leave { notify_self: false }).unwrap_or_default()
}

impl From<ClaimError> for Rejection {
    fn from(no: ClaimError) -> Rejection {
        match no {
            ClaimError::Taken => Rejection::NameTaken,
            ClaimError::CutOff => Rejection::ClusterUnavailable,
        }
    }
}

/// How long a user waits for what it asked for to come back, before it is answered or refused without.
const LOG_TIMEOUT: Duration = Duration::from_secs(5);

/// When to look again at a user who may be about to turn active or inactive.
const RECHECK_DELAY: Duration = Duration::from_secs(1);
