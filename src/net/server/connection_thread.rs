//! The threads of a connection: one from ACCEPT to CLOSE, and with TLS another one before it, for the handshake.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use log::{info, warn};

use crate::log_targets::NET;
use crate::net::connection::closing::linger;
use crate::net::connection::send_queue::Outbox;
use crate::net::counters::{self, Counters};
use crate::net::server::acceptor::STACK;
use crate::net::server::http_connection::{Exchange, LINGER};
use crate::net::server::registry::Place;
use crate::net::socket::socket_log::primitive;
use crate::net::socket::transport::Socket;

impl Exchange {
    /// A thread for a connection, from ACCEPT to CLOSE.
    ///
    /// With TLS its handshake has another one before. That goes deep into its stack and leaves small pieces of memory with
    /// the thread, for which an idle connection has no use: it would keep twice as much.
    pub(crate) fn start(
        self: &Arc<Self>,
        outbox: Arc<Outbox<Socket>>,
        peer: SocketAddr,
        mut place: Place,
    ) -> io::Result<()> {
        let open = Open::new(&self.counters);
        let deadline = Instant::now() + self.limits.handshake_timeout;
        let (exchange, shaking) = (Arc::clone(self), Arc::clone(self));
        let handshake = thread::Builder::new()
            .name(format!("handshake #{}", outbox.id))
            .stack_size(STACK);
        let connection = thread::Builder::new()
            .name(format!("connection #{}", outbox.id))
            .stack_size(STACK);
        let has_tls = outbox.transport.has_tls();
        let id = outbox.id;
        let run = {
            let outbox = Arc::clone(&outbox);
            move || {
                exchange.run(&outbox, peer, &mut place, deadline);
                drop((open, place));
            }
        };
        if !has_tls {
            return connection.spawn(run).map(drop);
        }
        let shake_hands = move || {
            if !shaking.secure(&outbox, peer, deadline) {
                primitive!("CLOSE", "#{id}");
            } else if let Err(error) = connection.spawn(run)
                && shaking.quota.allows(peer.ip())
            {
                warn!(target: NET, "#{id} no thread for {peer}: {error}");
            }
        };
        handshake.spawn(shake_hands).map(drop)
    }

    /// The TLS handshake; `false` if it failed, and then the peer has been told.
    fn secure(&self, outbox: &Outbox<Socket>, peer: SocketAddr, deadline: Instant) -> bool {
        let outcome = outbox.transport.shake_hands(deadline);
        if let Err(error) = &outcome {
            if self.quota.allows(peer.ip()) {
                info!(target: NET, "#{} no TLS with {peer}: {error}", outbox.id);
            }
            linger(&outbox.transport, LINGER);
        }
        outcome.is_ok()
    }
}

/// A connection that is counted as open.
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
