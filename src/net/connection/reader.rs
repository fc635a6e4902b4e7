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
use crate::net::connection::rate_limiter::RateLimiter;
use crate::net::connection::read_buffer::ReadBuffer;
use crate::net::connection::send_queue::SendQueue;
use crate::net::connection::timers::{ConnectionTimers, Due};
use crate::net::error::Error;
use crate::net::limits::Limits;
use crate::net::socket::io::is_timeout;
use crate::net::socket::socket_log::primitive;
use crate::net::socket::transport::{Socket, Transport};
use crate::protocol::close::{CloseCode, CloseReason};
use crate::protocol::decoder::Decoder;
use crate::protocol::diagram;
use crate::protocol::event::{Decoded, Event};
use crate::protocol::header::Header;
use crate::protocol::limits::MessageLimits;
use crate::protocol::opcode::MessageKind;

/// The reading half of a [`WebSocket`](crate::net::connection::websocket::WebSocket): lends each message out of the buffer it was received into.
///
/// It answers Pings, checks that a silent peer is still there, and completes the closing handshake, all from within
/// its reads. The connection ends with it.
pub struct Reader<T: Transport = Socket> {
    pub(crate) queue: Arc<SendQueue<T>>,
    /// Boxed: a session hands its reader from frame to frame, and what an idle connection's stack has touched stays in memory.
    own: Box<ReadState>,
    /// Somebody above sees to the end of the connection.
    pub(crate) closed_by_server: bool,
}

/// What only the reading thread needs.
struct ReadState {
    receiver: Decoder,
    buffer: ReadBuffer,
    timers: ConnectionTimers,
    /// The read timeout set on the transport.
    read_timeout: Option<Duration>,
    messages: RateLimiter,
    control_frames: RateLimiter,
    observing: Observing,
    /// Bytes of the buffer that the last message lent still occupies.
    borrowed: usize,
    received_data: bool,
    failure: Option<Option<CloseReason>>,
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
enum ReadEvent {
    Message(MessageKind, Decoded),
    Frame(Header, Decoded),
    Deadline,
    Closed,
}

impl<T: Transport> Reader<T> {
    /// `first` holds the bytes that came right behind the handshake.
    pub(crate) fn new(queue: Arc<SendQueue<T>>, limits: &Limits, mut first: ReadBuffer) -> Self {
        first.shrink(); // it had room for a head
        let mut receiver = Decoder::new(queue.role, limits.message.clone());
        let observing = if log_enabled!(target: FRAME, log::Level::Trace) {
            receiver.observe_frames(true);
            Observing::Log
        } else {
            Observing::Nobody
        };
        let own = ReadState {
            receiver,
            buffer: first,
            timers: ConnectionTimers::start(limits, Instant::now()),
            read_timeout: None,
            messages: RateLimiter::new(limits.message_rate, limits.message_burst),
            control_frames: RateLimiter::new(limits.message_rate, limits.message_burst),
            observing,
            borrowed: 0,
            received_data: false,
            failure: None,
        };
        Self {
            queue,
            own: Box::new(own),
            closed_by_server: false,
        }
    }

    /// Waits for the next message; `None` once the connection is closed.
    ///
    /// # Errors
    /// [`Error`] says why the connection ended otherwise; it is over then, and the peer has been told where possible.
    #[inline]
    pub fn read(&mut self) -> Result<Option<MessageRef<'_>>, Error> {
        match self.next_fast() {
            Some((kind, payload)) => {
                let payload = &self.own.buffer.bytes()[payload];
                Ok(Some(MessageRef::new(kind, payload)))
            }
            None => self.read_on(),
        }
    }

    fn read_on(&mut self) -> Result<Option<MessageRef<'_>>, Error> {
        loop {
            match self.next_event(None)? {
                ReadEvent::Message(kind, received) => {
                    return Ok(Some(self.borrow_message(kind, &received)));
                }
                ReadEvent::Closed => return Ok(None),
                ReadEvent::Frame(..) | ReadEvent::Deadline => {}
            }
        }
    }

    /// Waits for the next message, but not beyond `deadline`.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn read_until(&mut self, deadline: Option<Instant>) -> Result<Incoming<'_>, Error> {
        if let Some((kind, payload)) = self.next_fast() {
            let payload = &self.own.buffer.bytes()[payload];
            return Ok(Incoming::Message(MessageRef::new(kind, payload)));
        }
        Ok(match self.next_event(deadline)? {
            ReadEvent::Message(kind, received) => {
                Incoming::Message(self.borrow_message(kind, &received))
            }
            ReadEvent::Frame(header, received) => Incoming::Frame(
                header,
                self.own
                    .receiver
                    .payload(self.own.buffer.bytes(), &received),
            ),
            ReadEvent::Deadline => Incoming::Deadline,
            ReadEvent::Closed => Incoming::Closed,
        })
    }

    /// Whether another whole message is already here, so that the next read will not block.
    #[must_use]
    pub fn has_buffered_message(&self) -> bool {
        self.queue.has_buffered_message()
    }

    /// What the closing handshake said; `None` before it, and when it gave no code (7.1.5, 7.1.6).
    #[must_use]
    pub fn close_reason(&self) -> Option<&CloseReason> {
        self.own.failure.as_ref()?.as_ref()
    }

    /// Sets other bounds on messages from here on: a service that trusts its peer more after a login, or less.
    pub fn set_message_limits(&mut self, limits: MessageLimits) {
        self.own.receiver.set_limits(limits);
    }

    /// Closes with `reason`, discards what still comes, and waits for the peer's Close, up to the deadline for that.
    pub(crate) fn close(&mut self, reason: &CloseReason) -> Result<(), Error> {
        if self.own.failure.is_some() {
            return Ok(());
        }
        self.queue.owned_by_this_thread();
        self.queue.close(Some(reason))?;
        let deadline = self.queue.close_deadline();
        loop {
            match self.next_event(deadline) {
                Ok(ReadEvent::Closed) => return Ok(()),
                Ok(ReadEvent::Deadline) => {
                    self.end(None);
                    return Err(Error::TimedOut);
                }
                Ok(ReadEvent::Message(..) | ReadEvent::Frame(..)) => {}
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

    fn borrow_message(&self, kind: MessageKind, received: &Decoded) -> MessageRef<'_> {
        MessageRef::new(
            kind,
            self.own.receiver.payload(self.own.buffer.bytes(), received),
        )
    }

    /// The next message, if it is a small one that lies right behind the last: what a peer sends that does not wait for
    /// answers. All others, and whatever else may be due, are left to [`find`](Self::find).
    #[inline]
    fn next_fast(&mut self) -> Option<(MessageKind, Range<usize>)> {
        let own = &mut *self.own;
        if !self.queue.has_buffered_message() || own.failure.is_some() || !own.messages.has_token()
        {
            return None;
        }
        if self.queue.is_too_slow() {
            return None;
        }
        self.queue.owned_by_this_thread();
        let bytes = own.buffer.bytes_mut().get_mut(own.borrowed..)?;
        let (kind, payload) = own.receiver.decode_small(bytes)?;
        let more = own.receiver.has_complete_message(&bytes[payload.end..]);
        self.queue.set_more_waits(more);
        self.queue.tally.received(1, 0);
        let _open = own.messages.try_acquire();
        own.buffer
            .consume(std::mem::replace(&mut own.borrowed, payload.end));
        Some((kind, payload))
    }

    fn next_event(&mut self, deadline: Option<Instant>) -> Result<ReadEvent, Error> {
        self.queue.owned_by_this_thread();
        self.own
            .buffer
            .consume(std::mem::take(&mut self.own.borrowed));
        if self.own.failure.is_some() {
            return Ok(ReadEvent::Closed);
        }
        loop {
            if self.queue.is_too_slow() {
                return Err(self.fail(Error::SendQueueFull));
            }
            if let Some(found) = self.next_in_buffer()? {
                return Ok(found);
            }
            if !self.receive(deadline)? {
                return Ok(ReadEvent::Deadline);
            }
        }
    }

    /// What the bytes at hand hold; `None` if more are needed.
    fn next_in_buffer(&mut self) -> Result<Option<ReadEvent>, Error> {
        while !self.own.buffer.is_empty() {
            let received = match self.own.receiver.decode(self.own.buffer.bytes_mut()) {
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
                    self.own.timers.message_ended();
                    self.own.borrowed = used;
                    self.queue.tally.received(1, 0);
                    let rest = &self.own.buffer.bytes()[used..];
                    self.queue.set_more_waits(
                        !rest.is_empty() && self.own.receiver.has_complete_message(rest),
                    );
                    self.throttle()?;
                    return Ok(Some(ReadEvent::Message(kind, received)));
                }
                Event::Frame(header) => {
                    let header = *header;
                    if self.own.observing == Observing::Caller {
                        return Ok(Some(ReadEvent::Frame(header, received)));
                    }
                    let payload = self
                        .own
                        .receiver
                        .payload(self.own.buffer.bytes(), &received);
                    trace!(target: FRAME, "#{} < {}\n{}", self.queue.id,
                        diagram::line(&header, payload), diagram::draw(&header, payload));
                }
                Event::Ping => {
                    self.count_control_frame()?;
                    self.queue
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
                    self.queue.close_received();
                    // 5.5.1: answer a Close with a Close, echoing its code.
                    let _ = self.queue.close(reason.as_ref()); // the socket may be gone already
                    self.end(reason);
                    return Ok(Some(ReadEvent::Closed));
                }
            }
        }
        Ok(None)
    }

    /// RECEIVE: blocks until bytes come (`true`) or the deadline (`false`), and does what is due meanwhile.
    fn receive(&mut self, deadline: Option<Instant>) -> Result<bool, Error> {
        self.queue.set_more_waits(false);
        self.queue.flush()?;
        // Not in the middle of a large frame: then every connection would sit there with a large buffer of its own.
        if self.own.receiver.bytes_needed() == 0 {
            thread::yield_now();
        }
        loop {
            let now = Instant::now();
            if std::mem::take(&mut self.own.received_data) {
                self.own.timers.received_data(now);
            }
            self.own
                .timers
                .in_message(self.own.receiver.in_message(), || now);
            match self.own.timers.due(now, deadline) {
                Due::In(wait) => self.arm(wait)?,
                Due::Deadline => return Ok(false),
                Due::Ping => {
                    self.queue.ping(b"").or_else(unless_closed)?;
                    continue;
                }
                Due::PongTimeout => {
                    debug!(target: NET, "#{} does not answer", self.queue.id);
                    return Err(self.fail(Error::TimedOut));
                }
                Due::MessageTimeout => return Err(self.fail(Error::TimedOut)),
            }
            let transport = &self.queue.transport;
            match self
                .own
                .buffer
                .fill(self.own.receiver.bytes_needed(), |room| {
                    transport.read(room)
                }) {
                Ok(0) => return Err(self.stream_ended()),
                Ok(count) => {
                    primitive!("RECEIVE", "#{} {count} bytes", self.queue.id);
                    self.queue.tally.received(0, count as u64);
                    self.own.received_data = true;
                    return Ok(true);
                }
                Err(error) if is_timeout(&error) => {
                    self.own.read_timeout = None;
                    self.own.buffer.shrink();
                    self.own.receiver.release_buffers();
                    self.queue.release_buffers();
                    if self
                        .queue
                        .close_deadline()
                        .is_some_and(|at| at <= Instant::now())
                    {
                        return Err(self.fail(Error::TimedOut));
                    }
                }
                // A signal, or bytes that are no whole TLS record yet: a sign of life.
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    self.own.received_data = true;
                }
                Err(error) => {
                    let reset = matches!(
                        error.kind(),
                        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
                    );
                    return Err(self.fail(if reset {
                        Error::ConnectionLost
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
        if self
            .own
            .read_timeout
            .is_none_or(|read_timeout| read_timeout > wait + slack)
        {
            let wait = wait.max(Duration::from_millis(1)); // zero would mean for ever
            self.queue.transport.set_read_timeout(Some(wait))?;
            self.own.read_timeout = Some(wait);
        }
        Ok(())
    }

    /// Counts one message and waits while the peer is above its rate: it is slowed down by not being read. Reading
    /// does this by itself; call it for each further request that a session finds packed into one message.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn throttle(&mut self) -> Result<(), Error> {
        while let Err(wait) = self.own.messages.try_acquire() {
            self.queue.set_more_waits(false);
            self.queue.flush()?;
            thread::sleep(wait);
        }
        Ok(())
    }

    /// Control frames cost an answer each, so a flood of them is not slowed but refused.
    fn count_control_frame(&mut self) -> Result<(), Error> {
        match self.own.control_frames.try_acquire() {
            Ok(()) => Ok(()),
            Err(_) => Err(self.fail(Error::ControlFrameFlood)),
        }
    }

    /// The peer's end of the stream came without its Close, or after our own end was cut.
    fn stream_ended(&mut self) -> Error {
        primitive!("RECEIVE", "#{} end of stream", self.queue.id);
        match self.queue.failure() {
            // Given up: it took nothing for too long, or did not answer our Close.
            Err(Error::Io(error)) if is_timeout(&error) => self.fail(Error::TimedOut),
            Err(error) => self.fail(error),
            Ok(()) => self.fail(Error::ConnectionLost),
        }
    }

    /// 7.1.7: fails the connection: tells the peer why, if there is a code for it, and ends.
    fn fail(&mut self, error: impl Into<Error>) -> Error {
        let error = error.into();
        if let Some(reason) = close_reason_for(&error) {
            let _ = self.queue.close(Some(&reason)); // the socket may be gone already
        }
        self.queue.count_abnormal();
        self.end(None);
        error
    }

    fn end(&mut self, reason: Option<CloseReason>) {
        self.own.failure = Some(reason);
        self.queue.shutdown_send();
    }
}

impl<T: Transport> Drop for Reader<T> {
    fn drop(&mut self) {
        if self.own.failure.is_none() && !self.closed_by_server {
            let code = if thread::panicking() {
                CloseCode::InternalError
            } else {
                CloseCode::NormalClosure
            };
            let _ = self.queue.close(Some(&CloseReason::new(code, ""))); // best effort: nobody is left to tell
            self.queue.shutdown_send();
        }
    }
}

impl<T: Transport> std::fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("id", &self.queue.id)
            .field("ended", &self.own.failure)
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
        Error::ControlFrameFlood => Some(CloseReason::new(
            CloseCode::PolicyViolation,
            "too many control frames",
        )),
        _ => None,
    }
}
