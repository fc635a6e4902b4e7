//! The hub itself: the board behind its lock, the way on which everybody hears of changes, and the loop of one client.
//!
//! Lock, decide, append to the outlet, unlock, then deliver: the order in which the board changes is the order in which
//! everybody hears of it, and no lock is held while bytes move.

#[cfg(feature = "cluster")]
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use log::debug;

#[cfg(feature = "cluster")]
use crate::cluster::log_handle::Log;
use crate::delivery::{DeliveryPipeline, PendingWrites};
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
    Audience, CODECS, Entry, Error, Incoming, MemberId, Reader, Sender, Upgrade, WebSocket,
};
use enchufe::protocol::{MessageLimits, Opcode, encode_frame};

/// One board and everybody who looks at it.
#[derive(Debug)]
pub struct Hub {
    board: Mutex<Board>,
    pub pipeline: DeliveryPipeline,
    last_member: AtomicU64,
    /// The bounds on a message; a record is as long at most.
    limits: MessageLimits,
    json_depth: usize,
    /// In a cluster: its log.
    #[cfg(feature = "cluster")]
    pub log: Option<Log>,
}

#[derive(Debug, Default)]
pub struct Board {
    pub state: State,
    /// With a store: what is to change in there.
    row_index: Option<RowIndex>,
    /// The whole board as a frame, until it changes: every viewer asks for it after every change.
    pub view: Option<Vec<u8>>,
    /// When everybody was last told something.
    pub last_broadcast: Option<Instant>,
    /// In a cluster: who waits for which operation to come back, and the id of the call.
    #[cfg(feature = "cluster")]
    pub calls: HashMap<u64, (MemberId, String)>,
    /// In a cluster: the board is made anew, and nobody is told.
    #[cfg(feature = "cluster")]
    pub suppress_notices: bool,
}

/// One client's connection. From the handshake until this is dropped, whatever the reason, it is a member of the room.
struct Client<'a> {
    hub: &'a Hub,
    id: MemberId,
    reader: Reader,
    sender: Sender,
    joined: bool,
    /// In a cluster: the last operation it asked for.
    #[cfg(feature = "cluster")]
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

    /// The same with other bounds on a message, and on a record.
    #[must_use]
    pub fn with_limits(limits: MessageLimits) -> Hub {
        Hub::of(Board::default(), DeliveryPipeline::direct(), limits)
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
        let pipeline = DeliveryPipeline::stored(opened, Default::default);
        Ok(Hub::of(board, pipeline, limits))
    }

    fn of(board: Board, pipeline: DeliveryPipeline, limits: MessageLimits) -> Hub {
        Hub {
            board: Mutex::new(board),
            pipeline,
            last_member: AtomicU64::default(),
            limits,
            json_depth: MAX_DEPTH,
            #[cfg(feature = "cluster")]
            log: None,
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
        let id = MemberId(self.last_member.fetch_add(1, Ordering::Relaxed));
        let mut client = Client {
            hub: self,
            id,
            reader,
            sender,
            joined: false,
            #[cfg(feature = "cluster")]
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
        let complete = id.map(|id| frame(&messages::completion(&id, Ok(()))));
        let mut board = self.lock();
        let (to, last_broadcast) = match call {
            Call::View => (Audience::Only(caller), board.view()),
            Call::Change(command) => (
                Audience::All,
                frame(&methods::notice(&board.change(command))),
            ),
        };
        let complete = complete.map(|frame| entry(Audience::Only(caller), frame));
        let changes = board.take_changes();
        let entries = [entry(to, last_broadcast)].into_iter().chain(complete);
        self.pipeline.append(changes, entries);
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
    fn take_changes(&mut self) -> PendingWrites {
        let rows = self.row_index.as_mut().map(RowIndex::take);
        PendingWrites {
            rows: rows.unwrap_or_default(),
            author: None,
        }
    }

    pub fn view(&mut self) -> Vec<u8> {
        self.view
            .get_or_insert_with(|| frame(&methods::view(&self.state)))
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
                let join = Entry::Join {
                    id: self.id,
                    sender: self.sender.clone(),
                    codec: CODEC,
                };
                self.share([join, entry(Audience::Only(self.id), frame(&record))]);
            }
            Step::Answer(record) => self.share([entry(Audience::Only(self.id), frame(&record))]),
            Step::Call(call, id) => {
                #[cfg(feature = "cluster")]
                let call = self.hub.submit(self.id, call, &id, &mut self.last)?;
                self.hub.call(self.id, call, id);
            }
            Step::EndReason(end) => return Some(end),
        }
        None
    }

    /// Says why, in the protocol's own words first, and closes.
    fn end(mut self, end: EndReason) -> Result<(), Error> {
        debug!(target: HOSPITAL, "hospital client {} ends: {end:?}", self.id.0);
        // All that was told before comes first.
        #[cfg(feature = "cluster")]
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
            self.share([Entry::Leave(self.id)]);
        }
    }

    /// Answers travel through the room too, behind what was told before them.
    fn share(&self, entries: impl IntoIterator<Item = Entry>) {
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

/// 5.6: JSON is text. Frames of a server are not masked, so all members can share one.
pub fn frame(record: &str) -> Vec<u8> {
    let mut frame = Vec::with_capacity(record.len() + 10);
    encode_frame(true, Opcode::Text, record.as_bytes(), None, &mut frame);
    frame
}

pub fn entry(to: Audience, frame: Vec<u8>) -> Entry {
    let mut frames: [Vec<u8>; CODECS] = Default::default();
    frames[CODEC] = frame;
    Entry::Frames { to, frames }
}

/// The hub has one encoding, and everybody reads it.
const CODEC: usize = 0;
