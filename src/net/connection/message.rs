//! A message as the user of the library holds it: owned, or lent out of the read buffer.

use crate::protocol::opcode::MessageKind;

/// One whole message, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// UTF-8 text ([RFC 6455, 5.6](https://www.rfc-editor.org/rfc/rfc6455#section-5.6)).
    Text(String),
    /// Bytes whose meaning is the application's.
    Binary(Vec<u8>),
}

impl Message {
    /// The bytes, whatever the kind.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.as_message().payload()
    }

    /// The text of a text message; `None` for a binary one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }
}

/// One whole message, borrowed: what a [`Reader`](crate::net::connection::reader::Reader) lends and what every send takes.
///
/// A text message made from `&str` is UTF-8; one that was received is too, unless its connection was told to accept
/// any bytes as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageRef<'a> {
    kind: MessageKind,
    payload: &'a [u8],
}

impl<'a> MessageRef<'a> {
    pub(crate) fn new(kind: MessageKind, payload: &'a [u8]) -> Self {
        Self { kind, payload }
    }

    /// Text or binary.
    #[must_use]
    pub fn kind(self) -> MessageKind {
        self.kind
    }

    /// The bytes, whatever the kind.
    #[must_use]
    pub fn payload(self) -> &'a [u8] {
        self.payload
    }

    /// The text of a text message; `None` for a binary one.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        match self.kind {
            MessageKind::Text => std::str::from_utf8(self.payload).ok(),
            MessageKind::Binary => None,
        }
    }

    /// A copy that outlives the read buffer. Text that is not UTF-8 (see [`MessageRef`]) becomes binary.
    #[must_use]
    pub fn to_message(self) -> Message {
        match self.text() {
            Some(text) => Message::Text(text.to_owned()),
            None => Message::Binary(self.payload.to_vec()),
        }
    }
}

/// What can be sent as a message: strings as text, byte slices as binary.
pub trait AsMessage {
    /// The message, borrowed.
    fn as_message(&self) -> MessageRef<'_>;
}

impl AsMessage for Message {
    fn as_message(&self) -> MessageRef<'_> {
        match self {
            Self::Text(text) => text.as_message(),
            Self::Binary(bytes) => bytes.as_message(),
        }
    }
}

impl AsMessage for MessageRef<'_> {
    fn as_message(&self) -> MessageRef<'_> {
        *self
    }
}

impl AsMessage for str {
    fn as_message(&self) -> MessageRef<'_> {
        MessageRef::new(MessageKind::Text, self.as_bytes())
    }
}

impl AsMessage for String {
    fn as_message(&self) -> MessageRef<'_> {
        self.as_str().as_message()
    }
}

impl AsMessage for [u8] {
    fn as_message(&self) -> MessageRef<'_> {
        MessageRef::new(MessageKind::Binary, self)
    }
}

impl<const N: usize> AsMessage for [u8; N] {
    fn as_message(&self) -> MessageRef<'_> {
        self.as_slice().as_message()
    }
}

impl AsMessage for Vec<u8> {
    fn as_message(&self) -> MessageRef<'_> {
        self.as_slice().as_message()
    }
}

impl<M: AsMessage + ?Sized> AsMessage for &M {
    fn as_message(&self) -> MessageRef<'_> {
        (**self).as_message()
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}
