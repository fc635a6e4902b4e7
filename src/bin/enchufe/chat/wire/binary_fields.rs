//! Message ids and fields of the binary wire (seed 001), for server and client.

/// Reads the fields of a message in order. A field that is truncated reads as `None`.
pub struct FieldReader<'a>(&'a [u8]);

impl<'a> FieldReader<'a> {
    /// Starts at the id of `message`.
    pub fn new(message: &'a [u8]) -> Self {
        Self(message)
    }

    /// Reads one byte.
    pub fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    /// Reads a length byte and as many bytes.
    pub fn string(&mut self) -> Option<&'a [u8]> {
        let (&length, rest) = self.0.split_first()?;
        let (string, rest) = rest.split_at_checked(usize::from(length))?;
        self.0 = rest;
        Some(string)
    }
}

/// Appends a string field: at most 255 bytes, the rest is dropped.
pub fn push_string(message: &mut Vec<u8>, string: &[u8]) {
    let length = u8::try_from(string.len()).unwrap_or(u8::MAX);
    message.push(length);
    message.extend_from_slice(&string[..usize::from(length)]);
}

/// Splits a text into pieces of 1 to 255 bytes, which fit into a field. Splits UTF-8 between characters.
pub fn split_text(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(piece_end(rest));
        rest = after;
        Some(piece)
    })
}

/// Returns the length of the first piece, at most 255 bytes.
fn piece_end(text: &[u8]) -> usize {
    if text.len() <= MAX_FIELD {
        return text.len();
    }
    // A byte 10xxxxxx continues a character. Four in a row are not UTF-8, so any place will do.
    let boundary = (MAX_FIELD - 3..=MAX_FIELD)
        .rev()
        .find(|&at| text[at] & 0b1100_0000 != 0b1000_0000);
    boundary.unwrap_or(MAX_FIELD)
}

/// Maximum length of a string field, in bytes.
const MAX_FIELD: usize = 255;

// Ids of messages from clients.
pub const LIST_USERS: u8 = 1;
pub const GET_USER: u8 = 2;
pub const CHANGE_STATUS: u8 = 3;
pub const SEND_MESSAGE: u8 = 4;
pub const GET_HISTORY: u8 = 5;

// Ids of messages from the server.
pub const ERROR: u8 = 50;
pub const USERS: u8 = 51;
pub const USER: u8 = 52;
/// A user connected for the first time.
pub const NEW_USER: u8 = 53;
/// A user's status changed, also by connecting again or leaving.
pub const STATUS_CHANGED: u8 = 54;
pub const MESSAGE: u8 = 55;
pub const HISTORY: u8 = 56;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_between_characters() {
        for character in ["é", "€", "🦀"] {
            for before in 0..4 {
                let text = "a".repeat(before) + &character.repeat(300);
                let pieces: Vec<_> = split_text(text.as_bytes())
                    .map(|piece| std::str::from_utf8(piece).expect("whole characters"))
                    .collect();
                assert!(
                    pieces
                        .iter()
                        .all(|piece| (252..=255).contains(&piece.len()) || piece.len() < 252)
                );
                assert!(
                    pieces[..pieces.len() - 1]
                        .iter()
                        .all(|piece| piece.len() >= 252)
                );
                assert_eq!(pieces.concat(), text);
            }
        }
        assert_eq!(
            split_text(&[0x80; 256])
                .map(<[u8]>::len)
                .collect::<Vec<_>>(),
            [255, 1]
        );
        assert_eq!(split_text(b"").count(), 0);
    }

    #[test]
    fn a_truncated_field_is_none() {
        let mut fields = FieldReader::new(b"\x03abcx\x04abc");
        assert_eq!(fields.string(), Some(&b"abc"[..]));
        assert_eq!(fields.byte(), Some(b'x'));
        assert_eq!(fields.string(), None);
        assert_eq!(FieldReader::new(b"").string(), None);
        assert_eq!(FieldReader::new(b"").byte(), None);
        assert_eq!(FieldReader::new(b"\x00").string(), Some(&b""[..]));
    }

    #[test]
    fn a_string_over_255_bytes_is_truncated() {
        let mut message = Vec::new();
        push_string(&mut message, &[b'a'; 300]);
        assert_eq!((message.len(), message[0]), (256, 255));
    }
}
