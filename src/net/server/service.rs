//! What the server asks the application: here is a request, what shall I answer?

use std::fmt;
use std::io::Read;
use std::net::SocketAddr;

use crate::handshake::error::HandshakeError;
use crate::handshake::server::Offer;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::net::connection::deflate::DeflateOptions;
use crate::net::connection::websocket::{Sender, WebSocket};
use crate::net::counters::Counters;
use crate::net::error::Error;
use crate::protocol::limits::MessageLimits;

/// The application behind a [`Server`](crate::net::server::server::Server): called on the connection's own thread, once per request.
pub trait Service: Send + Sync + 'static {
    /// Decides what the request gets. A panic in here closes that connection alone.
    fn call(&self, call: &RequestContext<'_>) -> Reply;
}

impl<F: Fn(&RequestContext<'_>) -> Reply + Send + Sync + 'static> Service for F {
    fn call(&self, call: &RequestContext<'_>) -> Reply {
        self(call)
    }
}

/// One request and where it came from.
#[derive(Debug)]
pub struct RequestContext<'a> {
    /// The request head.
    pub request: &'a Request,
    /// The request body, empty for most.
    pub body: &'a [u8],
    /// The address of the peer; on a Unix-domain socket, where nobody has one, 127.0.0.1 with port 0.
    pub peer: SocketAddr,
    /// The server has been told to stop, see [`Limits::shutdown_grace`](crate::net::limits::Limits::shutdown_grace).
    pub stopping: bool,
    /// What the server has counted so far.
    pub counters: &'a Counters,
    /// For a request that asks for an upgrade: what it offers, or what is wrong with it
    /// ([RFC 6455, 4.2.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1)). `None` for plain HTTP.
    pub offer: Option<Result<Offer, HandshakeError>>,
}

/// What a request gets.
///
/// A service may answer an upgrade with anything else, to ask who is there or to send the client elsewhere
/// ([RFC 6455, 4.2.2](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2), steps 2 and 3):
///
/// ```
/// use enchufe::http::Response;
/// use enchufe::net::{Reply, RequestContext, Upgrade};
///
/// fn service(call: &RequestContext<'_>) -> Reply {
///     let request = call.request;
///     match request.path() {
///         "/old" => Reply::Respond(Response::new(307).header("Location", "/new")),
///         _ if request.headers.get("Authorization").is_none() => Reply::Respond(
///             Response::rejection(401, "who are you?\n").header("WWW-Authenticate", "Bearer"),
///         ),
///         _ => Reply::Upgrade(Upgrade::new(|mut ws| ws.send("welcome"))),
///     }
/// }
/// # enchufe::Server::bind("127.0.0.1:0").unwrap().service(service);
/// ```
pub enum Reply {
    /// A plain HTTP response.
    Respond(Response),
    /// A plain HTTP response whose body is read from somewhere while it is sent: exactly so many bytes.
    Stream(Response, u64, Box<dyn Read + Send>),
    /// 101, and then a WebSocket session. For a request whose [`RequestContext::offer`] is not `Some(Ok(_))` the server sends the
    /// rejection that it deserves instead, and the session never runs.
    Upgrade(Upgrade),
}

/// How to run a WebSocket session once the 101 is sent.
pub struct Upgrade {
    pub(crate) prepare: Prepare,
    pub(crate) subprotocol: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) limits: Option<MessageLimits>,
    pub(crate) any_text: bool,
    pub(crate) observe_frames: bool,
    pub(crate) deflate: Option<DeflateOptions>,
    pub(crate) without_deflate: bool,
}

/// What runs before the 101 is sent.
pub(crate) type Prepare = Box<dyn FnOnce(Sender) -> Session + Send>;

/// What runs on a connection once the 101 is sent.
pub(crate) type Session = Box<dyn FnOnce(WebSocket) -> Result<(), Error> + Send>;

impl Upgrade {
    /// Runs `session` on the connection's own thread. The connection ends when it returns: with 1000 after `Ok`, with
    /// 1011 after an error of its own or a panic, unless it has been closed before.
    pub fn new(session: impl FnOnce(WebSocket) -> Result<(), Error> + Send + 'static) -> Self {
        Self::with_setup(|_| (), |ws, ()| session(ws))
    }

    /// As [`Upgrade::new`], but `prepare` runs before the 101 is sent, and `session` gets what it made. A client that has
    /// its 101 can then count on what was prepared, a membership in a [`Room`](crate::net::room::room::Room) above all. Whatever is sent
    /// to the connection meanwhile leaves right behind the 101; if that cannot be sent, what was made is dropped.
    pub fn with_setup<P: Send + 'static>(
        prepare: impl FnOnce(Sender) -> P + Send + 'static,
        session: impl FnOnce(WebSocket, P) -> Result<(), Error> + Send + 'static,
    ) -> Self {
        let prepare = |sender| {
            let prepared = prepare(sender);
            Box::new(|ws| session(ws, prepared)) as Session
        };
        Self {
            prepare: Box::new(prepare),
            subprotocol: None,
            headers: Vec::new(),
            limits: None,
            any_text: false,
            observe_frames: false,
            deflate: None,
            without_deflate: false,
        }
    }

    /// The subprotocol to agree on; without effect unless the client offered it.
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocol = Some(name.into());
        self
    }

    /// The subprotocol to agree on where there is none yet; it must be one the client offered.
    #[must_use]
    pub fn or_subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocol.get_or_insert_with(|| name.into());
        self
    }

    /// A further header field of the 101.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Other bounds on messages than the server's.
    #[must_use]
    pub fn message_limits(mut self, limits: MessageLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Takes text messages whose bytes are not UTF-8, for clients that say text and mean binary.
    #[must_use]
    pub fn accept_any_text(mut self) -> Self {
        self.any_text = true;
        self
    }

    /// Compresses as `options` say, not as the [server](crate::net::server::server::Server::deflate) does, if the client offers it.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, options: DeflateOptions) -> Self {
        self.deflate = Some(options);
        self
    }

    /// Never compresses, whatever the server does: for a session that sends secrets beside what a stranger can choose. For
    /// single messages there is [`WebSocket::send_uncompressed`](crate::net::connection::websocket::WebSocket::send_uncompressed).
    #[must_use]
    pub fn without_deflate(mut self) -> Self {
        self.without_deflate = true;
        self
    }

    /// Shows the session every frame before what it means, as [`Incoming::Frame`](crate::net::connection::reader::Incoming::Frame).
    #[must_use]
    pub fn observe_frames(mut self) -> Self {
        self.observe_frames = true;
        self
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("subprotocol", &self.subprotocol)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Respond(response) => f.debug_tuple("Respond").field(response).finish(),
            Self::Stream(response, length, _) => f
                .debug_tuple("Stream")
                .field(response)
                .field(length)
                .finish(),
            Self::Upgrade(upgrade) => f.debug_tuple("Upgrade").field(upgrade).finish(),
        }
    }
}
