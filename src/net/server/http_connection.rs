//! What a connection's thread does: requests and responses, until one of them asks to speak WebSocket.

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

/// What a request gets.
enum Disposition {
    Upgrade(Box<AcceptedUpgrade>),
    HttpReply(Box<HttpReply>),
}

/// An answer in plain HTTP.
enum HttpReply {
    Respond(Response),
    /// So many bytes, read while they are sent.
    Stream(Response, u64, Box<dyn Read + Send>),
    /// The connection ends with it.
    Refuse(Response),
}

impl ServerContext {
    /// One connection from ACCEPT, or from the end of the TLS handshake, to CLOSE. The first request is here by `deadline`.
    ///
    /// The deepest that its stack has ever been stays in memory while it is idle. So each step is a call from here, not from
    /// the step before, is never inlined, and hands on in a box what is large.
    pub(crate) fn run(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        peer: SocketAddr,
        permit: &mut Permit,
        mut deadline: Instant,
    ) {
        let mut input = ReadBuffer::with_head_capacity();
        let ended = loop {
            let mut asked = match self.read_request(queue, peer, &mut input, deadline) {
                Ok(Some(asked)) => asked,
                Ok(None) => break Ok(()),
                Err(rejection) => break self.reject_request(queue, peer, &rejection),
            };
            if let Err(rejection) = self.read_body(queue, &mut asked, permit, &mut input, deadline)
            {
                break self.reject_request(queue, peer, &rejection);
            }
            match self.call_service(&asked) {
                Disposition::Upgrade(accepted) => {
                    break self.run_websocket(queue, permit, asked, accepted, input);
                }
                Disposition::HttpReply(plain) => match self.answer(queue, &asked, plain) {
                    Ok(true) => deadline = Instant::now() + self.limits.handshake_timeout,
                    last => break last.map(drop),
                },
            }
        };
        if let Err(error) = ended {
            debug!(target: NET, "#{} {error}", queue.id);
        }
        if !queue.is_closed() {
            if queue.transport.has_tls() {
                let _ = queue.transport.shutdown(Shutdown::Both); // says goodbye; the peer may have gone
            }
            primitive!("CLOSE", "#{}", queue.id);
        }
    }

    /// The head of a request, or `None` if the peer left without one. `input` holds what was received and not used.
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

    /// What comes behind the head, and who asks.
    #[inline(never)]
    fn read_body(
        &self,
        queue: &SendQueue<Socket>,
        asked: &mut IncomingRequest,
        permit: &mut Permit,
        input: &mut ReadBuffer,
        deadline: Instant,
    ) -> Result<(), Box<Response>> {
        asked.peer = self
            .resolve_client_ip(queue.id, asked.peer, &asked.request)
            .map_err(rejection)?;
        permit
            .reassign_ip(asked.peer.ip())
            .map_err(|_| Box::new(Response::too_many_requests(RETRY_AFTER)))?;
        let most = self.limits.max_body;
        asked.body =
            http_body::receive(queue, input, &asked.request, most, deadline).map_err(rejection)?;
        Ok(())
    }

    /// What the service says to a request.
    #[inline(never)]
    fn call_service(&self, asked: &IncomingRequest) -> Disposition {
        let request = &asked.request;
        let call = RequestContext {
            request,
            body: &asked.body,
            stopping: self.stopping.load(Ordering::SeqCst),
            peer: asked.peer,
            counters: &self.counters,
            offer: request
                .is_upgrade()
                .then(|| handshake::server::check_request(request)),
        };
        let answer =
            catch_unwind(AssertUnwindSafe(|| self.service.call(&call))).unwrap_or_else(|_| {
                counters::add(&self.counters.panics, 1);
                Reply::Respond(Response::rejection(500, INTERNAL_ERROR))
            });
        decide(answer, call.offer, call.stopping)
    }

    /// Answers in plain HTTP; `true` if another request may follow.
    #[inline(never)]
    #[expect(
        clippy::boxed_local,
        reason = "it would lie in the frame of the caller"
    )]
    fn answer(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        asked: &IncomingRequest,
        plain: Box<HttpReply>,
    ) -> io::Result<bool> {
        match *plain {
            HttpReply::Respond(response) => self.respond(queue, asked, response, None),
            HttpReply::Stream(response, length, body) => {
                self.respond(queue, asked, response, Some((length, body)))
            }
            HttpReply::Refuse(response) => self
                .reject_request(queue, asked.peer, &response)
                .map(|()| false),
        }
    }

    /// The peer's address, or that of the client for whom a trusted proxy asks.
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
        debug!(target: NET, "#{id} asks for {ip}");
        Ok(SocketAddr::new(ip, 0))
    }
}

/// What becomes of an answer, by what was asked for.
#[inline(never)]
fn decide(
    answer: Reply,
    offer: Option<Result<Offer, HandshakeError>>,
    stopping: bool,
) -> Disposition {
    Disposition::HttpReply(Box::new(match (answer, offer) {
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

/// A whole request head, `None` if the peer left without one.
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
