//! The receiving side of one connection: blocks for bytes, finds the messages in them, answers Pings and the Close.
//!
//! While whole messages are in the buffer they are handed out one after the other without touching the socket; the
//! replies to them are kept and leave in one write. Only then does the thread block, after giving the processor away
//! once: on a busy machine the next bytes are often there when it comes back, and a sleep and a wake are saved.

use std::io::ErrorKind;
use std::ops::Range;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use log::{debug, log_enabled, trace};

use crate::log_targets::{FRAME, NET};
use crate::net::connection::deflate::Deflate;
use crate::net::connection::message::MessageRef;
use crate::net::connection::rate_limiter::Gate;
use crate::net::connection::read_buffer::ReadBuffer;
use crate::net::connection::send_queue::Outbox;
use crate::net::connection::timers::{Clock, Due};
use crate::net::error::Error;
use crate::net::limits::Limits;
use crate::net::socket::io::is_timeout;
use crate::net::socket::socket_log::primitive;
use crate::net::socket::transport::{Socket, Transport};
use crate::protocol::close::{CloseCode, CloseReason};
use crate::protocol::decoder::Receiver;
use crate::protocol::diagram;
use crate::protocol::event::{Event, Received};
use crate::protocol::header::Header;
use crate::protocol::limits::MessageLimits;
use crate::protocol::opcode::MessageKind;

/// The reading half of a [`WebSocket`](crate::net::connection::websocket::WebSocket): lends each message out of the buffer it was received into.
///
/// It answers Pings, checks that a silent peer is still there, and completes the closing handshake, all from within
/// its reads. The connection ends with it.
pub struct Reader<T: Transport = Socket> {
    pub(crate) outbox: Arc<Outbox<T>>,
    /// Boxed: a session hands its reader from frame to frame, and what an idle connection's stack has touched stays in memory.
    own: Box<Own>,
    /// Somebody above sees to the end of the connection.
    pub(crate) managed: bool,
}

/// What only the reading thread needs.
struct Own {
    receiver: Receiver,
    buffer: ReadBuffer,
    clock: Clock,
    /// The read timeout set on the transport.
    armed: Option<Duration>,
    messages: Gate,
    control_frames: Gate,
    observing: Observing,
    /// Bytes of the buffer that the last message lent still occupies.
    lent: usize,
    heard: bool,
    ended: Option<Option<CloseReason>>,
}

/// What a wait for a message may bring.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// A whole message.
    Message(MessageRef<'a>),
    /// A frame as it came, before what it means; only with [`Upgrade::observe_frames`](crate::net::server::service::Upgrade::observe_frames).
    Frame(Header, &'a [u8]),
    /// The deadline passed in has come.
    Deadline,
    /// The connection was closed by a closing handshake.
    Closed,
}

/// Who wants to see every frame.
#[derive(Debug, PartialEq, Eq)]
enum Observing {
    Nobody,
    Log,
    Caller,
}

/// [`Incoming`] without the borrow.
enum Found {
    Message(MessageKind, Received),
    Frame(Header, Received),
    Deadline,
    Closed,
}

impl<T: Transport> Reader<T> {
    /// `first` holds the bytes that came right behind the handshake.
    pub(crate) fn new(outbox: Arc<Outbox<T>>, limits: &Limits, mut first: ReadBuffer) -> Self {
        first.shrink(); // it had room for a head
        let mut receiver = Receiver::new(outbox.role, limits.message.clone());
        let observing = if log_enabled!(target: FRAME, log::Level::Trace) {
            receiver.observe_frames(true);
            Observing::Log
        } else {
            Observing::Nobody
        };
        let own = Own {
            receiver,
            buffer: first,
            clock: Clock::start(limits, Instant::now()),
            armed: None,
            messages: Gate::new(limits.rate, limits.burst),
            control_frames: Gate::new(limits.rate, limits.burst),
            observing,
            lent: 0,
            heard: false,
            ended: None,
        };
        Self {
            outbox,
            own: Box::new(own),
            managed: false,
        }
    }

    /// Waits for the next message; `None` once the connection is closed.
    ///
    /// # Errors
    /// [`Error`] says why the connection ended otherwise; it is over then, and the peer has been told where possible.
    #[inline]
    pub fn read(&mut self) -> Result<Option<MessageRef<'_>>, Error> {
        match self.next_small() {
            Some((kind, payload)) => {
                let payload = &self.own.buffer.bytes()[payload];
                Ok(Some(MessageRef::new(kind, payload)))
            }
            None => self.read_on(),
        }
    }

    fn read_on(&mut self) -> Result<Option<MessageRef<'_>>, Error> {
        loop {
            match self.find(None)? {
                Found::Message(kind, received) => return Ok(Some(self.lend(kind, &received))),
                Found::Closed => return Ok(None),
                Found::Frame(..) | Found::Deadline => {}
            }
        }
    }

    /// Waits for the next message, but not beyond `deadline`.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn read_until(&mut self, deadline: Option<Instant>) -> Result<Incoming<'_>, Error> {
        if let Some((kind, payload)) = self.next_small() {
            let payload = &self.own.buffer.bytes()[payload];
            return Ok(Incoming::Message(MessageRef::new(kind, payload)));
        }
        Ok(match self.find(deadline)? {
            Found::Message(kind, received) => Incoming::Message(self.lend(kind, &received)),
            Found::Frame(header, received) => Incoming::Frame(
                header,
                self.own
                    .receiver
                    .payload(self.own.buffer.bytes(), &received),
            ),
            Found::Deadline => Incoming::Deadline,
            Found::Closed => Incoming::Closed,
        })
    }

    /// Whether another whole message is already here, so that the next read will not block.
    #[must_use]
    pub fn more_waits(&self) -> bool {
        self.outbox.more_waits()
    }

    /// What the closing handshake said; `None` before it, and when it gave no code (7.1.5, 7.1.6).
    #[must_use]
    pub fn close_reason(&self) -> Option<&CloseReason> {
        self.own.ended.as_ref()?.as_ref()
    }

    /// Sets other bounds on messages from here on: a service that trusts its peer more after a login, or less.
    pub fn set_message_limits(&mut self, limits: MessageLimits) {
        self.own.receiver.set_limits(limits);
    }

    /// Closes with `reason`, discards what still comes, and waits for the peer's Close, up to the deadline for that.
    pub(crate) fn close(&mut self, reason: &CloseReason) -> Result<(), Error> {
        if self.own.ended.is_some() {
            return Ok(());
        }
        self.outbox.owned_by_this_thread();
        self.outbox.close(Some(reason))?;
        let deadline = self.outbox.close_deadline();
        loop {
            match self.find(deadline) {
                Ok(Found::Closed) => return Ok(()),
                Ok(Found::Deadline) => {
                    self.end(None);
                    return Err(Error::TimedOut);
                }
                Ok(Found::Message(..) | Found::Frame(..)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn inflate_with(&mut self, deflate: &Deflate) {
        deflate.equip_receiver(&mut self.own.receiver);
    }

    pub(crate) fn accept_any_text(&mut self) {
        self.own.receiver.set_check_utf8(false);
    }

    pub(crate) fn observe_frames(&mut self) {
        self.own.receiver.observe_frames(true);
        self.own.observing = Observing::Caller;
    }

    fn lend(&self, kind: MessageKind, received: &Received) -> MessageRef<'_> {
        MessageRef::new(
            kind,
            self.own.receiver.payload(self.own.buffer.bytes(), received),
        )
    }

    /// The next message, if it is a small one that lies right behind the last: what a peer sends that does not wait for
    /// answers. All others, and whatever else may be due, are left to [`find`](Self::find).
    #[inline]
    fn next_small(&mut self) -> Option<(MessageKind, Range<usize>)> {
        let own = &mut *self.own;
        if !self.outbox.more_waits() || own.ended.is_some() || !own.messages.is_open() {
            return None;
        }
        if self.outbox.is_too_slow() {
            return None;
        }
        self.outbox.owned_by_this_thread();
        let bytes = own.buffer.bytes_mut().get_mut(own.lent..)?;
        let (kind, payload) = own.receiver.receive_small(bytes)?;
        let more = own.receiver.whole_message_waits(&bytes[payload.end..]);
        self.outbox.set_more_waits(more);
        self.outbox.tally.received(1, 0);
        let _open = own.messages.pass();
        own.buffer
            .consume(std::mem::replace(&mut own.lent, payload.end));
        Some((kind, payload))
    }

    fn find(&mut self, deadline: Option<Instant>) -> Result<Found, Error> {
        self.outbox.owned_by_this_thread();
        self.own.buffer.consume(std::mem::take(&mut self.own.lent));
        if self.own.ended.is_some() {
            return Ok(Found::Closed);
        }
        loop {
            if self.outbox.is_too_slow() {
                return Err(self.fail(Error::TooSlow));
            }
            if let Some(found) = self.next_in_buffer()? {
                return Ok(found);
            }
            if !self.receive(deadline)? {
                return Ok(Found::Deadline);
            }
        }
    }

    /// What the bytes at hand hold; `None` if more are needed.
    fn next_in_buffer(&mut self) -> Result<Option<Found>, Error> {
        while !self.own.buffer.is_empty() {
            let received = match self.own.receiver.receive(self.own.buffer.bytes_mut()) {
                Ok(received) => received,
                Err(error) => return Err(self.fail(error)),
            };
            let used = received.used;
            let Some(event) = &received.event else {
                if used == 0 {
                    return Ok(None);
                }
                self.own.buffer.consume(used);
                continue;
            };
            match event {
                Event::Message(kind) => {
                    let kind = *kind;
                    self.own.clock.message_ended();
                    self.own.lent = used;
                    self.outbox.tally.received(1, 0);
                    let rest = &self.own.buffer.bytes()[used..];
                    self.outbox.set_more_waits(
                        !rest.is_empty() && self.own.receiver.whole_message_waits(rest),
                    );
                    self.wait_for_turn()?;
                    return Ok(Some(Found::Message(kind, received)));
                }
                Event::Frame(header) => {
                    let header = *header;
                    if self.own.observing == Observing::Caller {
                        return Ok(Some(Found::Frame(header, received)));
                    }
                    let payload = self
                        .own
                        .receiver
                        .payload(self.own.buffer.bytes(), &received);
                    trace!(target: FRAME, "#{} < {}\n{}", self.outbox.id,
                        diagram::line(&header, payload), diagram::draw(&header, payload));
                }
                Event::Ping => {
                    self.count_control_frame()?;
                    self.outbox
                        .pong(
                            self.own
                                .receiver
                                .payload(self.own.buffer.bytes(), &received),
                        )
                        .or_else(unless_closed)?;
                    self.own.buffer.consume(used);
                }
                Event::Pong => {
                    self.count_control_frame()?;
                    self.own.buffer.consume(used);
                }
                Event::Close(reason) => {
                    let reason = reason.clone();
                    self.own.buffer.consume(used);
                    self.outbox.close_received();
                    // 5.5.1: answer a Close with a Close, echoing its code.
                    let _ = self.outbox.close(reason.as_ref()); // the socket may be gone already
                    self.end(reason);
                    return Ok(Some(Found::Closed));
                }
            }
        }
        Ok(None)
    }

    /// RECEIVE: blocks until bytes come (`true`) or the deadline (`false`), and does what is due meanwhile.
    fn receive(&mut self, deadline: Option<Instant>) -> Result<bool, Error> {
        self.outbox.set_more_waits(false);
        self.outbox.flush()?;
        // Not in the middle of a large frame: then every connection would sit there with a large buffer of its own.
        if self.own.receiver.wanted() == 0 {
            thread::yield_now();
        }
        loop {
            let now = Instant::now();
            if std::mem::take(&mut self.own.heard) {
                self.own.clock.heard(now);
            }
            self.own
                .clock
                .in_message(self.own.receiver.in_message(), || now);
            match self.own.clock.due(now, deadline) {
                Due::In(wait) => self.arm(wait)?,
                Due::Deadline => return Ok(false),
                Due::Ping => {
                    self.outbox.ping(b"").or_else(unless_closed)?;
                    continue;
                }
                Due::PeerIsGone => {
                    debug!(target: NET, "#{} does not answer", self.outbox.id);
                    return Err(self.fail(Error::TimedOut));
                }
                Due::MessageTooSlow => return Err(self.fail(Error::TimedOut)),
            }
            let transport = &self.outbox.transport;
            match self
                .own
                .buffer
                .fill(self.own.receiver.wanted(), |room| transport.read(room))
            {
                Ok(0) => return Err(self.stream_ended()),
                Ok(count) => {
                    primitive!("RECEIVE", "#{} {count} bytes", self.outbox.id);
                    self.outbox.tally.received(0, count as u64);
                    self.own.heard = true;
                    return Ok(true);
                }
                Err(error) if is_timeout(&error) => {
                    self.own.armed = None;
                    self.own.buffer.shrink();
                    self.own.receiver.rest();
                    self.outbox.rest();
                    if self
                        .outbox
                        .close_deadline()
                        .is_some_and(|at| at <= Instant::now())
                    {
                        return Err(self.fail(Error::TimedOut));
                    }
                }
                // A signal, or octets that are no whole TLS record yet: a sign of life.
                Err(error) if error.kind() == ErrorKind::Interrupted => self.own.heard = true,
                Err(error) => {
                    let reset = matches!(
                        error.kind(),
                        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
                    );
                    return Err(self.fail(if reset {
                        Error::Disconnected
                    } else {
                        Error::Io(error)
                    }));
                }
            }
        }
    }

    /// Sets the read timeout, unless the one that is set wakes us about as early. A little late does no harm here.
    fn arm(&mut self, wait: Option<Duration>) -> Result<(), Error> {
        let Some(wait) = wait else { return Ok(()) };
        let slack = wait / 8 + Duration::from_millis(20);
        if self.own.armed.is_none_or(|armed| armed > wait + slack) {
            let wait = wait.max(Duration::from_millis(1)); // zero would mean for ever
            self.outbox.transport.set_read_timeout(Some(wait))?;
            self.own.armed = Some(wait);
        }
        Ok(())
    }

    /// Counts one message and waits while the peer is above its rate: it is slowed down by not being read. Reading
    /// does this by itself; call it for each further request that a session finds packed into one message.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn wait_for_turn(&mut self) -> Result<(), Error> {
        while let Err(wait) = self.own.messages.pass() {
            self.outbox.set_more_waits(false);
            self.outbox.flush()?;
            thread::sleep(wait);
        }
        Ok(())
    }

    /// Control frames cost an answer each, so a flood of them is not slowed but refused.
    fn count_control_frame(&mut self) -> Result<(), Error> {
        match self.own.control_frames.pass() {
            Ok(()) => Ok(()),
            Err(_) => Err(self.fail(Error::TooManyPings)),
        }
    }

    /// The peer's end of the stream came without its Close, or after our own end was cut.
    fn stream_ended(&mut self) -> Error {
        primitive!("RECEIVE", "#{} end of stream", self.outbox.id);
        match self.outbox.ended() {
            // Given up: it took nothing for too long, or did not answer our Close.
            Err(Error::Io(error)) if is_timeout(&error) => self.fail(Error::TimedOut),
            Err(error) => self.fail(error),
            Ok(()) => self.fail(Error::Disconnected),
        }
    }

    /// 7.1.7: fails the connection: tells the peer why, if there is a code for it, and ends.
    fn fail(&mut self, error: impl Into<Error>) -> Error {
        let error = error.into();
        if let Some(reason) = close_reason_for(&error) {
            let _ = self.outbox.close(Some(&reason)); // the socket may be gone already
        }
        self.outbox.count_abnormal();
        self.end(None);
        error
    }

    fn end(&mut self, reason: Option<CloseReason>) {
        self.own.ended = Some(reason);
        self.outbox.wind_down();
    }
}

impl<T: Transport> Drop for Reader<T> {
    fn drop(&mut self) {
        if self.own.ended.is_none() && !self.managed {
            let code = if thread::panicking() {
                CloseCode::InternalError
            } else {
                CloseCode::NormalClosure
            };
            let _ = self.outbox.close(Some(&CloseReason::new(code, ""))); // best effort: nobody is left to tell
            self.outbox.wind_down();
        }
    }
}

impl<T: Transport> std::fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("id", &self.outbox.id)
            .field("ended", &self.own.ended)
            .finish_non_exhaustive()
    }
}

/// After our Close nothing more is sent, and that is no error of the reader.
fn unless_closed(error: Error) -> Result<(), Error> {
    match error {
        Error::Closed => Ok(()),
        other => Err(other),
    }
}

/// What the peer is told before the stream ends.
fn close_reason_for(error: &Error) -> Option<CloseReason> {
    match error {
        Error::Protocol(error) => Some(CloseReason::new(error.close_code(), error.to_string())),
        Error::TimedOut => Some(CloseReason::new(CloseCode::PolicyViolation, "timed out")),
        Error::TooManyPings => Some(CloseReason::new(
            CloseCode::PolicyViolation,
            "too many control frames",
        )),
        _ => None,
    }
}
