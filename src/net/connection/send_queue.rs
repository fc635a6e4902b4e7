//! The sending side of one connection, shared by everyone who wants to send to it.
//!
//! A send writes to the socket at once. What happens when the socket takes no more depends on whose thread it is:
//!
//! ```text
//!                     write, at most a few milliseconds
//!                      |                            |
//!                  all written                  peer takes no more
//!                                                /            \
//!                            the connection's own thread    any other thread (a room delivering)
//!                            keeps writing: only this       leaves the rest in the backlog to a
//!                            connection waits               drain thread and goes on
//! ```
//!
//! Either way `draining` is set, and a thread that sends meanwhile appends to the backlog, so the order holds. The backlog is
//! bounded: a peer that lets it fill is closed with 1008 and told so. An idle connection has no backlog and no second
//! thread. The lock is never held across a write that can block for longer than [`WRITE_TIMEOUT`].
//!
//! **Batching.** While another whole message waits in the read buffer, what the connection's own thread sends is kept
//! and goes out with the next reply, in one write. Anybody else's send takes the kept bytes along.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use log::{log_enabled, trace};

use crate::log_targets::FRAME;
use crate::net::connection::deflate::Deflate;
use crate::net::connection::message::MessageRef;
use crate::net::connection::random::MaskKeys;
use crate::net::connection::sync::{
    AtomicBool, AtomicUsize, Condvar, Mutex, MutexGuard, thread_token,
};
use crate::net::counters::{ConnectionCounters, Counters};
use crate::net::error::Error;
use crate::net::limits::Limits;
use crate::net::socket::transport::Transport;
use crate::protocol::close::CloseReason;
use crate::protocol::diagram;
use crate::protocol::encoder::Encoder;
use crate::protocol::error::SendError;
use crate::protocol::header::Header;
use crate::protocol::mask::MaskKey;
use crate::protocol::opcode::Opcode;
use crate::protocol::state::Role;
use crate::protocol::state::Transition;

pub(crate) struct SendQueue<T: ?Sized> {
    /// Counts connections; names this one in the log.
    pub(crate) id: u64,
    pub(crate) role: Role,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tally: Arc<ConnectionCounters>,
    pub(crate) max_send_queue: usize,
    pub(crate) close_timeout: Duration,
    /// The thread that reads this connection: blocking it hurts nobody else.
    pub(crate) owner: AtomicUsize,
    /// Another whole message already waits for the owner, so what it sends may be kept for a moment.
    pub(crate) more_waits: AtomicBool,
    /// Something is kept.
    pub(crate) batching: AtomicBool,
    /// The peer let its backlog fill: the owner is to stop, however much it could still read.
    pub(crate) too_slow: AtomicBool,
    pub(crate) outgoing: Mutex<SendState>,
    pub(crate) drained: Condvar,
    pub(crate) transport: T,
}

pub(crate) struct SendState {
    pub(crate) sender: Encoder,
    /// 5.3: a client masks every frame, a server none, and so has no room for keys either.
    pub(crate) masks: Option<Box<MaskKeys>>,
    /// Frames ready to be written together.
    pub(crate) batch: Vec<u8>,
    /// Somebody writes without holding the lock; everyone else appends to `backlog`.
    pub(crate) draining: bool,
    /// Whole frames, except that the one taken by the drainer is no longer in here.
    pub(crate) backlog: VecDeque<Vec<u8>>,
    pub(crate) backlog_bytes: usize,
    /// The backlog begins with the end of a frame whose beginning is written.
    pub(crate) partial_frame: bool,
    /// 5.5.3: of several Pings that wait for a slow peer only the last needs its Pong.
    pub(crate) pong: Option<Vec<u8>>,
    pub(crate) failure: Option<End>,
    pub(crate) close_deadline: Option<Instant>,
    /// A thread sees to it that the connection ends by then.
    pub(crate) watchdog_started: bool,
    /// The owner has closed the transport.
    pub(crate) closed: bool,
    /// How the connection ended has been counted.
    pub(crate) counted: bool,
    /// Messages encoded and not yet counted.
    pub(crate) messages: u64,
}

/// Why nothing more can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    TooSlow,
    Broken(ErrorKind),
    Closed,
}

/// Whose thread is sending.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The connection's own: it may block.
    Owner,
    /// Somebody else's: it must not.
    Other,
}

impl<T: Transport> SendQueue<T> {
    pub(crate) fn new(
        id: u64,
        transport: T,
        role: Role,
        limits: &Limits,
        counters: Arc<Counters>,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            role,
            tally: counters.begin(id),
            counters,
            max_send_queue: limits.max_send_queue,
            close_timeout: limits.close_timeout,
            owner: AtomicUsize::new(0),
            more_waits: AtomicBool::new(false),
            batching: AtomicBool::new(false),
            too_slow: AtomicBool::new(false),
            outgoing: Mutex::new(SendState {
                sender: Encoder::new(role),
                masks: matches!(role, Role::Client).then(|| Box::new(MaskKeys::new())),
                batch: Vec::new(),
                draining: false,
                backlog: VecDeque::new(),
                backlog_bytes: 0,
                partial_frame: false,
                pong: None,
                failure: None,
                close_deadline: None,
                watchdog_started: false,
                closed: false,
                counted: false,
                messages: 0,
            }),
            drained: Condvar::default(),
            transport,
        })
    }

    /// What is sent from now on is compressed.
    pub(crate) fn compress_with(&self, deflate: &Deflate) {
        deflate.enable_compression(&mut self.lock().sender);
    }

    /// What is sent from now on waits in the backlog until [`SendQueue::open`]: the answer to the opening handshake is
    /// written past it.
    pub(crate) fn cork(&self) {
        self.lock().draining = true;
    }

    /// The opening handshake is done: what was held goes out, and from now on a write blocks only briefly.
    pub(crate) fn uncork(&self) -> io::Result<()> {
        self.transport.set_write_timeout(Some(WRITE_TIMEOUT))?;
        self.drain().map_err(io::Error::other)
    }

    /// Sends one message, compressed if that was agreed on and is worth it.
    pub(crate) fn send(self: &Arc<Self>, message: MessageRef<'_>) -> Result<(), Error> {
        let mut out = self.lock();
        if self.may_batch() && out.try_batch(message) {
            self.draw(message.kind().into(), None, message.payload());
            self.batching.store(true, Relaxed);
            return Ok(());
        }
        let compress = out.sender.compresses();
        self.send_message(out, message, compress)
    }

    /// Sends one message as it is.
    pub(crate) fn send_uncompressed(
        self: &Arc<Self>,
        message: MessageRef<'_>,
    ) -> Result<(), Error> {
        self.send_message(self.lock(), message, false)
    }

    fn send_message(
        self: &Arc<Self>,
        mut out: MutexGuard<'_, SendState>,
        message: MessageRef<'_>,
        compress: bool,
    ) -> Result<(), Error> {
        out.check()?;
        let (kind, payload) = (message.kind(), message.payload());
        let mask = out.masks.as_mut().map(|keys| keys.next());
        out.messages += 1;
        if mask.is_none() && payload.len() > COPY_THRESHOLD && !out.draining && !compress {
            // Large, and sent as it is: the payload goes out from where it lies.
            let header = out.sender.header(kind, payload.len(), None)?;
            self.draw(kind.into(), mask, payload);
            return self.write(out, &[header.as_ref(), payload], self.whose());
        }
        let SendState { sender, batch, .. } = &mut *out;
        let start = batch.len();
        if compress {
            sender.message(kind, payload, mask, batch)?;
        } else {
            sender.uncompressed_message(kind, payload, mask, batch)?;
        }
        self.draw_encoded(&batch[start..]);
        if self.may_batch() && out.batch.len() < KEPT {
            self.batching.store(true, Relaxed);
            return Ok(());
        }
        self.write(out, &[], self.whose())
    }

    /// Sends frames that are encoded already: what a room hands to every member. Never blocks for long, and a
    /// connection that is closing is passed over.
    pub(crate) fn send_encoded(self: &Arc<Self>, frames: &[u8], messages: u64) {
        let mut out = self.lock();
        if out.check().is_ok() && out.sender.state().may_send() {
            out.messages += messages;
            self.draw_encoded(frames);
            let _ = self.write(out, &[frames], Caller::Other); // its own thread will notice
        }
    }

    /// 5.5.2: asks the peer whether it is there.
    pub(crate) fn ping(self: &Arc<Self>, payload: &[u8]) -> Result<(), Error> {
        let mut out = self.lock();
        out.check()?;
        let mask = out.masks.as_mut().map(|keys| keys.next());
        let SendState { sender, batch, .. } = &mut *out;
        sender.ping(payload, mask, batch)?;
        self.draw(Opcode::Ping, mask, payload);
        self.write(out, &[], self.whose())
    }

    /// 5.5.3: answers a Ping with its own payload. While a slow peer has a backlog, only the latest is remembered.
    pub(crate) fn pong(self: &Arc<Self>, payload: &[u8]) -> Result<(), Error> {
        let mut out = self.lock();
        out.check()?;
        if out.draining {
            out.pong = Some(payload.to_vec());
            return Ok(());
        }
        self.encode_pong(&mut out, payload)?;
        if self.may_batch() && out.batch.len() < KEPT {
            self.batching.store(true, Relaxed);
            return Ok(());
        }
        self.write(out, &[], self.whose())
    }

    /// 7.1.2: starts the closing handshake, or answers the peer's Close. Only the first call sends anything.
    pub(crate) fn close(self: &Arc<Self>, reason: Option<&CloseReason>) -> Result<(), Error> {
        let mut out = self.lock();
        out.check()?;
        if !out.sender.state().may_send() {
            return Ok(());
        }
        self.encode_close(&mut out, reason)?;
        out.close_deadline = Some(Instant::now() + self.close_timeout);
        self.count(
            &mut out,
            reason.map_or(NO_STATUS, |reason| reason.code.into()),
        );
        self.write(out, &[], self.whose())
    }

    /// Notes that the connection ended without a Close, unless another end was noted before.
    pub(crate) fn count_abnormal(&self) {
        self.count(&mut self.lock(), ABNORMAL);
    }

    /// Whether the peer let its backlog fill.
    pub(crate) fn is_too_slow(&self) -> bool {
        self.too_slow.load(Relaxed)
    }

    /// Notes that the peer's Close came.
    pub(crate) fn close_received(&self) {
        self.lock().sender.apply(Transition::CloseReceived);
    }

    /// When the peer must have answered our Close; `None` while none was sent.
    pub(crate) fn close_deadline(&self) -> Option<Instant> {
        self.lock().close_deadline
    }

    /// Writes what was kept. Cheap when nothing was.
    pub(crate) fn flush(self: &Arc<Self>) -> Result<(), Error> {
        if !self.batching.load(Relaxed) {
            return Ok(());
        }
        let out = self.lock();
        out.check()?;
        self.write(out, &[], self.whose())
    }

    /// The calling thread reads this connection now.
    pub(crate) fn owned_by_this_thread(&self) {
        self.owner.store(thread_token(), Relaxed);
    }

    /// Whether another whole message already waits for the owner.
    pub(crate) fn set_more_waits(&self, more: bool) {
        self.more_waits.store(more, Relaxed);
    }

    pub(crate) fn has_buffered_message(&self) -> bool {
        self.more_waits.load(Relaxed)
    }

    /// Why sending is over, if it is: for the connection's own thread, which only sees its read end.
    pub(crate) fn failure(&self) -> Result<(), Error> {
        self.lock().check()
    }

    /// Waits until nothing is in the backlog: for a thread that could fill it by itself. The drainer gives a peer up that
    /// takes nothing for [`STALL_TIMEOUT`], so this ends.
    pub(crate) fn wait_flushed(&self) -> Result<(), Error> {
        let out = self.drained.wait_while(self.lock(), |out| out.draining);
        out.check()
    }

    /// Frees what only traffic needs.
    pub(crate) fn release_buffers(&self) {
        let mut out = self.lock();
        if out.batch.is_empty() {
            out.batch = Vec::new();
        }
        out.sender.release_buffers();
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, SendState> {
        self.outgoing.lock()
    }

    pub(crate) fn count(&self, out: &mut SendState, code: u16) {
        if !std::mem::replace(&mut out.counted, true) {
            self.counters.closed(code);
        }
    }

    fn may_batch(&self) -> bool {
        self.has_buffered_message() && self.whose() == Caller::Owner
    }

    fn whose(&self) -> Caller {
        if self.owner.load(Relaxed) == thread_token() {
            Caller::Owner
        } else {
            Caller::Other
        }
    }

    pub(crate) fn encode_pong(&self, out: &mut SendState, payload: &[u8]) -> Result<(), SendError> {
        let mask = out.masks.as_mut().map(|keys| keys.next());
        out.sender.pong(payload, mask, &mut out.batch)?;
        self.draw(Opcode::Pong, mask, payload);
        Ok(())
    }

    pub(crate) fn encode_close(
        &self,
        out: &mut SendState,
        reason: Option<&CloseReason>,
    ) -> Result<(), SendError> {
        let mask = out.masks.as_mut().map(|keys| keys.next());
        out.sender.close(reason, mask, &mut out.batch)?;
        let mut payload = Vec::new();
        if let Some(reason) = reason {
            reason.encode(&mut payload);
        }
        self.draw(Opcode::Close, mask, &payload);
        Ok(())
    }

    /// Draws whole frames from what is on the wire of them, if anybody looks: compressed, that is not what was to be sent.
    fn draw_encoded(&self, mut frames: &[u8]) {
        if !log_enabled!(target: FRAME, log::Level::Trace) {
            return;
        }
        while let Ok(Some((header, start))) = Header::decode(frames) {
            let (frame, rest) = frames.split_at(start + header.length as usize); // it is in memory
            let mut payload = frame[start..].to_vec();
            if let Some(key) = header.mask {
                key.apply(0, &mut payload);
            }
            self.draw_frame(&header, &payload);
            frames = rest;
        }
    }

    /// Draws a whole frame that goes out, if anybody looks.
    fn draw(&self, opcode: Opcode, mask: Option<MaskKey>, payload: &[u8]) {
        if log_enabled!(target: FRAME, log::Level::Trace) {
            self.draw_frame(&Header::whole(opcode, mask, payload.len() as u64), payload);
        }
    }

    #[cold]
    fn draw_frame(&self, header: &Header, payload: &[u8]) {
        let (line, drawing) = (
            diagram::line(header, payload),
            diagram::draw(header, payload),
        );
        trace!(target: FRAME, "#{} > {line}\n{drawing}", self.id);
    }
}

impl<T: ?Sized> Drop for SendQueue<T> {
    fn drop(&mut self) {
        self.counters.end(self.id);
    }
}

impl SendState {
    /// Appends a small message to what is kept, if nothing else is to be done about it.
    fn try_batch(&mut self, message: MessageRef<'_>) -> bool {
        let batch = self.failure.is_none()
            && self.batch.len() < KEPT
            && message.payload().len() <= COPY_THRESHOLD
            && self
                .sender
                .small_message(message.kind(), message.payload(), &mut self.batch);
        self.messages += u64::from(batch);
        batch
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.failure {
            None => Ok(()),
            Some(End::TooSlow) => Err(Error::SendQueueFull),
            Some(End::Broken(kind)) => Err(Error::Io(kind.into())),
            Some(End::Closed) => Err(Error::Closed),
        }
    }
}

/// How long a write for somebody else's sake may block. The kernel counts in ticks, so it takes up to twice this.
const WRITE_TIMEOUT: Duration = Duration::from_millis(5);
/// Payloads beyond this are written from where they lie; smaller ones are cheaper copied into one batch.
const COPY_THRESHOLD: usize = 16 * 1024;
/// Kept replies beyond this are written even though more messages wait.
const KEPT: usize = 64 * 1024;
/// 7.1.5: the code that stands for a Close without one.
const NO_STATUS: u16 = 1005;
/// 7.1.5: the code that stands for a connection that ended without a Close.
const ABNORMAL: u16 = 1006;
