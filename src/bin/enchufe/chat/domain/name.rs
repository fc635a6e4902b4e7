//! What may be a user's name, in either chat.
//!
//! A user *is* its name: there is no other identity, so the rules stand in one place and a [`Name`] that exists has
//! passed them. It is cheap to clone, because every message, history entry and notice carries one.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use crate::chat::domain::command::Rejection;

/// A user's name: 1 to 255 bytes of UTF-8 without control characters, neither `~` nor `server`.
///
/// Names are compared, and ordered, byte for byte.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Checks the rules. `bytes` is the name as the peer means it, already percent-decoded.
    ///
    /// # Errors
    ///
    /// The first rule that fails, from [`Rejection::NameEmpty`] to [`Rejection::NameReserved`].
    pub fn parse(bytes: &[u8]) -> Result<Name, Rejection> {
        if bytes.is_empty() {
            return Err(Rejection::NameEmpty);
        }
        if bytes.len() > MAX_NAME {
            return Err(Rejection::NameTooLong);
        }
        let name = std::str::from_utf8(bytes).map_err(|_| Rejection::NameNotUtf8)?;
        if name.chars().any(char::is_control) {
            return Err(Rejection::NameHasControlCharacter);
        }
        if RESERVED.contains(&name) {
            return Err(Rejection::NameReserved);
        }
        Ok(Name(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as the bytes that go on a wire.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Lets a map of names be asked with a `&str`; both compare and hash alike.
impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The longest name, in bytes: its length is one byte on the binary wire.
pub const MAX_NAME: usize = 255;

/// How the general chat is called where a name is expected.
pub const GENERAL: &str = "~";

/// Who speaks in the JSON chat when no user does.
pub const SERVER: &str = "server";

const RESERVED: [&str; 2] = [GENERAL, SERVER];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_1_to_255_bytes() {
        assert_eq!(Name::parse(b""), Err(Rejection::NameEmpty));
        assert!(Name::parse(b"a").is_ok());
        assert!(Name::parse(&[b'a'; 255]).is_ok());
        assert_eq!(Name::parse(&[b'a'; 256]), Err(Rejection::NameTooLong));
        assert_eq!(Name::parse(&[b'a'; 1024]), Err(Rejection::NameTooLong));
        let two_bytes_each = "ñ".repeat(128);
        assert_eq!(
            Name::parse(two_bytes_each.as_bytes()),
            Err(Rejection::NameTooLong)
        );
    }

    #[test]
    fn a_name_is_utf_8_without_control_characters() {
        assert_eq!(Name::parse(b"\xff"), Err(Rejection::NameNotUtf8));
        assert_eq!(Name::parse(b"\xed\xa0\x80"), Err(Rejection::NameNotUtf8));
        for control in ["\0", "a\0", "a\r\nb", "\u{1b}[2J", "\t", "\u{7f}", "\u{85}"] {
            assert_eq!(
                Name::parse(control.as_bytes()),
                Err(Rejection::NameHasControlCharacter),
                "{control:?}"
            );
        }
        assert_eq!(
            Name::parse("José Ñandú 🦀".as_bytes()).unwrap().as_str(),
            "José Ñandú 🦀"
        );
    }

    #[test]
    fn the_general_chat_and_the_server_are_nobody_s_name() {
        assert_eq!(Name::parse(b"~"), Err(Rejection::NameReserved));
        assert_eq!(Name::parse(b"server"), Err(Rejection::NameReserved));
        assert!(Name::parse(b"~~").is_ok());
        assert!(Name::parse(b"Server").is_ok());
    }

    #[test]
    fn names_are_compared_byte_for_byte() {
        let composed = Name::parse("\u{e9}".as_bytes()).unwrap();
        let decomposed = Name::parse("e\u{301}".as_bytes()).unwrap();
        assert_ne!(composed, decomposed);
        assert_ne!(Name::parse(b"Jo").unwrap(), Name::parse(b"jo").unwrap());
        assert!(Name::parse(b"Z").unwrap() < Name::parse(b"a").unwrap());
    }
}
