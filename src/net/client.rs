//! The client: what to connect to, and the way there in steps. `dial` is the way out, `opening` the handshake.

use std::time::{Duration, Instant};

use super::deflate::DeflateOptions;
use super::dial::dial;
use super::primitive::primitive;
use super::stream::is_timeout;
use super::tls::TlsRoots;
use super::{Error, Limits, Socket, TlsError, WebSocket, mask_keys, opening};
use crate::handshake::{ClientHandshake, Scheme, Url};

/// Opens a connection to a `ws://` or `wss://` URL.
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
    roots: Option<TlsRoots>,
    deflate: Option<DeflateOptions>,
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
            roots: None,
            deflate: None,
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

    /// Whom to trust to say who the server is, for `wss://`: these, and nobody else. Without this it is whom [this machine
    /// trusts](TlsRoots::of_this_machine).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, roots: TlsRoots) -> Self {
        self.roots = Some(roots);
        self
    }

    /// Offers to compress messages ([RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)); a server may decline. Without this
    /// call nothing is compressed.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, options: DeflateOptions) -> Self {
        self.deflate = Some(options);
        self
    }

    /// CONNECT and the opening handshake ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
    ///
    /// # Errors
    /// [`Error::Url`] and [`Error::Handshake`] before anything is sent if URL, headers or subprotocols cannot be;
    /// [`Error::Io`] if no address of the host answers; [`Error::Refused`] for an HTTP answer other than 101;
    /// [`Error::Handshake`] for a 101 that breaks the rules; [`Error::Tls`] if the server does not prove who it is, or if
    /// the feature `tls` is not built in; [`Error::TimedOut`].
    pub fn connect(&self) -> Result<WebSocket, Error> {
        self.attempt().map_err(|error| match error {
            Error::Io(error) if is_timeout(&error) => Error::TimedOut,
            error => error,
        })
    }

    fn attempt(&self) -> Result<WebSocket, Error> {
        let deadline = Instant::now() + self.timeout;
        let url = Url::parse(&self.url)?;
        let mut handshake =
            ClientHandshake::new(&url, mask_keys::nonce(), &self.subprotocols, &self.headers)?;
        if let Some(options) = &self.deflate {
            handshake = handshake.offer(options.offer())?;
        }
        if url.scheme == Scheme::Wss && cfg!(not(feature = "tls")) {
            return Err(TlsError::NotBuiltIn.into()); // before anybody is bothered
        }
        let mut socket = Socket::new(dial(&url, deadline)?)?;
        if url.scheme == Scheme::Wss {
            socket = socket.asking_for_tls(self.roots.as_ref(), &url.host)?;
            socket.shake_hands(deadline)?;
        }
        opening::shake_hands(
            socket,
            &handshake,
            self.deflate.as_ref(),
            &self.limits,
            deadline,
        )
        .inspect_err(|_| primitive!("CLOSE", "#0"))
    }
}
