//! What a person sees of the chat: turns what the server says into lines, knows what is being waited for, and hides
//! messages while the person is BUSY.
//!
//! Plain data in and out, so each rule is tested without a socket or a terminal. The wire leaves two things to the
//! client: a message says who wrote it and not to whom, so ours are matched with what we asked to send; and a history
//! does not say of which chat it is, so histories are matched with the order in which they were asked for.

use std::collections::{BTreeMap, VecDeque};

use enchufe::services::chat::binary_client::ServerMessage;
use enchufe::services::chat::status::Status;

use super::request::Request;

/// A line to show. Nothing in it is escaped yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Line {
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

/// The chat as one person sees it, over all connections of one run.
#[derive(Debug)]
pub(super) struct View {
    name: String,
    status: Status,
    /// Who is connected.
    here: BTreeMap<String, Status>,
    /// What was asked and not yet answered, in order.
    pending: VecDeque<Request>,
    /// Messages that came while BUSY, at most [`MAX_HIDDEN`].
    hidden: VecDeque<Line>,
    /// Messages that did not fit there.
    dropped: usize,
    /// The latest messages, shown or hidden: author and text.
    seen: VecDeque<(String, String)>,
    /// Those that came before the first history of this connection, which has them too.
    early: Vec<(String, String)>,
    entry: Entry,
}

/// Which answers are still to come that nobody typed a command for.
#[derive(Debug, PartialEq)]
enum Entry {
    /// The history on first entry: all of it is shown.
    First,
    /// The history after a reconnection: only what is new in it is shown.
    Again,
    /// None.
    Done,
}

impl View {
    /// A view for the user called `name`.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            status: Status::Active,
            here: BTreeMap::new(),
            pending: VecDeque::new(),
            hidden: VecDeque::new(),
            dropped: 0,
            seen: VecDeque::new(),
            early: Vec::new(),
            entry: Entry::First,
        }
    }

    /// A connection was made: what to ask first. The server has made us ACTIVE, so another status is asked for again.
    pub(super) fn connected(&mut self) -> Vec<Request> {
        self.here.clear();
        self.early.clear();
        let mut requests = vec![Request::Users, Request::History(None)];
        if self.status == Status::Busy {
            requests.insert(0, self.set_status(Status::Busy));
        }
        self.pending.extend(requests.iter().cloned());
        requests
    }

    /// The connection is gone: what was said and has not come back may not have arrived.
    pub(super) fn disconnected(&mut self) -> Vec<Line> {
        self.entry = Entry::Again;
        if self.status == Status::Inactive {
            self.status = Status::Active;
        }
        let lost = self.pending.drain(..).filter_map(|request| match request {
            Request::Say { text, .. } => {
                Some(Line::Problem(format!("perhaps not delivered: {text}")))
            }
            _ => None,
        });
        lost.collect()
    }

    /// Remembers that this was asked.
    pub(super) fn sent(&mut self, request: Request) {
        self.pending.push_back(request);
    }

    /// The request that sets our own status.
    pub(super) fn set_status(&self, status: Status) -> Request {
        Request::SetStatus {
            name: self.name.clone(),
            status,
        }
    }

    /// How many questions are open.
    pub(super) fn unanswered(&self) -> usize {
        self.pending.len()
    }

    /// What the server said. Bytes that are not UTF-8 are shown as U+FFFD.
    pub(super) fn notice(&mut self, message: ServerMessage<'_>) -> Vec<Line> {
        match message {
            ServerMessage::Said(from, text) => self.message(utf8(from), utf8(text)),
            ServerMessage::NewUser(name, status) => {
                let name = utf8(name);
                self.here.insert(name.clone(), status_of(status));
                vec![Line::Presence(format!("{name} is here for the first time"))]
            }
            ServerMessage::StatusChanged(name, status) if name == self.name.as_bytes() => {
                self.own_status(status_of(status))
            }
            ServerMessage::StatusChanged(name, status) => {
                vec![self.presence(utf8(name), status_of(status))]
            }
            ServerMessage::Users(users) => self.users(
                users
                    .into_iter()
                    .map(|(name, status)| (utf8(name), status_of(status)))
                    .collect(),
            ),
            ServerMessage::User(name, status) => {
                self.answered(|request| matches!(request, Request::User(_)));
                vec![Line::Info(format!(
                    "{} is {}",
                    utf8(name),
                    word(status_of(status))
                ))]
            }
            ServerMessage::History(messages) => self.history(
                messages
                    .into_iter()
                    .map(|(from, text)| (utf8(from), utf8(text)))
                    .collect(),
            ),
            ServerMessage::Error(code) => vec![Line::Problem(self.error(code))],
        }
    }

    /// The program ends: what is still hidden is shown after all.
    pub(super) fn leaving(&mut self) -> Vec<Line> {
        self.show_hidden()
    }

    /// What stands before the cursor: the name, and what one might forget.
    pub(super) fn prompt(&self) -> String {
        match (self.status, self.hidden.len() + self.dropped) {
            (Status::Busy, 0) => format!("{} (busy)> ", self.name),
            (Status::Busy, waiting) => format!("{} (busy, {waiting} waiting)> ", self.name),
            (Status::Inactive, _) => format!("{} (inactive)> ", self.name),
            _ => format!("{}> ", self.name),
        }
    }

    fn message(&mut self, from: String, text: String) -> Vec<Line> {
        self.remember(from.clone(), text.clone());
        if self.entry != Entry::Done && self.early.len() < MAX_SEEN {
            self.early.push((from.clone(), text.clone()));
        }
        if from == self.name {
            let to = match self.answered(|request| matches!(request, Request::Say { .. })) {
                Some(Request::Say { to, .. }) => to,
                _ => None,
            };
            return vec![Line::Said { from, to, text }];
        }
        self.show_or_hide(Line::Said {
            from,
            to: None,
            text,
        })
    }

    fn show_or_hide(&mut self, line: Line) -> Vec<Line> {
        if self.status != Status::Busy {
            return vec![line];
        }
        if self.hidden.len() == MAX_HIDDEN {
            self.hidden.pop_front();
            self.dropped += 1;
        }
        self.hidden.push_back(line);
        Vec::new()
    }

    fn show_hidden(&mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        if !self.hidden.is_empty() {
            lines.push(Line::Info(format!(
                "{} came while you were busy:",
                messages(self.hidden.len() + self.dropped)
            )));
        }
        if self.dropped > 0 {
            lines.push(Line::Info(format!(
                "the first {} are not kept here; try /history",
                self.dropped
            )));
        }
        self.dropped = 0;
        lines.extend(self.hidden.drain(..));
        lines
    }

    fn own_status(&mut self, status: Status) -> Vec<Line> {
        self.answered(|request| matches!(request, Request::SetStatus { .. }));
        self.here.insert(self.name.clone(), status);
        let before = std::mem::replace(&mut self.status, status);
        match status {
            Status::Busy if before == Status::Busy => Vec::new(),
            Status::Busy => {
                vec![Line::Presence(
                    "you are busy: messages wait until you write /status active".to_owned(),
                )]
            }
            status => {
                let mut lines = vec![Line::Presence(format!("you are {}", word(status)))];
                lines.extend(self.show_hidden());
                lines
            }
        }
    }

    fn presence(&mut self, name: String, status: Status) -> Line {
        let text = match status {
            Status::Disconnected => {
                self.here.remove(&name);
                return Line::Presence(format!("{name} has left"));
            }
            Status::Active if !self.here.contains_key(&name) => format!("{name} is here again"),
            status => format!("{name} is {}", word(status)),
        };
        self.here.insert(name, status);
        Line::Presence(text)
    }

    fn users(&mut self, users: Vec<(String, Status)>) -> Vec<Line> {
        self.answered(|request| *request == Request::Users);
        let list: Vec<String> = users
            .iter()
            .map(|(name, status)| match status {
                Status::Active => name.clone(),
                status => format!("{name} ({})", word(*status)),
            })
            .collect();
        self.here = users.into_iter().collect();
        vec![Line::Info(format!("here: {}", list.join(", ")))]
    }

    fn history(&mut self, history: Vec<(String, String)>) -> Vec<Line> {
        let title = match self.answered(|request| matches!(request, Request::History(_))) {
            Some(Request::History(Some(name))) => {
                format!("{} with {name}:", messages(history.len()))
            }
            _ => match std::mem::replace(&mut self.entry, Entry::Done) {
                Entry::First => return self.before_entry(history),
                Entry::Again => return self.missed(history),
                Entry::Done => format!("the last {}:", messages(history.len())),
            },
        };
        [Line::Info(title)]
            .into_iter()
            .chain(history.into_iter().map(said))
            .collect()
    }

    /// The history on first entry.
    fn before_entry(&mut self, mut history: Vec<(String, String)>) -> Vec<Line> {
        history.truncate(history.len() - overlap(&history, &self.early));
        if history.is_empty() {
            return Vec::new();
        }
        self.seen = history
            .iter()
            .cloned()
            .chain(self.early.drain(..))
            .collect();
        let end = Line::Info("that was before you came".to_owned());
        history.into_iter().map(said).chain([end]).collect()
    }

    /// The history after a reconnection: only what came while there was no connection.
    fn missed(&mut self, mut history: Vec<(String, String)>) -> Vec<Line> {
        history.truncate(history.len() - overlap(&history, &self.early));
        let missed = history.split_off(known(&history, self.seen.make_contiguous()));
        // The early ones are the last that were seen, and what was missed comes before them.
        let early = self
            .seen
            .split_off(self.seen.len().saturating_sub(self.early.len()));
        let mut lines = Vec::new();
        for (from, text) in missed {
            self.remember(from.clone(), text.clone());
            lines.extend(self.show_or_hide(said((from, text))));
        }
        self.seen.extend(early);
        if !lines.is_empty() {
            lines.insert(
                0,
                Line::Info(format!(
                    "{} came while there was no connection:",
                    messages(lines.len())
                )),
            );
        }
        lines
    }

    /// An error, with what it is about.
    fn error(&mut self, code: u8) -> String {
        let kind: fn(&Request) -> bool = match code {
            NO_SUCH_USER => {
                |request| matches!(request, Request::User(_) | Request::History(Some(_)))
            }
            INVALID_STATUS => |request| matches!(request, Request::SetStatus { .. }),
            EMPTY_MESSAGE | NOT_HERE => |request| matches!(request, Request::Say { .. }),
            _ => return format!("the server answered with error {code}"),
        };
        match self.answered(kind) {
            Some(Request::User(name) | Request::History(Some(name))) => {
                format!("there is no {name}")
            }
            Some(Request::SetStatus { .. }) => "the server does not take that status".to_owned(),
            Some(Request::Say { to: Some(to), text }) if code == NOT_HERE => {
                format!("{to} is not here; not sent: {text}")
            }
            Some(Request::Say { text, .. }) => {
                format!("the server does not take that message: {text}")
            }
            _ => format!("the server answered with error {code}, to nothing we asked"),
        }
    }

    /// Takes the first waiting request of a kind: the server answers in the order in which it was asked.
    fn answered(&mut self, kind: impl Fn(&Request) -> bool) -> Option<Request> {
        let at = self.pending.iter().position(kind)?;
        self.pending.remove(at)
    }

    fn remember(&mut self, from: String, text: String) {
        if self.seen.len() == MAX_SEEN {
            self.seen.pop_front();
        }
        self.seen.push_back((from, text));
    }
}

/// How many messages at the start of `history` are known from `seen`: the most whose last few all stand there.
fn known(history: &[(String, String)], seen: &[(String, String)]) -> usize {
    let certain = |end: &usize| in_order(&history[end.saturating_sub(CERTAIN)..*end], seen);
    (0..=history.len()).rev().find(certain).unwrap_or(0)
}

/// How many messages at the end of `history` are among those that came before it.
fn overlap(history: &[(String, String)], early: &[(String, String)]) -> usize {
    let longest = history.len().min(early.len());
    (0..=longest)
        .rev()
        .find(|count| in_order(&history[history.len() - count..], early))
        .unwrap_or(0)
}

/// Whether all of `part` stands in `whole`, in the same order. There may be others between, as private messages are
/// between those of a history.
fn in_order(part: &[(String, String)], whole: &[(String, String)]) -> bool {
    let mut whole = whole.iter();
    part.iter()
        .all(|message| whole.any(|other| other == message))
}

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A number that is no status yet is taken for the plainest one.
fn status_of(number: u8) -> Status {
    Status::from_number(number).unwrap_or(Status::Active)
}

fn said((from, text): (String, String)) -> Line {
    Line::Said {
        from,
        to: None,
        text,
    }
}

fn messages(count: usize) -> String {
    match count {
        1 => "1 message".to_owned(),
        n => format!("{n} messages"),
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Disconnected => "not here",
        Status::Active => "active",
        Status::Busy => "busy",
        Status::Inactive => "inactive",
    }
}

// Error codes of seed 001, "Errores".
const NO_SUCH_USER: u8 = 1;
const INVALID_STATUS: u8 = 2;
const EMPTY_MESSAGE: u8 = 3;
const NOT_HERE: u8 = 4;

/// As many as a server keeps in memory for a chat by default.
const MAX_HIDDEN: usize = 1_000;
/// A history has at most 255 messages, and private ones may stand between those of everybody.
const MAX_SEEN: usize = 1_000;
/// So many equal messages in a row are taken for the same ones.
const CERTAIN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    /// A view of ana, connected, with an empty history.
    fn ana() -> View {
        let mut view = View::new("ana");
        view.connected();
        view.notice(ServerMessage::Users(vec![(b"ana", 1), (b"beto", 1)]));
        assert_eq!(view.notice(history(&[])), []);
        view
    }

    fn pairs(messages: &[(&str, &str)]) -> Vec<(String, String)> {
        messages
            .iter()
            .map(|(from, text)| ((*from).to_owned(), (*text).to_owned()))
            .collect()
    }

    fn says<'a>(from: &'a str, text: &'a str) -> ServerMessage<'a> {
        ServerMessage::Said(from.as_bytes(), text.as_bytes())
    }

    fn history<'a>(messages: &[(&'a str, &'a str)]) -> ServerMessage<'a> {
        ServerMessage::History(
            messages
                .iter()
                .map(|(from, text)| (from.as_bytes(), text.as_bytes()))
                .collect(),
        )
    }

    fn shown(from: &str, text: &str) -> Line {
        said((from.to_owned(), text.to_owned()))
    }

    fn status(name: &str, status: Status) -> ServerMessage<'_> {
        ServerMessage::StatusChanged(name.as_bytes(), status.number())
    }

    fn say(to: Option<&str>, text: &str) -> Request {
        Request::Say {
            to: to.map(str::to_owned),
            text: text.to_owned(),
        }
    }

    fn info(text: &str) -> Line {
        Line::Info(text.to_owned())
    }

    fn presence(text: &str) -> Line {
        Line::Presence(text.to_owned())
    }

    fn problem(text: &str) -> Line {
        Line::Problem(text.to_owned())
    }

    #[test]
    fn on_entry_it_asks_who_is_here_and_what_was_said() {
        assert_eq!(
            View::new("ana").connected(),
            [Request::Users, Request::History(None)]
        );
    }

    #[test]
    fn the_history_is_shown_on_entry() {
        let mut view = View::new("ana");
        view.connected();
        let lines = view.notice(history(&[("beto", "one"), ("carla", "two")]));
        assert_eq!(
            lines,
            [
                shown("beto", "one"),
                shown("carla", "two"),
                info("that was before you came")
            ]
        );
    }

    #[test]
    fn a_message_that_overtakes_the_history_is_shown_once() {
        let mut view = View::new("ana");
        view.connected();
        assert_eq!(view.notice(says("beto", "two")), [shown("beto", "two")]);
        assert_eq!(
            view.notice(says("carla", "only for you")),
            [shown("carla", "only for you")]
        );
        let lines = view.notice(history(&[("beto", "one"), ("beto", "two")]));
        assert_eq!(
            lines,
            [shown("beto", "one"), info("that was before you came")]
        );
    }

    #[test]
    fn people_come_go_and_change() {
        let mut view = ana();
        for (message, text) in [
            (
                ServerMessage::NewUser(b"carla", 1),
                "carla is here for the first time",
            ),
            (status("carla", Status::Busy), "carla is busy"),
            (status("carla", Status::Active), "carla is active"),
            (status("carla", Status::Inactive), "carla is inactive"),
            (status("carla", Status::Disconnected), "carla has left"),
            (status("carla", Status::Active), "carla is here again"),
        ] {
            assert_eq!(view.notice(message), [presence(text)]);
        }
    }

    #[test]
    fn who_lists_names_and_says_what_is_unusual() {
        let mut view = ana();
        let users = vec![(&b"ana"[..], 1), (b"beto", 2)];
        assert_eq!(
            view.notice(ServerMessage::Users(users)),
            [info("here: ana, beto (busy)")]
        );
    }

    #[test]
    fn while_busy_messages_of_others_wait_and_come_in_order_afterwards() {
        let mut view = ana();
        view.sent(view.set_status(Status::Busy));
        assert_eq!(view.notice(status("ana", Status::Busy)).len(), 1);
        assert_eq!(view.notice(says("beto", "one")), []);
        assert_eq!(view.notice(says("beto", "two")), []);
        assert_eq!(view.prompt(), "ana (busy, 2 waiting)> ");
        let lines = view.notice(status("ana", Status::Active));
        assert_eq!(
            lines,
            [
                presence("you are active"),
                info("2 messages came while you were busy:"),
                shown("beto", "one"),
                shown("beto", "two"),
            ]
        );
        assert_eq!(view.notice(says("beto", "three")), [shown("beto", "three")]);
        assert_eq!(view.prompt(), "ana> ");
    }

    #[test]
    fn while_busy_our_own_messages_and_presence_are_shown() {
        let mut view = ana();
        view.notice(status("ana", Status::Busy));
        view.sent(say(None, "back at five"));
        assert_eq!(
            view.notice(says("ana", "back at five")),
            [shown("ana", "back at five")]
        );
        assert_eq!(
            view.notice(status("beto", Status::Disconnected)),
            [presence("beto has left")]
        );
    }

    #[test]
    fn what_is_hidden_is_bounded_and_the_loss_is_told() {
        let mut view = ana();
        view.notice(status("ana", Status::Busy));
        for n in 0..MAX_HIDDEN + 2 {
            view.notice(says("beto", &n.to_string()));
        }
        let lines = view.leaving();
        assert_eq!(lines[0], info("1002 messages came while you were busy:"));
        assert_eq!(
            lines[1],
            info("the first 2 are not kept here; try /history")
        );
        assert_eq!(lines[2], shown("beto", "2"));
        assert_eq!(view.leaving(), []);
    }

    #[test]
    fn busy_outlasts_the_connection() {
        let mut view = ana();
        view.notice(status("ana", Status::Busy));
        view.notice(says("beto", "one"));
        view.disconnected();
        let requests = view.connected();
        assert_eq!(
            requests[0],
            Request::SetStatus {
                name: "ana".to_owned(),
                status: Status::Busy
            }
        );
        assert_eq!(view.notice(status("ana", Status::Busy)), []);
        assert_eq!(
            view.notice(history(&[("beto", "one"), ("beto", "two")])),
            []
        );
        assert_eq!(
            view.leaving()[1..],
            [shown("beto", "one"), shown("beto", "two")]
        );
    }

    #[test]
    fn our_private_messages_show_whom_they_are_for() {
        let mut view = ana();
        view.sent(say(Some("beto"), "psst"));
        view.sent(say(None, "hola"));
        let to = Some("beto".to_owned());
        assert_eq!(
            view.notice(says("ana", "psst")),
            [Line::Said {
                from: "ana".to_owned(),
                to,
                text: "psst".to_owned()
            }]
        );
        assert_eq!(view.notice(says("ana", "hola")), [shown("ana", "hola")]);
    }

    #[test]
    fn an_error_says_what_it_is_about() {
        let mut view = ana();
        view.sent(say(Some("beto"), "psst"));
        view.sent(Request::User("zoe".to_owned()));
        view.sent(say(None, "hola"));
        assert_eq!(
            view.notice(ServerMessage::Error(NO_SUCH_USER)),
            [problem("there is no zoe")]
        );
        let gone = problem("beto is not here; not sent: psst");
        assert_eq!(view.notice(ServerMessage::Error(NOT_HERE)), [gone]);
        assert_eq!(view.notice(says("ana", "hola")), [shown("ana", "hola")]);
        assert_eq!(
            view.notice(ServerMessage::Error(9)),
            [problem("the server answered with error 9")]
        );
    }

    #[test]
    fn a_history_that_was_asked_for_says_of_whom() {
        let mut view = ana();
        view.sent(Request::History(Some("beto".to_owned())));
        view.sent(Request::History(None));
        let lines = view.notice(history(&[("ana", "psst")]));
        assert_eq!(lines, [info("1 message with beto:"), shown("ana", "psst")]);
        let lines = view.notice(history(&[("ana", "hola")]));
        assert_eq!(lines, [info("the last 1 message:"), shown("ana", "hola")]);
    }

    #[test]
    fn what_was_said_and_did_not_come_back_may_be_lost() {
        let mut view = ana();
        view.sent(say(None, "hola"));
        view.sent(Request::Users);
        view.sent(say(Some("beto"), "psst"));
        view.notice(says("ana", "hola"));
        assert_eq!(
            view.disconnected(),
            [problem("perhaps not delivered: psst")]
        );
        assert_eq!(view.disconnected(), []);
    }

    #[test]
    fn after_a_reconnection_only_what_was_missed_is_shown() {
        let mut view = ana();
        for text in ["one", "two"] {
            view.notice(says("beto", text));
        }
        view.notice(says("carla", "a private message, in no history"));
        view.disconnected();
        view.connected();
        view.notice(says("beto", "four"));
        let all = [
            ("beto", "one"),
            ("beto", "two"),
            ("beto", "three"),
            ("beto", "four"),
        ];
        let lines = view.notice(history(&all));
        assert_eq!(
            lines,
            [
                info("1 message came while there was no connection:"),
                shown("beto", "three")
            ]
        );
        view.disconnected();
        view.connected();
        assert_eq!(view.notice(history(&all)), []);
    }

    #[test]
    fn equal_messages_are_counted_not_taken_for_one() {
        let ok = |n| vec![("beto".to_owned(), "ok".to_owned()); n];
        assert_eq!(known(&ok(3), &ok(2)), 2);
        assert_eq!(known(&ok(2), &ok(3)), 2);
        assert_eq!(known(&ok(0), &ok(3)), 0);
        assert_eq!(
            known(
                &pairs(&[("a", "1"), ("a", "2"), ("b", "3")]),
                &pairs(&[("a", "1"), ("p", "x"), ("a", "2")])
            ),
            2
        );
        assert_eq!(overlap(&ok(3), &ok(1)), 1);
        assert_eq!(overlap(&ok(3), &pairs(&[("carla", "hm")])), 0);
    }
}
