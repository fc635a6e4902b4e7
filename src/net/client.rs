//! The client: CONNECT, the opening handshake, and the answers that are not 101.

use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::trace;

use super::buffer::ReadBuffer;
use super::counters::Counters;
use super::outbox::Outbox;
use super::primitive::primitive;
use super::stream::{is_timeout, read_more, write_all};
use super::{Error, Limits, Reader, Refused, Socket, Transport, WebSocket, mask_keys};
use crate::handshake::client::MOST_INTERIM;
use crate::handshake::{ClientHandshake, HandshakeError, Scheme, Url};
use crate::http::{ResponseHead, ResponseParser, redact_head};
use crate::protocol::Role;

/// Opens a connection to a `ws://` URL.
///
/// # Errors
/// As [`Client::connect`].
pub fn connect(url: &str) -> Result<WebSocket, Error> {
    Client::new(url).connect()
}

/// How to open a connection: the URL and what goes with it.
#[derive(Debug, Clone)]
pub struct Client {
    url: String,
    headers: Vec<(String, String)>,
    subprotocols: Vec<String>,
    timeout: Duration,
    limits: Limits,
}

impl Client {
    /// A connection to `url`, with 10 s to open it and no limit on the rate of what the server sends.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        let limits = Limits {
            rate: 0,
            ..Limits::default()
        };
        Self {
            url: url.into(),
            headers: Vec::new(),
            subprotocols: Vec::new(),
            timeout: limits.handshake_timeout,
            limits,
        }
    }

    /// A further header field of the request, for instance `Origin` or `Authorization`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Offers a subprotocol; the first offered is the most wanted.
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocols.push(name.into());
        self
    }

    /// How long connecting and the handshake may take, in all.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The bounds on what the server may send, and the timeouts of the open connection.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// CONNECT and the opening handshake ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
    ///
    /// # Errors
    /// [`Error::Url`] and [`Error::Handshake`] before anything is sent if URL, headers or subprotocols cannot be;
    /// [`Error::Io`] if no address of the host answers; [`Error::Refused`] for an HTTP answer other than 101;
    /// [`Error::Handshake`] for a 101 that breaks the rules; [`Error::TimedOut`].
    pub fn connect(&self) -> Result<WebSocket, Error> {
        self.attempt().map_err(|error| match error {
            Error::Io(error) if is_timeout(&error) => Error::TimedOut,
            error => error,
        })
    }

    fn attempt(&self) -> Result<WebSocket, Error> {
        let deadline = Instant::now() + self.timeout;
        let url = Url::parse(&self.url)?;
        let handshake =
            ClientHandshake::new(&url, mask_keys::nonce(), &self.subprotocols, &self.headers)?;
        if url.scheme == Scheme::Wss {
            return Err(Error::Io(io::Error::new(
                ErrorKind::Unsupported,
                "wss:// needs TLS, which is not built in",
            )));
        }
        let socket = Socket::new(dial(&url, deadline)?)?;
        self.shake_hands(socket, &handshake, deadline)
            .inspect_err(|_| primitive!("CLOSE", "#0"))
    }

    fn shake_hands(
        &self,
        socket: Socket,
        handshake: &ClientHandshake,
        deadline: Instant,
    ) -> Result<WebSocket, Error> {
        let request = handshake.request();
        trace!(target: "enchufe::handshake", "> {}", redact_head(&request));
        socket.set_write_timeout(Some(self.timeout))?;
        write_all(&socket, 0, &request)?;
        let mut input = ReadBuffer::new();
        let head = self.read_answer(&socket, &mut input, deadline)?;
        if head.status != 101 {
            return Err(Error::Refused(Box::new(read_refusal(
                &socket, head, input, deadline,
            ))));
        }
        let agreed = handshake.check(&head)?;
        let outbox = Outbox::new(
            0,
            socket,
            Role::Client,
            &self.limits,
            Arc::new(Counters::default()),
        );
        outbox.open()?;
        outbox.transport.set_read_timeout(None)?;
        Ok(WebSocket::new(
            Reader::new(outbox, &self.limits, input),
            agreed.subprotocol,
        ))
    }

    /// The first head that is not an interim one. RFC 9110, 15.2: any number of 1xx may precede it; here, a few.
    fn read_answer(
        &self,
        socket: &Socket,
        input: &mut ReadBuffer,
        deadline: Instant,
    ) -> Result<ResponseHead, Error> {
        let mut parser = ResponseParser::new(self.limits.head);
        let mut interim = 0;
        loop {
            match parser.feed(input.bytes()).map_err(HandshakeError::Http)? {
                Some((head, used)) => {
                    trace!(target: "enchufe::handshake", "< {}", redact_head(&input.bytes()[..used]));
                    input.consume(used);
                    if !head.is_interim() {
                        return Ok(head);
                    }
                    interim += 1;
                    if interim > MOST_INTERIM {
                        return Err(HandshakeError::UnexpectedStatus(head.status).into());
                    }
                    parser = ResponseParser::new(self.limits.head);
                }
                None => {
                    if read_more(socket, 0, input, deadline)? == 0 {
                        return Err(Error::Disconnected);
                    }
                }
            }
        }
    }
}

/// CONNECT to the first address of the host that answers.
fn dial(url: &Url, deadline: Instant) -> Result<TcpStream, Error> {
    let mut last = io::Error::new(ErrorKind::NotFound, format!("{} has no address", url.host));
    for address in (url.host.as_str(), url.port).to_socket_addrs()? {
        let left = deadline
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero());
        let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
        primitive!("SOCKET", "#0 TCP over {family}");
        primitive!("CONNECT", "#0 {address}");
        match TcpStream::connect_timeout(&address, left.ok_or(Error::TimedOut)?) {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = error,
        }
    }
    Err(Error::Io(last))
}

/// What a person needs to see of an answer that is not 101: the beginning of its body, as far as it comes in time.
fn read_refusal(
    socket: &Socket,
    head: ResponseHead,
    mut input: ReadBuffer,
    deadline: Instant,
) -> Refused {
    let deadline = deadline.min(Instant::now() + BODY_PATIENCE);
    let length = head
        .headers
        .get("Content-Length")
        .and_then(|length| length.parse().ok())
        .map_or(BODY, |length: usize| length.min(BODY));
    while input.bytes().len() < length
        && read_more(socket, 0, &mut input, deadline).is_ok_and(|count| count > 0)
    {}
    let body = input.bytes()[..length.min(input.bytes().len())].to_vec();
    Refused {
        status: head.status,
        reason: head.reason,
        headers: head.headers,
        body,
    }
}

/// At most this much of a refusal's body is kept, and waited for this long.
const BODY: usize = 4 * 1024;
const BODY_PATIENCE: Duration = Duration::from_secs(2);
