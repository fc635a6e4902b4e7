//! What a connection's thread does: requests and responses, until one of them asks to speak WebSocket.

use std::fmt;
use std::io::{self, Read};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use log::{Level, debug, info, log_enabled, trace, warn};

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
use crate::net::connection::closing::linger;
use crate::net::connection::deflate::{Deflate, DeflateOptions};
use crate::net::connection::read_buffer::ReadBuffer;
use crate::net::connection::reader::Reader;
use crate::net::connection::send_queue::SendQueue;
use crate::net::connection::websocket::{Sender, WebSocket};
use crate::net::counters::{self, Counters};
use crate::net::error::Error;
use crate::net::limits::Limits;
use crate::net::server::acceptor::RETRY_AFTER;
use crate::net::server::http_body;
use crate::net::server::log_rate_limiter::LogRateLimiter;
use crate::net::server::registry::Permit;
use crate::net::server::service::Prepare;
use crate::net::server::service::{Reply, RequestContext, Service, Upgrade};
use crate::net::socket::io::{is_timeout, read_more, write_all};
use crate::net::socket::socket_log::primitive;
use crate::net::socket::transport::{Socket, Transport};
use crate::protocol::close::{CloseCode, CloseReason};
use crate::protocol::limits::MessageLimits;

/// What all connections of a server share.
pub(crate) struct ServerContext {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) limits: Limits,
    pub(crate) deflate: Option<DeflateOptions>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) log_limiter: LogRateLimiter,
    /// No further WebSocket is opened, and no connection kept for another request.
    pub(crate) stopping: AtomicBool,
}

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

/// A request as it came.
struct IncomingRequest {
    request: Request,
    /// Empty at first, as most of them are.
    body: Vec<u8>,
    /// Who asks, perhaps through a proxy.
    peer: SocketAddr,
}

/// An upgrade that the service takes.
struct AcceptedUpgrade {
    upgrade: Upgrade,
    offer: Offer,
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
                Err(rejection) => break self.refuse(queue, peer, &rejection),
            };
            if let Err(rejection) = self.read_body(queue, &mut asked, permit, &mut input, deadline)
            {
                break self.refuse(queue, peer, &rejection);
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
                .then(|| handshake::server::check(request)),
        };
        let answer =
            catch_unwind(AssertUnwindSafe(|| self.service.call(&call))).unwrap_or_else(|_| {
                counters::add(&self.counters.panics, 1);
                Reply::Respond(Response::rejection(500, OUR_FAULT))
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
            HttpReply::Refuse(response) => {
                self.refuse(queue, asked.peer, &response).map(|()| false)
            }
        }
    }

    /// From what the service prepares to the end of the session: what the service does lies in no frame but its own.
    fn run_websocket(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        permit: &Permit,
        asked: Box<IncomingRequest>,
        accepted: Box<AcceptedUpgrade>,
        input: ReadBuffer,
    ) -> io::Result<()> {
        let (prepare, agreed) = match self.negotiate(queue, accepted) {
            Ok(agreed) => agreed,
            Err(rejection) => return self.refuse(queue, asked.peer, &rejection),
        };
        queue.cork();
        // From here on a server that stops says 1001, which is held and leaves behind the 101.
        permit.mark_open();
        let sender = Sender {
            queue: Arc::clone(queue),
        };
        let Ok(session) = catch_unwind(AssertUnwindSafe(|| prepare(sender))) else {
            counters::add(&self.counters.panics, 1);
            return self.refuse(queue, asked.peer, &Response::rejection(500, OUR_FAULT));
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
        let head = handshake::server::response(
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

    /// How this session compresses, if it may.
    fn compression<'a>(&'a self, upgrade: &'a Upgrade) -> Option<&'a DeflateOptions> {
        if upgrade.without_deflate {
            return None;
        }
        upgrade.deflate.as_ref().or(self.deflate.as_ref())
    }

    /// Writes a response, with the body it carries or the one that is read from elsewhere; `true` if another request may
    /// follow.
    fn respond(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        asked: &IncomingRequest,
        mut response: Response,
        stream: Option<(u64, Box<dyn Read + Send>)>,
    ) -> io::Result<bool> {
        let request = &asked.request;
        let socket = &queue.transport;
        socket.set_write_timeout(Some(WRITE))?;
        let closes = !request.wants_keep_alive()
            || says_close(&response)
            || self.stopping.load(Ordering::SeqCst);
        if closes && response.get("Connection").is_none() {
            response = response.header("Connection", "close");
        }
        let mut head = Vec::new();
        response
            .encode_for(request, &mut head)
            .map_err(io::Error::other)?;
        self.counters.status(response.status);
        if self.may_log(asked.peer.ip()) {
            info!(target: NET, "#{} {} {}", queue.id, response.status, Shown(request));
        }
        write_all(socket, queue.id, &head)?;
        if let Some((length, mut body)) = stream
            && request.method != "HEAD"
        {
            http_body::send(&mut *body, length, queue, &self.limits)?;
        }
        if closes {
            linger(socket, LINGER);
        }
        Ok(!closes)
    }

    /// Answers what is not even a request, in a way the peer gets to read.
    fn refuse(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        peer: SocketAddr,
        response: &Response,
    ) -> io::Result<()> {
        let socket = &queue.transport;
        socket.set_write_timeout(Some(WRITE))?;
        self.counters.status(response.status);
        if self.may_log(peer.ip()) {
            info!(target: NET, "#{} {} refused {peer}", queue.id, response.status);
        }
        let mut bytes = Vec::new();
        response.encode(&mut bytes).map_err(io::Error::other)?;
        write_all(socket, queue.id, &bytes)?;
        linger(socket, LINGER);
        Ok(())
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

    /// Whether a line about this peer is written: it can be seen, and the peer has not caused too many.
    fn may_log(&self, peer: IpAddr) -> bool {
        log_enabled!(Level::Info) && self.log_limiter.allows(peer)
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

/// RFC 9112, 9.6: `Connection` is a list, and `close` may stand in it beside `Upgrade`.
fn says_close(response: &Response) -> bool {
    response.get("Connection").is_some_and(|options| {
        options
            .split(',')
            .any(|option| option.trim().eq_ignore_ascii_case("close"))
    })
}

/// A request in the log: method and path, which may be long. A query may hold what is nobody else's business.
struct Shown<'a>(&'a Request);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = self.0.query().map_or("", |_| "?…");
        let path = self.0.path();
        let cut = path.chars().nth(PATH_IN_LOG).map_or("", |_| "…");
        write!(f, "{} ", self.0.method)?;
        for character in path.chars().take(PATH_IN_LOG) {
            write!(f, "{}", character.escape_default())?;
        }
        write!(f, "{cut}{query}")
    }
}

/// Characters of a path in the log.
const PATH_IN_LOG: usize = 256;
/// A response that the peer does not take for this long is given up.
const WRITE: Duration = Duration::from_secs(30);
const OUR_FAULT: &str = "Something went wrong in here.\n";
/// How long a peer gets to read an answer to its end and close.
pub(crate) const LINGER: Duration = Duration::from_secs(1);
