//! The chat of one server of several, as its users meet it: names are claimed, and what they ask for goes into the log.
//!
//! A step decides as it does without a cluster, to refuse at once what can never be valid; the rest goes into the log, and
//! every server decides it again when it reads it, at its place in the order: that is `replica`, and that decision counts.
//! Answers of one user keep the order of its questions: what is answered here waits until what was asked for before has
//! come back.

use std::time::{Duration, Instant};

use crate::chat::chat::{Chat, Membership, now};
use crate::chat::cluster::operations;
use crate::chat::cluster::pending::{LocalSession, PendingJoin, PendingOps};
use crate::chat::dispatcher::{ChatEngine, Codec, Effects, Member};
use crate::chat::domain::command::{Command, Rejection};
use crate::chat::domain::name::Name;
use crate::chat::domain::state::Settings;
use crate::chat::domain::status::Status;
use crate::chat::limits::ConnectionLimits;
use crate::cluster::log_handle::{ClaimError, Log};
use crate::delivery::PendingWrites;
use enchufe::net::{Entry, MemberId, Sender};
use enchufe::protocol::{CloseCode, MessageKind};

impl Chat {
    /// A chat that is one with those of other servers, once it follows `log`.
    #[must_use]
    pub fn clustered(settings: Settings, limits: ConnectionLimits, log: Log) -> Chat {
        let mut engine = ChatEngine::new(settings);
        engine.pending = Some(PendingOps::new(log, settings));
        Chat::behind(engine, limits)
    }

    /// Takes the place of a claimed name: publishes that the user comes, and waits until that has come back.
    ///
    /// # Errors
    ///
    /// [`Rejection::CutOff`]; the claim is given back.
    pub fn arrive(
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
        let hold = LocalSession {
            claim,
            member: None,
            sender: sender.clone(),
            address: address.into(),
        };
        let mut engine = self.lock();
        // Under the lock under which it will come back.
        let number = log.append_as(name.as_bytes(), claim, what);
        let arrival = PendingJoin {
            number,
            hold,
            codec,
        };
        engine.front_mut()?.arriving.insert(name.clone(), arrival);
        drop(engine);
        let _in_time = log.wait(number, PATIENCE);
        let mut engine = self.lock();
        let pending = engine.front_mut()?;
        let gave_up = pending.arriving.remove(&name).is_some();
        let hold = pending.holds.get(&name);
        let member = hold.filter(|_| !gave_up).and_then(|hold| hold.member);
        let Some(member) = member else {
            log.release(name.as_bytes(), claim, left());
            return Err(Rejection::ClusterUnavailable);
        };
        let inactive_at = engine.state().inactivity_deadline(&name);
        drop(engine);
        let member = Member { id: member, codec };
        Ok(self.membership(name, member, inactive_at, number))
    }

    fn log(&self) -> Result<&Log, Rejection> {
        self.0.log.as_ref().ok_or(Rejection::InvalidState)
    }

    /// Appends to the room and delivers what is told in a cluster.
    pub fn tell(&self, tell: impl FnOnce(&mut ChatEngine) -> Vec<Entry>) {
        let mut engine = self.lock();
        let entries = tell(&mut engine);
        self.0.pipeline.append(PendingWrites::default(), entries);
        drop(engine);
        self.0.pipeline.deliver();
    }
}

impl Membership {
    /// What a message asks for goes into the log, or is answered.
    pub fn message_by_log(&mut self, kind: MessageKind, payload: &[u8]) -> Option<CloseCode> {
        let chat = self.chat.clone();
        let depth = chat.0.limits.json_depth;
        let mut patient = true;
        loop {
            let heard = self.codec.read(kind, payload, depth);
            let mut engine = chat.lock();
            let reaction = engine.message(&self.name, heard, now());
            let asked = engine.take_diverted();
            if asked.is_empty() && patient && !self.own_is_back() {
                // Nothing has changed: what is answered here is asked again in a moment.
                drop(engine);
                self.wait_for_own();
                patient = false;
                continue;
            }
            self.publish(&mut engine, asked);
            return self.carry(engine, reaction);
        }
    }

    pub fn tick_by_log(&mut self) {
        self.wait_for_own();
        let chat = self.chat.clone();
        let mut engine = chat.lock();
        let due = engine.state().tick(&self.name, now()).is_some();
        let inactive = Command::ChangeStatus {
            name: self.name.as_bytes(),
            status: Some(Status::Inactive),
        };
        let asked = operations::encode(inactive).filter(|_| due);
        self.publish(&mut engine, asked.into_iter().collect());
        self.carry(engine, Effects::default());
    }

    /// Waits, not for ever, until what this user asked for has come back.
    pub fn wait_for_own(&self) {
        if let (Some(log), Some(last)) = (&self.chat.0.log, self.last) {
            log.wait(last, PATIENCE);
        }
    }

    /// The connection has ended: the others hear of it by the log.
    pub fn leave_by_log(&mut self) {
        let Some(log) = &self.chat.0.log else {
            return;
        };
        self.chat.tell(|engine| {
            let held = engine.claim(&self.name, self.id);
            let Some(claim) = held else {
                return Vec::new(); // it was lost, and the member with it
            };
            log.release(self.name.as_bytes(), claim, left());
            engine.forget(&self.name)
        });
    }

    fn own_is_back(&self) -> bool {
        match (&self.chat.0.log, self.last) {
            (Some(log), Some(last)) => log.is_resolved(last),
            _ => true,
        }
    }

    fn publish(&mut self, engine: &mut ChatEngine, asked: Vec<Vec<u8>>) {
        let Some(log) = &self.chat.0.log else {
            return;
        };
        let claim = engine.claim(&self.name, self.id);
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
        let known = engine.state().inactivity_deadline(&self.name);
        // What was just asked for may make the user active or inactive: it is looked at again soon.
        let soon = is_asked.then(|| Instant::now() + SOON);
        self.inactive_at = match (known, soon) {
            (Some(known), Some(soon)) => Some(known.max(soon)),
            (known, soon) => known.or(soon),
        };
    }

    fn carry(
        &self,
        engine: std::sync::MutexGuard<'_, ChatEngine>,
        reaction: Effects,
    ) -> Option<CloseCode> {
        self.chat
            .0
            .pipeline
            .append(PendingWrites::default(), reaction.entries);
        drop(engine);
        reaction.close
    }
}

impl ChatEngine {
    /// A user of this server is nobody's here any more; the state learns it by the log.
    pub fn forget(&mut self, name: &Name) -> Vec<Entry> {
        if let Some(pending) = &mut self.pending {
            pending.holds.remove(name);
        }
        let member = self.remove(name);
        member
            .map(|member| Entry::Leave(member.id))
            .into_iter()
            .collect()
    }

    fn front_mut(&mut self) -> Result<&mut PendingOps, Rejection> {
        self.pending.as_mut().ok_or(Rejection::InvalidState)
    }

    fn take_diverted(&mut self) -> Vec<Vec<u8>> {
        self.pending
            .as_mut()
            .map(PendingOps::take_diverted)
            .unwrap_or_default()
    }

    fn claim(&self, name: &Name, member: MemberId) -> Option<u64> {
        self.pending.as_ref()?.claim(name, member)
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
const PATIENCE: Duration = Duration::from_secs(5);

/// When to look again at a user who may be about to turn active or inactive.
const SOON: Duration = Duration::from_secs(1);
