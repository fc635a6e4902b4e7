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
use crate::net::connection::send_queue::{End, Outbox, Outgoing, Whose};
use crate::net::connection::sync::{MutexGuard, thread};
use crate::net::counters;
use crate::net::error::Error;
use crate::net::socket::io::is_timeout;
use crate::net::socket::socket_log::primitive;
use crate::net::socket::transport::Transport;
use crate::protocol::close::{CloseCode, CloseReason};

impl<T: Transport> Outbox<T> {
    /// Writes what is kept and then `parts`, or appends them to the backlog behind what is being drained.
    pub(crate) fn write(
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
        if written > 0 {
            primitive!("SEND", "#{} {written} bytes", self.id);
        }
        self.tally
            .sent(std::mem::take(&mut out.messages), total as u64);
        if written == total {
            out.kept.clear();
            if out.sender.compresses() {
                out.kept.shrink_to(KEPT_ROOM);
            }
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
                debug!(target: NET, "#{} takes no more; {} bytes wait", self.id, total - written);
                out.append_to_backlog(parts, written);
                out.begun = written > 0;
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
        let drain = move || {
            let drained = outbox.drain();
            if drained.is_ok() && outbox.is_too_slow() {
                outbox.watch_the_end();
            }
        };
        match drainer.spawn(drain) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.broken(out, error)),
        }
    }

    /// Writes the backlog until it is empty. Runs without the lock, except to take the next piece.
    pub(crate) fn drain(&self) -> Result<(), Error> {
        loop {
            let mut out = self.lock();
            // Last in line: of the Pings that come while the backlog drains, only the last is answered.
            if out.backlog.is_empty()
                && out.ended.is_none()
                && let Some(payload) = out.pong.take()
            {
                let _ = self.encode_pong(&mut out, &payload); // refused after a Close
                out.append_to_backlog(&[], 0);
            }
            let piece = out.backlog.pop_front();
            out.begun = false;
            let Some(piece) = piece else {
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
                    primitive!("SEND", "#{} {count} bytes", self.id);
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
    pub(crate) fn broken(&self, out: &mut Outgoing, error: io::Error) -> Error {
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
        // A Close is in there: nothing will come behind it, and it is what the peer has to be told.
        if !out.sender.state().may_send() {
            return Ok(());
        }
        debug!(target: NET, "#{} is too slow: {} bytes wait", self.id, out.backlog_bytes);
        let begun = usize::from(out.begun && !out.backlog.is_empty());
        let dropped: usize = out.backlog.drain(begun..).map(|piece| piece.len()).sum();
        out.backlog_bytes = out.backlog_bytes.saturating_sub(dropped);
        let reason = CloseReason::new(CloseCode::PolicyViolation, "too slow");
        if self.encode_close(&mut out, Some(&reason)).is_ok() {
            self.count(&mut out, reason.code.into());
        }
        out.append_to_backlog(&[], 0);
        out.ended = Some(End::TooSlow);
        out.give_up = Some(Instant::now() + self.close_timeout);
        counters::add(&self.counters.too_slow, 1);
        // The owner stops at the next bytes that come, at the latest when the drainer gives up. Waking it by shutting the
        // read side would turn whatever the peer still says into a reset, and that eats the Close.
        self.too_slow.store(true, Relaxed);
        Err(Error::TooSlow)
    }
}

impl Outgoing {
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

/// A peer that takes not one byte for this long is gone.
const STALLED: Duration = Duration::from_secs(40);
const PARTS: usize = 4;
/// Room that stays for the next frames: a large message that was compressed took more for a moment.
const KEPT_ROOM: usize = 256 * 1024;
pub(crate) const DRAIN_STACK: usize = 64 * 1024;
