//! Text is UTF-8 ([RFC 6455, 8.1](https://www.rfc-editor.org/rfc/rfc6455#section-8.1)), and it arrives in pieces that care
//! nothing for characters. This checks the pieces as they come, keeping at most the three octets of a character cut in two,
//! and fails at the first octet that no continuation could make right.

use std::fmt;
#[cfg(not(feature = "simd"))]
use std::str::from_utf8;

#[cfg(feature = "simd")]
use simdutf8::compat::from_utf8;

/// Checks one text that arrives in pieces of any size.
///
/// The work is done by [`std::str::from_utf8`], or, with the feature `simd`, by its namesake in `simdutf8`; what is added
/// is memory across the cuts.
#[derive(Debug, Clone, Default)]
pub struct Utf8Validator {
    /// The beginning of a character whose end has not arrived: `cut[..held]` is a prefix of some valid sequence.
    cut: [u8; 4],
    held: usize,
}

/// The text is not UTF-8, and no octet that might follow could change that
/// ([RFC 6455, 8.1](https://www.rfc-editor.org/rfc/rfc6455#section-8.1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidUtf8;

impl Utf8Validator {
    /// A validator at the beginning of a text.
    pub const fn new() -> Self {
        Self {
            cut: [0; 4],
            held: 0,
        }
    }

    /// Takes the next piece of the text.
    ///
    /// # Errors
    /// [`InvalidUtf8`] when the piece has an octet that can follow what came before in no text. Nothing sensible can be
    /// fed after that until [`reset`](Self::reset).
    pub fn feed(&mut self, mut piece: &[u8]) -> Result<(), InvalidUtf8> {
        // First the character that the last cut went through, octet by octet: at most three more.
        while self.held > 0 {
            let Some((&octet, rest)) = piece.split_first() else {
                return Ok(());
            };
            piece = rest;
            // `held` is at most 3 here: four octets are a character or an error, and never remain cut.
            self.cut[self.held] = octet;
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
        // The piece ends inside a character: one to three octets of it.
        let begun = &piece[error.valid_up_to()..];
        self.cut[..begun.len()].copy_from_slice(begun);
        self.held = begun.len();
        Ok(())
    }

    /// Whether the text may end here: not inside a character.
    pub const fn is_complete(&self) -> bool {
        self.held == 0
    }

    /// Forgets everything: the next piece begins a new text.
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

    /// How many octets are accepted before the failure, fed one by one; `None` when there is none.
    fn fails_after(text: &[u8]) -> Option<usize> {
        let mut validator = Utf8Validator::new();
        text.iter()
            .position(|&octet| validator.feed(&[octet]).is_err())
    }

    #[test]
    fn the_first_octet_that_cannot_be_right_fails() {
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
    fn every_pair_of_octets_is_judged_as_std_judges_it() {
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
