//! What the two threads of the chat share: the view, the screen, and the connection while there is one.
//!
//! ```text
//!   socket --> reading thread --\                    /--> screen
//!                                >-- Desk: view ----<
//!   stdin ---> typing thread ---/                    \--> socket
//! ```
//!
//! One lock guards the view and the screen, so lines come out in the order in which they happened. It is not held while
//! something is sent.

use std::io::{self, BufRead, ErrorKind, IsTerminal};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::chat::wire::binary_client;
use enchufe::net::{Incoming, Sender, WebSocket};
use enchufe::protocol::CloseCode;

use crate::cli::chat::input::{self, HELP, Input};
use crate::cli::chat::line_editor::{Typed, Typing};
use crate::cli::chat::output::Line;
use crate::cli::chat::request::Request;
use crate::cli::chat::screen::Screen;
use crate::cli::chat::view::View;
use crate::cli::error_text;
use crate::cli::raw_mode::{self, Keyboard};
use crate::cli::signals::{GOODBYE, POLL_INTERVAL};
use crate::cli::terminal;

pub struct Session {
    state: Mutex<State>,
    changed: Condvar,
    coloured: bool,
    /// Somebody types at a prompt, who can be told to try again later.
    interactive: bool,
    /// Each key comes by itself, and what is typed shows because we show it.
    keys: bool,
}

struct State {
    view: View,
    screen: Screen,
    /// The connection, once the first questions are asked.
    sender: Option<Sender>,
    /// Since when the program is to end.
    leaving: Option<Instant>,
}

impl Session {
    /// `keyboard` if the keys come one by one.
    pub fn new(name: &str, keyboard: Option<&Keyboard>) -> Self {
        let view = View::new(name);
        let interactive =
            io::stdin().is_terminal() && io::stdout().is_terminal() && !terminal::is_dumb();
        let screen = match keyboard {
            _ if !interactive => Screen::without_prompt(io::stdout()),
            None => Screen::of_lines(io::stdout(), view.prompt()),
            Some(_) => Screen::of_keys(io::stdout(), view.prompt(), raw_mode::columns()),
        };
        Self {
            state: Mutex::new(State {
                view,
                screen,
                sender: None,
                leaving: None,
            }),
            changed: Condvar::new(),
            coloured: terminal::wants_colour(&io::stdout()),
            interactive,
            keys: keyboard.is_some(),
        }
    }

    /// Shows what comes over a connection until it ends; returns why it ended.
    pub fn read(&self, socket: WebSocket) -> String {
        let (mut reader, sender) = socket.split();
        let requests = self.lock().view.connected();
        // If sending fails, reading fails too and says why.
        _ = requests
            .iter()
            .try_for_each(|request| sender.send(request.encode()));
        let mut state = self.lock();
        if state.leaving.is_some() {
            drop(state);
            _ = sender.close(CloseCode::NormalClosure, "");
        } else {
            state.sender = Some(sender);
            drop(state);
            self.changed.notify_all();
        }
        let why = loop {
            match reader.read_until(Some(Instant::now() + POLL_INTERVAL)) {
                Ok(Incoming::Message(message)) => self.notice(message.payload()),
                Ok(Incoming::Closed) => break error_text::close_in_words(reader.close_reason()),
                Ok(Incoming::Deadline) if self.has_waited_for_goodbye() => {
                    break "the server does not answer".to_owned();
                }
                Ok(Incoming::Deadline | Incoming::Frame(..)) => {}
                Err(error) => break error.to_string(),
            }
        };
        let mut state = self.lock();
        state.sender = None;
        let lines = state.view.disconnected();
        self.show(&mut state, lines);
        drop(state);
        self.changed.notify_all();
        why
    }

    /// Reads what is typed, until the input or the program ends.
    pub fn type_in(&self) {
        match self.keys {
            true => self.type_keys(),
            false => self.type_lines(),
        }
    }

    /// The window has another size, or the program was stopped and goes on.
    pub fn terminal_changed(&self) {
        let mut state = self.lock();
        if state.leaving.is_none() {
            raw_mode::take_again();
            // Nobody sees us any more: the next read says so too.
            _ = state.screen.set_columns(raw_mode::columns());
        }
    }

    fn type_keys(&self) {
        let mut input = io::stdin().lock();
        let mut typing = Typing::default();
        while !self.is_leaving() {
            let (typed, count) = match input.fill_buf() {
                Ok([]) => (vec![Typed::End], 0),
                Ok(bytes) => (typing.feed(bytes), bytes.len()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => (vec![Typed::End], 0),
            };
            input.consume(count);
            for typed in typed {
                match typed {
                    Typed::Line(line) => self.typed(&line),
                    Typed::End => self.leave(),
                }
            }
            let shown = self.lock().screen.set_typed(typing.line());
            if shown.is_err() {
                self.leave();
            }
        }
    }

    fn type_lines(&self) {
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        while !self.is_leaving() {
            line.clear();
            match input.read_until(b'\n', &mut line) {
                Ok(1..) => self.typed(&String::from_utf8_lossy(&line)),
                // Ctrl-D, the end of a file, or a terminal that is gone.
                Ok(0) | Err(_) => self.leave_when_answered(),
            }
        }
    }

    /// The input has ended. What a file has said may still have to be written to a disk, or to go through other servers,
    /// before it comes back, and after a Close nothing comes back.
    fn leave_when_answered(&self) {
        if !self.interactive {
            let waits = |state: &mut State| state.sender.is_some() && state.view.unanswered() > 0;
            let waited = self
                .changed
                .wait_timeout_while(self.lock(), PATIENCE, waits);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
        self.leave();
    }

    /// Says goodbye: the reading thread goes on until the server has answered.
    pub fn leave(&self) {
        let mut state = self.lock();
        state.leave();
        drop(state);
        self.changed.notify_all();
    }

    pub fn is_leaving(&self) -> bool {
        self.lock().leaving.is_some()
    }

    /// Whether the server has had its time to answer our Close.
    fn has_waited_for_goodbye(&self) -> bool {
        self.lock()
            .leaving
            .is_some_and(|since| since.elapsed() > GOODBYE)
    }

    /// Waits, unless the program is to end before; tells whether it is.
    pub fn leaves_within(&self, wait: Duration) -> bool {
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), wait, |state| state.leaving.is_none());
        waited
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .leaving
            .is_some()
    }

    /// Prints one line of our own.
    pub fn tell(&self, line: Line) {
        let mut state = self.lock();
        self.show(&mut state, vec![line]);
    }

    /// Shows what is still hidden and leaves the screen tidy.
    pub fn finish(&self) {
        let mut state = self.lock();
        let lines = state.view.leaving();
        self.show(&mut state, lines);
        // Nobody is left to tell.
        _ = state.screen.finish();
    }

    fn notice(&self, bytes: &[u8]) {
        // What we do not know may be something newer.
        let Some(message) = binary_client::decode(bytes) else {
            return;
        };
        let mut state = self.lock();
        let lines = state.view.notice(message);
        self.show(&mut state, lines);
        drop(state);
        self.changed.notify_all();
    }

    fn typed(&self, line: &str) {
        let input = input::parse(line);
        let mut state = self.lock();
        if self.interactive {
            _ = state.screen.entered();
        }
        let requests = match input {
            Ok(Input::Nothing) => return,
            Ok(Input::Ask(requests)) => requests,
            Ok(Input::SetStatus(status)) => vec![state.view.set_status(status)],
            Ok(Input::Help) => {
                return self.show(
                    &mut state,
                    HELP.iter()
                        .map(|line| Line::Info((*line).to_owned()))
                        .collect(),
                );
            }
            Ok(Input::Quit) => {
                drop(state);
                return self.leave_when_answered();
            }
            Err(text) => return self.show(&mut state, vec![Line::Problem(text)]),
        };
        drop(state);
        for request in requests {
            self.ask(request);
        }
    }

    fn ask(&self, request: Request) {
        let mut state = self.lock();
        if !self.interactive {
            // A file has time: it waits for a connection, and for answers to what it has said before.
            let no_connection =
                |state: &mut State| state.sender.is_none() && state.leaving.is_none();
            state = self
                .changed
                .wait_while(state, no_connection)
                .unwrap_or_else(PoisonError::into_inner);
            let busy =
                |state: &mut State| state.sender.is_some() && state.view.unanswered() >= WINDOW;
            let waited = self.changed.wait_timeout_while(state, PATIENCE, busy);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let Some(sender) = state.sender.clone() else {
            let text = "there is no connection now: that was not sent".to_owned();
            return self.show(&mut state, vec![Line::Problem(text)]);
        };
        let message = request.encode();
        state.view.sent(request);
        drop(state);
        if let Err(error) = sender.send(message) {
            self.tell(Line::Problem(format!("not sent: {error}")));
        }
    }

    fn show(&self, state: &mut State, lines: Vec<Line>) {
        let lines = lines.iter().map(|line| line.render(self.coloured));
        let prompt = state.view.prompt();
        if state
            .screen
            .print(lines)
            .and_then(|()| state.screen.set_prompt(prompt))
            .is_err()
        {
            // Nobody sees us any more.
            state.leave();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn leave(&mut self) {
        self.leaving.get_or_insert_with(Instant::now);
        if let Some(sender) = self.sender.take() {
            // If it cannot be said, the connection is gone, which is as good.
            _ = sender.close(CloseCode::NormalClosure, "");
        }
    }
}

/// So many unanswered messages are under way at most; a file would fill every buffer otherwise.
const WINDOW: usize = 64;
/// A server that does not answer is written to all the same.
const PATIENCE: Duration = Duration::from_secs(10);
