//! Which messages of a history are new to the person who reads: all of them on first entry, but not those that overtook
//! it, and after a reconnection only those that were missed.
//!
//! The wire has no message numbers, so messages are recognized by author and text, in their order.

use std::collections::VecDeque;

/// Author and text.
pub type Message = (String, String);

/// The messages that were seen in this run.
#[derive(Debug, Default)]
pub struct Memory {
    /// The latest, oldest first, private ones too; at most [`MAX_SEEN`].
    seen: VecDeque<Message>,
    /// Those that came before the first history of this connection, which may have them too.
    early: Vec<Message>,
    waits_for: Waits,
}

/// Which history nobody typed a command for is still to come.
#[derive(Debug, Default, PartialEq)]
enum Waits {
    /// The one of the first entry.
    #[default]
    ForEntry,
    /// The one after a reconnection.
    ForReturn,
    /// None.
    No,
}

/// A history, or what of it is to be shown.
#[derive(Debug, PartialEq)]
pub enum History {
    /// What was said before the first entry.
    Before(Vec<Message>),
    /// What was said while there was no connection.
    Missed(Vec<Message>),
    /// What was asked for.
    Asked(Vec<Message>),
}

impl Memory {
    /// A message came by itself.
    pub fn came(&mut self, from: &str, text: &str) {
        let message = (from.to_owned(), text.to_owned());
        if self.waits_for != Waits::No && self.early.len() < MAX_SEEN {
            self.early.push(message.clone());
        }
        self.remember(message);
    }

    /// The connection is gone.
    pub fn disconnected(&mut self) {
        self.early.clear();
        if self.waits_for == Waits::No {
            self.waits_for = Waits::ForReturn;
        }
    }

    /// The history of everybody came.
    pub fn history(&mut self, mut history: Vec<Message>) -> History {
        let waited_for = std::mem::replace(&mut self.waits_for, Waits::No);
        if waited_for == Waits::No {
            return History::Asked(history);
        }
        let early = std::mem::take(&mut self.early);
        history.truncate(history.len() - overlap(&history, &early));
        // The early ones are the last that were seen, and all of the history comes before them.
        let before_early = self.seen.len().saturating_sub(early.len());
        let early = self.seen.split_off(before_early);
        let new = match waited_for {
            Waits::ForReturn => history.split_off(known(&history, self.seen.make_contiguous())),
            _ => history,
        };
        new.iter()
            .cloned()
            .chain(early)
            .for_each(|message| self.remember(message));
        match waited_for {
            Waits::ForReturn => History::Missed(new),
            _ => History::Before(new),
        }
    }

    fn remember(&mut self, message: Message) {
        if self.seen.len() == MAX_SEEN {
            self.seen.pop_front();
        }
        self.seen.push_back(message);
    }
}

/// How many messages at the start of `history` are known from `seen`: the most whose last few all stand there.
fn known(history: &[Message], seen: &[Message]) -> usize {
    let certain = |end: &usize| in_order(&history[end.saturating_sub(CERTAIN)..*end], seen);
    (0..=history.len()).rev().find(certain).unwrap_or(0)
}

/// How many messages at the end of `history` are among those that came before it.
fn overlap(history: &[Message], early: &[Message]) -> usize {
    let came = |count: &usize| in_order(&history[history.len() - count..], early);
    (0..=history.len().min(early.len()))
        .rev()
        .find(came)
        .unwrap_or(0)
}

/// Whether all of `part` stands in `whole`, in the same order. There may be others between, as private messages are
/// between those of a history.
fn in_order(part: &[Message], whole: &[Message]) -> bool {
    let mut whole = whole.iter();
    part.iter()
        .all(|message| whole.any(|other| other == message))
}

/// A history has at most 255 messages, and private ones may stand between those of everybody.
const MAX_SEEN: usize = 1_000;
/// So many equal messages in a row are taken for the same ones.
const CERTAIN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(texts: &[&str]) -> Vec<Message> {
        texts
            .iter()
            .map(|text| ("beto".to_owned(), (*text).to_owned()))
            .collect()
    }

    /// A memory that has had its first history.
    fn entered(texts: &[&str]) -> Memory {
        let mut memory = Memory::default();
        memory.history(messages(texts));
        memory
    }

    #[test]
    fn on_entry_everything_is_new() {
        let before = Memory::default().history(messages(&["one", "two"]));
        assert_eq!(before, History::Before(messages(&["one", "two"])));
    }

    #[test]
    fn a_message_that_overtakes_the_history_is_not_new_in_it() {
        let mut memory = Memory::default();
        memory.came("beto", "two");
        memory.came("carla", "a private one, in no history");
        let before = memory.history(messages(&["one", "two"]));
        assert_eq!(before, History::Before(messages(&["one"])));
    }

    #[test]
    fn a_history_that_is_asked_for_is_whole() {
        let asked = entered(&["one"]).history(messages(&["one"]));
        assert_eq!(asked, History::Asked(messages(&["one"])));
    }

    #[test]
    fn after_a_reconnection_only_what_was_missed_is_new() {
        let mut memory = entered(&["zero"]);
        memory.came("beto", "one");
        memory.came("carla", "a private one, in no history");
        memory.came("beto", "two");
        memory.disconnected();
        memory.came("beto", "four");
        let all = ["zero", "one", "two", "three", "four"];
        assert_eq!(
            memory.history(messages(&all)),
            History::Missed(messages(&["three"]))
        );
        memory.disconnected();
        assert_eq!(memory.history(messages(&all)), History::Missed(vec![]));
    }

    #[test]
    fn a_server_that_has_forgotten_everything_has_only_new_messages() {
        let mut memory = entered(&["one", "two"]);
        memory.disconnected();
        assert_eq!(
            memory.history(messages(&["new"])),
            History::Missed(messages(&["new"]))
        );
    }

    #[test]
    fn a_connection_lost_before_the_first_history_is_still_the_first_entry() {
        let mut memory = Memory::default();
        memory.disconnected();
        assert_eq!(
            memory.history(messages(&["one"])),
            History::Before(messages(&["one"]))
        );
    }

    #[test]
    fn equal_messages_are_counted_and_not_taken_for_one() {
        let ok = |n| vec![("beto".to_owned(), "ok".to_owned()); n];
        for (history, seen, expected) in [(3, 2, 2), (2, 3, 2), (0, 3, 0), (3, 0, 0)] {
            assert_eq!(known(&ok(history), &ok(seen)), expected);
        }
        assert_eq!(overlap(&ok(3), &ok(1)), 1);
        assert_eq!(overlap(&ok(3), &messages(&["hm"])), 0);
    }
}
