//! Threads of a connection: one from ACCEPT to CLOSE and, with TLS, an earlier one for the TLS handshake.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use log::{info, warn};

use crate::log_targets::NET;
use crate::net::connection::closing::linger;
use crate::net::connection::send_queue::SendQueue;
use crate::net::counters::{self, Counters};
use crate::net::server::defaults::{LINGER, STACK};
use crate::net::server::registry::Permit;
use crate::net::server::responder::ServerContext;
use crate::net::socket::socket_log::primitive;
use crate::net::socket::transport::Socket;

impl ServerContext {
    /// Starts the thread of a connection.
    ///
    /// The TLS handshake runs on a thread of its own before. It uses much stack and leaves small allocations with its
    /// thread. On the connection's thread, that would double the memory of an idle connection.
    pub(crate) fn start(
        self: &Arc<Self>,
        queue: Arc<SendQueue<Socket>>,
        peer: SocketAddr,
        mut permit: Permit,
    ) -> io::Result<()> {
        let open = Open::new(&self.counters);
        let deadline = Instant::now() + self.limits.handshake_timeout;
        let (context, handshake_context) = (Arc::clone(self), Arc::clone(self));
        let handshake = thread::Builder::new()
            .name(format!("handshake #{}", queue.id))
            .stack_size(STACK);
        let connection = thread::Builder::new()
            .name(format!("connection #{}", queue.id))
            .stack_size(STACK);
        let has_tls = queue.transport.has_tls();
        let id = queue.id;
        let run = {
            let queue = Arc::clone(&queue);
            move || {
                context.run(&queue, peer, &mut permit, deadline);
                drop((open, permit));
            }
        };
        if !has_tls {
            return connection.spawn(run).map(drop);
        }
        let run = move || {
            if !handshake_context.tls_handshake(&queue, peer, deadline) {
                primitive!("CLOSE", "#{id}");
            } else if let Err(error) = connection.spawn(run)
                && handshake_context.log_limiter.allows(peer.ip())
            {
                warn!(target: NET, "#{id} cannot start a thread for {peer}: {error}");
            }
        };
        handshake.spawn(run).map(drop)
    }

    /// Runs the TLS handshake. Returns `false` if it fails, after the peer has had time to read the alert.
    fn tls_handshake(
        &self,
        queue: &SendQueue<Socket>,
        peer: SocketAddr,
        deadline: Instant,
    ) -> bool {
        let outcome = queue.transport.handshake(deadline);
        if let Err(error) = &outcome {
            if self.log_limiter.allows(peer.ip()) {
                info!(target: NET, "#{} TLS handshake with {peer} failed: {error}", queue.id);
            }
            linger(&queue.transport, LINGER);
        }
        outcome.is_ok()
    }
}

/// Counts one open connection until dropped.
struct Open(Arc<Counters>);

impl Open {
    fn new(counters: &Arc<Counters>) -> Self {
        counters::add(&counters.open, 1);
        Self(Arc::clone(counters))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
