//! Standard output as a chat uses it: whole lines, and below them a prompt with what is being typed.

use std::io::{self, Write};

use crate::cli::chat::display_width::{columns, end_of};
use crate::cli::terminal::escape;

/// Lines above, a prompt below.
pub struct Screen<W: Write = io::Stdout> {
    out: W,
    prompt: Option<String>,
    /// What is typed shows because we show it, in a window so wide. Otherwise the terminal shows it.
    typed: Option<(String, usize)>,
}

impl<W: Write> Screen<W> {
    /// Where nobody types.
    pub fn without_prompt(out: W) -> Self {
        Self {
            out,
            prompt: None,
            typed: None,
        }
    }

    /// Where the terminal keeps and shows the line until it is complete.
    pub fn of_lines(out: W, prompt: String) -> Self {
        Self {
            out,
            prompt: Some(prompt),
            typed: None,
        }
    }

    /// Where each key comes to us; `columns` is how wide the window is.
    pub fn of_keys(out: W, prompt: String, columns: Option<usize>) -> Self {
        Self {
            out,
            prompt: Some(prompt),
            typed: Some((String::new(), columns.unwrap_or(USUAL))),
        }
    }

    /// Prints lines above the prompt, in one write.
    pub fn print(&mut self, lines: impl IntoIterator<Item = String>) -> io::Result<()> {
        let text: String = lines.into_iter().map(|line| line + "\n").collect();
        match text.as_str() {
            "" => Ok(()),
            text => self.redraw("\r\x1b[K", text),
        }
    }

    /// After the user has pressed Enter: takes what was typed off the screen, where the answer of the server will show
    /// it again, and draws the prompt.
    pub fn entered(&mut self) -> io::Result<()> {
        match &mut self.typed {
            Some((typed, _)) => {
                typed.clear();
                self.redraw("\r\x1b[K", "")
            }
            // The terminal has gone to the next line.
            None => self.redraw("\x1b[A\r\x1b[K", ""),
        }
    }

    /// Shows what is typed so far.
    pub fn set_typed(&mut self, line: &str) -> io::Result<()> {
        match &mut self.typed {
            Some((typed, _)) if typed != line => {
                line.clone_into(typed);
                self.redraw("\r\x1b[K", "")
            }
            _ => Ok(()),
        }
    }

    /// The window may have another width, or somebody else may have written in it: draws the prompt again.
    pub fn set_columns(&mut self, columns: Option<usize>) -> io::Result<()> {
        if let Some((_, width)) = &mut self.typed {
            *width = columns.unwrap_or(*width);
            self.redraw("\r\x1b[K", "")?;
        }
        Ok(())
    }

    /// Changes the prompt, if there is one, and draws it.
    pub fn set_prompt(&mut self, prompt: String) -> io::Result<()> {
        match &self.prompt {
            Some(old) if *old != prompt => {
                self.prompt = Some(prompt);
                self.redraw("\r\x1b[K", "")
            }
            _ => Ok(()),
        }
    }

    /// Takes the prompt away for good, before the program ends.
    pub fn finish(&mut self) -> io::Result<()> {
        if self.prompt.take().is_some() {
            self.out.write_all(b"\r\x1b[K")?;
        }
        self.out.flush()
    }

    fn redraw(&mut self, clear: &str, text: &str) -> io::Result<()> {
        let all = match (&self.prompt, &self.typed) {
            (None, _) => text.to_owned(),
            (Some(prompt), None) => format!("{clear}{text}{prompt}"),
            (Some(prompt), Some((typed, width))) => {
                let row = one_row(prompt, &escape(typed), *width);
                // DECAWM off: whatever the terminal makes of a character, this is one row.
                format!("{clear}{text}\x1b[?7l{row}\x1b[?7h")
            }
        };
        self.out.write_all(all.as_bytes())?;
        self.out.flush()
    }
}

/// The prompt and the end of what is typed, with the last column free for the cursor.
fn one_row(prompt: &str, typed: &str, width: usize) -> String {
    let room = width.saturating_sub(columns(prompt) + 1);
    if columns(typed) <= room {
        return format!("{prompt}{typed}");
    }
    // Of a prompt that leaves no room the beginning has to do.
    let room = room.max(width / 2).saturating_sub(1);
    let prompt_room = width.saturating_sub(room + 2);
    let prompt: String = match columns(prompt) <= prompt_room {
        true => prompt.to_owned(),
        false => prompt.chars().take(prompt_room / 2).collect(),
    };
    format!("{prompt}…{}", end_of(typed, room))
}

/// The width of a window that does not tell.
const USUAL: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(screen: Screen<Vec<u8>>, act: impl FnOnce(&mut Screen<Vec<u8>>)) -> String {
        let mut screen = screen;
        act(&mut screen);
        String::from_utf8(screen.out).unwrap()
    }

    fn of_lines() -> Screen<Vec<u8>> {
        Screen::of_lines(Vec::new(), "> ".to_owned())
    }

    fn of_keys() -> Screen<Vec<u8>> {
        Screen::of_keys(Vec::new(), "> ".to_owned(), Some(20))
    }

    #[test]
    fn lines_come_above_the_prompt() {
        let out = written(of_lines(), |screen| {
            screen.print(["one".to_owned(), "two".to_owned()]).unwrap();
        });
        assert_eq!(out, "\r\x1b[Kone\ntwo\n> ");
    }

    #[test]
    fn what_is_typed_stays_below_the_lines_that_come() {
        let out = written(of_keys(), |screen| {
            screen.set_typed("hal").unwrap();
            screen.print(["one".to_owned()]).unwrap();
            screen.entered().unwrap();
        });
        let draws = [
            "\r\x1b[K\x1b[?7l> hal\x1b[?7h",
            "\r\x1b[Kone\n\x1b[?7l> hal\x1b[?7h",
            "\r\x1b[K\x1b[?7l> \x1b[?7h",
        ];
        assert_eq!(out, draws.concat());
    }

    #[test]
    fn of_a_long_line_the_end_is_shown() {
        assert_eq!(
            one_row("> ", "12345678901234567", 20),
            "> 12345678901234567"
        );
        assert_eq!(
            one_row("> ", "123456789012345678", 20),
            "> …3456789012345678"
        );
        assert_eq!(
            one_row("> ", "漢字漢字漢字漢字漢字", 20),
            "> …漢字漢字漢字漢字"
        );
        let long = "a prompt that takes all the room> ";
        assert_eq!(one_row(long, "1234567890123", 20), "a pr…567890123");
        for (prompt, typed, width) in [("", "", 0), ("> ", "hola", 1), (long, "漢字", 3)] {
            let row = one_row(prompt, typed, width);
            assert!(columns(&row) <= width.max(3), "{row}");
        }
    }

    #[test]
    fn what_is_pasted_cannot_control_the_terminal() {
        let out = written(of_keys(), |screen| screen.set_typed("a\u{202e}b").unwrap());
        assert!(out.contains("> a\\u{202e}b\x1b"), "{out:?}");
    }

    #[test]
    fn a_prompt_changes_in_place_and_leaves_at_the_end() {
        let out = written(of_lines(), |screen| {
            screen.set_prompt("> ".to_owned()).unwrap();
            screen.set_prompt("busy> ".to_owned()).unwrap();
            screen.finish().unwrap();
        });
        assert_eq!(out, "\r\x1b[Kbusy> \r\x1b[K");
    }

    #[test]
    fn without_a_prompt_there_is_only_text() {
        let out = written(Screen::without_prompt(Vec::new()), |screen| {
            screen.print(["one".to_owned()]).unwrap();
            screen.set_prompt("> ".to_owned()).unwrap();
            screen.finish().unwrap();
        });
        assert_eq!(out, "one\n");
    }
}
