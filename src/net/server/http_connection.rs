//! Main loop of a connection's thread: HTTP requests and responses, until an upgrade to WebSocket.

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use log::{debug, trace};

use crate::handshake;
use crate::handshake::error::HandshakeError;
use crate::handshake::server::Offer;
use crate::http::error::HttpError;
use crate::http::forwarded::client_address;
use crate::http::redact::redact_head;
use crate::http::request::Request;
use crate::http::request_parser::RequestParser;
use crate::http::response::Response;
use crate::log_targets::{HANDSHAKE, NET};
use crate::net::connection::read_buffer::ReadBuffer;
use crate::net::connection::send_queue::SendQueue;
use crate::net::counters::{self};
use crate::net::limits::Limits;
use crate::net::server::defaults::{INTERNAL_ERROR, RETRY_AFTER};
use crate::net::server::http_body;
use crate::net::server::registry::Permit;
use crate::net::server::responder::{IncomingRequest, ServerContext};
use crate::net::server::service::{Reply, RequestContext};
use crate::net::server::upgrade::AcceptedUpgrade;
use crate::net::socket::io::{is_timeout, read_more};
use crate::net::socket::socket_log::primitive;
use crate::net::socket::transport::{Socket, Transport};

/// Result of a request: an upgrade or a plain HTTP reply.
enum Disposition {
    Upgrade(Box<AcceptedUpgrade>),
    HttpReply(Box<HttpReply>),
}

/// Plain HTTP reply.
enum HttpReply {
    Respond(Response),
    /// A body of this many bytes, read while it is sent.
    Stream(Response, u64, Box<dyn Read + Send>),
    /// A rejection, after which the connection is closed.
    Refuse(Response),
}

impl ServerContext {
    /// Runs a connection from ACCEPT, or from the end of the TLS handshake, to CLOSE. The first request must arrive by
    /// `deadline`.
    ///
    /// The thread's stack keeps its peak memory while the connection is idle. So this function calls each step directly,
    /// steps are never inlined, and large values are passed in boxes.
    pub(crate) fn run(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        peer: SocketAddr,
        permit: &mut Permit,
        mut deadline: Instant,
    ) {
        let mut input = ReadBuffer::with_head_capacity();
        let outcome = loop {
            let mut incoming = match self.read_request(queue, peer, &mut input, deadline) {
                Ok(Some(incoming)) => incoming,
                Ok(None) => break Ok(()),
                Err(rejection) => break self.reject_request(queue, peer, &rejection),
            };
            if let Err(rejection) =
                self.read_body(queue, &mut incoming, permit, &mut input, deadline)
            {
                break self.reject_request(queue, peer, &rejection);
            }
            match self.call_service(&incoming) {
                Disposition::Upgrade(accepted) => {
                    break self.run_websocket(queue, permit, incoming, accepted, input);
                }
                Disposition::HttpReply(plain) => match self.answer(queue, &incoming, plain) {
                    Ok(true) => deadline = Instant::now() + self.limits.handshake_timeout,
                    last => break last.map(drop),
                },
            }
        };
        if let Err(error) = outcome {
            debug!(target: NET, "#{} {error}", queue.id);
        }
        if !queue.is_closed() {
            if queue.transport.has_tls() {
                let _ = queue.transport.shutdown(Shutdown::Both); // sends close_notify; fails if the peer has disconnected
            }
            primitive!("CLOSE", "#{}", queue.id);
        }
    }

    /// Reads a request head. Returns `None` if the peer disconnects without one. `input` keeps unused bytes.
    #[inline(never)]
    fn read_request(
        &self,
        queue: &SendQueue<Socket>,
        peer: SocketAddr,
        input: &mut ReadBuffer,
        deadline: Instant,
    ) -> Result<Option<Box<IncomingRequest>>, Box<Response>> {
        let head = read_head(queue, input, &self.limits, deadline).map_err(rejection)?;
        Ok(head.map(|request| {
            Box::new(IncomingRequest {
                request,
                body: Vec::new(),
                peer,
            })
        }))
    }

    /// Determines the client's address and reads the request's body.
    #[inline(never)]
    fn read_body(
        &self,
        queue: &SendQueue<Socket>,
        incoming: &mut IncomingRequest,
        permit: &mut Permit,
        input: &mut ReadBuffer,
        deadline: Instant,
    ) -> Result<(), Box<Response>> {
        incoming.peer = self
            .resolve_client_ip(queue.id, incoming.peer, &incoming.request)
            .map_err(rejection)?;
        permit
            .reassign_ip(incoming.peer.ip())
            .map_err(|_| Box::new(Response::too_many_requests(RETRY_AFTER)))?;
        let max_body = self.limits.max_body;
        incoming.body = http_body::receive(queue, input, &incoming.request, max_body, deadline)
            .map_err(rejection)?;
        Ok(())
    }

    /// Calls the service. A panic in it becomes a 500 response.
    #[inline(never)]
    fn call_service(&self, incoming: &IncomingRequest) -> Disposition {
        let request = &incoming.request;
        let call = RequestContext {
            request,
            body: &incoming.body,
            stopping: self.stopping.load(Ordering::SeqCst),
            peer: incoming.peer,
            counters: &self.counters,
            offer: request
                .is_upgrade()
                .then(|| handshake::server::check_request(request)),
        };
        let reply =
            catch_unwind(AssertUnwindSafe(|| self.service.call(&call))).unwrap_or_else(|_| {
                counters::add(&self.counters.panics, 1);
                Reply::Respond(Response::rejection(500, INTERNAL_ERROR))
            });
        decide(reply, call.offer, call.stopping)
    }

    /// Sends a plain HTTP reply. Returns `true` if another request may follow.
    #[inline(never)]
    #[expect(
        clippy::boxed_local,
        reason = "a plain value would enlarge the caller's stack frame"
    )]
    fn answer(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        incoming: &IncomingRequest,
        plain: Box<HttpReply>,
    ) -> io::Result<bool> {
        match *plain {
            HttpReply::Respond(response) => self.respond(queue, incoming, response, None),
            HttpReply::Stream(response, length, body) => {
                self.respond(queue, incoming, response, Some((length, body)))
            }
            HttpReply::Refuse(response) => self
                .reject_request(queue, incoming.peer, &response)
                .map(|()| false),
        }
    }

    /// Returns the peer's address, or the client's address that a trusted proxy forwards.
    fn resolve_client_ip(
        &self,
        id: u64,
        peer: SocketAddr,
        request: &Request,
    ) -> Result<SocketAddr, HttpError> {
        let trusted = &self.limits.trusted_proxies;
        if trusted.is_empty() {
            return Ok(peer);
        }
        let ip = client_address(&request.headers, peer.ip(), trusted)?;
        if ip == peer.ip().to_canonical() {
            return Ok(peer);
        }
        debug!(target: NET, "#{id} forwarded for {ip}");
        Ok(SocketAddr::new(ip, 0))
    }
}

/// Decides what to send, from the service's reply and the client's offer.
#[inline(never)]
fn decide(
    reply: Reply,
    offer: Option<Result<Offer, HandshakeError>>,
    stopping: bool,
) -> Disposition {
    Disposition::HttpReply(Box::new(match (reply, offer) {
        (Reply::Respond(response), _) => HttpReply::Respond(response),
        (Reply::Stream(response, length, body), _) => HttpReply::Stream(response, length, body),
        (Reply::Upgrade(_), Some(Ok(_))) if stopping => {
            HttpReply::Refuse(Response::service_unavailable(RETRY_AFTER))
        }
        (Reply::Upgrade(upgrade), Some(Ok(offer))) => {
            return Disposition::Upgrade(Box::new(AcceptedUpgrade { upgrade, offer }));
        }
        (Reply::Upgrade(_), Some(Err(error))) => HttpReply::Refuse(error.response()),
        (Reply::Upgrade(_), None) => HttpReply::Refuse(HandshakeError::UpgradeRequired.response()),
    }))
}

fn rejection(error: HttpError) -> Box<Response> {
    Box::new(error.response())
}

/// Reads a complete request head. Returns `None` if the peer disconnects or times out without sending a byte.
fn read_head(
    queue: &SendQueue<Socket>,
    input: &mut ReadBuffer,
    limits: &Limits,
    deadline: Instant,
) -> Result<Option<Request>, HttpError> {
    let mut parser = RequestParser::new(limits.head);
    loop {
        if !input.is_empty()
            && let Some((request, used)) = parser.feed(input.bytes())?
        {
            trace!(target: HANDSHAKE, "< {}", redact_head(&input.bytes()[..used]));
            input.consume(used);
            return Ok(Some(request));
        }
        match read_more(&queue.transport, queue.id, input, deadline) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) if is_timeout(&error) && input.is_empty() => return Ok(None),
            Err(error) if is_timeout(&error) => return Err(HttpError::Timeout),
            Err(_) => return Ok(None),
        }
    }
}
