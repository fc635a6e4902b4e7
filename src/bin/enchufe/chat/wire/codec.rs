//! Selects the wire format of a connection.

use crate::chat::domain::command::Request;
use crate::chat::domain::event::Notice;
use crate::chat::domain::time::Now;
use crate::chat::wire::json_error::RequestError;
use crate::chat::wire::json_object::{self, JsonMessage};
use crate::chat::wire::{binary, json_encode};
use enchufe::net::PreparedMessage;
use enchufe::protocol::MessageKind;

/// A wire format. Its number is the index of its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// The binary chat.
    Binary = 0,
    /// The JSON chat.
    Json = 1,
}

/// A decoded message. Decoding needs no lock, because its time depends on the client.
#[derive(Debug)]
pub enum DecodedMessage<'a> {
    /// A request, unless the message is invalid.
    Binary(Option<Request<'a>>),
    /// A JSON object, or the error in the message.
    Json(Result<JsonMessage, RequestError>),
}

impl Codec {
    /// All wire formats, by the index of the room.
    pub const ALL: [Self; 2] = [Self::Binary, Self::Json];

    /// Decodes a message; JSON may be nested at most `json_depth` deep.
    pub fn decode(
        self,
        kind: MessageKind,
        payload: &[u8],
        json_depth: usize,
    ) -> DecodedMessage<'_> {
        match self {
            // Text messages count too: known clients send them.
            Self::Binary => DecodedMessage::Binary(binary::decode(payload)),
            Self::Json => DecodedMessage::Json(json_object::read(kind, payload, json_depth)),
        }
    }

    /// Encodes a notice as one or more messages; none if this wire does not have the notice.
    pub fn encode(self, notice: &Notice, now: Now) -> PreparedMessage {
        let mut prepared = PreparedMessage::default();
        match self {
            Self::Binary => binary::encode(notice, |message| prepared.push(message)),
            Self::Json => prepared.push(text(&json_encode::encode(notice, now.timestamp))),
        }
        prepared
    }
}

/// Returns JSON as text. `json_encode` writes UTF-8.
pub fn text(json: &[u8]) -> &str {
    std::str::from_utf8(json).unwrap_or_default()
}
