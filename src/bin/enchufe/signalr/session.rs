//! One client of the hub, as a machine without sockets or clock: messages and moments go in, steps
//! come out one by one, in the order the client must see their effects.
//!
//! ```text
//!            message                     message: one step per record
//!   began ------------> handshake ok ----------------------------------+
//!     |                 Welcome       Answer | Call                    |
//!     | 15 s, or not a handshake                                       |
//!     v                               silent 30 s, bad record, Close   |
//!    End <-------------------------------------------------------------+
//! ```

use std::time::Instant;

use crate::json::MAX_DEPTH;
use crate::signalr::close::EndReason;
use crate::signalr::handshake;
use crate::signalr::invocation_ids::InvocationIds;
use crate::signalr::keep_alive::{Due, KeepAlive};
use crate::signalr::messages::{self, CallError, Invocation, Message};
use crate::signalr::records::RecordReader;

/// What one client has sent so far, and when.
#[derive(Debug)]
pub struct Session<C> {
    /// Decodes an invocation into a call of this hub.
    decode: fn(Invocation<'_>) -> Result<C, CallError>,
    records: RecordReader,
    max_record: usize,
    json_depth: usize,
    phase: Phase,
    keep_alive: KeepAlive,
    ids: InvocationIds,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<C> {
    /// The handshake is done: send this record, and from here on what everybody is told.
    Welcome(String),
    /// Send this record to this client.
    Answer(String),
    /// Carry out the call, tell those it concerns, and then, if there is an id, complete it.
    Call(C, Option<String>),
    /// Send the last record, if [`End::record`] has one, and close. No step follows.
    End(EndReason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Handshake,
    Open,
    Ended,
}

impl<C> Session<C> {
    /// A connection that has just been upgraded.
    pub fn new(now: Instant, decode: fn(Invocation<'_>) -> Result<C, CallError>) -> Self {
        Self {
            decode,
            records: RecordReader::new(),
            max_record: MAX_RECORD,
            json_depth: MAX_DEPTH,
            phase: Phase::Handshake,
            keep_alive: KeepAlive::new(now),
            ids: InvocationIds::default(),
        }
    }

    /// Takes records of up to so many bytes after the handshake instead of [`MAX_RECORD`].
    #[must_use]
    pub fn with_max_record(self, max_record: usize) -> Self {
        Self { max_record, ..self }
    }

    /// Takes records nested at most so deep instead of [`MAX_DEPTH`].
    #[must_use]
    pub fn with_json_depth(self, json_depth: usize) -> Self {
        Self { json_depth, ..self }
    }

    /// Takes a WebSocket message, text or binary. Call [`Session::next_step`] until it has no more.
    pub fn receive(&mut self, message: &[u8], now: Instant) {
        self.keep_alive.heard(now);
        if self.phase != Phase::Ended {
            self.records.push(message);
        }
    }

    /// What the next record asks for, or `None` when more messages are needed. One record at a time,
    /// so that a message full of small records cannot pile up large answers.
    pub fn next_step(&mut self) -> Option<Step<C>> {
        loop {
            let limit = match self.phase {
                Phase::Handshake => MAX_HANDSHAKE,
                Phase::Open => self.max_record,
                Phase::Ended => return None,
            };
            let step = match (self.records.take(limit), self.phase) {
                (Ok(None), _) => return None,
                (Ok(Some(record)), Phase::Handshake) => {
                    match handshake::check(record, self.json_depth) {
                        Ok(()) => {
                            self.phase = Phase::Open;
                            Step::Welcome(handshake::response(None))
                        }
                        Err(rejection) => self.end(EndReason::Refused(rejection)),
                    }
                }
                (Ok(Some(record)), _) => match messages::parse(record, self.json_depth) {
                    Ok(Message::Invocation(invocation)) => {
                        match invoke(invocation, &mut self.ids, self.decode) {
                            Some(step) => step,
                            None => continue,
                        }
                    }
                    Ok(Message::Close) => self.end(EndReason::Left),
                    Ok(Message::Nothing) => continue,
                    Err(error) => self.end(EndReason::BadRecord(error)),
                },
                (Err(error), _) => self.end(EndReason::BadRecord(error)),
            };
            self.keep_alive.answered();
            return Some(step);
        }
    }

    /// When [`Session::wake`] is due if no message comes before.
    pub fn deadline(&self) -> Instant {
        match self.phase {
            Phase::Handshake => self.keep_alive.handshake_deadline(),
            Phase::Open | Phase::Ended => self.keep_alive.deadline(),
        }
    }

    /// What time alone asks for. `told` is when everybody was last told something: a client that
    /// heard that needs no ping.
    pub fn wake(&mut self, now: Instant, told: Option<Instant>) -> Option<Step<C>> {
        if let Some(told) = told {
            self.keep_alive.spoke(told);
        }
        match self.phase {
            Phase::Ended => None,
            Phase::Handshake if now < self.deadline() => None,
            Phase::Handshake => Some(self.end(EndReason::NoHandshake)),
            Phase::Open => match self.keep_alive.due(now)? {
                Due::Timeout => Some(self.end(EndReason::Silent)),
                Due::Ping => {
                    self.keep_alive.spoke(now);
                    Some(Step::Answer(messages::ping()))
                }
            },
        }
    }

    /// Notes that the client is listened to again: while its earlier requests were carried out nothing could be heard.
    pub fn listen(&mut self, now: Instant) {
        if self.phase == Phase::Open {
            self.keep_alive.heard(now);
        }
    }

    fn end(&mut self, end: EndReason) -> Step<C> {
        self.phase = Phase::Ended;
        Step::End(end)
    }
}

/// Decodes an invocation. An invalid one is answered if it has an id, and ignored otherwise.
fn invoke<C>(
    invocation: Invocation<'_>,
    ids: &mut InvocationIds,
    decode: fn(Invocation<'_>) -> Result<C, CallError>,
) -> Option<Step<C>> {
    let id = invocation.id.clone();
    let call = match &id {
        Some(id) if !ids.is_new(id) => Err(CallError::IdUsedBefore),
        _ => decode(invocation),
    };
    match (call, id) {
        (Ok(call), id) => Some(Step::Call(call, id)),
        (Err(error), Some(id)) => Some(Step::Answer(messages::completion(&id, Err(error)))),
        (Err(_), None) => None,
    }
}

/// Bytes in the handshake record: nobody has introduced himself yet.
pub const MAX_HANDSHAKE: usize = 4 * 1024;

/// Bytes in a record, and in a message of the hub, unless told otherwise.
pub const MAX_RECORD: usize = 64 * 1024;
