//! Answers for connections that get no thread of their own, because there are too many.

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

/// Answers a connection that gets no thread, without holding up ACCEPT: a helper thread sees to it that the answer can
/// be read. There are at most a few of those; beyond that the connection is just closed.
pub(crate) fn reject(socket: Socket, id: u64, response: &Response, counters: &Counters) {
    counters.status(response.status);
    let mut bytes = Vec::new();
    let (Ok(()), Some(helper)) = (response.encode(&mut bytes), RejectThread::begin()) else {
        return;
    };
    let stack = if socket.has_tls() { STACK } else { SMALL_STACK };
    // Without a thread for that either, the connection is closed as it is dropped.
    let _ = thread::Builder::new()
        .name("refusing".to_owned())
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

/// One of the few helper threads, for as long as it lives.
struct RejectThread;

impl RejectThread {
    fn begin() -> Option<Self> {
        let others = HELPERS.fetch_add(1, Ordering::Relaxed);
        let helper = Self; // dropped, it counts itself out
        (others < MOST).then_some(helper)
    }
}

impl Drop for RejectThread {
    fn drop(&mut self) {
        HELPERS.fetch_sub(1, Ordering::Relaxed);
    }
}

static HELPERS: AtomicUsize = AtomicUsize::new(0);
const MOST: usize = 32;
const SMALL_STACK: usize = 64 * 1024;
