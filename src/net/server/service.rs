//! Interface between server and application: a [`Service`] maps each request to a [`Reply`].

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

/// Application that a [`Server`](crate::net::server::server::Server) calls once per request, on the connection's own thread.
pub trait Service: Send + Sync + 'static {
    /// Returns the reply to a request. After a panic the client gets 500; other connections are not affected.
    fn call(&self, call: &RequestContext<'_>) -> Reply;
}

impl<F: Fn(&RequestContext<'_>) -> Reply + Send + Sync + 'static> Service for F {
    fn call(&self, call: &RequestContext<'_>) -> Reply {
        self(call)
    }
}

/// Request with its body, its client address and the server's state.
#[derive(Debug)]
pub struct RequestContext<'a> {
    /// The request head.
    pub request: &'a Request,
    /// The request body, empty for most requests.
    pub body: &'a [u8],
    /// The client's address. For a Unix-domain socket, which has none, 127.0.0.1 with port 0.
    pub peer: SocketAddr,
    /// Whether the server is shutting down, see [`Limits::shutdown_grace`](crate::net::limits::Limits::shutdown_grace).
    pub stopping: bool,
    /// The server's counters.
    pub counters: &'a Counters,
    /// Result of checking an upgrade request: the client's offer, or the error
    /// ([RFC 6455, 4.2.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1)). `None` for plain HTTP.
    pub offer: Option<Result<Offer, HandshakeError>>,
}

/// Reply to a request.
///
/// A service may answer an upgrade request with any other response, for example to authenticate or redirect the client
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
///             Response::rejection(401, "authentication required\n").header("WWW-Authenticate", "Bearer"),
///         ),
///         _ => Reply::Upgrade(Upgrade::new(|mut ws| ws.send("welcome"))),
///     }
/// }
/// # enchufe::Server::bind("127.0.0.1:0").unwrap().service(service);
/// ```
pub enum Reply {
    /// An HTTP response.
    Respond(Response),
    /// An HTTP response with a body of exactly this many bytes, read from the reader while it is sent.
    Stream(Response, u64, Box<dyn Read + Send>),
    /// Status 101, followed by a WebSocket session. If [`RequestContext::offer`] is not `Some(Ok(_))`, the server rejects
    /// the request with the matching status instead, and the session never runs.
    Upgrade(Upgrade),
}

/// WebSocket session and its options, for a request that the service accepts.
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

/// Setup that runs before the 101 is sent, and returns the session.
pub(crate) type Prepare = Box<dyn FnOnce(Sender) -> Session + Send>;

/// Session that runs after the 101 is sent.
pub(crate) type Session = Box<dyn FnOnce(WebSocket) -> Result<(), Error> + Send>;

impl Upgrade {
    /// Runs `session` on the connection's own thread. The connection is closed when it returns: with 1000 after `Ok`, with
    /// 1011 after an error or a panic, unless it is closed already.
    pub fn new(session: impl FnOnce(WebSocket) -> Result<(), Error> + Send + 'static) -> Self {
        Self::with_setup(|_| (), |ws, ()| session(ws))
    }

    /// Like [`Upgrade::new`], but runs `prepare` before the 101 is sent, and passes its result to `session`.
    ///
    /// So the setup is complete when the client receives the 101, for example its membership in a
    /// [`Room`](crate::net::room::room::Room). Messages sent to the connection meanwhile follow right after the 101. If
    /// the 101 cannot be sent, the result is dropped.
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

    /// Sets the subprotocol. It has no effect unless the client offers it.
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocol = Some(name.into());
        self
    }

    /// Sets the subprotocol unless one is set already. It has no effect unless the client offers it.
    #[must_use]
    pub fn or_subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocol.get_or_insert_with(|| name.into());
        self
    }

    /// Adds a header field to the 101 response.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets message limits for this session, instead of the server's.
    #[must_use]
    pub fn message_limits(mut self, limits: MessageLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Accepts text messages that are not valid UTF-8, for clients that send binary data in text messages.
    #[must_use]
    pub fn accept_any_text(mut self) -> Self {
        self.any_text = true;
        self
    }

    /// Sets compression options for this session, instead of the [server's](crate::net::server::server::Server::deflate).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, options: DeflateOptions) -> Self {
        self.deflate = Some(options);
        self
    }

    /// Disables compression for this session, for example because it sends secrets together with data that an attacker
    /// controls. To send single messages uncompressed, use [`WebSocket::send_uncompressed`](crate::net::connection::websocket::WebSocket::send_uncompressed).
    #[must_use]
    pub fn without_deflate(mut self) -> Self {
        self.without_deflate = true;
        self
    }

    /// Reports every frame to the session, before the message it belongs to, as [`Incoming::Frame`](crate::net::connection::reader::Incoming::Frame).
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
