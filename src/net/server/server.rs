//! A server: BIND and LISTEN, a thread that accepts on each address, and an orderly stop.

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

/// Accepts connections on `addr` and runs `session` for each, on a thread of its own, whatever path it asks for.
///
/// Returns only if the address cannot be bound.
///
/// # Errors
/// What binding the address reports.
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

/// A WebSocket server that is bound and not yet running.
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
    /// SOCKET, BIND, LISTEN on the first of the addresses that works. Port 0 takes a free one; see
    /// [`Server::local_addrs`].
    ///
    /// # Errors
    /// What binding reports, for instance that the port is taken.
    pub fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        Self::unbound().also_bind(addr)
    }

    /// Listens on a further address.
    ///
    /// # Errors
    /// As [`Server::bind`].
    pub fn also_bind(self, addr: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(self.with(Listener::tcp(addr)?))
    }

    /// Listens on a Unix-domain socket, a file at `path`. One that nobody listens on any more is replaced; the file is
    /// removed when the server stops. Who may write to it may connect: that is decided by the umask of the process and by
    /// the directory.
    ///
    /// A peer there has no address: [`RequestContext::peer`] is 127.0.0.1 with port 0, so it counts as one of this machine. It speaks
    /// without TLS, whatever the others do.
    ///
    /// # Errors
    /// [`io::ErrorKind::AddrInUse`] if somebody listens there, [`io::ErrorKind::AlreadyExists`] if there is a file that is
    /// no socket, and what binding reports.
    #[cfg(unix)]
    pub fn bind_unix(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::unbound().also_bind_unix(path)
    }

    /// Listens on a further Unix-domain socket.
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

    /// The bounds for every connection.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Speaks TLS, and nothing else, on every address: `https://` and `wss://`. The TLS handshake counts into
    /// [`Limits::handshake_timeout`].
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, identity: TlsIdentity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// What the URLs of its paths begin with.
    pub(crate) fn base(&self) -> String {
        let addresses = self.control.addresses();
        let scheme = if self.identity.is_some() { "wss" } else { "ws" };
        let tcp = |it: &&Address| matches!(it, Address::Tcp(_));
        match addresses.iter().find(tcp).or(addresses.first()) {
            Some(Address::Tcp(address)) => format!("{scheme}://{address}"),
            #[cfg(unix)]
            Some(Address::Unix(path)) => format!("ws+unix://{}:", path.display()),
            None => String::new(), // nobody gets a server that is not bound
        }
    }

    /// Compresses messages for every client that offers it
    /// ([RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)). Without this call nothing is compressed.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, options: DeflateOptions) -> Self {
        self.deflate = Some(options);
        self
    }

    /// Runs `session` for connections that ask for `path`.
    #[must_use]
    pub fn route(
        mut self,
        path: impl Into<String>,
        session: impl Fn(WebSocket) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        self.routes.insert(path.into(), Arc::new(session));
        self
    }

    /// Asks `service` about every request that no [route](Server::route) takes. Without one those get 404.
    #[must_use]
    pub fn service(mut self, service: impl Service) -> Self {
        self.service = Arc::new(service);
        self
    }

    /// The addresses it listens on, with the ports that were chosen for port 0. Unix-domain sockets have none.
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

    /// The files of the Unix-domain sockets it listens on.
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

    /// What the server counts while it runs.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// A handle that stops it.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle {
            control: Arc::clone(&self.control),
        }
    }

    /// Runs on a thread of its own, until the result is dropped or stopped.
    #[must_use = "dropping it stops the server"]
    pub fn start(self) -> RunningServer {
        let (addresses, base, handle) = (self.local_addrs(), self.base(), self.handle());
        RunningServer::spawn(addresses, base, handle, move || self.run())
    }

    /// Accepts connections until [`ServerHandle::stop`]; then sends everyone a Close with 1001, over [`Limits::shutdown_grace`] if
    /// that is not zero, waits for them up to [`Limits::close_timeout`], and returns.
    pub fn run(self) {
        let cap = self.limits.connection_cap();
        info!(target: NET, "up to {cap} connections at once");
        let registry = Arc::new(Registry::new(
            cap,
            self.limits.max_per_ip,
            self.limits.trusted_proxies.clone(),
        ));
        let (patience, drain) = (self.limits.close_timeout, self.limits.shutdown_grace);
        let service: Arc<dyn Service> = if self.routes.is_empty() {
            self.service
        } else {
            Arc::new(Routes {
                routes: self.routes,
                otherwise: self.service,
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
        self.control.wait_until_asked();
        if !drain.is_zero() {
            context.stopping.store(true, Ordering::SeqCst);
            registry.close_gradually(drain);
        }
        self.control.end_accepting();
        for acceptor in acceptors {
            if acceptor.join().is_err() {
                warn!(target: NET, "an accepting thread panicked");
            }
        }
        registry.close_all(patience);
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

/// Paths with a session of their own, and the service for the rest.
struct Routes {
    routes: BTreeMap<String, Session>,
    otherwise: Arc<dyn Service>,
}

impl Service for Routes {
    fn call(&self, call: &RequestContext<'_>) -> Reply {
        match self.routes.get(call.request.path()) {
            Some(session) => {
                let session = Arc::clone(session);
                Reply::Upgrade(Upgrade::new(move |ws| session(ws)))
            }
            None => self.otherwise.call(call),
        }
    }
}
