//! The client: what to connect to, and the way there in steps: the URL, the way out (`dial`), the handshake (`opening`), and
//! perhaps the same again where a redirect leads.

#[cfg(unix)]
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::handshake::client::ClientHandshake;
use crate::handshake::error::HandshakeError;
use crate::handshake::redirect::{self, MAX_REDIRECTS, is_credential};
use crate::handshake::url::{Scheme, Url};
use crate::net::client::connect_queue::ConnectPermit;
use crate::net::client::dial::{ConnectOptions, dial};
#[cfg(unix)]
use crate::net::client::dial_unix;
use crate::net::client::handshake;
use crate::net::connection::deflate::DeflateOptions;
use crate::net::connection::random;
use crate::net::connection::websocket::WebSocket;
use crate::net::error::Error;
use crate::net::limits::Limits;
use crate::net::proxy::proxy::Proxy;
use crate::net::socket::io::is_timeout;
use crate::net::socket::socket_log::primitive;
use crate::net::socket::transport::Socket;
use crate::net::tls::TlsError;
use crate::net::tls::TlsRoots;

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
    proxy: ProxyChoice,
    redirects: usize,
    in_turn: bool,
    deflate: Option<DeflateOptions>,
    #[cfg(unix)]
    socket_file: Option<PathBuf>,
}

/// Which proxy a connection goes through.
#[derive(Debug, Clone)]
enum ProxyChoice {
    None,
    This(Proxy),
    Environment,
}

impl Client {
    /// A connection to `url`, with 10 s to open it and no limit on the rate of what the server sends. No proxy, no redirects.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        let limits = Limits {
            message_rate: 0,
            ..Limits::default()
        };
        let url = url.into();
        #[cfg(unix)]
        let (socket_file, url) = match dial_unix::split(&url) {
            Some((path, url)) => (Some(path), url),
            None => (None, url),
        };
        Self {
            url,
            headers: Vec::new(),
            subprotocols: Vec::new(),
            timeout: limits.handshake_timeout,
            limits,
            roots: None,
            proxy: ProxyChoice::None,
            redirects: 0,
            in_turn: true,
            deflate: None,
            #[cfg(unix)]
            socket_file,
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

    /// How long connecting and the handshake may take, in all: the proxy and every redirect included.
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
    /// trusts](TlsRoots::system).
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

    /// Goes through a proxy ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1) step 3), to every host,
    /// loopback too.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = ProxyChoice::This(proxy);
        self
    }

    /// Goes through the proxy that the environment names for the URL, and for each that a redirect leads to:
    /// [`Proxy::from_env`].
    #[must_use]
    pub fn proxy_from_env(mut self) -> Self {
        self.proxy = ProxyChoice::Environment;
        self
    }

    /// Follows redirects: 301, 302, 303, 307, 308, at most `most` of them and at most
    /// [`MAX_REDIRECTS`](crate::handshake::redirect::MAX_REDIRECTS) (5). By default none is followed and the answer is
    /// [`Error::UnexpectedStatus`].
    ///
    /// Never from `wss` to `ws`. Once a redirect has left the scheme, host or port, `Authorization`, `Cookie` and
    /// `Proxy-Authorization` are no longer sent; nor is the query of the first URL. Other headers and subprotocols are: put
    /// no secret there. The server decides where this machine connects to, which may be a place that only it can reach.
    #[must_use]
    pub fn follow_redirects(mut self, most: usize) -> Self {
        self.redirects = most.min(MAX_REDIRECTS);
        self
    }

    /// Connects to a Unix-domain socket, whatever host the URL names: the host is only what the request says, and what a
    /// certificate has to be for if the URL begins with `wss://`. No proxy is asked.
    ///
    /// In one text that is `ws+unix:/run/chat.sock:/path?query`, for [`Client::new`] and [`connect`]: the path of the file,
    /// a colon, and what to ask for. Such a file must not have a colon in its path.
    #[cfg(unix)]
    #[must_use]
    pub fn unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.socket_file = Some(path.into());
        self
    }

    /// Does not wait while this process is already opening a connection to the same address, which
    /// [RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1) step 2 asks for. For tests and load against
    /// one's own server, and for a server that while it answers us connects to itself.
    #[must_use]
    pub fn allow_concurrent_connects(mut self) -> Self {
        self.in_turn = false;
        self
    }

    /// CONNECT and the opening handshake ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
    ///
    /// Waits its turn if this process is opening another connection to the same address and port, see
    /// [`at_once`](Self::at_once).
    ///
    /// # Errors
    /// [`Error::Url`] and [`Error::Handshake`] before anything is sent if URL, headers or subprotocols cannot be;
    /// [`Error::Io`] if no address of the host answers; [`Error::Proxy`]; [`Error::UnexpectedStatus`] for an HTTP answer other than
    /// 101; [`Error::Handshake`] for a 101 that breaks the rules and a redirect that must not be followed;
    /// [`Error::Tls`] if the server does not prove who it is, or if the feature `tls` is not built in; [`Error::TimedOut`].
    pub fn connect(&self) -> Result<WebSocket, Error> {
        self.attempt().map_err(|error| match error {
            Error::Io(error) if is_timeout(&error) => Error::TimedOut,
            error => error,
        })
    }

    fn attempt(&self) -> Result<WebSocket, Error> {
        let deadline = Instant::now() + self.timeout;
        let mut url = Url::parse(&self.url)?;
        let mut headers = self.headers.clone();
        let mut followed = 0;
        loop {
            let answer = match self.open(&url, &headers, deadline) {
                Err(Error::UnexpectedStatus(answer)) if self.redirects > 0 => answer,
                outcome => return outcome,
            };
            let Some(next) = redirect::follow_redirect(&url, answer.status, &answer.headers)?
            else {
                return Err(Error::UnexpectedStatus(answer));
            };
            if followed == self.redirects {
                return Err(HandshakeError::RefusedRedirect.into());
            }
            followed += 1;
            if next.leaves_origin {
                headers.retain(|(name, _)| !is_credential(name));
            }
            url = next.url;
        }
    }

    /// One connection to one URL.
    fn open(
        &self,
        url: &Url,
        headers: &[(String, String)],
        deadline: Instant,
    ) -> Result<WebSocket, Error> {
        let mut handshake =
            ClientHandshake::new(url, random::nonce(), &self.subprotocols, headers)?;
        if let Some(options) = &self.deflate {
            handshake = handshake.offer(options.offer())?;
        }
        if url.scheme == Scheme::Wss && cfg!(not(feature = "tls")) {
            return Err(TlsError::NotBuiltIn.into()); // before anybody is bothered
        }
        // 4.1 step 2: our turn lasts until the connection is established or has failed.
        let (mut socket, _turn) = self.open_socket(url, deadline)?;
        if url.scheme == Scheme::Wss {
            socket = socket.with_client_tls(self.roots.as_ref(), &url.host)?;
            socket.handshake(deadline)?;
        }
        let deflate = self.deflate.as_ref();
        handshake::handshake(socket, &handshake, deflate, &self.limits, deadline)
            .inspect_err(|_| primitive!("CLOSE", "#0"))
    }

    fn open_socket(
        &self,
        url: &Url,
        deadline: Instant,
    ) -> Result<(Socket, Option<ConnectPermit>), Error> {
        #[cfg(unix)]
        if let Some(path) = &self.socket_file {
            return Ok((dial_unix::dial(path, deadline)?, None));
        }
        let (tcp, turn) = dial(url, &self.way_out(url)?, deadline)?;
        Ok((Socket::new(tcp)?, turn))
    }

    fn way_out(&self, url: &Url) -> Result<ConnectOptions, Error> {
        Ok(ConnectOptions {
            proxy: match &self.proxy {
                ProxyChoice::None => None,
                ProxyChoice::This(proxy) => Some(proxy.clone()),
                ProxyChoice::Environment => Proxy::from_env(url)?,
            },
            in_turn: self.in_turn,
            head: self.limits.head,
        })
    }
}
