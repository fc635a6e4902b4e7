//! What waits while the person is BUSY: the wire delivers everything, and hiding it is the client's task (seed 001,
//! "Estados de un Usuario").

use std::collections::VecDeque;

use crate::cli::chat::output::Line;

/// Messages that are not shown yet, at most [`MAX_HIDDEN`]: the oldest give way.
#[derive(Debug, Default)]
pub struct Hidden {
    lines: VecDeque<Line>,
    dropped: usize,
}

impl Hidden {
    /// Keeps a message for later.
    pub fn push(&mut self, line: Line) {
        if self.lines.len() == MAX_HIDDEN {
            self.lines.pop_front();
            self.dropped += 1;
        }
        self.lines.push_back(line);
    }

    /// How many came.
    pub fn len(&self) -> usize {
        self.lines.len() + self.dropped
    }

    /// All of them, with a line that says what they are.
    pub fn take(&mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        match self.len() {
            0 => {}
            1 => lines.push(Line::Info("1 message came while you were busy:".to_owned())),
            n => lines.push(Line::Info(format!(
                "{n} messages came while you were busy:"
            ))),
        }
        if self.dropped > 0 {
            let text = format!("the first {} are not kept here; try /history", self.dropped);
            lines.push(Line::Info(text));
        }
        self.dropped = 0;
        lines.extend(self.lines.drain(..));
        lines
    }
}

/// As many as a server keeps in memory for a chat by default.
const MAX_HIDDEN: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: usize) -> Line {
        Line::Said {
            from: "beto".to_owned(),
            to: None,
            text: n.to_string(),
        }
    }

    fn info(text: &str) -> Line {
        Line::Info(text.to_owned())
    }

    #[test]
    fn messages_come_out_in_the_order_in_which_they_came() {
        let mut hidden = Hidden::default();
        assert_eq!(hidden.take(), []);
        hidden.push(line(1));
        hidden.push(line(2));
        let title = info("2 messages came while you were busy:");
        assert_eq!(hidden.take(), [title, line(1), line(2)]);
        assert_eq!(hidden.take(), []);
    }

    #[test]
    fn what_is_hidden_is_bounded_and_the_loss_is_told() {
        let mut hidden = Hidden::default();
        (0..MAX_HIDDEN + 2).for_each(|n| hidden.push(line(n)));
        assert_eq!(hidden.len(), MAX_HIDDEN + 2);
        let lines = hidden.take();
        assert_eq!(lines[0], info("1002 messages came while you were busy:"));
        assert_eq!(
            lines[1],
            info("the first 2 are not kept here; try /history")
        );
        assert_eq!(lines[2], line(2));
        assert_eq!(hidden.len(), 0);
    }
}
