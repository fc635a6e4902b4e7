//! The line that is being typed, from the keys: characters are added at its end and taken from there, as when the terminal
//! itself keeps the line. Keys that would move in it do nothing.

use crate::cli::chat::display_width::width;

/// A line in the making.
#[derive(Debug, Default)]
pub struct Typing {
    line: String,
    /// The first bytes of a character whose others have not come.
    begun: Vec<u8>,
    escape: Escape,
}

/// What comes of some keys.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// A line, with Enter.
    Line(String),
    /// Ctrl-D where nothing else stands.
    End,
}

/// How far into what a key without a character sends.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Begun,
    /// ECMA-48, 5.4: parameters until a final byte.
    Sequence,
}

impl Typing {
    /// What is typed so far.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Takes what came from the keyboard, in whatever pieces.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Typed> {
        bytes.iter().filter_map(|byte| self.key(*byte)).collect()
    }

    fn key(&mut self, byte: u8) -> Option<Typed> {
        match (self.escape, byte) {
            (Escape::Begun, b'[' | b'O') => self.escape = Escape::Sequence,
            (Escape::Sequence, b'@'..=b'~') => self.escape = Escape::None,
            (Escape::Sequence, b' '..=b'?') => {}
            (_, ESC) => {
                self.begun.clear();
                self.escape = Escape::Begun;
            }
            _ => {
                self.escape = Escape::None;
                return self.plain(byte);
            }
        }
        None
    }

    fn plain(&mut self, byte: u8) -> Option<Typed> {
        match byte {
            b'\r' | b'\n' => return Some(Typed::Line(std::mem::take(&mut self.line))),
            CTRL_D if self.line.is_empty() => return Some(Typed::End),
            BACKSPACE | DELETE => self.take_character(),
            CTRL_U => self.line.clear(),
            CTRL_W => self.take_word(),
            b'\t' => self.line.push(' '),
            0..b' ' => {}
            byte => self.character(byte),
        }
        None
    }

    fn character(&mut self, byte: u8) {
        self.begun.push(byte);
        match std::str::from_utf8(&self.begun) {
            Ok(text) => self.line.push_str(text),
            Err(error) if error.error_len().is_none() => return,
            Err(_) => self.line.push(char::REPLACEMENT_CHARACTER),
        }
        self.begun.clear();
    }

    /// What a person takes for one: with its marks, and whatever is joined to it.
    fn take_character(&mut self) {
        while let Some(taken) = self.line.pop() {
            if width(taken) > 0 && !self.line.ends_with(JOINER) {
                return;
            }
        }
    }

    fn take_word(&mut self) {
        let rest = self.line.trim_end();
        let word = rest.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        // A space of several bytes has its own end.
        let word = (word..=rest.len()).find(|at| rest.is_char_boundary(*at));
        self.line.truncate(word.unwrap_or(0));
    }
}

const ESC: u8 = 0x1b;
const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;
const CTRL_D: u8 = 0x04;
const CTRL_U: u8 = 0x15;
const CTRL_W: u8 = 0x17;
/// U+200D makes one picture of two.
const JOINER: char = '\u{200d}';

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands there after these keys, none of which ends the line, whatever pieces they come in.
    #[track_caller]
    fn line(keys: &str) -> String {
        let mut whole = Typing::default();
        assert_eq!(whole.feed(keys.as_bytes()), []);
        let mut pieces = Typing::default();
        for byte in keys.as_bytes() {
            assert_eq!(pieces.feed(&[*byte]), []);
        }
        assert_eq!(pieces.line(), whole.line());
        whole.line().to_owned()
    }

    #[test]
    fn characters_are_added_at_the_end() {
        assert_eq!(line("¡Hola! 漢字 🦀"), "¡Hola! 漢字 🦀");
        assert_eq!(line("a\tb"), "a b");
    }

    #[test]
    fn enter_ends_the_line_and_ctrl_d_an_empty_one() {
        let mut typing = Typing::default();
        let typed = typing.feed(b"one\ntwo\x04\rthr");
        let lines = ["one", "two"].map(|line| Typed::Line(line.to_owned()));
        assert_eq!(typed, lines);
        assert_eq!(typing.line(), "thr");
        assert_eq!(typing.feed(b"\x15\x04"), [Typed::End]);
    }

    #[test]
    fn backspace_takes_what_a_person_sees_as_one_character() {
        assert_eq!(line("hola\x7f"), "hol");
        assert_eq!(line("hola\x08"), "hol");
        assert_eq!(line("señ\x7f"), "se");
        assert_eq!(line("sen\u{303}\x7f"), "se");
        assert_eq!(line("a👩\u{200d}🚀\x7f"), "a");
        assert_eq!(line("a👍\u{1f3fd}\x7f"), "a");
        assert_eq!(line("a\x7f\x7f\x7f"), "");
    }

    #[test]
    fn ctrl_w_takes_a_word_and_ctrl_u_all() {
        assert_eq!(line("one two\x17"), "one ");
        assert_eq!(line("one two  \x17"), "one ");
        assert_eq!(line("one\u{3000}two\x17"), "one\u{3000}");
        assert_eq!(line("one\x17"), "");
        assert_eq!(line("one two\x15"), "");
    }

    #[test]
    fn keys_without_a_character_do_nothing() {
        assert_eq!(line("a\x1b[Ab\x1b[1;5Cc\x1bOPd\x1b[3~e"), "abcde");
        assert_eq!(line("a\x1bb\x1b\x1b[Dc\x01\x0cd"), "abcd");
    }

    #[test]
    fn what_is_not_utf8_becomes_a_replacement_character() {
        let mut typing = Typing::default();
        typing.feed(b"a\xffb\xc3");
        assert_eq!(typing.line(), "a\u{fffd}b");
        typing.feed(b"\xb1c");
        assert_eq!(typing.line(), "a\u{fffd}bñc");
    }
}
