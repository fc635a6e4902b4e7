//! What happened, and who is told what.
//!
//! An [`Event`] is decided once and is a value of its own: it can be applied now, after it is on disk, or by another
//! server that reads it from a shared log. A [`Delivery`] is what applying one says to whom, in terms of users.

use std::sync::Arc;

use crate::chat::domain::command::Rejection;
use crate::chat::domain::message::Message;
use crate::chat::domain::name::Name;
use crate::chat::domain::status::Status;

/// Something that was decided: the output of [`State::decide`](crate::chat::domain::state::State::decide) and the input of
/// [`State::apply`](crate::chat::domain::state::State::apply).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A name was claimed.
    Reserved(Name),
    /// A claimed name was given back.
    Released(Name),
    /// A user has a connection.
    Connected {
        /// Who.
        name: Name,
        /// From which IP address.
        address: Arc<str>,
    },
    /// A user has no connection any more.
    Left {
        /// Who.
        name: Name,
        /// True if the leaver is told too.
        notify_self: bool,
    },
    /// A user's status was set; perhaps to what it was.
    StatusChanged {
        /// Whose.
        name: Name,
        /// The new one.
        status: Status,
    },
    /// A chat message was sent.
    Said(Message),
}

/// What becomes of what is said on one server of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterStatus {
    /// This server is cut off: nothing that is said is delivered until it is not.
    ClusterUnavailable,
    /// It is not cut off any more.
    Healed,
    /// What you said last was not delivered, and will not be.
    NotSent,
    /// The log of the cluster is another, or this server could not follow it: what was said last may be missing.
    Anew,
}

/// Who gets which notice, in this order.
pub type Delivery = Vec<(Audience, Notice)>;

/// A set of connected users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Every connection, also of a user who counts as offline.
    All,
    /// Everybody else.
    AllBut(Name),
    /// One.
    Only(Name),
    /// Two different ones.
    Both(Name, Name),
}

/// What a connected user is told: the input of both codecs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// What you asked for does not happen.
    Refused(Rejection),
    /// You are connected, and so are these: by name, yourself included.
    Welcome(Vec<Name>),
    /// Who is connected.
    Users {
        /// Who asked; always in the list.
        asker: Name,
        /// By name.
        users: Vec<(Name, Status)>,
    },
    /// One user.
    User {
        /// Who.
        name: Name,
        /// [`Status::Disconnected`] for one who left.
        status: Status,
        /// The IP address, the last one known.
        address: Arc<str>,
    },
    /// Somebody connected and is active.
    Joined {
        /// Who.
        name: Name,
        /// True if this user was not known before.
        new: bool,
    },
    /// Somebody's status was set.
    StatusChanged {
        /// Whose.
        name: Name,
        /// The new one.
        status: Status,
    },
    /// Somebody's connection ended.
    Left(Name),
    /// A chat message.
    Said(Message),
    /// What you say next in this order is delivered, and is not on disk: the history is unavailable.
    NotPersisted,
    /// How this server stands with the others of its cluster.
    ClusterStatus(ClusterStatus),
    /// The messages of one chat.
    History {
        /// The other user of a chat of two; `None` for the general chat.
        with: Option<Name>,
        /// True if the asker gave a position and reads on from there: what does not fit is left off at the end,
        /// otherwise at the beginning.
        onward: bool,
        /// Oldest first.
        messages: Vec<Message>,
    },
}
