//! What both sides of the binary chat's wire (seed 001) have in common: ids, fields, and texts that fit a field.

/// The fields of a message, one after the other; each is `None` if the message ends before it does.
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The fields of `message`, its id included.
    pub fn of(message: &'a [u8]) -> Fields<'a> {
        Fields(message)
    }

    /// One byte.
    pub fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    /// A length byte and as many bytes.
    pub fn string(&mut self) -> Option<&'a [u8]> {
        let (&length, rest) = self.0.split_first()?;
        let (string, rest) = rest.split_at_checked(usize::from(length))?;
        self.0 = rest;
        Some(string)
    }
}

/// Appends a string field. `string` has at most 255 bytes: what does not fit is left off.
pub fn push_string(message: &mut Vec<u8>, string: &[u8]) {
    let length = u8::try_from(string.len()).unwrap_or(u8::MAX);
    message.push(length);
    message.extend_from_slice(&string[..usize::from(length)]);
}

/// A text in pieces that a field can hold, 1 to 255 bytes, cut between characters where the text is UTF-8.
pub fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(cut(rest));
        rest = after;
        Some(piece)
    })
}

/// Where the first piece ends: at most 255 bytes, before the character that would not be whole.
fn cut(text: &[u8]) -> usize {
    if text.len() <= MAX_FIELD {
        return text.len();
    }
    // A byte 10xxxxxx continues a character of at most 4 bytes. More of them are not UTF-8: cut anywhere.
    let border = (MAX_FIELD - 3..=MAX_FIELD)
        .rev()
        .find(|&at| text[at] & 0b1100_0000 != 0b1000_0000);
    border.unwrap_or(MAX_FIELD)
}

/// The longest string field.
const MAX_FIELD: usize = 255;

// Ids of messages from clients.
/// Who is connected?
pub const LIST: u8 = 1;
/// Who is this?
pub const GET_USER: u8 = 2;
/// Set a status.
pub const CHANGE_STATUS: u8 = 3;
/// Send a text.
pub const SAY: u8 = 4;
/// What was said?
pub const GET_HISTORY: u8 = 5;

// Ids of messages from the server.
/// Not done, and why.
pub const ERROR: u8 = 50;
/// Who is connected.
pub const USERS: u8 = 51;
/// Who that is.
pub const USER: u8 = 52;
/// Somebody is here for the first time.
pub const NEW_USER: u8 = 53;
/// Somebody's status.
pub const STATUS_CHANGED: u8 = 54;
/// A text.
pub const SAID: u8 = 55;
/// What was said.
pub const HISTORY: u8 = 56;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        for character in ["é", "€", "🦀"] {
            for before in 0..4 {
                let text = "a".repeat(before) + &character.repeat(300);
                let pieces: Vec<_> = pieces(text.as_bytes())
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
            pieces(&[0x80; 256]).map(<[u8]>::len).collect::<Vec<_>>(),
            [255, 1]
        );
        assert_eq!(pieces(b"").count(), 0);
    }

    #[test]
    fn a_field_that_is_cut_is_none_and_stays_so() {
        let mut fields = Fields::of(b"\x03abcx\x04abc");
        assert_eq!(fields.string(), Some(&b"abc"[..]));
        assert_eq!(fields.byte(), Some(b'x'));
        assert_eq!(fields.string(), None);
        assert_eq!(Fields::of(b"").string(), None);
        assert_eq!(Fields::of(b"").byte(), None);
        assert_eq!(Fields::of(b"\x00").string(), Some(&b""[..]));
    }

    #[test]
    fn a_string_that_does_not_fit_its_length_is_cut() {
        let mut message = Vec::new();
        push_string(&mut message, &[b'a'; 300]);
        assert_eq!((message.len(), message[0]), (256, 255));
    }
}
