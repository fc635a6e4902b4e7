//! WebSocket server: binds its addresses, runs one accepting thread per address, and shuts down gracefully.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use log::{info, warn};

use crate::http::response::Response;
use crate::log_targets::NET;
use crate::net::connection::deflate::DeflateOptions;
use crate::net::connection::websocket::WebSocket;
use crate::net::counters::Counters;
use crate::net::error::Error;
use crate::net::limits::Limits;
use crate::net::server::acceptor::Acceptor;
use crate::net::server::handle::RunningServer;
use crate::net::server::handle::{ServerHandle, ShutdownSignal};
use crate::net::server::log_rate_limiter::LogRateLimiter;
use crate::net::server::registry::Registry;
use crate::net::server::responder::ServerContext;
use crate::net::server::service::{Reply, RequestContext, Service, Upgrade};
use crate::net::socket::listener::{Address, Listener};
use crate::net::tls::TlsIdentity;

/// Accepts connections on `addr` and runs `session` for each on its own thread, for every request path.
///
/// Returns only if the address cannot be bound.
///
/// # Errors
/// Returns the error from binding the address.
///
/// ```no_run
/// enchufe::serve("127.0.0.1:9001", |mut ws| {
///     while let Some(message) = ws.read()? {
///         ws.send(message)?;
///     }
///     Ok(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn serve(
    addr: impl ToSocketAddrs,
    session: impl Fn(WebSocket) -> Result<(), Error> + Send + Sync + 'static,
) -> io::Result<()> {
    let session = Arc::new(session);
    Server::bind(addr)?
        .service(move |_: &RequestContext<'_>| {
            let session = Arc::clone(&session);
            Reply::Upgrade(Upgrade::new(move |ws| session(ws)))
        })
        .run();
    Ok(())
}

/// WebSocket server that is bound and not yet running.
pub struct Server {
    listeners: Vec<Listener>,
    limits: Limits,
    deflate: Option<DeflateOptions>,
    service: Arc<dyn Service>,
    routes: BTreeMap<String, Session>,
    counters: Arc<Counters>,
    control: Arc<ShutdownSignal>,
    identity: Option<TlsIdentity>,
}

type Session = Arc<dyn Fn(WebSocket) -> Result<(), Error> + Send + Sync>;

impl Server {
    /// Binds the first of the addresses that is available, and listens on it. Port 0 selects a free port; see
    /// [`Server::local_addrs`].
    ///
    /// # Errors
    /// Returns the error from binding, for example because the port is in use.
    pub fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        Self::unbound().also_bind(addr)
    }

    /// Listens on an additional address.
    ///
    /// # Errors
    /// As [`Server::bind`].
    pub fn also_bind(self, addr: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(self.with(Listener::tcp(addr)?))
    }

    /// Listens on a Unix-domain socket at `path`. A stale socket file is replaced. The file is removed at shutdown.
    ///
    /// Clients need write permission for the file. The umask of the process and the permissions of the directory
    /// control it.
    ///
    /// A client there has no IP address: [`RequestContext::peer`] is 127.0.0.1 with port 0, so it counts as local. These
    /// connections never use TLS.
    ///
    /// # Errors
    /// Returns [`io::ErrorKind::AddrInUse`] if another process listens there, [`io::ErrorKind::AlreadyExists`] if the file
    /// exists and is not a socket, or the error from binding.
    #[cfg(unix)]
    pub fn bind_unix(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::unbound().also_bind_unix(path)
    }

    /// Listens on an additional Unix-domain socket.
    ///
    /// # Errors
    /// As [`Server::bind_unix`].
    #[cfg(unix)]
    pub fn also_bind_unix(self, path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(self.with(Listener::unix(path.as_ref())?))
    }

    fn unbound() -> Self {
        Self {
            listeners: Vec::new(),
            limits: Limits::default(),
            deflate: None,
            service: Arc::new(|_: &RequestContext<'_>| Reply::Respond(Response::not_found())),
            routes: BTreeMap::new(),
            counters: Arc::default(),
            control: Arc::default(),
            identity: None,
        }
    }

    fn with(mut self, (listener, address): (Listener, Address)) -> Self {
        self.control.addresses().push(address);
        self.listeners.push(listener);
        self
    }

    /// Sets the limits for every connection.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Requires TLS (`https://` and `wss://`) on every TCP address. [`Limits::handshake_timeout`] includes the TLS
    /// handshake.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, identity: TlsIdentity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Returns the URL prefix of the server's paths.
    pub(crate) fn base(&self) -> String {
        let addresses = self.control.addresses();
        let scheme = if self.identity.is_some() { "wss" } else { "ws" };
        let tcp = |it: &&Address| matches!(it, Address::Tcp(_));
        match addresses.iter().find(tcp).or(addresses.first()) {
            Some(Address::Tcp(address)) => format!("{scheme}://{address}"),
            #[cfg(unix)]
            Some(Address::Unix(path)) => format!("ws+unix://{}:", path.display()),
            None => String::new(), // unreachable: callers get a server only after it is bound
        }
    }

    /// Enables compression for every client that offers it
    /// ([RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)). Without this call, messages are not compressed.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, options: DeflateOptions) -> Self {
        self.deflate = Some(options);
        self
    }

    /// Runs `session` for WebSocket connections to `path`.
    #[must_use]
    pub fn route(
        mut self,
        path: impl Into<String>,
        session: impl Fn(WebSocket) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        self.routes.insert(path.into(), Arc::new(session));
        self
    }

    /// Passes every request that matches no [route](Server::route) to `service`. Without a service they get 404.
    #[must_use]
    pub fn service(mut self, service: impl Service) -> Self {
        self.service = Arc::new(service);
        self
    }

    /// Returns the TCP addresses the server listens on, with the ports selected for port 0.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        let addresses = self.control.addresses();
        let tcp = addresses.iter().filter_map(|address| match address {
            Address::Tcp(address) => Some(*address),
            #[cfg(unix)]
            Address::Unix(_) => None,
        });
        tcp.collect()
    }

    /// Returns the paths of the Unix-domain sockets the server listens on.
    #[cfg(unix)]
    #[must_use]
    pub fn local_paths(&self) -> Vec<PathBuf> {
        let addresses = self.control.addresses();
        let unix = addresses.iter().filter_map(|address| match address {
            Address::Tcp(_) => None,
            Address::Unix(path) => Some(path.clone()),
        });
        unix.collect()
    }

    /// Returns the server's counters.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Returns a handle that stops the server.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle {
            control: Arc::clone(&self.control),
        }
    }

    /// Runs the server on its own thread until the returned value is stopped or dropped.
    #[must_use = "dropping it stops the server"]
    pub fn start(self) -> RunningServer {
        let (addresses, base, handle) = (self.local_addrs(), self.base(), self.handle());
        RunningServer::spawn(addresses, base, handle, move || self.run())
    }

    /// Accepts connections until [`ServerHandle::stop`], then closes all connections and returns.
    ///
    /// WebSocket connections get a Close frame with 1001, spread over [`Limits::shutdown_grace`] if that is not zero. The
    /// server waits for them for [`Limits::close_timeout`], then shuts down the sockets still open.
    pub fn run(self) {
        let cap = self.limits.connection_cap();
        info!(target: NET, "up to {cap} connections at once");
        let registry = Arc::new(Registry::new(
            cap,
            self.limits.max_per_ip,
            self.limits.trusted_proxies.clone(),
        ));
        let (close_timeout, shutdown_grace) =
            (self.limits.close_timeout, self.limits.shutdown_grace);
        let service: Arc<dyn Service> = if self.routes.is_empty() {
            self.service
        } else {
            Arc::new(Routes {
                routes: self.routes,
                fallback: self.service,
            })
        };
        let context = Arc::new(ServerContext {
            service,
            stopping: AtomicBool::new(false),
            log_limiter: LogRateLimiter::new(&self.limits, Arc::clone(&self.counters)),
            limits: self.limits,
            deflate: self.deflate,
            counters: self.counters,
        });
        let acceptors = self.listeners.into_iter().map(|listener| {
            let acceptor = Acceptor {
                identity: self.identity.clone().filter(|_| listener.is_network()),
                listener,
                context: Arc::clone(&context),
                registry: Arc::clone(&registry),
                control: Arc::clone(&self.control),
            };
            thread::spawn(move || acceptor.run())
        });
        let acceptors: Vec<_> = acceptors.collect();
        self.control.wait_for_stop();
        if !shutdown_grace.is_zero() {
            context.stopping.store(true, Ordering::SeqCst);
            registry.close_gradually(shutdown_grace);
        }
        self.control.stop_accepting();
        for acceptor in acceptors {
            if acceptor.join().is_err() {
                warn!(target: NET, "an accepting thread panicked");
            }
        }
        registry.close_all(close_timeout);
        context.log_limiter.flush_summary();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("listeners", &self.listeners)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Service that runs a route's session for its path, and calls the fallback service for all other paths.
struct Routes {
    routes: BTreeMap<String, Session>,
    fallback: Arc<dyn Service>,
}

impl Service for Routes {
    fn call(&self, call: &RequestContext<'_>) -> Reply {
        match self.routes.get(call.request.path()) {
            Some(session) => {
                let session = Arc::clone(session);
                Reply::Upgrade(Upgrade::new(move |ws| session(ws)))
            }
            None => self.fallback.call(call),
        }
    }
}
