//! What one connection of the chat may cost: little before it is known whose it is, more afterwards.

use std::time::Duration;

use enchufe::protocol::MessageLimits;

/// Bounds on a connection of the chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// One message of a user. Default 64 KiB: no text of the binary chat needs more, and no text of the JSON chat should.
    pub message: MessageLimits,
    /// Bytes in a message of a JSON connection that has not registered. Default 4 KiB: a name fits many times.
    pub first_message: usize,
    /// How long a JSON connection may speak for nobody. Default 30 s.
    pub register_within: Duration,
    /// How deep arrays and objects may nest in a JSON message. Default 32: no message needs more than 1.
    pub json_depth: usize,
}

impl ConnectionLimits {
    /// The bounds on a message before registering.
    #[must_use]
    pub fn first(&self) -> MessageLimits {
        MessageLimits {
            max_message: self.first_message.min(self.message.max_message),
            ..self.message.clone()
        }
    }
}

impl Default for ConnectionLimits {
    fn default() -> ConnectionLimits {
        ConnectionLimits {
            message: MessageLimits {
                max_message: 64 * 1024,
                ..MessageLimits::default()
            },
            first_message: 4 * 1024,
            register_within: Duration::from_secs(30),
            json_depth: 32,
        }
    }
}
