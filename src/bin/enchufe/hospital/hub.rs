//! The hub: the board behind its lock, and the loop of one client.
//!
//! Each step locks the board, decides, commits, applies, appends the entries, unlocks, and then delivers. So the order in
//! which the board changes is the order in which every viewer sees it, and no lock is held during I/O.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use log::debug;

use crate::cluster::log_handle::Log;
use crate::delivery::{DeliveryPipeline, PendingWrites, RoomEntry, message};
use crate::hospital::events::{Command, Notice};
use crate::hospital::methods::{self, Call};
use crate::hospital::persist::row_index::{RowIndex, restore};
use crate::hospital::state::State;
use crate::json::MAX_DEPTH;
use crate::log_targets::HOSPITAL;
use crate::signalr::close::EndReason;
use crate::signalr::messages;
use crate::signalr::session::{MAX_HANDSHAKE, MAX_RECORD, Session, Step};
use crate::store::error::OpenError;
use crate::store::writer::StoreBuilder;
use enchufe::net::{
    Entry, Error, Incoming, MemberId, PreparedMessage, Reader, Recipients, Sender, Upgrade,
    WebSocket,
};
use enchufe::protocol::MessageLimits;

/// The board and its viewers.
#[derive(Debug)]
pub struct Hub {
    board: Mutex<Board>,
    pub pipeline: DeliveryPipeline,
    /// Limits of a message. A record is at most as long.
    limits: MessageLimits,
    json_depth: usize,
}

#[derive(Debug, Default)]
pub struct Board {
    pub state: State,
    /// With a store: what is to change in there.
    row_index: Option<RowIndex>,
    /// The whole board as a frame, until it changes: every viewer asks for it after every change.
    pub view: Option<PreparedMessage>,
    /// When everybody was last told something.
    pub last_broadcast: Option<Instant>,
    /// In a cluster: who waits for which operation to come back, and the id of the call.
    pub calls: HashMap<u64, (MemberId, String)>,
    /// In a cluster: the board is made again, and nobody is told.
    pub suppress_notices: bool,
}

/// A client's connection: a member of the room from the handshake until it is dropped.
struct Client<'a> {
    hub: &'a Hub,
    id: MemberId,
    reader: Reader,
    sender: Sender,
    joined: bool,
    /// In a cluster: the last operation it asked for.
    last: u64,
}

impl Default for Hub {
    fn default() -> Hub {
        Hub::new()
    }
}

impl Hub {
    /// An empty board that nobody looks at.
    #[must_use]
    pub fn new() -> Hub {
        Hub::with_limits(message_limits(MAX_RECORD))
    }

    /// An empty board in memory, with these limits of a message and of a record.
    pub fn with_limits(limits: MessageLimits) -> Hub {
        Hub::of(Board::default(), DeliveryPipeline::in_memory(1), limits)
    }

    /// A board that all servers of a cluster share, once it follows `log`.
    pub fn clustered(limits: MessageLimits, log: Log) -> Hub {
        Hub::of(
            Board::default(),
            DeliveryPipeline::clustered(1, log),
            limits,
        )
    }

    /// The board as it is in a store, and from here on every change is on disk before anybody hears of it.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn stored(limits: MessageLimits, opened: &mut StoreBuilder) -> Result<Hub, OpenError> {
        let (state, row_index) = restore(opened)?;
        let board = Board {
            state,
            row_index: Some(row_index),
            ..Board::default()
        };
        // The protocol has no word for a change that is made and not kept: the log says so.
        let pipeline = DeliveryPipeline::stored(1, opened, |_| PreparedMessage::default());
        Ok(Hub::of(board, pipeline, limits))
    }

    fn of(board: Board, pipeline: DeliveryPipeline, limits: MessageLimits) -> Hub {
        Hub {
            board: Mutex::new(board),
            pipeline,
            limits,
            json_depth: MAX_DEPTH,
        }
    }

    /// The same for records nested at most so deep instead of [`MAX_DEPTH`].
    #[must_use]
    pub fn with_json_depth(self, json_depth: usize) -> Hub {
        Hub { json_depth, ..self }
    }

    /// How to run a connection to `/socket`.
    #[must_use]
    pub fn upgrade(self: &Arc<Self>) -> Upgrade {
        let hub = Arc::clone(self);
        // A stranger gets little memory; the handshake raises the limit.
        let limits = MessageLimits {
            max_message: MAX_HANDSHAKE.min(self.limits.max_message),
            ..self.limits.clone()
        };
        Upgrade::new(move |ws| hub.session(ws)).message_limits(limits)
    }

    /// Serves one client until it leaves, or breaks a rule and has been told so.
    ///
    /// # Errors
    /// Why the connection ended other than by a closing handshake.
    pub fn session(&self, ws: WebSocket) -> Result<(), Error> {
        let (reader, sender) = ws.split();
        let id = MemberId::unique();
        let mut client = Client {
            hub: self,
            id,
            reader,
            sender,
            joined: false,
            last: 0,
        };
        let mut session = Session::new(Instant::now(), methods::call)
            .with_max_record(self.limits.max_message)
            .with_json_depth(self.json_depth);
        loop {
            let end = match client.reader.read_until(Some(session.deadline()))? {
                Incoming::Message(message) => {
                    session.receive(message.payload(), Instant::now());
                    client.perform_all(&mut session)?
                }
                Incoming::Closed => return Ok(()),
                Incoming::Deadline | Incoming::Frame(..) => None,
            };
            let now = Instant::now();
            let due = if now < session.deadline() {
                None
            } else {
                session.wake(now, self.lock().last_broadcast)
            };
            if let Some(end) = end.or_else(|| client.perform(due?)) {
                return client.end(end);
            }
        }
    }

    /// Carries out a call: tells those it concerns, and then the caller that it is complete, if it wants to know.
    fn call(&self, caller: MemberId, call: Call, id: Option<String>) {
        let complete = id.map(|id| PreparedMessage::new(messages::completion(&id, Ok(()))));
        let mut board = self.lock();
        let answer = match call {
            Call::View => message(ROOM, caller, board.view()),
            Call::Change(command) => {
                let notice = methods::notice(&board.change(command));
                broadcast(PreparedMessage::new(notice))
            }
        };
        let complete = complete.map(|complete| message(ROOM, caller, complete));
        let writes = board.take_writes();
        self.pipeline
            .append(writes, [answer].into_iter().chain(complete));
        drop(board);
        self.pipeline.deliver();
    }

    /// A panic elsewhere leaves a board that is still a board: every change is made in one piece.
    pub fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Board {
    pub fn change(&mut self, command: Command) -> Notice {
        self.last_broadcast = Some(Instant::now());
        let kind = command.kind();
        match self.state.decide(command) {
            Ok(event) => {
                if let Some(row_index) = &mut self.row_index {
                    row_index.track(&event);
                }
                self.view = None;
                self.state.apply(event)
            }
            Err(rejection) => Notice {
                kind,
                outcome: Err(rejection),
            },
        }
    }

    /// What has to be on disk before it is told.
    fn take_writes(&mut self) -> PendingWrites {
        let rows = self.row_index.as_mut().map(RowIndex::take);
        PendingWrites {
            rows: rows.unwrap_or_default(),
            author: None,
        }
    }

    pub fn view(&mut self) -> PreparedMessage {
        self.view
            .get_or_insert_with(|| PreparedMessage::new(methods::view(&self.state)))
            .clone()
    }
}

impl Client<'_> {
    /// Takes the steps a message asks for, up to one that ends the connection.
    fn perform_all(&mut self, session: &mut Session<Call>) -> Result<Option<EndReason>, Error> {
        let mut next = session.next_step();
        while let Some(step) = next {
            if let Some(end) = self.perform(step) {
                return Ok(Some(end));
            }
            next = session.next_step();
            if next.is_some() {
                // The message was counted when it was read; each further request in it counts as much.
                self.reader.throttle()?;
            }
        }
        session.listen(Instant::now());
        Ok(None)
    }

    fn perform(&mut self, step: Step<Call>) -> Option<EndReason> {
        match step {
            Step::Welcome(record) => {
                self.reader.set_message_limits(self.hub.limits.clone());
                self.joined = true;
                let (id, sender) = (self.id, self.sender.clone());
                let welcome = message(ROOM, id, PreparedMessage::new(record));
                self.share([(ROOM, Entry::Join { id, sender }), welcome]);
            }
            Step::Answer(record) => {
                self.share([message(ROOM, self.id, PreparedMessage::new(record))]);
            }
            Step::Call(call, id) => {
                let call = self.hub.submit(self.id, call, &id, &mut self.last)?;
                self.hub.call(self.id, call, id);
            }
            Step::End(end) => return Some(end),
        }
        None
    }

    /// Says why, in the protocol's own words first, and closes.
    fn end(mut self, end: EndReason) -> Result<(), Error> {
        debug!(target: HOSPITAL, "hospital client {} ends: {end:?}", self.id);
        // All that was told before comes first.
        self.hub.wait_for(self.last);
        self.hub.pipeline.flush();
        self.leave();
        if let Some(record) = end.record() {
            self.sender.send(record)?;
        }
        let (code, reason) = end.close();
        self.sender.close(code, reason)
    }

    fn leave(&mut self) {
        if std::mem::take(&mut self.joined) {
            self.share([(ROOM, Entry::Leave(self.id))]);
        }
    }

    /// Answers travel through the room too, behind what was told before them.
    fn share(&self, entries: impl IntoIterator<Item = RoomEntry>) {
        self.hub.pipeline.append(PendingWrites::default(), entries);
        self.hub.pipeline.deliver();
    }
}

impl Drop for Client<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

fn message_limits(max_message: usize) -> MessageLimits {
    MessageLimits {
        max_message,
        ..MessageLimits::default()
    }
}

/// An entry for every viewer.
pub fn broadcast(message: PreparedMessage) -> RoomEntry {
    let to = Recipients::All;
    (ROOM, Entry::Message { to, message })
}

/// Index of the hub's only room.
pub const ROOM: usize = 0;
