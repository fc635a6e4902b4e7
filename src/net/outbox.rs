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
//! Either way `draining` is set, and whoever sends meanwhile appends to the backlog, so the order holds. The backlog is
//! bounded: a peer that lets it fill is closed with 1008 and told so. An idle connection has no backlog and no second
//! thread. The lock is never held across a write that can block for longer than [`QUICK`].
//!
//! **Batching.** While another whole message waits in the read buffer, what the connection's own thread sends is kept
//! and goes out with the next reply, in one write. Anybody else's send takes the kept bytes along.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use log::{debug, log_enabled, trace};

use super::counters::{self, Counters};
use super::deflate::Deflate;
use super::mask_keys::MaskKeys;
use super::{Error, Limits, MessageRef, Transport};
use crate::protocol::{
    CloseCode, CloseReason, Header, MaskKey, Opcode, Role, SendError, Sender, Step, diagram,
};

pub(crate) struct Outbox<T: ?Sized> {
    /// Counts connections; names this one in the log.
    pub(crate) id: u64,
    pub(crate) role: Role,
    pub(crate) counters: Arc<Counters>,
    out_queue: usize,
    close_timeout: Duration,
    /// The thread that reads this connection: blocking it hurts nobody else.
    owner: AtomicUsize,
    /// Another whole message already waits for the owner, so what it sends may be kept for a moment.
    more_waits: AtomicBool,
    /// Something is kept.
    keeping: AtomicBool,
    outgoing: Mutex<Outgoing>,
    drained: Condvar,
    pub(crate) transport: T,
}

struct Outgoing {
    sender: Sender,
    /// 5.3: a client masks every frame, a server none.
    masks: Option<MaskKeys>,
    /// Frames ready to be written together.
    kept: Vec<u8>,
    /// Somebody writes without holding the lock; everyone else appends to `backlog`.
    draining: bool,
    /// Whole frames, except that the one taken by the drainer is no longer in here.
    backlog: VecDeque<Vec<u8>>,
    backlog_bytes: usize,
    /// 5.5.3: of several Pings that wait for a slow peer only the last needs its Pong.
    pong: Option<Vec<u8>>,
    ended: Option<End>,
    give_up: Option<Instant>,
    /// Messages encoded and not yet counted.
    messages: u64,
}

/// Why nothing more can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    TooSlow,
    Broken(ErrorKind),
    Closed,
}

/// Whose thread is sending.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The connection's own: it may block.
    Own,
    /// Somebody else's: it must not.
    Other,
}

impl<T: Transport> Outbox<T> {
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
            counters,
            out_queue: limits.out_queue,
            close_timeout: limits.close_timeout,
            owner: AtomicUsize::new(0),
            more_waits: AtomicBool::new(false),
            keeping: AtomicBool::new(false),
            outgoing: Mutex::new(Outgoing {
                sender: Sender::new(role),
                masks: matches!(role, Role::Client).then(MaskKeys::new),
                kept: Vec::new(),
                draining: false,
                backlog: VecDeque::new(),
                backlog_bytes: 0,
                pong: None,
                ended: None,
                give_up: None,
                messages: 0,
            }),
            drained: Condvar::new(),
            transport,
        })
    }

    /// What is sent from now on is compressed.
    pub(super) fn compress_with(&self, deflate: &Deflate) {
        deflate.equip_sender(&mut self.lock().sender);
    }

    /// What is sent from now on waits in the backlog until [`Outbox::open`]: the answer to the opening handshake is
    /// written past it.
    pub(crate) fn hold(&self) {
        self.lock().draining = true;
    }

    /// The opening handshake is done: what was held goes out, and from now on a write blocks only briefly.
    pub(crate) fn open(&self) -> io::Result<()> {
        self.transport.set_write_timeout(Some(QUICK))?;
        self.drain().map_err(io::Error::other)
    }

    /// Sends one message.
    pub(crate) fn send(self: &Arc<Self>, message: MessageRef<'_>) -> Result<(), Error> {
        let mut out = self.lock();
        out.check()?;
        let (kind, payload) = (message.kind(), message.payload());
        let mask = out.masks.as_mut().map(MaskKeys::next);
        out.messages += 1;
        if mask.is_none() && payload.len() > COPIED && !out.draining && !out.sender.compresses() {
            // Large and sent as it is: the payload goes out from where it lies.
            let header = out.sender.header(kind, payload.len(), None)?;
            self.draw(kind.into(), mask, payload);
            return self.write(out, &[header.as_ref(), payload], self.whose());
        }
        let Outgoing { sender, kept, .. } = &mut *out;
        let start = kept.len();
        sender.message(kind, payload, mask, kept)?;
        self.draw_encoded(&kept[start..]);
        if self.may_keep() && out.kept.len() < KEPT {
            self.keeping.store(true, Relaxed);
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
            let _ = self.write(out, &[frames], Whose::Other); // its own thread will notice
        }
    }

    /// 5.5.2: asks the peer whether it is there.
    pub(crate) fn ping(self: &Arc<Self>, payload: &[u8]) -> Result<(), Error> {
        let mut out = self.lock();
        out.check()?;
        let mask = out.masks.as_mut().map(MaskKeys::next);
        let Outgoing { sender, kept, .. } = &mut *out;
        sender.ping(payload, mask, kept)?;
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
        if self.may_keep() && out.kept.len() < KEPT {
            self.keeping.store(true, Relaxed);
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
        out.give_up = Some(Instant::now() + self.close_timeout);
        self.counters
            .closed(reason.map_or(NO_STATUS, |reason| reason.code.into()));
        self.write(out, &[], self.whose())
    }

    /// Notes that the peer's Close came.
    pub(crate) fn close_received(&self) {
        self.lock().sender.step(Step::CloseReceived);
    }

    /// When the peer must have answered our Close; `None` while none was sent.
    pub(crate) fn close_deadline(&self) -> Option<Instant> {
        self.lock().give_up
    }

    /// Writes what was kept. Cheap when nothing was.
    pub(crate) fn flush(self: &Arc<Self>) -> Result<(), Error> {
        if !self.keeping.load(Relaxed) {
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

    pub(crate) fn more_waits(&self) -> bool {
        self.more_waits.load(Relaxed)
    }

    /// Why sending is over, if it is: for the connection's own thread, which only sees its read end.
    pub(crate) fn ended(&self) -> Result<(), Error> {
        self.lock().check()
    }

    /// Waits until nothing is in the backlog: for a thread that could fill it by itself. The drainer gives a peer up that
    /// takes nothing for [`STALLED`], so this ends.
    pub(crate) fn wait_until_sent(&self) -> Result<(), Error> {
        let waited = self.drained.wait_while(self.lock(), |out| out.draining);
        waited.unwrap_or_else(PoisonError::into_inner).check()
    }

    /// Frees what only traffic needs.
    pub(crate) fn rest(&self) {
        let mut out = self.lock();
        if out.kept.is_empty() {
            out.kept = Vec::new();
        }
        out.sender.rest();
    }

    /// The end of a connection, after its last frame: lets the backlog go out, says that nothing more will come, takes
    /// what the peer still sends so that a reset does not eat our last words, and closes. Bounded in time throughout.
    pub(crate) fn wind_down(self: &Arc<Self>) {
        let _ = self.flush();
        let now = Instant::now();
        self.wait_until_drained(now + self.close_timeout);
        let patience = match self.role {
            // 7.1.1: the server closes first; a client leaves that to the server for a while.
            Role::Server => LINGER,
            Role::Client => self.close_timeout,
        };
        linger(&self.transport, patience);
        debug!(target: "enchufe::net", "#{} CLOSE", self.id);
        let mut out = self.lock();
        out.ended.get_or_insert(End::Closed);
        out.backlog.clear();
        drop(out);
        self.rest();
    }

    fn lock(&self) -> MutexGuard<'_, Outgoing> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may_keep(&self) -> bool {
        self.more_waits() && self.whose() == Whose::Own
    }

    fn whose(&self) -> Whose {
        if self.owner.load(Relaxed) == thread_token() {
            Whose::Own
        } else {
            Whose::Other
        }
    }

    fn encode_pong(&self, out: &mut Outgoing, payload: &[u8]) -> Result<(), SendError> {
        let mask = out.masks.as_mut().map(MaskKeys::next);
        out.sender.pong(payload, mask, &mut out.kept)?;
        self.draw(Opcode::Pong, mask, payload);
        Ok(())
    }

    fn encode_close(
        &self,
        out: &mut Outgoing,
        reason: Option<&CloseReason>,
    ) -> Result<(), SendError> {
        let mask = out.masks.as_mut().map(MaskKeys::next);
        out.sender.close(reason, mask, &mut out.kept)?;
        let mut payload = Vec::new();
        if let Some(reason) = reason {
            reason.encode(&mut payload);
        }
        self.draw(Opcode::Close, mask, &payload);
        Ok(())
    }

    /// Draws a frame from what is on the wire of it, if anybody looks: compressed, it is not what was to be sent.
    fn draw_encoded(&self, frame: &[u8]) {
        if log_enabled!(target: "enchufe::frame", log::Level::Trace)
            && let Ok(Some((header, start))) = Header::decode(frame)
        {
            let mut payload = frame[start..].to_vec();
            if let Some(key) = header.mask {
                key.apply(0, &mut payload);
            }
            self.draw_frame(&header, &payload);
        }
    }

    /// Draws a whole frame that goes out, if anybody looks.
    fn draw(&self, opcode: Opcode, mask: Option<MaskKey>, payload: &[u8]) {
        if log_enabled!(target: "enchufe::frame", log::Level::Trace) {
            self.draw_frame(&Header::whole(opcode, mask, payload.len() as u64), payload);
        }
    }

    #[cold]
    fn draw_frame(&self, header: &Header, payload: &[u8]) {
        let (line, drawing) = (
            diagram::line(header, payload),
            diagram::draw(header, payload),
        );
        trace!(target: "enchufe::frame", "#{} > {line}\n{drawing}", self.id);
    }

    /// Writes what is kept and then `parts`, or appends them to the backlog behind what is being drained.
    fn write(
        self: &Arc<Self>,
        mut out: MutexGuard<'_, Outgoing>,
        parts: &[&[u8]],
        whose: Whose,
    ) -> Result<(), Error> {
        self.keeping.store(false, Relaxed);
        if out.draining {
            out.append_to_backlog(parts, 0);
            return self.check_backlog(out);
        }
        let total = out.kept.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        let written = match write_some(&self.transport, &out.kept, parts, 0) {
            Ok(written) => written,
            Err(error) if is_timeout(&error) => 0,
            Err(error) => return Err(self.broken(&mut out, error)),
        };
        debug!(target: "enchufe::net", "#{} SEND {written} bytes", self.id);
        counters::add(&self.counters.bytes_sent, total as u64);
        counters::add(
            &self.counters.messages_sent,
            std::mem::take(&mut out.messages),
        );
        if written == total {
            out.kept.clear();
            out.kept.shrink_to(KEPT_ROOM);
            return Ok(());
        }
        out.draining = true;
        match whose {
            Whose::Own => {
                let kept = std::mem::take(&mut out.kept);
                drop(out);
                self.write_patiently(&kept, parts, written)?;
                self.drain()
            }
            Whose::Other => {
                debug!(target: "enchufe::net", "#{} takes no more; {} bytes wait", self.id, total - written);
                out.append_to_backlog(parts, written);
                self.start_drain_thread(&mut out)?;
                self.check_backlog(out)
            }
        }
    }

    fn start_drain_thread(self: &Arc<Self>, out: &mut Outgoing) -> Result<(), Error> {
        let outbox = Arc::clone(self);
        let drainer = thread::Builder::new()
            .name(format!("drain #{}", self.id))
            .stack_size(DRAIN_STACK);
        match drainer.spawn(move || outbox.drain()) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.broken(out, error)),
        }
    }

    /// Writes the backlog until it is empty. Runs without the lock, except to take the next piece.
    fn drain(&self) -> Result<(), Error> {
        loop {
            let mut out = self.lock();
            if let Some(payload) = out.pong.take()
                && out.backlog.is_empty()
                && out.ended.is_none()
            {
                let _ = self.encode_pong(&mut out, &payload); // refused after a Close
                out.append_to_backlog(&[], 0);
            }
            let Some(piece) = out.backlog.pop_front() else {
                out.draining = false;
                self.drained.notify_all();
                return Ok(());
            };
            drop(out);
            self.write_patiently(&piece, &[], 0)?;
            let mut out = self.lock();
            out.backlog_bytes = out.backlog_bytes.saturating_sub(piece.len()); // cleared when the socket broke
        }
    }

    /// Writes `first` and `parts` from `written` on, for as long as the peer takes some now and then.
    fn write_patiently(
        &self,
        first: &[u8],
        parts: &[&[u8]],
        mut written: usize,
    ) -> Result<(), Error> {
        let total = first.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        let mut patience = Instant::now() + STALLED;
        while written < total {
            match write_some(&self.transport, first, parts, written) {
                Ok(count) => {
                    debug!(target: "enchufe::net", "#{} SEND {count} bytes", self.id);
                    written += count;
                    patience = Instant::now() + STALLED;
                }
                Err(error) if is_timeout(&error) => {
                    let mut out = self.lock();
                    let now = Instant::now();
                    if now >= patience || out.give_up.is_some_and(|at| at <= now) {
                        return Err(self.broken(&mut out, ErrorKind::TimedOut.into()));
                    }
                    if matches!(out.ended, Some(End::Broken(_) | End::Closed)) {
                        out.draining = false;
                        self.drained.notify_all();
                        return out.check();
                    }
                }
                Err(error) => return Err(self.broken(&mut self.lock(), error)),
            }
        }
        Ok(())
    }

    /// The socket is of no more use: whoever reads from it finds out too.
    fn broken(&self, out: &mut Outgoing, error: io::Error) -> Error {
        out.ended.get_or_insert(End::Broken(error.kind()));
        out.backlog.clear();
        out.backlog_bytes = 0;
        out.draining = false;
        self.drained.notify_all();
        let _ = self.transport.shutdown(Shutdown::Both); // it may be gone already
        Error::Io(error)
    }

    /// Past the bound the peer is too slow: what it did not take is dropped up to a frame border, and a Close says why.
    fn check_backlog(&self, mut out: MutexGuard<'_, Outgoing>) -> Result<(), Error> {
        if out.backlog_bytes <= self.out_queue || out.ended.is_some() {
            return Ok(());
        }
        debug!(target: "enchufe::net", "#{} is too slow: {} bytes wait", self.id, out.backlog_bytes);
        let waiting: usize = out.backlog.iter().map(Vec::len).sum();
        out.backlog.clear();
        out.backlog_bytes = out.backlog_bytes.saturating_sub(waiting);
        let reason = CloseReason::new(CloseCode::PolicyViolation, "too slow");
        if self.encode_close(&mut out, Some(&reason)).is_ok() {
            self.counters.closed(reason.code.into());
        }
        out.append_to_backlog(&[], 0);
        out.ended = Some(End::TooSlow);
        out.give_up = Some(Instant::now() + self.close_timeout);
        counters::add(&self.counters.too_slow, 1);
        let _ = self.transport.shutdown(Shutdown::Read); // wakes the connection's own thread
        Err(Error::TooSlow)
    }

    fn wait_until_drained(&self, deadline: Instant) {
        let mut out = self.lock();
        while out.draining {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return;
            };
            out = self
                .drained
                .wait_timeout(out, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl Outgoing {
    fn check(&self) -> Result<(), Error> {
        match self.ended {
            None => Ok(()),
            Some(End::TooSlow) => Err(Error::TooSlow),
            Some(End::Broken(kind)) => Err(Error::Io(kind.into())),
            Some(End::Closed) => Err(Error::Closed),
        }
    }

    /// Moves what is kept, and `parts`, to the end of the backlog, without the first `written` bytes.
    fn append_to_backlog(&mut self, parts: &[&[u8]], written: usize) {
        let mut piece = std::mem::take(&mut self.kept);
        for part in parts {
            piece.extend_from_slice(part);
        }
        piece.drain(..written);
        if !piece.is_empty() {
            self.backlog_bytes += piece.len();
            self.backlog.push_back(piece);
        }
    }
}

/// One write of `first` and then `parts`, without the first `skip` bytes of them all.
fn write_some(
    transport: &impl Transport,
    first: &[u8],
    parts: &[&[u8]],
    mut skip: usize,
) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); PARTS];
    let mut count = 0;
    for part in std::iter::once(&first).chain(parts) {
        let left = &part[skip.min(part.len())..];
        skip -= part.len() - left.len();
        if !left.is_empty() {
            slices[count] = IoSlice::new(left);
            count += 1;
        }
    }
    if count == 0 {
        return Ok(0);
    }
    loop {
        match transport.write_vectored(&slices[..count]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// CLOSE without losing our last words: end our direction, take what still comes, for at most `patience`, then end
/// both. Without this, unread bytes turn the close into a reset, and a reset discards what the peer has not read yet.
pub(crate) fn linger(transport: &impl Transport, patience: Duration) {
    let deadline = Instant::now() + patience;
    let mut scrap = [0; 4 * 1024];
    let mut taken = 0;
    if transport.shutdown(Shutdown::Write).is_err() {
        return;
    }
    while taken < LINGER_BYTES
        && let Some(left) = deadline.checked_duration_since(Instant::now())
        && transport
            .set_read_timeout(Some(left.max(Duration::from_millis(1))))
            .is_ok()
    {
        match transport.read(&mut scrap) {
            Ok(0) => break,
            Ok(count) => taken += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let _ = transport.shutdown(Shutdown::Both); // the peer may have been faster
}

pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// A number that differs between living threads: the address of a byte each thread has of its own.
fn thread_token() -> usize {
    thread_local!(static TOKEN: u8 = const { 0 });
    TOKEN.with(|token| std::ptr::from_ref(token) as usize)
}

/// How long a write for somebody else's sake may block. The kernel counts in ticks, so it takes up to twice this.
const QUICK: Duration = Duration::from_millis(5);
/// A peer that takes not one byte for this long is gone.
const STALLED: Duration = Duration::from_secs(40);
/// How long a server waits for the peer's end of the stream after both Closes.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1024 * 1024;
/// Payloads beyond this are written from where they lie; smaller ones are cheaper copied into one batch.
const COPIED: usize = 16 * 1024;
/// Kept replies beyond this are written even though more messages wait.
const KEPT: usize = 64 * 1024;
/// Room that stays for the next ones; a large message, compressed or masked, needs more for a moment.
const KEPT_ROOM: usize = 4 * KEPT;
/// 7.1.5: the code that stands for a Close without one.
const NO_STATUS: u16 = 1005;
const PARTS: usize = 4;
const DRAIN_STACK: usize = 64 * 1024;
