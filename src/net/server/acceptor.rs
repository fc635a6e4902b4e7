//! Accept loop of one listening socket: starts a thread for each connection. It retries after every error, with a
//! growing delay.

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

/// Listening socket with all that its accept loop needs.
pub(crate) struct Acceptor {
    pub(crate) listener: Listener,
    pub(crate) context: Arc<ServerContext>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) control: Arc<ShutdownSignal>,
    pub(crate) identity: Option<TlsIdentity>,
}

impl Acceptor {
    /// Accepts connections until the server shuts down.
    pub(crate) fn run(&self) {
        let mut delay = DELAY_MIN;
        loop {
            let accepted = self.listener.accept();
            if self.control.is_stopping() {
                return self.listener.log_close();
            }
            match accepted {
                Ok((descriptor, peer)) => {
                    delay = DELAY_MIN;
                    self.handle_accepted(descriptor, peer);
                }
                // Usually the process is out of descriptors, or the peer disconnected before ACCEPT. Both are temporary.
                Err(error) => {
                    warn!(target: NET, "ACCEPT: {error}; retrying in {} ms", delay.as_millis());
                    thread::sleep(delay);
                    delay = (delay * 2).min(DELAY_MAX);
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
            return; // the peer has disconnected
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
        let rejected = Arc::clone(&queue);
        if let Err(error) = self.context.start(queue, peer, permit) {
            if self.context.log_limiter.allows(peer.ip()) {
                warn!(target: NET, "#{id} cannot start a thread for {peer}: {error}");
            }
            reject_inline(&rejected.transport, id);
        }
    }
}

/// Answers 503 on the accepting thread, without waiting, when no thread can be started.
fn reject_inline(socket: &Socket, id: u64) {
    let mut bytes = Vec::new();
    // With TLS, no response is possible without a handshake.
    if !socket.has_tls()
        && Response::service_unavailable(RETRY_AFTER)
            .encode(&mut bytes)
            .is_ok()
    {
        let _ = write_all(socket, id, &bytes); // fits into the empty send buffer; fails if the peer has disconnected
    }
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

const DELAY_MIN: Duration = Duration::from_millis(5);
const DELAY_MAX: Duration = Duration::from_secs(1);
