//! Events that change the chat, and the notices that users receive about them.
//!
//! An [`Event`] is decided once and is independent of the command: it can be applied now, after it is on disk, or by
//! another server. A [`Delivery`] lists the notices that applying it causes, and the users who receive them.

use std::sync::Arc;

use crate::chat::domain::command::Rejection;
use crate::chat::domain::message::Message;
use crate::chat::domain::name::Name;
use crate::chat::domain::status::Status;

/// A decided change: the output of [`State::decide`](crate::chat::domain::state::State::decide), and the input of
/// [`State::apply`](crate::chat::domain::state::State::apply).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A name was reserved.
    Reserved(Name),
    /// A reserved name was released.
    Released(Name),
    /// A user connected.
    Connected {
        name: Name,
        /// The client's IP address.
        address: Arc<str>,
    },
    /// A user disconnected.
    Left {
        name: Name,
        /// Whether the leaving user is notified too.
        notify_self: bool,
    },
    /// A user's status was set, perhaps to the same value.
    StatusChanged { name: Name, status: Status },
    /// A chat message was sent.
    MessageSent(Message),
}

/// Connection of the server to its cluster, as its users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterStatus {
    /// The cluster is unavailable: messages wait.
    Unavailable,
    /// The cluster is available again.
    Available,
    /// The user's last messages were dropped.
    NotSent,
    /// The server reloaded its state from the cluster: the last messages of any user may be lost.
    Restarted,
}

/// Notices in the order in which they are delivered, each with its recipients.
pub type Delivery = Vec<(Audience, Notice)>;

/// A set of connected users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// All users, those with status [`Status::Disconnected`] too.
    All,
    /// All users except one.
    Except(Name),
    /// One user.
    Only(Name),
    /// Two different users.
    Both(Name, Name),
}

/// A message for users: the input of both codecs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The user's request was rejected.
    Rejected(Rejection),
    /// The user is connected. Lists all connected users by name, the user included.
    Welcome(Vec<Name>),
    /// Connected users.
    Users {
        /// The requesting user, always in the list.
        asker: Name,
        /// Sorted by name.
        users: Vec<(Name, Status)>,
    },
    /// One user.
    User {
        name: Name,
        /// [`Status::Disconnected`] if the user has left.
        status: Status,
        /// The last known IP address.
        address: Arc<str>,
    },
    /// A user connected and is active.
    Joined {
        name: Name,
        /// Whether this user was unknown before.
        new: bool,
    },
    /// A user's status was set.
    StatusChanged { name: Name, status: Status },
    /// A user disconnected.
    Left(Name),
    /// A chat message.
    Message(Message),
    /// The user's next message is delivered, but not on disk.
    NotPersisted,
    /// The connection to the cluster changed.
    ClusterStatus(ClusterStatus),
    /// Messages of one chat.
    History {
        /// The other user of a private chat; `None` for the general chat.
        with: Option<Name>,
        /// Whether the request had a position to continue from. Messages that do not fit are then dropped at the end,
        /// otherwise at the beginning.
        continued: bool,
        /// Oldest first.
        messages: Vec<Message>,
    },
}
