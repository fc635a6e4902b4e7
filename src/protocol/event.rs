//! Results of decoding ([RFC 6455, 6.2](https://www.rfc-editor.org/rfc/rfc6455#section-6.2)).

use crate::protocol::close::CloseReason;
use crate::protocol::header::Header;
use crate::protocol::opcode::MessageKind;

/// The result of one call of [`Decoder::decode`](crate::protocol::decoder::Decoder::decode).
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Decoded {
    /// Bytes at the front of the input that the call consumed. Read the payload before you drop them.
    pub used: usize,
    /// The event, if these bytes completed one.
    pub event: Option<Event>,
    pub(super) location: PayloadLocation,
}

/// A decoded frame or message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A frame, before its meaning; only while frames are
    /// [observed](crate::protocol::decoder::Decoder::observe_frames). Consumes no bytes.
    Frame(Header),
    /// A complete message ([RFC 6455, 5.6](https://www.rfc-editor.org/rfc/rfc6455#section-5.6)).
    Message(MessageKind),
    /// A Ping; answer it with a Pong of the same payload ([RFC 6455,
    /// 5.5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2)).
    Ping,
    /// A Pong: the answer to a Ping, or unsolicited ([RFC 6455,
    /// 5.5.3](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3)).
    Pong,
    /// A Close, the peer's last frame; answer it with a Close unless one was sent ([RFC 6455,
    /// 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
    Close(Option<CloseReason>),
}

impl Decoded {
    /// Returns a result without an event.
    pub(super) const fn used(used: usize) -> Self {
        Self {
            used,
            event: None,
            location: PayloadLocation::None,
        }
    }
}

/// Location of the payload of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PayloadLocation {
    None,
    Input { start: usize, end: usize },
    Assembler,
}
