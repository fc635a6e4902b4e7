//! A server under test: on a free port, in a thread of its own, stopped and waited for when the test is done with it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use enchufe::net::{Counters, Reply, RequestContext, Service, Upgrade};
use enchufe::{Error, Limits, Server, ServerHandle, WebSocket};

use super::peer::Peer;
use super::wire::{self, Place};

/// Nothing in these tests takes this long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Bounds short enough to wait for: nobody is asked with Pings, and a peer that does not answer a Close is given up soon.
pub(crate) fn limits() -> Limits {
    Limits {
        close_timeout: Duration::from_millis(500),
        ping_interval: None,
        message_rate: 0,
        ..Limits::default()
    }
}

pub(crate) struct TestServer {
    /// Nobody's, if it is not one of TCP.
    pub(crate) addr: SocketAddr,
    place: Place,
    pub(crate) counters: Arc<Counters>,
    pub(crate) handle: ServerHandle,
    stopped: Receiver<()>,
}

impl TestServer {
    /// A server that asks `service` about everything.
    pub(crate) fn with(limits: Limits, service: impl Service) -> Self {
        Self::on("127.0.0.1:0", limits, service)
    }

    pub(crate) fn on(address: &str, limits: Limits, service: impl Service) -> Self {
        let server = wire::bind(address);
        Self::running(server.limits(limits).service(service))
    }

    /// A server that a test made by itself.
    pub(crate) fn running(server: Server) -> Self {
        let server = wire::dress(server);
        let place = Place::of(&server);
        let addr = match place {
            Place::Tcp(addr) => addr,
            #[cfg(unix)]
            Place::Unix(_) => SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let (counters, handle) = (server.counters(), server.handle());
        let (tell, stopped) = channel();
        thread::spawn(move || {
            server.run();
            let _ = tell.send(()); // nobody listens when the test has failed
        });
        Self {
            addr,
            place,
            counters,
            handle,
            stopped,
        }
    }

    /// A server that upgrades every path to `session`.
    pub(crate) fn of(
        limits: Limits,
        session: impl Fn(WebSocket) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        let session = Arc::new(session);
        Self::with(limits, move |_: &RequestContext<'_>| {
            let session = Arc::clone(&session);
            Reply::Upgrade(Upgrade::new(move |ws| session(ws)))
        })
    }

    /// A server that echoes on every path.
    pub(crate) fn echo(limits: Limits) -> Self {
        Self::of(limits, echo)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.place.url(path)
    }

    /// A connection, nothing said yet.
    pub(crate) fn connect(&self) -> Peer {
        Peer::on(self.place.connect())
    }

    /// A WebSocket connection on `path`.
    pub(crate) fn open(&self, path: &str) -> Peer {
        let mut peer = self.connect();
        peer.upgrade(path);
        peer
    }

    /// Stops it and says how long that took.
    pub(crate) fn stop(&self) -> Duration {
        let start = Instant::now();
        self.handle.stop();
        self.stopped
            .recv_timeout(PATIENCE)
            .expect("the server stops");
        start.elapsed()
    }

    /// Waits until a counter has this value.
    #[track_caller]
    pub(crate) fn wait_for(
        &self,
        what: &str,
        counter: impl Fn(&Counters) -> &AtomicU64,
        value: u64,
    ) {
        wait_until(what, || {
            counter(&self.counters).load(Ordering::Relaxed) == value
        });
    }

    /// Waits until nobody is connected.
    #[track_caller]
    pub(crate) fn wait_until_empty(&self) {
        self.wait_for("everybody has left", |counters| &counters.open, 0);
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.handle.stop();
        if !thread::panicking() {
            // `Err(Disconnected)`: it has stopped before.
            let timed_out = std::sync::mpsc::RecvTimeoutError::Timeout;
            assert_ne!(
                self.stopped.recv_timeout(PATIENCE),
                Err(timed_out),
                "the server does not stop"
            );
        }
    }
}

pub(crate) fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.read()? {
        ws.send(message)?;
    }
    Ok(())
}

/// For what cannot be waited for in any other way: looks again and again, up to the deadline.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs `work` on another thread and gives its result, or fails when it takes too long: for calls that might hang.
#[track_caller]
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (tell, done) = channel();
    thread::spawn(move || {
        let _ = tell.send(work()); // nobody listens when it took too long
    });
    match done.recv_timeout(limit) {
        Ok(value) => value,
        Err(error) => panic!("{error}, after {limit:?}"),
    }
}
