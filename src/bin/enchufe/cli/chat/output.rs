//! How a line of the chat looks. Everything a server or a person may have written is escaped here, and only then
//! coloured.

use std::borrow::Cow;

use crate::cli::terminal::{Colour, escape, paint};

/// A line to show. Nothing in it is escaped yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// Somebody said something. `to` is known for our own private messages only.
    Said {
        from: String,
        to: Option<String>,
        text: String,
    },
    /// Somebody came, went, or changed status.
    Presence(String),
    /// Something else to know.
    Info(String),
    /// Something did not work.
    Problem(String),
}

impl Line {
    /// The line as it is printed, without its line break.
    pub fn render(&self, coloured: bool) -> String {
        let paint = |text: &str, colour| paint(text, coloured.then_some(colour)).into_owned();
        match self {
            Self::Said { from, to, text } => {
                let from = paint(&escape(&quoted(from)), Colour::of_name(from));
                match to {
                    Some(to) => format!("{from} -> {}: {}", escape(&quoted(to)), escape(text)),
                    None => format!("{from}: {}", escape(text)),
                }
            }
            Self::Presence(text) => paint(&format!("* {}", escape(text)), Colour::DIM),
            Self::Info(text) => paint(&format!("- {}", escape(text)), Colour::DIM),
            Self::Problem(text) => paint(&format!("! {}", escape(text)), Colour::RED),
        }
    }
}

/// A name inside a line. One that could be taken for something else gets quotes.
pub fn quoted(name: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "._-".contains(c);
    match name.chars().all(plain) && !name.starts_with('-') {
        true => Cow::Borrowed(name),
        false => Cow::Owned(format!("\"{name}\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(from: &str, to: Option<&str>, text: &str) -> Line {
        Line::Said {
            from: from.to_owned(),
            to: to.map(str::to_owned),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_message_shows_its_author() {
        assert_eq!(
            said("Ana María", None, "hola").render(false),
            "\"Ana María\": hola"
        );
        assert_eq!(
            said("ana", Some("beto"), "psst").render(false),
            "ana -> beto: psst"
        );
    }

    #[test]
    fn a_name_cannot_pass_for_a_message_of_somebody_else() {
        assert_eq!(
            said("beto: hola", None, "x").render(false),
            "\"beto: hola\": x"
        );
        assert_eq!(
            said("* beto has left", None, "x").render(false),
            "\"* beto has left\": x"
        );
        assert_eq!(said("- note", None, "x").render(false), "\"- note\": x");
    }

    #[test]
    fn neither_names_nor_texts_reach_the_terminal_raw() {
        let evil = "\x1b]52;c;aGk=\x07\u{9b}2J\u{202e}\r\n";
        for line in [
            said(evil, Some(evil), evil),
            Line::Presence(evil.to_owned()),
            Line::Info(evil.to_owned()),
            Line::Problem(evil.to_owned()),
        ] {
            let shown = line.render(false);
            assert!(
                !shown.contains(|c: char| c.is_control() || c == '\u{202e}'),
                "{shown:?}"
            );
            let sgr = [
                "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[34m", "\x1b[35m", "\x1b[36m", "\x1b[92m",
                "\x1b[0m",
            ];
            let uncoloured = sgr
                .iter()
                .fold(line.render(true), |text, code| text.replace(code, ""));
            assert_eq!(uncoloured, shown);
        }
    }
}
