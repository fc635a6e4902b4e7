//! WebSocket part of a connection: negotiation, the 101 response, the session, and the closing handshake.

use std::io;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use log::{info, trace, warn};

use crate::handshake;
use crate::handshake::server::Offer;
use crate::http::redact::redact_head;
use crate::http::response::Response;
use crate::log_targets::{HANDSHAKE, NET};
use crate::net::connection::deflate::{Deflate, DeflateOptions};
use crate::net::connection::read_buffer::ReadBuffer;
use crate::net::connection::reader::Reader;
use crate::net::connection::send_queue::SendQueue;
use crate::net::connection::websocket::{Sender, WebSocket};
use crate::net::counters;
use crate::net::error::Error;
use crate::net::server::defaults::INTERNAL_ERROR;
use crate::net::server::registry::Permit;
use crate::net::server::responder::{IncomingRequest, ServerContext, Shown};
use crate::net::server::service::{Prepare, Upgrade};
use crate::net::socket::io::write_all;
use crate::net::socket::transport::Socket;
use crate::protocol::close::{CloseCode, CloseReason};
use crate::protocol::limits::MessageLimits;

/// Upgrade that the service accepts, with the client's offer.
pub(crate) struct AcceptedUpgrade {
    pub(crate) upgrade: Upgrade,
    pub(crate) offer: Offer,
}

/// Result of the negotiation.
struct Negotiated {
    /// Head of the 101 response.
    head: Vec<u8>,
    subprotocol: Option<String>,
    deflate: Option<Deflate>,
    limits: Option<MessageLimits>,
    any_text: bool,
    observe_frames: bool,
}

impl ServerContext {
    /// Runs an upgrade, from the service's setup to the end of the session. The steps are separate functions, to keep
    /// their stack frames out of the session's.
    pub(crate) fn run_websocket(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        permit: &Permit,
        incoming: Box<IncomingRequest>,
        accepted: Box<AcceptedUpgrade>,
        input: ReadBuffer,
    ) -> io::Result<()> {
        let (prepare, negotiated) = match self.negotiate(queue, accepted) {
            Ok(negotiated) => negotiated,
            Err(rejection) => return self.reject_request(queue, incoming.peer, &rejection),
        };
        queue.cork();
        // From now on a shutdown queues a Close with 1001, which follows the 101.
        permit.mark_open();
        let sender = Sender {
            queue: Arc::clone(queue),
        };
        let Ok(session) = catch_unwind(AssertUnwindSafe(|| prepare(sender))) else {
            counters::add(&self.counters.panics, 1);
            return self.reject_request(
                queue,
                incoming.peer,
                &Response::rejection(500, INTERNAL_ERROR),
            );
        };
        let ws = self.open(queue, negotiated, input)?;
        if self.may_log(permit.ip()) {
            info!(target: NET, "#{} 101 {}", queue.id, Shown(&incoming.request));
        }
        drop(incoming);
        let outcome = catch_unwind(AssertUnwindSafe(|| session(ws)));
        self.finish_session(queue, permit.ip(), outcome);
        Ok(())
    }

    /// Negotiates subprotocol and extensions (RFC 6455, 4.2.2). The error is the response to send instead.
    #[inline(never)]
    #[allow(
        clippy::boxed_local,
        reason = "a plain value would enlarge the caller's stack frame"
    )]
    fn negotiate(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        accepted: Box<AcceptedUpgrade>,
    ) -> Result<(Prepare, Negotiated), Box<Response>> {
        let AcceptedUpgrade { mut upgrade, offer } = *accepted;
        // Step 5.5: ignore a subprotocol that the client did not offer.
        let subprotocol = upgrade
            .subprotocol
            .take()
            .filter(|name| offer.subprotocols.contains(name));
        let (deflate, extensions) = self
            .compression(&upgrade)
            .and_then(|options| options.accept(&offer.extensions))
            .unzip();
        let head = handshake::server::upgrade_response(
            &offer,
            subprotocol.as_deref(),
            extensions.as_deref(),
            &upgrade.headers,
        )
        .map_err(|error| Box::new(error.response()))?;
        if let Some(deflate) = &deflate {
            queue.compress_with(deflate);
        }
        let negotiated = Negotiated {
            head,
            subprotocol,
            deflate,
            limits: upgrade.limits,
            any_text: upgrade.any_text,
            observe_frames: upgrade.observe_frames,
        };
        Ok((upgrade.prepare, negotiated))
    }

    /// Sends the 101, then the messages queued meanwhile.
    #[inline(never)]
    fn open(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        negotiated: Negotiated,
        mut input: ReadBuffer,
    ) -> io::Result<WebSocket> {
        trace!(target: HANDSHAKE, "> {}", redact_head(&negotiated.head));
        write_all(&queue.transport, queue.id, &negotiated.head)?;
        input.adopt(negotiated.head);
        queue.uncork()?;
        counters::add(&self.counters.upgraded, 1);
        self.counters.status(101);

        let mut reader = Reader::new(Arc::clone(queue), &self.limits, input);
        reader.closed_by_server = true;
        if let Some(limits) = negotiated.limits {
            reader.set_message_limits(limits);
        }
        if negotiated.any_text {
            reader.accept_any_text();
        }
        if negotiated.observe_frames {
            reader.observe_frames();
        }
        Ok(WebSocket::new(
            reader,
            negotiated.subprotocol,
            negotiated.deflate,
        ))
    }

    /// Closes the connection after its session, with the close code for the session's outcome.
    #[inline(never)]
    fn finish_session(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        peer: IpAddr,
        outcome: thread::Result<Result<(), Error>>,
    ) {
        let code = match &outcome {
            Ok(Ok(())) => CloseCode::NormalClosure,
            Ok(Err(_)) => CloseCode::InternalError,
            Err(_) => {
                counters::add(&self.counters.panics, 1);
                if self.may_log(peer) {
                    warn!(target: NET, "#{} session panicked", queue.id);
                }
                CloseCode::InternalError
            }
        };
        if queue.failure().is_ok() {
            let _ = queue.close(Some(&CloseReason::new(code, ""))); // fails if the session has closed the connection already
            queue.shutdown_send();
        }
        queue.count_abnormal();
        if let Ok(Err(error)) = outcome
            && self.may_log(peer)
        {
            info!(target: NET, "#{} closed: {error}", queue.id);
        }
    }

    /// Returns the compression options of this session, or `None` if compression is disabled.
    fn compression<'a>(&'a self, upgrade: &'a Upgrade) -> Option<&'a DeflateOptions> {
        if upgrade.without_deflate {
            return None;
        }
        upgrade.deflate.as_ref().or(self.deflate.as_ref())
    }
}
