//! What a peer may ask for, whichever wire it speaks, and why it may be told no.
//!
//! Both codecs decode into these; they borrow from the received message, so a message is copied once, when it is kept.

use std::fmt;

use crate::chat::domain::status::Status;

/// One thing a connected user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Something that changes the chat.
    Command(Command<'a>),
    /// Something that only reads it.
    Query(Query<'a>),
}

/// What changes the state: the input of [`State::decide`](crate::chat::domain::state::State::decide).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// Claim the name, before there is a connection that can speak for it.
    Reserve,
    /// Give a claimed name back unused.
    Release,
    /// Take the place that was claimed.
    Connect {
        /// The peer's IP address as text; other users can ask for it.
        address: &'a str,
    },
    /// The connection ended, or is about to.
    Leave {
        /// True if the leaver is to be told too, as one who said goodbye.
        notify_self: bool,
    },
    /// Set the status of a user, who must be oneself.
    ChangeStatus {
        /// Whose.
        name: &'a [u8],
        /// `None` if the wire named a status that does not exist.
        status: Option<Status>,
    },
    /// Send a chat message.
    Say {
        /// To everybody or to one user.
        to: Target<'a>,
        /// Usually UTF-8, but the binary chat does not insist.
        text: &'a [u8],
    },
}

/// What reads the state: the input of [`State::answer`](crate::chat::domain::state::State::answer).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query<'a> {
    /// Who is connected, for one who has just arrived.
    Welcome,
    /// Who is connected.
    Users,
    /// One user by name.
    User(&'a [u8]),
    /// The messages kept of one chat, oldest first.
    History {
        /// The general chat, or the asker's chat with one user.
        of: Target<'a>,
        /// Only messages with a greater sequence number.
        after: Option<u64>,
    },
}

/// Which chat is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// Everybody's.
    General,
    /// The one with this user; the bytes are as received and may name nobody.
    User(&'a [u8]),
}

/// Why something asked for does not happen.
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
    /// A connection holds the name, or is about to.
    NameTaken,
    /// No such user is known.
    NoSuchUser,
    /// No such status, or the status of somebody else.
    InvalidStatus,
    /// A chat message without text.
    EmptyMessage,
    /// The recipient is unknown or offline.
    RecipientDisconnected,
    /// It does not fit where the asker stands: connecting without a claimed name, or anything else without a connection.
    InvalidState,
    /// This server is cut off from its cluster, where names are granted.
    ClusterUnavailable,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rejection::NameEmpty => "the name is empty",
            Rejection::NameTooLong => "the name is longer than 255 bytes",
            Rejection::NameNotUtf8 => "the name is not UTF-8",
            Rejection::NameHasControlCharacter => "the name has a control character",
            Rejection::NameReserved => "the name is reserved",
            Rejection::NameTaken => "the name is taken",
            Rejection::NoSuchUser => "no such user",
            Rejection::InvalidStatus => "invalid status",
            Rejection::EmptyMessage => "the message is empty",
            Rejection::RecipientDisconnected => "the recipient is not connected",
            Rejection::InvalidState => "not possible now",
            Rejection::ClusterUnavailable => "this server is cut off from the others",
        })
    }
}

impl std::error::Error for Rejection {}
