//! What a person sees of the chat: turns what the server says into lines, knows what is being waited for, and hides
//! messages while the person is BUSY.
//!
//! Plain data in and out, so each rule is tested without a socket or a terminal. The wire leaves two things to the
//! client: a message says who wrote it and not to whom, so ours are matched with what we asked to send; and a history
//! does not say of which chat it is, so histories are matched with the order in which they were asked for.

use std::collections::{BTreeMap, VecDeque};

use crate::chat::domain::status::Status;
use crate::chat::wire::binary_client::ServerMessage;

use crate::cli::chat::do_not_disturb::Hidden;
use crate::cli::chat::history_sync::{History, Memory, Message};
use crate::cli::chat::output::{Line, quoted};
use crate::cli::chat::request::Request;

/// The chat as one person sees it, over all connections of one run.
#[derive(Debug)]
pub struct View {
    name: String,
    status: Status,
    /// Who is connected.
    here: BTreeMap<String, Status>,
    /// What was asked and not yet answered, in order.
    pending: VecDeque<Request>,
    /// Messages that came while BUSY.
    hidden: Hidden,
    memory: Memory,
}

impl View {
    /// A view for the user called `name`.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            status: Status::Active,
            here: BTreeMap::new(),
            pending: VecDeque::new(),
            hidden: Hidden::default(),
            memory: Memory::default(),
        }
    }

    /// A connection was made: what to ask first. The server has made us ACTIVE, so another status is asked for again.
    pub fn connected(&mut self) -> Vec<Request> {
        self.here.clear();
        let mut requests = vec![Request::Users, Request::History(None)];
        if self.status == Status::Busy {
            requests.insert(0, self.set_status(Status::Busy));
        }
        self.pending.extend(requests.iter().cloned());
        requests
    }

    /// The connection is gone: what was said and has not come back may not have arrived.
    pub fn disconnected(&mut self) -> Vec<Line> {
        self.memory.disconnected();
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
    pub fn sent(&mut self, request: Request) {
        self.pending.push_back(request);
    }

    /// The request that sets our own status.
    pub fn set_status(&self, status: Status) -> Request {
        Request::SetStatus {
            name: self.name.clone(),
            status,
        }
    }

    /// How many questions are open.
    pub fn unanswered(&self) -> usize {
        self.pending.len()
    }

    /// What the server said. Bytes that are not UTF-8 are shown as U+FFFD.
    pub fn notice(&mut self, message: ServerMessage<'_>) -> Vec<Line> {
        match message {
            ServerMessage::Message(from, text) => self.message(utf8(from), utf8(text)),
            ServerMessage::NewUser(name, status) => {
                let name = utf8(name);
                self.here.insert(name.clone(), status_of(status));
                vec![Line::Presence(format!(
                    "{} is here for the first time",
                    quoted(&name)
                ))]
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
                    quoted(&utf8(name)),
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
    pub fn leaving(&mut self) -> Vec<Line> {
        self.hidden.take()
    }

    /// What stands before the cursor: the name, and what one might forget.
    pub fn prompt(&self) -> String {
        match (self.status, self.hidden.len()) {
            (Status::Busy, 0) => format!("{} (busy)> ", self.name),
            (Status::Busy, waiting) => format!("{} (busy, {waiting} waiting)> ", self.name),
            (Status::Inactive, _) => format!("{} (inactive)> ", self.name),
            _ => format!("{}> ", self.name),
        }
    }

    fn message(&mut self, from: String, text: String) -> Vec<Line> {
        self.memory.came(&from, &text);
        if from == self.name {
            let to = match self.answered(|request| matches!(request, Request::Say { .. })) {
                Some(Request::Say { to, .. }) => to,
                _ => None,
            };
            return vec![Line::Said { from, to, text }];
        }
        self.show_or_hide(said((from, text))).into_iter().collect()
    }

    fn show_or_hide(&mut self, line: Line) -> Option<Line> {
        if self.status != Status::Busy {
            return Some(line);
        }
        self.hidden.push(line);
        None
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
                lines.extend(self.hidden.take());
                lines
            }
        }
    }

    fn presence(&mut self, name: String, status: Status) -> Line {
        let text = match status {
            Status::Disconnected => {
                self.here.remove(&name);
                return Line::Presence(format!("{} has left", quoted(&name)));
            }
            Status::Active if !self.here.contains_key(&name) => {
                format!("{} is here again", quoted(&name))
            }
            status => format!("{} is {}", quoted(&name), word(status)),
        };
        self.here.insert(name, status);
        Line::Presence(text)
    }

    fn users(&mut self, users: Vec<(String, Status)>) -> Vec<Line> {
        self.answered(|request| *request == Request::Users);
        let list: Vec<String> = users
            .iter()
            .map(|(name, status)| match status {
                Status::Active => quoted(name).into_owned(),
                status => format!("{} ({})", quoted(name), word(*status)),
            })
            .collect();
        self.here = users.into_iter().collect();
        vec![Line::Info(format!("here: {}", list.join(", ")))]
    }

    fn history(&mut self, history: Vec<Message>) -> Vec<Line> {
        let asked = self.answered(|request| matches!(request, Request::History(_)));
        let history = match asked {
            Some(Request::History(Some(name))) => {
                let title = format!("{} with {}:", messages(history.len()), quoted(&name));
                return titled(title, history.into_iter().map(said).collect());
            }
            _ => self.memory.history(history),
        };
        match history {
            History::Asked(history) => {
                let title = format!("the last {}:", messages(history.len()));
                titled(title, history.into_iter().map(said).collect())
            }
            History::Before(history) if history.is_empty() => Vec::new(),
            History::Before(history) => {
                let end = Line::Info("that was before you came".to_owned());
                history.into_iter().map(said).chain([end]).collect()
            }
            History::Missed(missed) => {
                let lines = missed.into_iter().map(said);
                let lines: Vec<Line> = lines.filter_map(|line| self.show_or_hide(line)).collect();
                match lines.len() {
                    0 => Vec::new(),
                    n => titled(
                        format!("{} came while there was no connection:", messages(n)),
                        lines,
                    ),
                }
            }
        }
    }

    /// An error, with what it is about.
    fn error(&mut self, code: u8) -> String {
        let kind: fn(&Request) -> bool = match code {
            NO_SUCH_USER => {
                |request| matches!(request, Request::User(_) | Request::History(Some(_)))
            }
            INVALID_STATUS => |request| matches!(request, Request::SetStatus { .. }),
            EMPTY_MESSAGE | NOT_HERE => |request| matches!(request, Request::Say { .. }),
            UNKEPT => {
                return "history is unavailable: what you say arrives, and may be lost".to_owned();
            }
            CUT_OFF => {
                return "the server is cut off from the others: what you say waits".to_owned();
            }
            HEALED => return "the server is not cut off any more".to_owned(),
            NOT_SENT => return "what you said last was not delivered".to_owned(),
            ANEW => return "the chat has begun anew: what was said last may be missing".to_owned(),
            _ => return format!("the server answered with error {code}"),
        };
        match self.answered(kind) {
            Some(Request::User(name) | Request::History(Some(name))) => {
                format!("there is no {}", quoted(&name))
            }
            Some(Request::SetStatus { .. }) => "the server does not take that status".to_owned(),
            Some(Request::Say { to: Some(to), text }) if code == NOT_HERE => {
                format!("{} is not here; not sent: {text}", quoted(&to))
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
}

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A number that is no status yet is taken for the plainest one.
fn status_of(number: u8) -> Status {
    Status::from_number(number).unwrap_or(Status::Active)
}

fn titled(title: String, lines: Vec<Line>) -> Vec<Line> {
    [Line::Info(title)].into_iter().chain(lines).collect()
}

fn said((from, text): Message) -> Line {
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
/// Beyond the seed: comes before one's own message that could not be put on disk.
const UNKEPT: u8 = 5;
/// And these, of a server in a cluster.
const CUT_OFF: u8 = 6;
const HEALED: u8 = 7;
const NOT_SENT: u8 = 8;
const ANEW: u8 = 9;
