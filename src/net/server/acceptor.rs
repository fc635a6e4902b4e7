//! ACCEPT: one listening socket, and a thread for each connection that comes from it. It never gives up on an error: it waits a
//! little and tries again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use log::warn;

use crate::http::response::Response;
use crate::log_targets::NET;
use crate::net::connection::send_queue::SendQueue;
use crate::net::counters;
use crate::net::server::defaults::RETRY_AFTER;
use crate::net::server::handle::ShutdownSignal;
use crate::net::server::overload::reject;
use crate::net::server::registry::{Registry, Rejection};
use crate::net::server::responder::ServerContext;
use crate::net::socket::io::write_all;
use crate::net::socket::listener::Listener;
use crate::net::socket::socket_log::primitive;
use crate::net::socket::socket_stream::Descriptor;
use crate::net::socket::transport::Socket;
use crate::net::tls::TlsIdentity;
use crate::protocol::state::Role;

/// One listening socket and its loop.
pub(crate) struct Acceptor {
    pub(crate) listener: Listener,
    pub(crate) context: Arc<ServerContext>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) control: Arc<ShutdownSignal>,
    pub(crate) identity: Option<TlsIdentity>,
}

impl Acceptor {
    /// Accepts until the server stops.
    pub(crate) fn run(&self) {
        let mut pause = PAUSE_MIN;
        loop {
            let accepted = self.listener.accept();
            if self.control.is_stopping() {
                return self.listener.log_close();
            }
            match accepted {
                Ok((descriptor, peer)) => {
                    pause = PAUSE_MIN;
                    self.handle_accepted(descriptor, peer);
                }
                // Out of descriptors, most often, or a peer that was gone before it was accepted: it passes.
                Err(error) => {
                    warn!(target: NET, "ACCEPT: {error}; trying again in {} ms", pause.as_millis());
                    thread::sleep(pause);
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    fn handle_accepted(&self, descriptor: Descriptor, peer: SocketAddr) {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        primitive!("ACCEPT", "#{id} {peer}");
        let counters = &self.context.counters;
        counters::add(&counters.accepted, 1);
        let Ok(socket) = Socket::accepted(descriptor, self.identity.as_ref()) else {
            return; // gone again
        };
        let mut permit = match self.registry.try_admit(peer.ip()) {
            Ok(permit) => permit,
            Err(Rejection::Server) => {
                let response = Response::service_unavailable(RETRY_AFTER);
                return reject(socket, id, &response, counters);
            }
            Err(Rejection::Address) => {
                let response = Response::too_many_requests(RETRY_AFTER);
                return reject(socket, id, &response, counters);
            }
        };
        let queue = SendQueue::new(
            id,
            socket,
            Role::Server,
            &self.context.limits,
            Arc::clone(counters),
        );
        permit.attach(&queue);
        let spare = Arc::clone(&queue);
        if let Err(error) = self.context.start(queue, peer, permit) {
            if self.context.log_limiter.allows(peer.ip()) {
                warn!(target: NET, "#{id} no thread for {peer}: {error}");
            }
            reject_inline(&spare.transport, id);
        }
    }
}

/// There is no thread to answer in, so this is all a peer gets to know.
fn reject_inline(socket: &Socket, id: u64) {
    let mut bytes = Vec::new();
    // With TLS there is nothing to be said without a handshake.
    if !socket.has_tls()
        && Response::service_unavailable(RETRY_AFTER)
            .encode(&mut bytes)
            .is_ok()
    {
        let _ = write_all(socket, id, &bytes); // fits into the empty send buffer
    }
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_secs(1);
