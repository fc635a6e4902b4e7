//! State and rules of the chat. [`State::decide`] checks a command, [`State::apply`] applies the event and returns the
//! notices, and [`State::answer`] reads.
//!
//! These are plain functions of data, without bytes of a wire, sockets, threads or a clock.
//!
//! ```text
//!              Reserve              Connect
//!   unknown   ---------> reserved ---------> connected: Active, Busy, Inactive,
//!   or absent <---------                     or Disconnected (appears offline)
//!       ^       Release                          |
//!       +----------------------------------------+  Leave: absent
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
    /// Evictions since the last [`State::take_evicted`]; `None` if they are not tracked.
    evicted: Option<Vec<Evicted>>,
}

/// An item that was removed because of a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evicted {
    /// The message with this sequence number.
    Message(u64),
    /// An absent user.
    User(Name),
}

/// Settings of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatSettings {
    /// Time without a chat message after which an active user becomes inactive. Default 60 s.
    pub inactive_after: Duration,
    /// Maximum number of known users without a connection. Default 65,536.
    pub max_absent: usize,
    pub history: HistoryLimits,
}

impl Default for ChatSettings {
    fn default() -> Self {
        Self {
            inactive_after: Duration::from_secs(60),
            max_absent: 65_536,
            history: HistoryLimits::default(),
        }
    }
}

impl State {
    /// Creates an empty chat.
    pub fn new(settings: ChatSettings) -> Self {
        Self {
            inactive_after: settings.inactive_after,
            users: Presence::new(settings.max_absent),
            histories: Histories::new(settings.history),
            next_sequence: 1,
            evicted: None,
        }
    }

    /// Starts to track evictions for [`State::take_evicted`].
    pub fn track_evictions(&mut self) {
        self.evicted.get_or_insert_default();
    }

    /// Returns the evictions since the last call, in order.
    pub fn take_evicted(&mut self) -> Vec<Evicted> {
        self.evicted.as_mut().map_or(Vec::new(), std::mem::take)
    }

    /// Marks sequence numbers up to this one as used.
    pub fn resume_after(&mut self, sequence: u64) {
        self.next_sequence = self.next_sequence.max(sequence.saturating_add(1));
    }

    /// Returns the sequence number of the last message; 0 before the first one.
    pub fn last_sequence(&self) -> u64 {
        self.next_sequence - 1
    }

    /// Returns the stored messages, oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.histories.messages()
    }

    /// Returns all known users with their last address: first the absent ones in the order in which they left, then the
    /// connected ones with their status.
    pub fn known_users(&self) -> Vec<(Name, Arc<str>, Option<Status>)> {
        self.users.known().collect()
    }

    /// Returns the names of connected users, sorted.
    pub fn connected(&self) -> Vec<Name> {
        self.users.connected().cloned().collect()
    }

    /// Checks a command, and returns the event that it leads to. Changes nothing.
    ///
    /// # Errors
    ///
    /// The first rule that is broken.
    pub fn decide(&self, user: &Name, command: Command<'_>, now: Now) -> Result<Event, Rejection> {
        match command {
            Command::Reserve => self.decide_reserve(user),
            Command::Release if self.users.is_reserved(user) => Ok(Event::Released(user.clone())),
            Command::Connect { address } if self.users.is_reserved(user) => Ok(Event::Connected {
                name: user.clone(),
                address: address.into(),
            }),
            Command::Release | Command::Connect { .. } => Err(Rejection::InvalidState),
            _ if self.users.get(user).is_none() => Err(Rejection::InvalidState),
            Command::Leave { notify_self } => Ok(Event::Left {
                name: user.clone(),
                notify_self,
            }),
            Command::ChangeStatus { name, status } => self.decide_status(user, name, status),
            Command::Send { to, text } => self.decide_send(user, to, text, now),
        }
    }

    /// Applies an event. Cannot fail: [`State::decide`] has checked everything.
    ///
    /// Large parts are separate functions that are never inlined, which keeps them out of idle connections' stack frames.
    pub fn apply(&mut self, event: Event, now: Now) -> Delivery {
        match event {
            Event::Reserved(name) => self.users.reserve(name),
            Event::Released(name) => self.users.release(&name),
            Event::Connected { name, address } => {
                let new = self.users.connect(name.clone(), address, now.instant);
                return vec![(Audience::Except(name.clone()), Notice::Joined { name, new })];
            }
            Event::Left { name, notify_self } => return self.apply_left(name, notify_self),
            Event::StatusChanged { name, status } => {
                return self.apply_status(name, status, now.instant);
            }
            Event::MessageSent(message) => return self.apply_message(message, now.instant),
        }
        Delivery::new()
    }

    /// Answers a query. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`Rejection::NoSuchUser`] for an unknown name, [`Rejection::InvalidState`] if `user` is not connected.
    pub fn answer(&self, user: &Name, query: Query<'_>) -> Result<Notice, Rejection> {
        if self.users.get(user).is_none() {
            return Err(Rejection::InvalidState);
        }
        match query {
            Query::Welcome => Ok(Notice::Welcome(
                self.users
                    .online(user)
                    .map(|(name, _)| name.clone())
                    .collect(),
            )),
            Query::Users => {
                let users = self
                    .users
                    .online(user)
                    .map(|(name, status)| (name.clone(), status))
                    .collect();
                Ok(Notice::Users {
                    asker: user.clone(),
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
            Query::History { of, after } => self.answer_history(user, of, after),
        }
    }

    /// Returns when an active user becomes inactive without another chat message; `None` for any other user.
    pub fn inactivity_deadline(&self, user: &Name) -> Option<Instant> {
        let user = self
            .users
            .get(user)
            .filter(|user| user.status == Status::Active)?;
        user.last_active.checked_add(self.inactive_after)
    }

    /// Returns the event that makes a user inactive, if it is time to.
    pub fn tick(&self, user: &Name, now: Now) -> Option<Event> {
        let due = self.inactivity_deadline(user)? <= now.instant;
        due.then(|| Event::StatusChanged {
            name: user.clone(),
            status: Status::Inactive,
        })
    }

    fn decide_reserve(&self, user: &Name) -> Result<Event, Rejection> {
        if self.users.is_reserved(user) || self.users.get(user).is_some() {
            return Err(Rejection::NameTaken);
        }
        Ok(Event::Reserved(user.clone()))
    }

    fn decide_status(
        &self,
        user: &Name,
        name: &[u8],
        status: Option<Status>,
    ) -> Result<Event, Rejection> {
        let status = status.ok_or(Rejection::InvalidStatus)?;
        let (name, ..) = self.users.find(name).ok_or(Rejection::NoSuchUser)?;
        if name != user {
            return Err(Rejection::InvalidStatus);
        }
        Ok(Event::StatusChanged {
            name: user.clone(),
            status,
        })
    }

    fn decide_send(
        &self,
        user: &Name,
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
        Ok(Event::MessageSent(Message {
            sequence,
            at,
            from: user.clone(),
            to,
            text: text.into(),
        }))
    }

    #[inline(never)]
    fn apply_left(&mut self, name: Name, notify_self: bool) -> Delivery {
        let evicted = &mut self.evicted;
        let on_evict = |name| {
            if let Some(list) = evicted {
                list.push(Evicted::User(name));
            }
        };
        if !self.users.leave(&name, on_evict) {
            return Delivery::new();
        }
        let audience = if notify_self {
            Audience::All
        } else {
            Audience::Except(name.clone())
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
    fn apply_message(&mut self, message: Message, now: Instant) -> Delivery {
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
        let evicted = &mut self.evicted;
        self.histories.push(message.clone(), |sequence| {
            if let Some(list) = evicted {
                list.push(Evicted::Message(sequence));
            }
        });
        delivery.push((audience, Notice::Message(message)));
        delivery
    }

    fn answer_history(
        &self,
        user: &Name,
        of: Target<'_>,
        after: Option<u64>,
    ) -> Result<Notice, Rejection> {
        let (channel, with) = match of {
            Target::General => (Channel::General, None),
            Target::User(name) => {
                let (other, ..) = self.users.find(name).ok_or(Rejection::NoSuchUser)?;
                (Channel::between(user, other), Some(other.clone()))
            }
        };
        let messages = self.histories.messages_after(&channel, after.unwrap_or(0));
        Ok(Notice::History {
            with,
            continued: after.is_some(),
            messages,
        })
    }
}
