//! The chat's rules and memory, with two doors and a window: [`State::decide`] checks a command, [`State::apply`] makes
//! what was decided true and says who is told, [`State::answer`] reads.
//!
//! Plain functions of data: no bytes of any wire, no sockets, no threads, no clock. Both chats speak through it, so
//! each rule stands here once.
//!
//! ```text
//!                 Reserve              Connect
//!   nobody, or a ---------> reserved ---------> present: Active, Busy, Inactive,
//!   known user   <---------                     or Disconnected on its own wish
//!        ^         Release                          |
//!        +------------------------------------------+  Leave: known from now on
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::chat::domain::command::{Command, Query, Rejection, Target};
use crate::chat::domain::event::{Audience, Delivery, Event, Notice};
use crate::chat::domain::history::{Histories, HistoryLimits};
use crate::chat::domain::message::{Channel, Message};
use crate::chat::domain::name::Name;
use crate::chat::domain::presence::Presence;
use crate::chat::domain::status::Status;
use crate::chat::domain::time::Now;

/// Users, statuses and histories.
#[derive(Debug)]
pub struct State {
    inactive_after: Duration,
    users: Presence,
    histories: Histories,
    next_sequence: u64,
    /// What was forgotten since somebody asked, if anybody ever will.
    forgotten: Option<Vec<Evicted>>,
}

/// What is not remembered any more, because of a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evicted {
    /// The message of this sequence number.
    Message(u64),
    /// A user without a connection.
    User(Name),
}

/// What the state is told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long an active user may send no chat message before it counts as inactive. Default 60 s.
    pub inactive_after: Duration,
    /// Known users without a connection; past it, who left first is forgotten. Default 65,536.
    pub max_absent: usize,
    /// How much of the chats is kept.
    pub history: HistoryLimits,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            inactive_after: Duration::from_secs(60),
            max_absent: 65_536,
            history: HistoryLimits::default(),
        }
    }
}

impl State {
    /// An empty chat.
    pub fn new(settings: Settings) -> State {
        State {
            inactive_after: settings.inactive_after,
            users: Presence::new(settings.max_absent),
            histories: Histories::new(settings.history),
            next_sequence: 1,
            forgotten: None,
        }
    }

    /// From now on what is forgotten is listed for [`State::take_forgotten`].
    pub fn report_forgotten(&mut self) {
        self.forgotten.get_or_insert_default();
    }

    /// What was forgotten since this was asked last, in order.
    pub fn take_forgotten(&mut self) -> Vec<Evicted> {
        self.forgotten.as_mut().map_or(Vec::new(), std::mem::take)
    }

    /// Sequence numbers up to this one have been used.
    pub fn resume_after(&mut self, sequence: u64) {
        self.next_sequence = self.next_sequence.max(sequence.saturating_add(1));
    }

    /// The sequence number of the last message; 0 if there was none.
    pub fn last_sequence(&self) -> u64 {
        self.next_sequence - 1
    }

    /// The messages that are kept, oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.histories.all()
    }

    /// Everybody who is known, with the last address: those without a connection in the order in which they left, then
    /// those with one, and their status.
    pub fn people(&self) -> Vec<(Name, Arc<str>, Option<Status>)> {
        self.users.everybody().collect()
    }

    /// Everybody with a connection, by name.
    pub fn connected(&self) -> Vec<Name> {
        self.users.connected().cloned().collect()
    }

    /// Whether `who` may do this, and what then happens. Changes nothing.
    ///
    /// # Errors
    ///
    /// The first rule that forbids it.
    pub fn decide(&self, who: &Name, command: Command<'_>, now: Now) -> Result<Event, Rejection> {
        match command {
            Command::Reserve => self.decide_reserve(who),
            Command::Release if self.users.is_reserved(who) => Ok(Event::Released(who.clone())),
            Command::Connect { address } if self.users.is_reserved(who) => Ok(Event::Connected {
                name: who.clone(),
                address: address.into(),
            }),
            Command::Release | Command::Connect { .. } => Err(Rejection::InvalidState),
            _ if self.users.get(who).is_none() => Err(Rejection::InvalidState),
            Command::Leave { notify_self } => Ok(Event::Left {
                name: who.clone(),
                notify_self,
            }),
            Command::ChangeStatus { name, status } => self.decide_status(who, name, status),
            Command::Say { to, text } => self.decide_say(who, to, text, now),
        }
    }

    /// Makes an event true. Never fails: what could be wrong with it was seen when it was decided.
    ///
    /// What is large in here is never inlined: who comes in and listens would have it all on the stack.
    pub fn apply(&mut self, event: Event, now: Now) -> Delivery {
        match event {
            Event::Reserved(name) => self.users.reserve(name),
            Event::Released(name) => self.users.release(&name),
            Event::Connected { name, address } => {
                let new = self.users.connect(name.clone(), address, now.instant);
                return vec![(Audience::AllBut(name.clone()), Notice::Joined { name, new })];
            }
            Event::Left { name, notify_self } => return self.apply_left(name, notify_self),
            Event::StatusChanged { name, status } => {
                return self.apply_status(name, status, now.instant);
            }
            Event::Said(message) => return self.apply_said(message, now.instant),
        }
        Delivery::new()
    }

    /// What `who` wants to know. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`Rejection::NoSuchUser`] for an unknown name, [`Rejection::OutOfTurn`] if the asker is not connected.
    pub fn answer(&self, who: &Name, query: Query<'_>) -> Result<Notice, Rejection> {
        if self.users.get(who).is_none() {
            return Err(Rejection::InvalidState);
        }
        match query {
            Query::Welcome => Ok(Notice::Welcome(
                self.users
                    .online(who)
                    .map(|(name, _)| name.clone())
                    .collect(),
            )),
            Query::Users => {
                let users = self
                    .users
                    .online(who)
                    .map(|(name, status)| (name.clone(), status))
                    .collect();
                Ok(Notice::Users {
                    asker: who.clone(),
                    users,
                })
            }
            Query::User(name) => {
                let (name, status, address) = self.users.find(name).ok_or(Rejection::NoSuchUser)?;
                Ok(Notice::User {
                    name: name.clone(),
                    status,
                    address: address.clone(),
                })
            }
            Query::History { of, after } => self.answer_history(who, of, after),
        }
    }

    /// When `who` turns inactive if nothing happens until then; `None` if it does not.
    pub fn inactivity_deadline(&self, who: &Name) -> Option<Instant> {
        let user = self
            .users
            .get(who)
            .filter(|user| user.status == Status::Active)?;
        user.last_active.checked_add(self.inactive_after)
    }

    /// What the passing of time has done to `who`, if anything.
    pub fn tick(&self, who: &Name, now: Now) -> Option<Event> {
        let due = self.inactivity_deadline(who)? <= now.instant;
        due.then(|| Event::StatusChanged {
            name: who.clone(),
            status: Status::Inactive,
        })
    }

    fn decide_reserve(&self, who: &Name) -> Result<Event, Rejection> {
        if self.users.is_reserved(who) || self.users.get(who).is_some() {
            return Err(Rejection::NameTaken);
        }
        Ok(Event::Reserved(who.clone()))
    }

    fn decide_status(
        &self,
        who: &Name,
        name: &[u8],
        status: Option<Status>,
    ) -> Result<Event, Rejection> {
        let status = status.ok_or(Rejection::InvalidStatus)?;
        let (name, ..) = self.users.find(name).ok_or(Rejection::NoSuchUser)?;
        if name != who {
            return Err(Rejection::InvalidStatus);
        }
        Ok(Event::StatusChanged {
            name: who.clone(),
            status,
        })
    }

    fn decide_say(
        &self,
        who: &Name,
        to: Target<'_>,
        text: &[u8],
        now: Now,
    ) -> Result<Event, Rejection> {
        if text.is_empty() {
            return Err(Rejection::EmptyMessage);
        }
        let to = match to {
            Target::General => None,
            Target::User(name) => match self.users.find(name) {
                None | Some((_, Status::Disconnected, _)) => {
                    return Err(Rejection::RecipientDisconnected);
                }
                Some((name, ..)) => Some(name.clone()),
            },
        };
        let (sequence, at) = (self.next_sequence, now.timestamp);
        Ok(Event::Said(Message {
            sequence,
            at,
            from: who.clone(),
            to,
            text: text.into(),
        }))
    }

    #[inline(never)]
    fn apply_left(&mut self, name: Name, notify_self: bool) -> Delivery {
        let forgotten = &mut self.forgotten;
        let report = |name| {
            if let Some(list) = forgotten {
                list.push(Evicted::User(name));
            }
        };
        if !self.users.leave(&name, report) {
            return Delivery::new();
        }
        let audience = if notify_self {
            Audience::All
        } else {
            Audience::AllBut(name.clone())
        };
        vec![(audience, Notice::Left(name))]
    }

    fn apply_status(&mut self, name: Name, status: Status, now: Instant) -> Delivery {
        let Some(user) = self.users.get_mut(&name) else {
            return Vec::new();
        };
        user.status = status;
        if status == Status::Active {
            user.last_active = now;
        }
        vec![(Audience::All, Notice::StatusChanged { name, status })]
    }

    #[inline(never)]
    fn apply_said(&mut self, message: Message, now: Instant) -> Delivery {
        let mut delivery = Vec::with_capacity(2);
        if let Some(user) = self.users.get_mut(&message.from) {
            user.last_active = now;
            if user.status == Status::Inactive {
                delivery = self.apply_status(message.from.clone(), Status::Active, now);
            }
        }
        let audience = match &message.to {
            None => Audience::All,
            Some(to) if *to == message.from => Audience::Only(to.clone()),
            Some(to) => Audience::Both(message.from.clone(), to.clone()),
        };
        self.next_sequence = message.sequence.saturating_add(1);
        let forgotten = &mut self.forgotten;
        self.histories.push(message.clone(), |sequence| {
            if let Some(list) = forgotten {
                list.push(Evicted::Message(sequence));
            }
        });
        delivery.push((audience, Notice::Said(message)));
        delivery
    }

    fn answer_history(
        &self,
        who: &Name,
        of: Target<'_>,
        after: Option<u64>,
    ) -> Result<Notice, Rejection> {
        let (channel, with) = match of {
            Target::General => (Channel::General, None),
            Target::User(name) => {
                let (other, ..) = self.users.find(name).ok_or(Rejection::NoSuchUser)?;
                (Channel::between(who, other), Some(other.clone()))
            }
        };
        let messages = self.histories.of(&channel, after.unwrap_or(0));
        Ok(Notice::History {
            with,
            onward: after.is_some(),
            messages,
        })
    }
}
