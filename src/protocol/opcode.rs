//! Opcodes of frames ([RFC 6455, 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2),
//! [11.8](https://www.rfc-editor.org/rfc/rfc6455#section-11.8)) and kinds of messages (5.6). A reserved opcode cannot
//! be constructed.

use std::fmt;

use crate::protocol::error::ProtocolError;

/// The four opcode bits of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// A later fragment of the message in progress
    /// ([RFC 6455, 5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4)).
    Continuation = 0x0,
    /// A text message, or its first fragment ([RFC 6455, 5.6](https://www.rfc-editor.org/rfc/rfc6455#section-5.6)).
    Text = 0x1,
    /// A binary message, or its first fragment ([RFC 6455, 5.6](https://www.rfc-editor.org/rfc/rfc6455#section-5.6)).
    Binary = 0x2,
    /// The last frame of its sender ([RFC 6455, 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
    Close = 0x8,
    /// A request for a Pong ([RFC 6455, 5.5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2)).
    Ping = 0x9,
    /// The answer to a Ping, or an unsolicited heartbeat ([RFC 6455,
    /// 5.5.3](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3)).
    Pong = 0xA,
}

impl Opcode {
    /// Whether this is a control frame: at most 125 bytes, never fragmented, allowed between fragments
    /// ([RFC 6455, 5.5](https://www.rfc-editor.org/rfc/rfc6455#section-5.5)).
    pub const fn is_control(self) -> bool {
        self as u8 & CONTROL != 0
    }
}

/// Fails with [`ProtocolError::ReservedOpcode`] for 3 to 7, 11 to 15, and numbers above 15.
impl TryFrom<u8> for Opcode {
    type Error = ProtocolError;

    fn try_from(bits: u8) -> Result<Self, ProtocolError> {
        Ok(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            // 5.2: on an unknown opcode the receiver fails the connection.
            reserved => return Err(ProtocolError::ReservedOpcode(reserved)),
        })
    }
}

impl From<Opcode> for u8 {
    fn from(opcode: Opcode) -> Self {
        opcode as Self
    }
}

/// The name in lower case, as logs and drawings show it.
impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Continuation => "continuation",
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
        })
    }
}

/// The type of a message ([RFC 6455, 5.6](https://www.rfc-editor.org/rfc/rfc6455#section-5.6)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// UTF-8 text.
    Text,
    /// Bytes whose meaning the application defines.
    Binary,
}

/// The opcode of the first frame of a message of this kind.
impl From<MessageKind> for Opcode {
    fn from(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Text => Self::Text,
            MessageKind::Binary => Self::Binary,
        }
    }
}

/// The name in lower case.
impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Opcode::from(*self).fmt(f)
    }
}

/// 5.5: "control frames are identified by opcodes where the most significant bit of the opcode is 1".
const CONTROL: u8 = 0b1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_of_the_256_values_are_opcodes_and_each_comes_back_as_its_number() {
        let known: Vec<u8> = (0..=u8::MAX)
            .filter(|&bits| Opcode::try_from(bits).is_ok_and(|opcode| u8::from(opcode) == bits))
            .collect();
        assert_eq!(known, [0, 1, 2, 8, 9, 10]);
    }

    #[test]
    fn close_ping_and_pong_are_control_frames() {
        let control: Vec<u8> = [0, 1, 2, 8, 9, 10]
            .into_iter()
            .filter(|&bits| Opcode::try_from(bits).is_ok_and(Opcode::is_control))
            .collect();
        assert_eq!(control, [8, 9, 10]);
    }
}
