//! What happens when a peer's socket takes no more: the rest waits in a bounded backlog, and somebody writes it from there.
//!
//! `draining` says that somebody is at it. Everybody else appends, so the order holds, and nobody waits but the
//! connection's own thread, which has nobody to keep waiting.

use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use log::debug;

use crate::log_targets::NET;
use crate::net::connection::send_queue::{Caller, End, SendQueue, SendState};
use crate::net::connection::sync::{MutexGuard, thread};
use crate::net::counters;
use crate::net::error::Error;
use crate::net::socket::io::is_timeout;
use crate::net::socket::socket_log::primitive;
use crate::net::socket::transport::Transport;
use crate::protocol::close::{CloseCode, CloseReason};

impl<T: Transport> SendQueue<T> {
    /// Writes what is kept and then `parts`, or appends them to the backlog behind what is being drained.
    pub(crate) fn write(
        self: &Arc<Self>,
        mut out: MutexGuard<'_, SendState>,
        parts: &[&[u8]],
        whose: Caller,
    ) -> Result<(), Error> {
        self.batching.store(false, Relaxed);
        if out.draining {
            out.append_to_backlog(parts, 0);
            return self.check_backlog(out);
        }
        let total = out.batch.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        let written = match write_some(&self.transport, &out.batch, parts, 0) {
            Ok(written) => written,
            Err(error) if is_timeout(&error) => 0,
            Err(error) => return Err(self.fail(&mut out, error)),
        };
        if written > 0 {
            primitive!("SEND", "#{} {written} bytes", self.id);
        }
        self.tally
            .sent(std::mem::take(&mut out.messages), total as u64);
        if written == total {
            out.batch.clear();
            if out.sender.compresses() {
                out.batch.shrink_to(KEPT_ROOM);
            }
            return Ok(());
        }
        out.draining = true;
        match whose {
            Caller::Owner => {
                let batch = std::mem::take(&mut out.batch);
                drop(out);
                self.write_blocking(&batch, parts, written)?;
                self.drain()
            }
            Caller::Other => {
                debug!(target: NET, "#{} takes no more; {} bytes wait", self.id, total - written);
                out.append_to_backlog(parts, written);
                out.partial_frame = written > 0;
                self.start_drain_thread(&mut out)?;
                self.check_backlog(out)
            }
        }
    }

    fn start_drain_thread(self: &Arc<Self>, out: &mut SendState) -> Result<(), Error> {
        let queue = Arc::clone(self);
        let drainer = thread::Builder::new()
            .name(format!("drain #{}", self.id))
            .stack_size(DRAIN_STACK);
        let drain = move || {
            let drained = queue.drain();
            if drained.is_ok() && queue.is_too_slow() {
                queue.close_watchdog();
            }
        };
        match drainer.spawn(drain) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.fail(out, error)),
        }
    }

    /// Writes the backlog until it is empty. Runs without the lock, except to take the next piece.
    pub(crate) fn drain(&self) -> Result<(), Error> {
        loop {
            let mut out = self.lock();
            // Last in line: of the Pings that come while the backlog drains, only the last is answered.
            if out.backlog.is_empty()
                && out.failure.is_none()
                && let Some(payload) = out.pong.take()
            {
                let _ = self.encode_pong(&mut out, &payload); // refused after a Close
                out.append_to_backlog(&[], 0);
            }
            let piece = out.backlog.pop_front();
            out.partial_frame = false;
            let Some(piece) = piece else {
                out.draining = false;
                self.drained.notify_all();
                return Ok(());
            };
            drop(out);
            self.write_blocking(&piece, &[], 0)?;
            let mut out = self.lock();
            out.backlog_bytes = out.backlog_bytes.saturating_sub(piece.len()); // cleared when the socket broke
        }
    }

    /// Writes `first` and `parts` from `written` on, for as long as the peer takes some now and then.
    fn write_blocking(
        &self,
        first: &[u8],
        parts: &[&[u8]],
        mut written: usize,
    ) -> Result<(), Error> {
        let total = first.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        let mut patience = Instant::now() + STALL_TIMEOUT;
        while written < total {
            match write_some(&self.transport, first, parts, written) {
                Ok(count) => {
                    primitive!("SEND", "#{} {count} bytes", self.id);
                    written += count;
                    patience = Instant::now() + STALL_TIMEOUT;
                }
                Err(error) if is_timeout(&error) => {
                    let mut out = self.lock();
                    let now = Instant::now();
                    if now >= patience || out.close_deadline.is_some_and(|at| at <= now) {
                        return Err(self.fail(&mut out, ErrorKind::TimedOut.into()));
                    }
                    if matches!(out.failure, Some(End::Broken(_) | End::Closed)) {
                        out.draining = false;
                        self.drained.notify_all();
                        return out.check();
                    }
                }
                Err(error) => return Err(self.fail(&mut self.lock(), error)),
            }
        }
        Ok(())
    }

    /// The socket is of no more use; the reading thread notices too.
    pub(crate) fn fail(&self, out: &mut SendState, error: io::Error) -> Error {
        out.failure.get_or_insert(End::Broken(error.kind()));
        out.backlog.clear();
        out.backlog_bytes = 0;
        out.draining = false;
        self.drained.notify_all();
        let _ = self.transport.shutdown(Shutdown::Both); // it may be gone already
        Error::Io(error)
    }

    /// Past the bound the peer is too slow: what it did not take is dropped up to a frame border, and a Close says why.
    fn check_backlog(&self, mut out: MutexGuard<'_, SendState>) -> Result<(), Error> {
        if out.backlog_bytes <= self.max_send_queue || out.failure.is_some() {
            return Ok(());
        }
        // A Close is in there: nothing will come behind it, and it is what the peer has to be told.
        if !out.sender.state().may_send() {
            return Ok(());
        }
        debug!(target: NET, "#{} is too slow: {} bytes wait", self.id, out.backlog_bytes);
        let partial_frame = usize::from(out.partial_frame && !out.backlog.is_empty());
        let dropped: usize = out
            .backlog
            .drain(partial_frame..)
            .map(|piece| piece.len())
            .sum();
        out.backlog_bytes = out.backlog_bytes.saturating_sub(dropped);
        let reason = CloseReason::new(CloseCode::PolicyViolation, "too slow");
        if self.encode_close(&mut out, Some(&reason)).is_ok() {
            self.count(&mut out, reason.code.into());
        }
        out.append_to_backlog(&[], 0);
        out.failure = Some(End::TooSlow);
        out.close_deadline = Some(Instant::now() + self.close_timeout);
        counters::add(&self.counters.too_slow, 1);
        // The owner stops at the next bytes that come, at the latest when the drainer gives up. Waking it by shutting the
        // read side would turn whatever the peer still says into a reset, and that eats the Close.
        self.too_slow.store(true, Relaxed);
        Err(Error::SendQueueFull)
    }
}

impl SendState {
    /// Moves what is kept, and `parts`, to the end of the backlog, without the first `written` bytes.
    fn append_to_backlog(&mut self, parts: &[&[u8]], written: usize) {
        let mut piece = std::mem::take(&mut self.batch);
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

/// A peer that takes not one byte for this long is gone.
const STALL_TIMEOUT: Duration = Duration::from_secs(40);
const PARTS: usize = 4;
/// Room that stays for the next frames: a large message that was compressed took more for a moment.
const KEPT_ROOM: usize = 256 * 1024;
pub(crate) const DRAIN_STACK: usize = 64 * 1024;
