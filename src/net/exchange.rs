//! What a connection's thread does: requests and responses, until one of them asks to speak WebSocket.

use std::io::{self, ErrorKind, IoSlice, Read};
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use log::{debug, info, trace, warn};

use super::counters::{self, Counters};
use super::deflate::{Deflate, DeflateOptions};
use super::outbox::{Outbox, is_timeout, linger};
use super::registry::Place;
use super::stream::{read_more, write_all};
use super::{
    Answer, Call, Error, Limits, Reader, Sender, Service, Socket, Transport, Upgrade, WebSocket,
};
use crate::handshake::{self, HandshakeError};
use crate::http::{HttpError, Request, RequestParser, Response, Version};
use crate::protocol::{CloseCode, CloseReason};

/// What all connections of a server share.
pub(super) struct Exchange {
    pub(super) service: Arc<dyn Service>,
    pub(super) limits: Limits,
    pub(super) deflate: Option<DeflateOptions>,
    pub(super) counters: Arc<Counters>,
}

/// What turns a connection into a WebSocket.
struct Opening {
    /// The 101.
    head: Vec<u8>,
    /// What it agrees to.
    deflate: Option<Deflate>,
    /// What came right behind the request.
    first: Vec<u8>,
}

/// Whether the connection goes on after an answer.
#[derive(PartialEq, Eq)]
enum Next {
    Request,
    Close,
}

impl Exchange {
    /// One connection from ACCEPT to CLOSE.
    pub(super) fn run(&self, outbox: &Arc<Outbox<Socket>>, peer: SocketAddr, place: &Place) {
        counters::add(&self.counters.open, 1);
        let mut input = Vec::new();
        while let Ok(Next::Request) = self.one_request(outbox, peer, place, &mut input) {}
        self.counters.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// One request and its answer. `input` holds what was received and not used.
    fn one_request(
        &self,
        outbox: &Arc<Outbox<Socket>>,
        peer: SocketAddr,
        place: &Place,
        input: &mut Vec<u8>,
    ) -> io::Result<Next> {
        let socket = &outbox.transport;
        let deadline = Instant::now() + self.limits.handshake_timeout;
        let request = match read_head(socket, input, &self.limits, deadline) {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(Next::Close),
            Err(error) => return self.refuse(outbox, peer, &error.response()),
        };
        let body = match self.read_body(socket, input, &request, deadline) {
            Ok(body) => body,
            Err(error) => return self.refuse(outbox, peer, &error.response()),
        };
        let call = Call {
            request: &request,
            body: &body,
            peer,
            counters: &self.counters,
            offer: request
                .is_upgrade()
                .then(|| handshake::server::check(&request)),
        };
        let answer =
            catch_unwind(AssertUnwindSafe(|| self.service.call(&call))).unwrap_or_else(|_| {
                counters::add(&self.counters.panics, 1);
                Answer::Respond(Response::refusal(500, "Something went wrong in here.\n"))
            });
        match answer {
            Answer::Respond(response) => self.respond(outbox, &request, &response, None),
            Answer::Stream(response, length, body) => {
                self.respond(outbox, &request, &response, Some((length, body)))
            }
            Answer::Upgrade(upgrade) => match call.offer {
                Some(Ok(ref offer)) => {
                    let extras = &upgrade.headers;
                    let (deflate, extensions) = self
                        .compression(&upgrade)
                        .and_then(|options| options.accept(&offer.extensions))
                        .unzip();
                    let head = handshake::server::response(
                        offer,
                        upgrade.subprotocol.as_deref(),
                        extensions.as_deref(),
                        extras,
                    );
                    match head {
                        Ok(head) => {
                            let opening = Opening {
                                head,
                                deflate,
                                first: std::mem::take(input),
                            };
                            self.upgrade(outbox, peer, place, upgrade, opening)
                        }
                        Err(error) => self.refuse(outbox, peer, &error.response()),
                    }
                }
                Some(Err(ref error)) => self.refuse(outbox, peer, &error.response()),
                None => self.refuse(outbox, peer, &HandshakeError::UpgradeRequired.response()),
            },
        }
    }

    /// 4.2.2: answers 101 and runs the session.
    fn upgrade(
        &self,
        outbox: &Arc<Outbox<Socket>>,
        peer: SocketAddr,
        place: &Place,
        upgrade: Upgrade,
        opening: Opening,
    ) -> io::Result<Next> {
        let Opening {
            head,
            deflate,
            first,
        } = opening;
        outbox.hold();
        if let Some(deflate) = &deflate {
            outbox.compress_with(deflate);
        }
        let sender = Sender {
            outbox: Arc::clone(outbox),
        };
        let Ok(session) = catch_unwind(AssertUnwindSafe(|| (upgrade.prepare)(sender))) else {
            counters::add(&self.counters.panics, 1);
            let response = Response::refusal(500, "Something went wrong in here.\n");
            return self.refuse(outbox, peer, &response);
        };
        trace!(target: "enchufe::handshake", "> {}", String::from_utf8_lossy(&head));
        write_all(&outbox.transport, &head)?;
        outbox.open()?;
        place.opened();
        counters::add(&self.counters.upgraded, 1);
        self.counters.status(101);
        let ws = {
            let mut limits = self.limits.clone();
            if let Some(message) = upgrade.limits {
                limits.message = message;
            }
            let mut reader = Reader::new(Arc::clone(outbox), &limits, &first);
            reader.managed = true;
            if upgrade.any_text {
                reader.accept_any_text();
            }
            if upgrade.observe_frames {
                reader.observe_frames();
            }
            WebSocket::new(reader, upgrade.subprotocol, deflate)
        };
        drop(first);
        run_session(outbox, ws, session, &self.counters);
        Ok(Next::Close)
    }

    /// How this session compresses, if it may.
    fn compression<'a>(&'a self, upgrade: &'a Upgrade) -> Option<&'a DeflateOptions> {
        if upgrade.without_deflate {
            return None;
        }
        upgrade.deflate.as_ref().or(self.deflate.as_ref())
    }

    /// Writes a response, with the body it carries or the one that is read from elsewhere.
    fn respond(
        &self,
        outbox: &Arc<Outbox<Socket>>,
        request: &Request,
        response: &Response,
        stream: Option<(u64, Box<dyn Read + Send>)>,
    ) -> io::Result<Next> {
        let socket = &outbox.transport;
        socket.set_write_timeout(Some(WRITE))?;
        let mut head = Vec::new();
        response
            .encode_for(request, &mut head)
            .map_err(io::Error::other)?;
        self.counters.status(response.status);
        info!(
            "#{} {} {} {}",
            outbox.id,
            response.status,
            request.method,
            request.target.escape_default()
        );
        write_all(socket, &head)?;
        if let Some((length, mut body)) = stream
            && request.method != "HEAD"
        {
            socket.set_write_timeout(Some(PACE))?;
            copy(&mut *body, length, socket, &self.limits)?;
        }
        if request.wants_keep_alive() && !says_close(response) && request.version == Version::Http11
        {
            return Ok(Next::Request);
        }
        linger(socket, LINGER);
        debug!(target: "enchufe::net", "#{} CLOSE", outbox.id);
        Ok(Next::Close)
    }

    /// Answers what is not even a request, in a way the peer gets to read.
    fn refuse(
        &self,
        outbox: &Arc<Outbox<Socket>>,
        peer: SocketAddr,
        response: &Response,
    ) -> io::Result<Next> {
        let socket = &outbox.transport;
        socket.set_write_timeout(Some(WRITE))?;
        self.counters.status(response.status);
        info!("#{} {} refused {peer}", outbox.id, response.status);
        let mut bytes = Vec::new();
        response.encode(&mut bytes).map_err(io::Error::other)?;
        write_all(socket, &bytes)?;
        linger(socket, LINGER);
        debug!(target: "enchufe::net", "#{} CLOSE", outbox.id);
        Ok(Next::Close)
    }

    fn read_body(
        &self,
        socket: &Socket,
        input: &mut Vec<u8>,
        request: &Request,
        deadline: Instant,
    ) -> Result<Vec<u8>, HttpError> {
        let length = request.body_length()?;
        let length = usize::try_from(length)
            .ok()
            .filter(|&length| length <= self.limits.max_body);
        let length = length.ok_or(HttpError::ContentTooLarge)?;
        if length > input.len() && request.expects_continue() {
            write_all(socket, b"HTTP/1.1 100 Continue\r\n\r\n").map_err(|_| HttpError::Timeout)?;
        }
        while input.len() < length {
            match read_more(socket, input, deadline) {
                Ok(count) if count > 0 => {}
                _ => return Err(HttpError::Timeout),
            }
        }
        let rest = input.split_off(length);
        Ok(std::mem::replace(input, rest))
    }
}

/// Runs a session to its end, whatever the end is, and closes with the code that says it.
fn run_session(
    outbox: &Arc<Outbox<Socket>>,
    ws: WebSocket,
    session: impl FnOnce(WebSocket) -> Result<(), Error>,
    counters: &Counters,
) {
    let outcome = catch_unwind(AssertUnwindSafe(|| session(ws)));
    let code = match &outcome {
        Ok(Ok(())) => CloseCode::NormalClosure,
        Ok(Err(_)) => CloseCode::InternalError,
        Err(_) => {
            counters::add(&counters.panics, 1);
            warn!("#{} its session panicked", outbox.id);
            CloseCode::InternalError
        }
    };
    if outbox.ended().is_ok() {
        let _ = outbox.close(Some(&CloseReason::new(code, ""))); // nothing, if the session closed by itself
        outbox.wind_down();
    }
    match outcome {
        Ok(Err(error)) => info!("#{} closed: {error}", outbox.id),
        _ => debug!("#{} session ended", outbox.id),
    }
}

/// A whole request head, `None` if the peer left without one.
fn read_head(
    socket: &Socket,
    input: &mut Vec<u8>,
    limits: &Limits,
    deadline: Instant,
) -> Result<Option<Request>, HttpError> {
    let mut parser = RequestParser::new(limits.head);
    loop {
        if !input.is_empty()
            && let Some((request, used)) = parser.feed(input)?
        {
            trace!(target: "enchufe::handshake", "< {}", String::from_utf8_lossy(&input[..used]));
            input.drain(..used);
            return Ok(Some(request));
        }
        match read_more(socket, input, deadline) {
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

/// Sends exactly `length` bytes of `body`, or fails: a body cut short must not look like a whole one. So does a reader
/// that takes less than the least rate: it holds a place others wait for.
fn copy(body: &mut dyn Read, mut length: u64, socket: &Socket, limits: &Limits) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    let mut window = Instant::now();
    let mut in_window = 0;
    while length > 0 {
        let most = usize::try_from(length).map_or(CHUNK, |length| length.min(CHUNK));
        let count = body.read(&mut chunk[..most])?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        length -= count as u64;
        let mut left = &chunk[..count];
        while !left.is_empty() {
            let written = match socket.write_vectored(&[IoSlice::new(left)]) {
                Ok(written) => written,
                Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => 0,
                Err(error) => return Err(error),
            };
            left = &left[written..];
            in_window += written as u64;
            let elapsed = window.elapsed();
            if elapsed >= limits.body_window {
                if in_window < limits.min_body_rate as u64 * elapsed.as_secs() {
                    return Err(ErrorKind::TimedOut.into());
                }
                window = Instant::now();
                in_window = 0;
            }
        }
    }
    Ok(())
}

/// Answers a connection that gets no thread, without holding up ACCEPT: a helper thread sees to it that the answer can
/// be read. There are at most a few of those; beyond that the connection is just closed.
pub(super) fn refuse(tcp: TcpStream, response: &Response, counters: &Counters) {
    static HELPERS: AtomicUsize = AtomicUsize::new(0);
    counters.status(response.status);
    let mut bytes = Vec::new();
    if response.encode(&mut bytes).is_err() || HELPERS.fetch_add(1, Ordering::Relaxed) >= REFUSING {
        HELPERS.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    let helper = thread::Builder::new()
        .name("refusing".to_owned())
        .stack_size(REFUSING_STACK)
        .spawn(move || {
            if let Ok(socket) = Socket::new(tcp)
                && socket.set_write_timeout(Some(LINGER)).is_ok()
                && write_all(&socket, &bytes).is_ok()
            {
                linger(&socket, LINGER);
            }
            HELPERS.fetch_sub(1, Ordering::Relaxed);
        });
    if helper.is_err() {
        HELPERS.fetch_sub(1, Ordering::Relaxed);
    }
}

const CHUNK: usize = 64 * 1024;
/// How often the rate of a streamed body is looked at, at least.
const PACE: Duration = Duration::from_secs(1);
/// A response that the peer does not take for this long is given up.
const WRITE: Duration = Duration::from_secs(30);
/// How long a peer gets to read an answer to its end and close.
const LINGER: Duration = Duration::from_secs(1);
const REFUSING: usize = 32;
const REFUSING_STACK: usize = 64 * 1024;
