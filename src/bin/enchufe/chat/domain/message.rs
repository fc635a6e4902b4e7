//! Chat messages, and the chats that they belong to.

use std::sync::Arc;

use crate::chat::domain::name::Name;
use crate::chat::domain::time::Timestamp;

/// An accepted chat message. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Position in the order of all messages of all chats, from 1.
    pub sequence: u64,
    /// Time at which the server accepted it.
    pub at: Timestamp,
    /// The author.
    pub from: Name,
    /// The recipient; `None` for the general chat.
    pub to: Option<Name>,
    /// Not empty. UTF-8 from the JSON chat; any bytes from the binary chat.
    pub text: Arc<[u8]>,
}

impl Message {
    /// Returns the chat that the message belongs to.
    pub fn channel(&self) -> Channel {
        match &self.to {
            None => Channel::General,
            Some(to) => Channel::between(&self.from, to),
        }
    }
}

/// A chat: the general one, or a private one of two users.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The chat of all users.
    General,
    /// Two users, the lesser name first. Both may be the same.
    Pair(Name, Name),
}

impl Channel {
    /// Returns the chat of two users, given in any order.
    pub fn between(one: &Name, other: &Name) -> Self {
        let (first, second) = if one <= other {
            (one, other)
        } else {
            (other, one)
        };
        Self::Pair(first.clone(), second.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_chat_is_an_unordered_pair() {
        let (ana, bo) = (Name::parse(b"ana").unwrap(), Name::parse(b"bo").unwrap());
        assert_eq!(Channel::between(&ana, &bo), Channel::between(&bo, &ana));
        assert_ne!(Channel::between(&ana, &bo), Channel::between(&ana, &ana));
    }
}
