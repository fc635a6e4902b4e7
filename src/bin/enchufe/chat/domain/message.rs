//! One chat message, and the chat it belongs to.

use std::sync::Arc;

use crate::chat::domain::name::Name;
use crate::chat::domain::time::Timestamp;

/// A chat message as it was accepted. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its place in the order of all messages of all chats; from 1.
    pub sequence: u64,
    /// When the server accepted it.
    pub at: Timestamp,
    /// Who wrote it.
    pub from: Name,
    /// The one it is for; `None` for everybody.
    pub to: Option<Name>,
    /// Not empty. UTF-8 if it came as JSON; any bytes if not.
    pub text: Arc<[u8]>,
}

impl Message {
    /// The chat it belongs to.
    pub fn channel(&self) -> Channel {
        match &self.to {
            None => Channel::General,
            Some(to) => Channel::between(&self.from, to),
        }
    }
}

/// A chat: everybody's, or the one of two users.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Everybody's.
    General,
    /// An unordered pair, kept with the lesser name first; both may be the same.
    Pair(Name, Name),
}

impl Channel {
    /// The chat of two users, in either order of the names.
    pub fn between(one: &Name, other: &Name) -> Channel {
        let (first, second) = if one <= other {
            (one, other)
        } else {
            (other, one)
        };
        Channel::Pair(first.clone(), second.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_of_two_is_an_unordered_pair() {
        let (ana, bo) = (Name::parse(b"ana").unwrap(), Name::parse(b"bo").unwrap());
        assert_eq!(Channel::between(&ana, &bo), Channel::between(&bo, &ana));
        assert_ne!(Channel::between(&ana, &bo), Channel::between(&ana, &ana));
    }
}
