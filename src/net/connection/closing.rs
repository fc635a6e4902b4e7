//! How a connection ends, whichever side began it: our last words out, the peer's in, and all of it in bounded time.

use std::io::ErrorKind;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::net::connection::backlog::DRAIN_STACK;
use crate::net::connection::send_queue::{End, SendQueue};
use crate::net::connection::sync::thread;
use crate::net::socket::socket_log::primitive;
use crate::net::socket::transport::Transport;
use crate::protocol::state::Role;

impl<T: Transport> SendQueue<T> {
    /// Sees to it that the connection ends by its close deadline although the owner may be blocked in a read: the peer
    /// need not answer our Close, nor stop talking.
    pub(crate) fn start_close_watchdog(self: &Arc<Self>) {
        let mut out = self.lock();
        if out.close_deadline.is_none() || std::mem::replace(&mut out.watchdog_started, true) {
            return;
        }
        let queue = Arc::clone(self);
        let watcher = thread::Builder::new()
            .name(format!("closing #{}", self.id))
            .stack_size(DRAIN_STACK)
            .spawn(move || queue.close_watchdog());
        if watcher.is_err() {
            self.fail(&mut out, ErrorKind::TimedOut.into()); // rather now than never
        }
    }

    /// The end of a connection, after its last frame: lets the backlog go out, says that nothing more will come, takes
    /// what the peer still sends so that a reset does not eat our last words, and closes. Bounded in time throughout.
    pub(crate) fn shutdown_send(self: &Arc<Self>) {
        let _ = self.flush();
        let now = Instant::now();
        self.wait_until_drained(now + self.close_timeout);
        let patience = match self.role {
            // 7.1.1: the server closes first; a client leaves that to the server for a while.
            Role::Server => LINGER,
            Role::Client => self.close_timeout,
        };
        linger(&self.transport, patience);
        primitive!("CLOSE", "#{}", self.id);
        let mut out = self.lock();
        out.failure.get_or_insert(End::Closed);
        out.closed = true;
        out.backlog.clear();
        self.drained.notify_all();
        drop(out);
        self.release_buffers();
    }

    /// Whether the connection has been wound down.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits until the owner is done, at most until the close deadline, and then ends the connection for it.
    pub(crate) fn close_watchdog(&self) {
        let mut out = self.lock();
        while !out.closed && !matches!(out.failure, Some(End::Broken(_) | End::Closed)) {
            let left = out
                .close_deadline
                .and_then(|at| at.checked_duration_since(Instant::now()))
                .filter(|left| !left.is_zero());
            let Some(left) = left else {
                self.fail(&mut out, ErrorKind::TimedOut.into());
                return;
            };
            out = self.drained.wait_timeout(out, left);
        }
    }

    fn wait_until_drained(&self, deadline: Instant) {
        let mut out = self.lock();
        while out.draining {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return;
            };
            out = self.drained.wait_timeout(out, left);
        }
    }
}

/// CLOSE without losing our last words: end our direction, take what still comes, for at most `patience`, then end
/// both. Without this, unread bytes turn the close into a reset, and a reset discards what the peer has not read yet.
///
/// Its scrap space is not on the stack: the system's threads hand theirs on as they are, to the next connection.
pub(crate) fn linger(transport: &impl Transport, patience: Duration) {
    let deadline = Instant::now() + patience;
    let mut scrap = vec![0; 4 * 1024];
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

/// How long a server waits for the peer's end of the stream after both Closes.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1024 * 1024;
