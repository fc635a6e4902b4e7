//! UTF-8 validation of text ([RFC 6455, 8.1](https://www.rfc-editor.org/rfc/rfc6455#section-8.1)) that arrives in
//! pieces, cut anywhere. It stores at most three bytes of a character cut in two, and fails at the first byte that no
//! continuation can make valid.

use std::fmt;
#[cfg(not(feature = "simd"))]
use std::str::from_utf8;

#[cfg(feature = "simd")]
use simdutf8::compat::from_utf8;

/// Validates one text that arrives in pieces of any size.
///
/// [`std::str::from_utf8`] does the work, or its namesake in `simdutf8` with the feature `simd`. This type adds the
/// state between pieces.
#[derive(Debug, Clone, Default)]
pub struct Utf8Validator {
    /// Start of an incomplete character: `cut[..held]` is a prefix of some valid sequence.
    cut: [u8; 4],
    held: usize,
}

/// The text is not UTF-8, and no following byte could make it valid ([RFC 6455,
/// 8.1](https://www.rfc-editor.org/rfc/rfc6455#section-8.1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidUtf8;

impl Utf8Validator {
    /// Creates a validator at the start of a text.
    pub const fn new() -> Self {
        Self {
            cut: [0; 4],
            held: 0,
        }
    }

    /// Validates the next piece of the text.
    ///
    /// # Errors
    /// [`InvalidUtf8`] at a byte that cannot follow the previous ones. Call [`reset`](Self::reset) before the next
    /// text.
    pub fn feed(&mut self, mut piece: &[u8]) -> Result<(), InvalidUtf8> {
        // First complete the character that the last piece cut, one byte at a time: at most three more.
        while self.held > 0 {
            let Some((&byte, rest)) = piece.split_first() else {
                return Ok(());
            };
            piece = rest;
            // `held` is at most 3 here: four bytes are a character or an error.
            self.cut[self.held] = byte;
            self.held += 1;
            match from_utf8(&self.cut[..self.held]) {
                Ok(_) => self.held = 0,
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(InvalidUtf8),
            }
        }
        let Err(error) = from_utf8(piece) else {
            return Ok(());
        };
        if error.error_len().is_some() {
            return Err(InvalidUtf8);
        }
        // The piece ends inside a character, after one to three bytes of it.
        let begun = &piece[error.valid_up_to()..];
        self.cut[..begun.len()].copy_from_slice(begun);
        self.held = begun.len();
        Ok(())
    }

    /// Whether the text may end here, not inside a character.
    pub const fn is_complete(&self) -> bool {
        self.held == 0
    }

    /// Starts a new text.
    pub const fn reset(&mut self) {
        self.held = 0;
    }
}

/// Whether a whole text is UTF-8.
#[inline]
pub(super) fn is_utf8(text: &[u8]) -> bool {
    from_utf8(text).is_ok()
}

impl fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not UTF-8")
    }
}

impl std::error::Error for InvalidUtf8 {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the number of bytes accepted before the failure, fed one by one; `None` without a failure.
    fn fails_after(text: &[u8]) -> Option<usize> {
        let mut validator = Utf8Validator::new();
        text.iter()
            .position(|&byte| validator.feed(&[byte]).is_err())
    }

    #[test]
    fn the_first_invalid_byte_fails() {
        assert_eq!(fails_after(b"\xf4\x90\x80\x80"), Some(1), "above 0x10ffff");
        assert_eq!(fails_after(b"\xf5"), Some(0), "above 0x10ffff");
        assert_eq!(fails_after(b"\xed\xa0\x80"), Some(1), "a surrogate");
        assert_eq!(fails_after(b"\xc0\xaf"), Some(0), "overlong /");
        assert_eq!(fails_after(b"\xe0\x80\xaf"), Some(1), "overlong /");
        assert_eq!(fails_after(b"\xf0\x80\x80\xaf"), Some(1), "overlong /");
        assert_eq!(fails_after(b"a\x80"), Some(1), "a tail with no head");
        assert_eq!(fails_after(b"\xe2\x82a"), Some(2), "a head cut short");
        assert_eq!(fails_after(b"\xf4\x8f\xbf\xbf"), None, "0x10ffff");
    }

    #[test]
    fn a_cut_anywhere_changes_nothing_and_every_proper_prefix_of_a_character_is_incomplete() {
        let text = "aé€😀z".as_bytes();
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let mut validator = Utf8Validator::new();
                for piece in [&text[..first], &text[first..second], &text[second..]] {
                    assert_eq!(validator.feed(piece), Ok(()));
                }
                assert!(validator.is_complete());
            }
            let mut validator = Utf8Validator::new();
            assert_eq!(validator.feed(&text[..first]), Ok(()));
            assert_eq!(
                validator.is_complete(),
                from_utf8(&text[..first]).is_ok(),
                "{first}"
            );
        }
    }

    #[test]
    fn every_pair_of_bytes_has_the_result_of_std() {
        for pair in 0..=u16::MAX {
            let pair = pair.to_be_bytes();
            let mut validator = Utf8Validator::new();
            let fed = validator
                .feed(&pair[..1])
                .and_then(|()| validator.feed(&pair[1..]));
            let valid = fed.is_ok() && validator.is_complete();
            assert_eq!(valid, from_utf8(&pair).is_ok(), "{pair:02x?}");
        }
    }

    #[test]
    fn reset_forgets_the_cut_character() {
        let mut validator = Utf8Validator::new();
        assert_eq!(validator.feed(b"\xe2\x82"), Ok(()));
        validator.reset();
        assert!(validator.is_complete());
        assert_eq!(validator.feed(b"a"), Ok(()));
    }
}
