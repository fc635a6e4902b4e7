//! Connections of users to one server of a cluster: claims names, and appends commands to the log.
//!
//! The server decides a command first, to reject at once what can never be valid. All servers decide it again when they
//! read it from the log, and that decision counts (see `replica`). Answers keep the order of the requests: a query is
//! answered only after the log has returned the user's earlier operations.

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
    /// Connects the user of a claimed name: appends `Connect` to the log, and waits until the log returns it.
    ///
    /// # Errors
    ///
    /// [`Rejection::ClusterUnavailable`]; the claim is then released.
    pub fn join_cluster(
        &self,
        name: Name,
        claim: u64,
        codec: Codec,
        address: &str,
        sender: &Sender,
    ) -> Result<Membership, Rejection> {
        let log = self.log()?;
        let connect =
            operations::encode(Command::Connect { address }).ok_or(Rejection::InvalidState)?;
        let session = LocalSession {
            claim,
            member: None,
            sender: sender.clone(),
            address: address.into(),
        };
        let number = self.with(|dispatcher| {
            // Appended under the lock, so the log cannot return it before `joining` has it.
            let number = log.append_as(name.as_bytes(), claim, connect);
            let join = PendingJoin {
                number,
                session,
                codec,
            };
            let pending = dispatcher.connections.pending()?;
            pending.joining.insert(name.clone(), join);
            Ok::<_, Rejection>(number)
        })?;
        log.wait(number, LOG_TIMEOUT);
        let joined = self.with(|dispatcher| {
            let pending = dispatcher.connections.pending()?;
            let timed_out = pending.joining.remove(&name).is_some();
            let session = pending.sessions.get(&name);
            let member = session
                .filter(|_| !timed_out)
                .and_then(|session| session.member);
            let inactive_at = dispatcher.state.inactivity_deadline(&name);
            Ok::<_, Rejection>(member.map(|id| (Member { id, codec }, inactive_at)))
        })?;
        let Some((member, inactive_at)) = joined else {
            log.release(name.as_bytes(), claim, leave_operation());
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
    /// Executes a message: appends its operations to the log, or answers it.
    ///
    /// Returns the code to close the connection with.
    pub fn message_in_cluster(&mut self, kind: MessageKind, payload: &[u8]) -> Option<CloseCode> {
        let depth = self.chat.limits().json_depth;
        let message = |codec: Codec| codec.decode(kind, payload, depth);
        if let Some(close) = self.try_message(message(self.codec), false) {
            return close;
        }
        // The first try changed nothing, so the message can be executed again.
        self.wait_for_last();
        self.try_message(message(self.codec), true).flatten()
    }

    /// Returns `None` if the message has no operations, the log has not returned earlier ones, and this is not the last
    /// try.
    fn try_message(
        &mut self,
        message: DecodedMessage<'_>,
        last_try: bool,
    ) -> Option<Option<CloseCode>> {
        let chat = self.chat.clone();
        let name = self.name.clone();
        chat.step(&name, |dispatcher| {
            let effects = dispatcher.message(&name, message, now());
            let operations = dispatcher.connections.take_enqueued();
            if operations.is_empty() && !last_try && !self.is_last_resolved() {
                return (Vec::new(), None);
            }
            self.append(dispatcher, operations);
            (effects.entries, Some(effects.close))
        })
    }

    /// Appends a change of status to inactive, if it is time to.
    pub fn tick_in_cluster(&mut self) {
        self.wait_for_last();
        let chat = self.chat.clone();
        chat.with(|dispatcher| {
            let due = dispatcher.state.tick(&self.name, now()).is_some();
            let inactive = Command::ChangeStatus {
                name: self.name.as_bytes(),
                status: Some(Status::Inactive),
            };
            let operation = operations::encode(inactive).filter(|_| due);
            self.append(dispatcher, operation.into_iter().collect());
        });
    }

    /// Waits until the log has returned this user's last operation, or a timeout.
    pub fn wait_for_last(&self) {
        if let (Some(log), Some(last)) = (self.chat.pipeline.log(), self.last) {
            log.wait(last, LOG_TIMEOUT);
        }
    }

    /// Disconnects the user after the connection has ended. The log notifies the others.
    pub fn leave_cluster(&mut self) {
        let Some(log) = self.chat.pipeline.log() else {
            return;
        };
        self.chat.publish(|dispatcher| {
            let Some(claim) = dispatcher.connections.claim(&self.name, self.id) else {
                return Vec::new(); // the name was lost, and the member removed
            };
            log.release(self.name.as_bytes(), claim, leave_operation());
            let leave = dispatcher.connections.remove_local(&self.name);
            leave.into_iter().collect()
        });
    }

    fn is_last_resolved(&self) -> bool {
        match (self.chat.pipeline.log(), self.last) {
            (Some(log), Some(last)) => log.is_resolved(last),
            _ => true,
        }
    }

    /// Appends operations to the log, and updates the time of the next tick.
    fn append(&mut self, dispatcher: &mut Dispatcher<'_>, operations: Vec<Vec<u8>>) {
        let Some(log) = self.chat.pipeline.log() else {
            return;
        };
        let claim = dispatcher.connections.claim(&self.name, self.id);
        let has_operations = !operations.is_empty();
        for operation in operations {
            let Some(claim) = claim else { return };
            let name = self.name.as_bytes();
            self.last = Some(if operations::is_leave(&operation) {
                log.release(name, claim, operation)
            } else {
                log.append_as(name, claim, operation)
            });
        }
        let known = dispatcher.state.inactivity_deadline(&self.name);
        // The operations may make the user active or inactive, so check again soon.
        let recheck = has_operations.then(|| Instant::now() + RECHECK_DELAY);
        self.inactive_at = match (known, recheck) {
            (Some(known), Some(recheck)) => Some(known.max(recheck)),
            (known, recheck) => known.or(recheck),
        };
    }
}

impl Connections {
    /// Removes a user of this server; the log changes the state. Returns the member's `Leave`.
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

/// Returns the operation for a user whose connection has ended.
fn leave_operation() -> Vec<u8> {
    operations::encode(Command::Leave { notify_self: false }).unwrap_or_default()
}

impl From<ClaimError> for Rejection {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Taken => Self::NameTaken,
            ClaimError::Unavailable => Self::ClusterUnavailable,
        }
    }
}

/// Maximum time to wait until the log returns an operation.
const LOG_TIMEOUT: Duration = Duration::from_secs(5);

/// Time after an operation until the user's inactivity is checked again.
const RECHECK_DELAY: Duration = Duration::from_secs(1);
