//! Names of users, the same on both wires.
//!
//! A name is the only identity of a user, so a [`Name`] cannot be built without passing the rules.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use crate::chat::domain::command::Rejection;

/// A user's name: 1 to 255 bytes of UTF-8 without control characters, neither `~` nor `server`.
///
/// Names are compared and ordered byte by byte. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Checks the rules. `bytes` is percent-decoded.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, from [`Rejection::NameEmpty`] to [`Rejection::NameReserved`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Rejection> {
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
        Ok(Self(name.into()))
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name as bytes for a wire.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Makes maps of names accept a `&str` as a key: both compare and hash alike.
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

/// Maximum length of a name, in bytes: the binary wire has one byte for it.
pub const MAX_NAME: usize = 255;

/// Stands for the general chat where a name is expected.
pub const GENERAL: &str = "~";

/// Sender of messages from the server in the JSON chat.
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
    fn the_names_of_the_general_chat_and_the_server_are_reserved() {
        assert_eq!(Name::parse(b"~"), Err(Rejection::NameReserved));
        assert_eq!(Name::parse(b"server"), Err(Rejection::NameReserved));
        assert!(Name::parse(b"~~").is_ok());
        assert!(Name::parse(b"Server").is_ok());
    }

    #[test]
    fn names_are_compared_byte_by_byte() {
        let composed = Name::parse("\u{e9}".as_bytes()).unwrap();
        let decomposed = Name::parse("e\u{301}".as_bytes()).unwrap();
        assert_ne!(composed, decomposed);
        assert_ne!(Name::parse(b"Jo").unwrap(), Name::parse(b"jo").unwrap());
        assert!(Name::parse(b"Z").unwrap() < Name::parse(b"a").unwrap());
    }
}
