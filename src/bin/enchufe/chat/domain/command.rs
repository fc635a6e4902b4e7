//! Requests of users, the same on both wires, and the reasons to reject them.
//!
//! Both codecs decode into these types. They borrow from the received message, so a text is copied only when it is stored.

use std::fmt;

use crate::chat::domain::status::Status;

/// A request of a connected user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Changes the chat.
    Command(Command<'a>),
    /// Only reads it.
    Query(Query<'a>),
}

/// A change: the input of [`State::decide`](crate::chat::domain::state::State::decide).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// Reserves the name for a connection to come.
    Reserve,
    /// Releases a reserved name.
    Release,
    /// Connects the user whose name is reserved.
    Connect {
        /// The client's IP address as text. Other users can request it.
        address: &'a str,
    },
    /// Disconnects the user.
    Leave {
        /// Whether the leaving user is notified too.
        notify_self: bool,
    },
    /// Sets the status of a user, who must be the one that requests it.
    ChangeStatus {
        name: &'a [u8],
        /// `None` if the message has an invalid status.
        status: Option<Status>,
    },
    /// Sends a chat message.
    Send {
        to: Target<'a>,
        /// UTF-8 in the JSON chat; any bytes in the binary chat.
        text: &'a [u8],
    },
}

/// A question: the input of [`State::answer`](crate::chat::domain::state::State::answer).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query<'a> {
    /// Connected users, for a user who has just connected.
    Welcome,
    /// Connected users.
    Users,
    /// One user by name.
    User(&'a [u8]),
    /// Stored messages of one chat, oldest first.
    History {
        /// The general chat, or the chat of the requesting user with another one.
        of: Target<'a>,
        /// Only messages with a greater sequence number.
        after: Option<u64>,
    },
}

/// The chat that a request refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// The chat of all users.
    General,
    /// The chat with this user. These bytes are as received; such a user may not exist.
    User(&'a [u8]),
}

/// Reason to reject a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// The name has no bytes.
    NameEmpty,
    /// The name has more than 255 bytes.
    NameTooLong,
    /// The name is not UTF-8.
    NameNotUtf8,
    /// The name has a control character.
    NameHasControlCharacter,
    /// The name is `~` or `server`.
    NameReserved,
    /// The name is reserved, or its user is connected.
    NameTaken,
    /// No user has this name.
    NoSuchUser,
    /// The status does not exist, or belongs to another user.
    InvalidStatus,
    /// The chat message has no text.
    EmptyMessage,
    /// The recipient is unknown or offline.
    RecipientDisconnected,
    /// The user's state does not allow it: the name is not reserved, or the user is not connected.
    InvalidState,
    /// The server has no connection to its cluster, which grants names.
    ClusterUnavailable,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NameEmpty => "the name is empty",
            Self::NameTooLong => "the name is longer than 255 bytes",
            Self::NameNotUtf8 => "the name is not UTF-8",
            Self::NameHasControlCharacter => "the name has a control character",
            Self::NameReserved => "the name is reserved",
            Self::NameTaken => "the name is taken",
            Self::NoSuchUser => "no such user",
            Self::InvalidStatus => "invalid status",
            Self::EmptyMessage => "the message is empty",
            Self::RecipientDisconnected => "the recipient is not connected",
            Self::InvalidState => "not possible in the current state",
            Self::ClusterUnavailable => "the server is cut off from its cluster",
        })
    }
}

impl std::error::Error for Rejection {}
