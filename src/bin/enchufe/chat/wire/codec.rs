//! The two wires of the chat behind one type.

use crate::chat::domain::command::Request;
use crate::chat::domain::event::Notice;
use crate::chat::domain::time::Now;
use crate::chat::wire::json_error::RequestError;
use crate::chat::wire::json_object::{self, Object};
use crate::chat::wire::{binary, json_encode};
use enchufe::net::PreparedMessage;
use enchufe::protocol::MessageKind;

/// A wire, and the index of its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Seed 001.
    Binary = 0,
    /// Seed 002.
    Json = 1,
}

/// A decoded message. Decoding happens before anything is locked: the peer decides how long it takes.
#[derive(Debug)]
pub enum DecodedMessage<'a> {
    /// A request, if the message is one.
    Binary(Option<Request<'a>>),
    /// An object, or the error in it.
    Json(Result<Object, RequestError>),
}

impl Codec {
    /// Every wire, by the index of its room.
    pub const ALL: [Self; 2] = [Self::Binary, Self::Json];

    /// Decodes a message; JSON may be nested at most `json_depth` deep.
    pub fn decode(
        self,
        kind: MessageKind,
        payload: &[u8],
        json_depth: usize,
    ) -> DecodedMessage<'_> {
        match self {
            // Text counts as binary: known clients send text.
            Self::Binary => DecodedMessage::Binary(binary::decode(payload)),
            Self::Json => DecodedMessage::Json(json_object::read(kind, payload, json_depth)),
        }
    }

    /// Encodes a notice as one message or several. Empty if this wire has no message for it.
    pub fn encode(self, notice: &Notice, now: Now) -> PreparedMessage {
        let mut prepared = PreparedMessage::default();
        match self {
            Self::Binary => binary::encode(notice, |message| prepared.push(message)),
            Self::Json => prepared.push(text(&json_encode::encode(notice, now.timestamp))),
        }
        prepared
    }
}

/// JSON as the text of a message. `json_encode` writes UTF-8.
pub fn text(json: &[u8]) -> &str {
    std::str::from_utf8(json).unwrap_or_default()
}
