//! Rejects connections over the connection limits with an HTTP response.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::http::response::Response;
use crate::net::connection::closing::linger;
use crate::net::counters::Counters;
use crate::net::server::defaults::{LINGER, STACK};
use crate::net::socket::io::write_all;
use crate::net::socket::socket_log::primitive;
use crate::net::socket::transport::{Socket, Transport};

/// Rejects a connection without blocking the accept loop: a helper thread sends the response and waits for the peer to
/// read it. At most [`MAX_THREADS`] helpers run. Beyond that, connections are closed without a response.
pub(crate) fn reject(socket: Socket, id: u64, response: &Response, counters: &Counters) {
    counters.status(response.status);
    let mut bytes = Vec::new();
    let (Ok(()), Some(helper)) = (response.encode(&mut bytes), RejectThread::begin()) else {
        return;
    };
    let stack = if socket.has_tls() { STACK } else { SMALL_STACK };
    // If the thread cannot be started, dropping the socket closes the connection.
    let _ = thread::Builder::new()
        .name("reject".to_owned())
        .stack_size(stack)
        .spawn(move || {
            let _helper = helper;
            if socket.handshake(Instant::now() + LINGER).is_ok()
                && socket.set_write_timeout(Some(LINGER)).is_ok()
                && write_all(&socket, id, &bytes).is_ok()
            {
                linger(&socket, LINGER);
            }
            primitive!("CLOSE", "#{id}");
        });
}

/// Counts one running helper thread until dropped.
struct RejectThread;

impl RejectThread {
    fn begin() -> Option<Self> {
        let others = HELPERS.fetch_add(1, Ordering::Relaxed);
        let helper = Self; // decrements the count when dropped
        (others < MAX_THREADS).then_some(helper)
    }
}

impl Drop for RejectThread {
    fn drop(&mut self) {
        HELPERS.fetch_sub(1, Ordering::Relaxed);
    }
}

static HELPERS: AtomicUsize = AtomicUsize::new(0);
const MAX_THREADS: usize = 32;
const SMALL_STACK: usize = 64 * 1024;
