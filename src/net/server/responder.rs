//! Plain HTTP responses, and the state that all connections of a server share.

use std::fmt;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use log::{Level, info, log_enabled};

use crate::http::request::Request;
use crate::http::response::Response;
use crate::log_targets::NET;
use crate::net::connection::closing::linger;
use crate::net::connection::deflate::DeflateOptions;
use crate::net::connection::send_queue::SendQueue;
use crate::net::counters::Counters;
use crate::net::limits::Limits;
use crate::net::server::defaults::LINGER;
use crate::net::server::http_body;
use crate::net::server::log_rate_limiter::LogRateLimiter;
use crate::net::server::service::Service;
use crate::net::socket::io::write_all;
use crate::net::socket::transport::{Socket, Transport};

/// State that all connections of a server share.
pub(crate) struct ServerContext {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) limits: Limits,
    pub(crate) deflate: Option<DeflateOptions>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) log_limiter: LogRateLimiter,
    /// Whether the server is shutting down: it rejects upgrades and closes connections after their response.
    pub(crate) stopping: AtomicBool,
}

/// Request with its body and its client address.
pub(crate) struct IncomingRequest {
    pub(crate) request: Request,
    /// Empty until the body is read.
    pub(crate) body: Vec<u8>,
    /// The client's address, as forwarded by a trusted proxy if there is one.
    pub(crate) peer: SocketAddr,
}

impl ServerContext {
    /// Writes a response with its own body or with a streamed one. Returns `true` if another request may follow.
    pub(crate) fn respond(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        asked: &IncomingRequest,
        mut response: Response,
        stream: Option<(u64, Box<dyn Read + Send>)>,
    ) -> io::Result<bool> {
        let request = &asked.request;
        let socket = &queue.transport;
        socket.set_write_timeout(Some(WRITE_TIMEOUT))?;
        let closes = !request.wants_keep_alive()
            || has_close(&response)
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

    /// Writes a rejection and closes the connection, after the peer has had time to read it.
    pub(crate) fn reject_request(
        &self,
        queue: &Arc<SendQueue<Socket>>,
        peer: SocketAddr,
        response: &Response,
    ) -> io::Result<()> {
        let socket = &queue.transport;
        socket.set_write_timeout(Some(WRITE_TIMEOUT))?;
        self.counters.status(response.status);
        if self.may_log(peer.ip()) {
            info!(target: NET, "#{} {} rejected {peer}", queue.id, response.status);
        }
        let mut bytes = Vec::new();
        response.encode(&mut bytes).map_err(io::Error::other)?;
        write_all(socket, queue.id, &bytes)?;
        linger(socket, LINGER);
        Ok(())
    }

    /// Whether to log a line about this peer: the log level and the log rate limit allow it.
    pub(crate) fn may_log(&self, peer: IpAddr) -> bool {
        log_enabled!(Level::Info) && self.log_limiter.allows(peer)
    }
}

/// Whether the response's `Connection` header, a list, contains `close` (RFC 9112, 9.6).
fn has_close(response: &Response) -> bool {
    response.get("Connection").is_some_and(|options| {
        options
            .split(',')
            .any(|option| option.trim().eq_ignore_ascii_case("close"))
    })
}

/// Formats a request for the log: method and truncated path. The query is omitted, because it may contain secrets.
pub(crate) struct Shown<'a>(pub(crate) &'a Request);

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

/// Maximum number of characters of a path in the log.
const PATH_IN_LOG: usize = 256;
/// Write timeout for responses.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
