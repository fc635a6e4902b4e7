//! What other people wrote, on our terminal: escaped, so that a message cannot move the cursor, set the clipboard or
//! turn the reading direction; and coloured only where colours are wanted.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::IsTerminal;

/// Makes a text harmless and a single line: control characters (C0, DEL, C1) and those that are invisible or change the
/// direction of what follows are written as `\n`, `\x1b` or `\u{202e}`. Everything else stays as it is.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c if !is_dangerous(c) => safe.push(c),
            // Writing to a String cannot fail.
            c if c.is_ascii() => _ = write!(safe, "\\x{:02x}", u32::from(c)),
            c => _ = write!(safe, "\\u{{{:x}}}", u32::from(c)),
        }
    }
    Cow::Owned(safe)
}

/// The same for bytes that may not be UTF-8: those that are not appear as `\xff`.
pub fn escape_bytes(bytes: &[u8]) -> String {
    let mut safe = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        safe.push_str(&escape(chunk.valid()));
        for byte in chunk.invalid() {
            _ = write!(safe, "\\x{byte:02x}");
        }
    }
    safe
}

/// Whether colours are wanted on this output: a terminal that is not dumb, and no `NO_COLOR`
/// ([no-color.org](https://no-color.org)).
pub fn wants_colour(output: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    output.is_terminal() && !set("NO_COLOR") && !is_dumb()
}

/// Whether the terminal only knows how to print.
pub fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Wraps a text, already escaped, in a colour.
pub fn paint(text: &str, colour: Option<Colour>) -> Cow<'_, str> {
    match colour {
        None => Cow::Borrowed(text),
        Some(Colour(code)) => Cow::Owned(format!("\x1b[{code}m{text}\x1b[0m")),
    }
}

/// A colour, or another way to stand out: the parameter of SGR (ECMA-48, 8.3.117).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colour(u8);

impl Colour {
    pub const DIM: Self = Self(2);
    pub const RED: Self = Self(31);
    pub const YELLOW: Self = Self(33);

    /// A colour for a name: always the same for the same name.
    pub fn of_name(name: &str) -> Self {
        let sum = name.bytes().fold(0u32, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(byte.into())
        });
        // The remainder is below the length.
        Self(NAME_COLOURS[(sum % NAME_COLOURS.len() as u32) as usize])
    }
}

/// Whether a character must not reach a terminal as it is.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Marks, embeddings, overrides and isolates of the bidirectional algorithm (UAX #9, 2).
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Line and paragraph separators.
            | '\u{2028}' | '\u{2029}'
            // Invisible: zero width space, word joiner and operators, deprecated format characters, byte order mark,
            // annotations, tags. The joiners U+200C and U+200D stay: emoji and several scripts are written with them.
            | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

const NAME_COLOURS: [u8; 5] = [32, 34, 35, 36, 92];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_harmless_stays_as_it_is() {
        for text in [
            "",
            "hola",
            "Ñandú 漢字 👩‍🚀",
            "back\\slash \"quotes\"",
            "שלום",
        ] {
            assert_eq!(escape(text), text);
            assert_eq!(escape_bytes(text.as_bytes()), text);
        }
    }

    #[test]
    fn control_characters_and_terminal_sequences_are_spelled_out() {
        for (text, safe) in [
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
            ("\x1b[2J", "\\x1b[2J"),
            ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{9d}0;title\u{9c}", "\\u{9d}0;title\\u{9c}"),
            ("\0\x7f", "\\x00\\x7f"),
        ] {
            assert_eq!(escape(text), safe);
        }
    }

    #[test]
    fn characters_that_turn_or_hide_text_are_spelled_out() {
        assert_eq!(
            escape("a\u{202e}b\u{2066}c\u{200f}"),
            "a\\u{202e}b\\u{2066}c\\u{200f}"
        );
        assert_eq!(
            escape("a\u{2028}b\u{feff}c\u{e0041}"),
            "a\\u{2028}b\\u{feff}c\\u{e0041}"
        );
    }

    #[test]
    fn no_control_character_survives() {
        for c in (0..=0xffu32).filter_map(char::from_u32) {
            let text = c.to_string();
            assert!(!escape(&text).chars().any(char::is_control), "{c:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_spelled_out() {
        assert_eq!(escape_bytes(b"ok\xff\xc3(\x1b"), "ok\\xff\\xc3(\\x1b");
    }

    #[test]
    fn a_name_keeps_its_colour() {
        assert_eq!(Colour::of_name("ana"), Colour::of_name("ana"));
        assert_eq!(paint("ana", None), "ana");
        assert_eq!(paint("ana", Some(Colour::RED)), "\x1b[31mana\x1b[0m");
    }
}
