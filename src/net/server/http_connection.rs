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
use crate::net::connection::send_queue::Outbox;
use crate::net::connection::websocket::{Sender, WebSocket};
use crate::net::counters::{self, Counters};
use crate::net::error::Error;
use crate::net::limits::Limits;
use crate::net::server::acceptor::RETRY_AFTER;
use crate::net::server::http_body;
use crate::net::server::log_rate_limiter::LogQuota;
use crate::net::server::registry::Place;
use crate::net::server::service::Prepare;
use crate::net::server::service::{Answer, Call, Service, Upgrade};
use crate::net::socket::io::{is_timeout, read_more, write_all};
use crate::net::socket::socket_log::primitive;
use crate::net::socket::transport::{Socket, Transport};
use crate::protocol::close::{CloseCode, CloseReason};
use crate::protocol::limits::MessageLimits;

/// What all connections of a server share.
pub(crate) struct Exchange {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) limits: Limits,
    pub(crate) deflate: Option<DeflateOptions>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) quota: LogQuota,
    /// No further WebSocket is opened, and no connection kept for another request.
    pub(crate) stopping: AtomicBool,
}

/// What a request gets.
enum Decision {
    Upgrade(Box<Accepted>),
    Plain(Box<Plain>),
}

/// An answer in plain HTTP.
enum Plain {
    Respond(Response),
    /// So many bytes, read while they are sent.
    Stream(Response, u64, Box<dyn Read + Send>),
    /// The connection ends with it.
    Refuse(Response),
}

/// A request as it came.
struct Asked {
    request: Request,
    /// Empty at first, as most of them are.
    body: Vec<u8>,
    /// Who asks, perhaps through a proxy.
    peer: SocketAddr,
}

/// An upgrade that the service takes.
struct Accepted {
    upgrade: Upgrade,
    offer: Offer,
}

/// What both sides have agreed on.
struct Agreed {
    /// The 101.
    head: Vec<u8>,
    subprotocol: Option<String>,
    deflate: Option<Deflate>,
    limits: Option<MessageLimits>,
    any_text: bool,
    observe_frames: bool,
}

impl Exchange {
    /// One connection from ACCEPT, or from the end of the TLS handshake, to CLOSE. The first request is here by `deadline`.
    ///
    /// The deepest that its stack has ever been stays in memory while it is idle. So each step is a call from here, not from
    /// the step before, is never inlined, and hands on in a box what is large.
    pub(crate) fn run(
        &self,
        outbox: &Arc<Outbox<Socket>>,
        peer: SocketAddr,
        place: &mut Place,
        mut deadline: Instant,
    ) {
        let mut input = ReadBuffer::for_head();
        let ended = loop {
            let mut asked = match self.receive(outbox, peer, &mut input, deadline) {
                Ok(Some(asked)) => asked,
                Ok(None) => break Ok(()),
                Err(refusal) => break self.refuse(outbox, peer, &refusal),
            };
            if let Err(refusal) = self.complete(outbox, &mut asked, place, &mut input, deadline) {
                break self.refuse(outbox, peer, &refusal);
            }
            match self.ask(&asked) {
                Decision::Upgrade(accepted) => {
                    break self.converse(outbox, place, asked, accepted, input);
                }
                Decision::Plain(plain) => match self.answer(outbox, &asked, plain) {
                    Ok(true) => deadline = Instant::now() + self.limits.handshake_timeout,
                    last => break last.map(drop),
                },
            }
        };
        if let Err(error) = ended {
            debug!(target: NET, "#{} {error}", outbox.id);
        }
        if !outbox.is_over() {
            if outbox.transport.has_tls() {
                let _ = outbox.transport.shutdown(Shutdown::Both); // says goodbye; the peer may have gone
            }
            primitive!("CLOSE", "#{}", outbox.id);
        }
    }

    /// The head of a request, or `None` if the peer left without one. `input` holds what was received and not used.
    #[inline(never)]
    fn receive(
        &self,
        outbox: &Outbox<Socket>,
        peer: SocketAddr,
        input: &mut ReadBuffer,
        deadline: Instant,
    ) -> Result<Option<Box<Asked>>, Box<Response>> {
        let head = read_head(outbox, input, &self.limits, deadline).map_err(refusal)?;
        Ok(head.map(|request| {
            Box::new(Asked {
                request,
                body: Vec::new(),
                peer,
            })
        }))
    }

    /// What comes behind the head, and who asks.
    #[inline(never)]
    fn complete(
        &self,
        outbox: &Outbox<Socket>,
        asked: &mut Asked,
        place: &mut Place,
        input: &mut ReadBuffer,
        deadline: Instant,
    ) -> Result<(), Box<Response>> {
        asked.peer = self
            .speaks_for(outbox.id, asked.peer, &asked.request)
            .map_err(refusal)?;
        place
            .move_to(asked.peer.ip())
            .map_err(|_| Box::new(Response::too_many_requests(RETRY_AFTER)))?;
        let most = self.limits.max_body;
        asked.body =
            http_body::receive(outbox, input, &asked.request, most, deadline).map_err(refusal)?;
        Ok(())
    }

    /// What the service says to a request.
    #[inline(never)]
    fn ask(&self, asked: &Asked) -> Decision {
        let request = &asked.request;
        let call = Call {
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
                Answer::Respond(Response::refusal(500, OUR_FAULT))
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
        outbox: &Arc<Outbox<Socket>>,
        asked: &Asked,
        plain: Box<Plain>,
    ) -> io::Result<bool> {
        match *plain {
            Plain::Respond(response) => self.respond(outbox, asked, response, None),
            Plain::Stream(response, length, body) => {
                self.respond(outbox, asked, response, Some((length, body)))
            }
            Plain::Refuse(response) => self.refuse(outbox, asked.peer, &response).map(|()| false),
        }
    }

    /// From what the service prepares to the end of the session: what the service does lies in no frame but its own.
    fn converse(
        &self,
        outbox: &Arc<Outbox<Socket>>,
        place: &Place,
        asked: Box<Asked>,
        accepted: Box<Accepted>,
        input: ReadBuffer,
    ) -> io::Result<()> {
        let (prepare, agreed) = match self.agree(outbox, accepted) {
            Ok(agreed) => agreed,
            Err(refusal) => return self.refuse(outbox, asked.peer, &refusal),
        };
        outbox.hold();
        // From here on a server that stops says 1001, which is held and leaves behind the 101.
        place.opened();
        let sender = Sender {
            outbox: Arc::clone(outbox),
        };
        let Ok(session) = catch_unwind(AssertUnwindSafe(|| prepare(sender))) else {
            counters::add(&self.counters.panics, 1);
            return self.refuse(outbox, asked.peer, &Response::refusal(500, OUR_FAULT));
        };
        let ws = self.open(outbox, agreed, input)?;
        if self.may_log(place.ip()) {
            info!(target: NET, "#{} 101 {}", outbox.id, Shown(&asked.request));
        }
        drop(asked);
        let outcome = catch_unwind(AssertUnwindSafe(|| session(ws)));
        self.part(outbox, place.ip(), outcome);
        Ok(())
    }

    /// The peer's address, or that of the client for whom a trusted proxy asks.
    fn speaks_for(
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
    fn agree(
        &self,
        outbox: &Arc<Outbox<Socket>>,
        accepted: Box<Accepted>,
    ) -> Result<(Prepare, Agreed), Box<Response>> {
        let Accepted { mut upgrade, offer } = *accepted;
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
            outbox.compress_with(deflate);
        }
        let agreed = Agreed {
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
        outbox: &Arc<Outbox<Socket>>,
        agreed: Agreed,
        mut input: ReadBuffer,
    ) -> io::Result<WebSocket> {
        trace!(target: HANDSHAKE, "> {}", redact_head(&agreed.head));
        write_all(&outbox.transport, outbox.id, &agreed.head)?;
        input.go_on_in(agreed.head);
        outbox.open()?;
        counters::add(&self.counters.upgraded, 1);
        self.counters.status(101);

        let mut reader = Reader::new(Arc::clone(outbox), &self.limits, input);
        reader.managed = true;
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
        outbox: &Arc<Outbox<Socket>>,
        asked: &Asked,
        mut response: Response,
        stream: Option<(u64, Box<dyn Read + Send>)>,
    ) -> io::Result<bool> {
        let request = &asked.request;
        let socket = &outbox.transport;
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
            info!(target: NET, "#{} {} {}", outbox.id, response.status, Shown(request));
        }
        write_all(socket, outbox.id, &head)?;
        if let Some((length, mut body)) = stream
            && request.method != "HEAD"
        {
            http_body::send(&mut *body, length, outbox, &self.limits)?;
        }
        if closes {
            linger(socket, LINGER);
        }
        Ok(!closes)
    }

    /// Answers what is not even a request, in a way the peer gets to read.
    fn refuse(
        &self,
        outbox: &Arc<Outbox<Socket>>,
        peer: SocketAddr,
        response: &Response,
    ) -> io::Result<()> {
        let socket = &outbox.transport;
        socket.set_write_timeout(Some(WRITE))?;
        self.counters.status(response.status);
        if self.may_log(peer.ip()) {
            info!(target: NET, "#{} {} refused {peer}", outbox.id, response.status);
        }
        let mut bytes = Vec::new();
        response.encode(&mut bytes).map_err(io::Error::other)?;
        write_all(socket, outbox.id, &bytes)?;
        linger(socket, LINGER);
        Ok(())
    }

    /// Closes after a session, whatever its end was, with the code that says it.
    #[inline(never)]
    fn part(
        &self,
        outbox: &Arc<Outbox<Socket>>,
        peer: IpAddr,
        outcome: thread::Result<Result<(), Error>>,
    ) {
        let code = match &outcome {
            Ok(Ok(())) => CloseCode::NormalClosure,
            Ok(Err(_)) => CloseCode::InternalError,
            Err(_) => {
                counters::add(&self.counters.panics, 1);
                if self.may_log(peer) {
                    warn!(target: NET, "#{} its session panicked", outbox.id);
                }
                CloseCode::InternalError
            }
        };
        if outbox.ended().is_ok() {
            let _ = outbox.close(Some(&CloseReason::new(code, ""))); // nothing, if the session closed by itself
            outbox.wind_down();
        }
        outbox.count_abnormal();
        if let Ok(Err(error)) = outcome
            && self.may_log(peer)
        {
            info!(target: NET, "#{} closed: {error}", outbox.id);
        }
    }

    /// Whether a line about this peer is written: it can be seen, and the peer has not caused too many.
    fn may_log(&self, peer: IpAddr) -> bool {
        log_enabled!(Level::Info) && self.quota.allows(peer)
    }
}

/// What becomes of an answer, by what was asked for.
#[inline(never)]
fn decide(
    answer: Answer,
    offer: Option<Result<Offer, HandshakeError>>,
    stopping: bool,
) -> Decision {
    Decision::Plain(Box::new(match (answer, offer) {
        (Answer::Respond(response), _) => Plain::Respond(response),
        (Answer::Stream(response, length, body), _) => Plain::Stream(response, length, body),
        (Answer::Upgrade(_), Some(Ok(_))) if stopping => {
            Plain::Refuse(Response::service_unavailable(RETRY_AFTER))
        }
        (Answer::Upgrade(upgrade), Some(Ok(offer))) => {
            return Decision::Upgrade(Box::new(Accepted { upgrade, offer }));
        }
        (Answer::Upgrade(_), Some(Err(error))) => Plain::Refuse(error.response()),
        (Answer::Upgrade(_), None) => Plain::Refuse(HandshakeError::UpgradeRequired.response()),
    }))
}

fn refusal(error: HttpError) -> Box<Response> {
    Box::new(error.response())
}

/// A whole request head, `None` if the peer left without one.
fn read_head(
    outbox: &Outbox<Socket>,
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
        match read_more(&outbox.transport, outbox.id, input, deadline) {
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
