//! From an accepted upgrade to the end of its session: negotiation, the 101, the session, the Close.

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

/// An upgrade that the service takes.
pub(crate) struct AcceptedUpgrade {
    pub(crate) upgrade: Upgrade,
    pub(crate) offer: Offer,
}

/// What both sides have agreed on.
struct Negotiated {
    /// The 101.
    head: Vec<u8>,
    subprotocol: Option<String>,
    deflate: Option<Deflate>,
    limits: Option<MessageLimits>,
    any_text: bool,
    observe_frames: bool,
}

impl ServerContext {
    /// From what the service prepares to the end of the session: what the service does lies in no frame but its own.
    pub(crate) fn run_websocket(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        permit: &Permit,
        asked: Box<IncomingRequest>,
        accepted: Box<AcceptedUpgrade>,
        input: ReadBuffer,
    ) -> io::Result<()> {
        let (prepare, agreed) = match self.negotiate(queue, accepted) {
            Ok(agreed) => agreed,
            Err(rejection) => return self.reject_request(queue, asked.peer, &rejection),
        };
        queue.cork();
        // From here on a server that stops says 1001, which is held and leaves behind the 101.
        permit.mark_open();
        let sender = Sender {
            queue: Arc::clone(queue),
        };
        let Ok(session) = catch_unwind(AssertUnwindSafe(|| prepare(sender))) else {
            counters::add(&self.counters.panics, 1);
            return self.reject_request(
                queue,
                asked.peer,
                &Response::rejection(500, INTERNAL_ERROR),
            );
        };
        let ws = self.open(queue, agreed, input)?;
        if self.may_log(permit.ip()) {
            info!(target: NET, "#{} 101 {}", queue.id, Shown(&asked.request));
        }
        drop(asked);
        let outcome = catch_unwind(AssertUnwindSafe(|| session(ws)));
        self.finish_session(queue, permit.ip(), outcome);
        Ok(())
    }

    /// 4.2.2: what both sides agree on. The error is the response that is due instead.
    #[inline(never)]
    #[allow(
        clippy::boxed_local,
        reason = "it is large, and the caller's frame stays"
    )]
    fn negotiate(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        accepted: Box<AcceptedUpgrade>,
    ) -> Result<(Prepare, Negotiated), Box<Response>> {
        let AcceptedUpgrade { mut upgrade, offer } = *accepted;
        // Step 5.5: what the client did not offer is not agreed on, and the session must not think so.
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
        let agreed = Negotiated {
            head,
            subprotocol,
            deflate,
            limits: upgrade.limits,
            any_text: upgrade.any_text,
            observe_frames: upgrade.observe_frames,
        };
        Ok((upgrade.prepare, agreed))
    }

    /// Answers 101; what has been sent to the connection meanwhile leaves right behind.
    #[inline(never)]
    fn open(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        agreed: Negotiated,
        mut input: ReadBuffer,
    ) -> io::Result<WebSocket> {
        trace!(target: HANDSHAKE, "> {}", redact_head(&agreed.head));
        write_all(&queue.transport, queue.id, &agreed.head)?;
        input.adopt(agreed.head);
        queue.uncork()?;
        counters::add(&self.counters.upgraded, 1);
        self.counters.status(101);

        let mut reader = Reader::new(Arc::clone(queue), &self.limits, input);
        reader.closed_by_server = true;
        if let Some(limits) = agreed.limits {
            reader.set_message_limits(limits);
        }
        if agreed.any_text {
            reader.accept_any_text();
        }
        if agreed.observe_frames {
            reader.observe_frames();
        }
        Ok(WebSocket::new(reader, agreed.subprotocol, agreed.deflate))
    }

    /// Closes after a session, whatever its end was, with the code that says it.
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
                    warn!(target: NET, "#{} its session panicked", queue.id);
                }
                CloseCode::InternalError
            }
        };
        if queue.failure().is_ok() {
            let _ = queue.close(Some(&CloseReason::new(code, ""))); // nothing, if the session closed by itself
            queue.shutdown_send();
        }
        queue.count_abnormal();
        if let Ok(Err(error)) = outcome
            && self.may_log(peer)
        {
            info!(target: NET, "#{} closed: {error}", queue.id);
        }
    }

    /// How this session compresses, if it may.
    fn compression<'a>(&'a self, upgrade: &'a Upgrade) -> Option<&'a DeflateOptions> {
        if upgrade.without_deflate {
            return None;
        }
        upgrade.deflate.as_ref().or(self.deflate.as_ref())
    }
}
