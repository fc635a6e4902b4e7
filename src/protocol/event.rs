//! What the receiving half says: what one step used, and what it meant
//! ([RFC 6455, 6.2](https://www.rfc-editor.org/rfc/rfc6455#section-6.2)).

use crate::protocol::close::CloseReason;
use crate::protocol::header::Header;
use crate::protocol::opcode::MessageKind;

/// What one call of [`Decoder::receive`](crate::protocol::decoder::Decoder::receive) did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Decoded {
    /// Octets at the front of the input that are done with. Drop them, but look at the payload first.
    pub used: usize,
    /// What they meant, when they meant something by themselves.
    pub event: Option<Event>,
    pub(super) place: Place,
}

/// Something that the peer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A frame, before what it means; only when frames are [observed](crate::protocol::decoder::Decoder::observe_frames). Uses no bytes.
    Frame(Header),
    /// A whole message ([RFC 6455, 5.6](https://www.rfc-editor.org/rfc/rfc6455#section-5.6)).
    Message(MessageKind),
    /// Answer it with a Pong of the same payload
    /// ([RFC 6455, 5.5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2)).
    Ping,
    /// The answer to a Ping, or unasked ([RFC 6455, 5.5.3](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3)).
    Pong,
    /// The last thing that the peer says; answer it with a Close, unless one was sent
    /// ([RFC 6455, 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
    Close(Option<CloseReason>),
}

impl Decoded {
    /// No event.
    pub(super) const fn used(used: usize) -> Self {
        Self {
            used,
            event: None,
            place: Place::Nowhere,
        }
    }
}

/// Where the payload of an event lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Nowhere,
    Input { start: usize, end: usize },
    Assembler,
}
