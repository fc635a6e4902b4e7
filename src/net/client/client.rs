//! The client: URL, connection (`dial`), handshake (`handshake`), and the same again after a redirect.

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

/// Options for opening a connection.
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
    queued: bool,
    deflate: Option<DeflateOptions>,
    #[cfg(unix)]
    unix_path: Option<PathBuf>,
}

/// The proxy of a connection.
#[derive(Debug, Clone)]
enum ProxyChoice {
    None,
    This(Proxy),
    Environment,
}

impl Client {
    /// Creates a client for `url`, with a timeout of 10 s and no limit on the server's message rate. No proxy, no
    /// redirects.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        let limits = Limits {
            message_rate: 0,
            ..Limits::default()
        };
        let url = url.into();
        #[cfg(unix)]
        let (unix_path, url) = match dial_unix::split(&url) {
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
            queued: true,
            deflate: None,
            #[cfg(unix)]
            unix_path,
        }
    }

    /// Adds a header field to the request, for instance `Origin` or `Authorization`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Offers a subprotocol, in order of preference.
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocols.push(name.into());
        self
    }

    /// Sets the timeout for connecting and the handshake together, with the proxy and every redirect.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the limits on received messages, and the timeouts of the open connection.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the certificate authorities for `wss://`, instead of [those of the system](TlsRoots::system).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, roots: TlsRoots) -> Self {
        self.roots = Some(roots);
        self
    }

    /// Offers to compress messages ([RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)); the server may decline. Off by
    /// default.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, options: DeflateOptions) -> Self {
        self.deflate = Some(options);
        self
    }

    /// Connects through a proxy ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1) step 3) to every
    /// host, loopback included.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = ProxyChoice::This(proxy);
        self
    }

    /// Connects through the proxy that the environment names for the URL, and for each redirect: [`Proxy::from_env`].
    #[must_use]
    pub fn proxy_from_env(mut self) -> Self {
        self.proxy = ProxyChoice::Environment;
        self
    }

    /// Follows redirects (301, 302, 303, 307, 308), at most `most` and at most
    /// [`MAX_REDIRECTS`](crate::handshake::MAX_REDIRECTS) (5). By default none is followed and the response is
    /// [`Error::UnexpectedStatus`].
    ///
    /// Redirects from `wss` to `ws` are refused. After a redirect to another scheme, host or port, `Authorization`,
    /// `Cookie` and `Proxy-Authorization` are no longer sent, and neither is the query of the first URL. Other headers
    /// and subprotocols are: put no secret there. The server decides where this machine connects to, which may be a
    /// place that only it can reach.
    #[must_use]
    pub fn follow_redirects(mut self, most: usize) -> Self {
        self.redirects = most.min(MAX_REDIRECTS);
        self
    }

    /// Connects to a Unix-domain socket instead of the URL's host. The host is used only in the request, and for the
    /// certificate if the URL begins with `wss://`. No proxy is used.
    ///
    /// [`Client::new`] and [`connect`] also accept both in one text, `ws+unix:/run/chat.sock:/path?query`: path of the
    /// socket, colon, resource. That path must not contain a colon.
    #[cfg(unix)]
    #[must_use]
    pub fn unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.unix_path = Some(path.into());
        self
    }

    /// Does not wait while this process is opening another connection to the same address, as [RFC 6455,
    /// 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1) step 2 requires. For tests and load tests against your
    /// own server, and for a server that connects to itself while it accepts.
    #[must_use]
    pub fn allow_concurrent_connects(mut self) -> Self {
        self.queued = false;
        self
    }

    /// Connects and runs the opening handshake ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
    ///
    /// Waits while this process is opening another connection to the same address and port, unless
    /// [`allow_concurrent_connects`](Self::allow_concurrent_connects).
    ///
    /// # Errors
    /// [`Error::Url`] and [`Error::Handshake`] before anything is sent, if URL, headers or subprotocols are invalid;
    /// [`Error::Io`] if no address of the host answers; [`Error::Proxy`]; [`Error::UnexpectedStatus`] for an HTTP
    /// response other than 101; [`Error::Handshake`] for an invalid 101 or a refused redirect; [`Error::Tls`] if the
    /// server's certificate is not valid, or without the feature `tls`; [`Error::TimedOut`].
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

    /// Opens a connection to one URL.
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
            return Err(TlsError::NotBuiltIn.into()); // before connecting
        }
        // 4.1 step 2: the permit lasts until the connection is established or has failed.
        let (mut socket, _permit) = self.open_socket(url, deadline)?;
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
        if let Some(path) = &self.unix_path {
            return Ok((dial_unix::dial(path, deadline)?, None));
        }
        let (tcp, permit) = dial(url, &self.connect_options(url)?, deadline)?;
        Ok((Socket::new(tcp)?, permit))
    }

    fn connect_options(&self, url: &Url) -> Result<ConnectOptions, Error> {
        Ok(ConnectOptions {
            proxy: match &self.proxy {
                ProxyChoice::None => None,
                ProxyChoice::This(proxy) => Some(proxy.clone()),
                ProxyChoice::Environment => Proxy::from_env(url)?,
            },
            queued: self.queued,
            head: self.limits.head,
        })
    }
}
