//! Handles that stop a running server, and the signal its threads wait for.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::net::socket::listener::Address;

/// Stops a running [`Server`](crate::net::server::server::Server) from another thread.
#[derive(Debug, Clone)]
pub struct ServerHandle {
    pub(crate) control: Arc<ShutdownSignal>,
}

/// Shutdown state shared by the server, its accepting threads and its handles.
#[derive(Debug, Default)]
pub(crate) struct ShutdownSignal {
    stop_requested: Mutex<bool>,
    stop_condvar: Condvar,
    /// Whether the accepting threads must end.
    stopping: AtomicBool,
    addresses: Mutex<Vec<Address>>,
}

impl ServerHandle {
    /// Starts the shutdown that [`Server::run`](crate::net::server::server::Server::run) describes, without waiting for it.
    /// A second call has no effect.
    pub fn stop(&self) {
        *self.control.lock_stop_requested() = true;
        self.control.stop_condvar.notify_all();
    }
}

impl ShutdownSignal {
    /// Blocks until a handle requests the stop.
    pub(crate) fn wait_for_stop(&self) {
        let requested = self.lock_stop_requested();
        let requested = self
            .stop_condvar
            .wait_while(requested, |requested| !*requested);
        drop(requested.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock_stop_requested(&self) -> MutexGuard<'_, bool> {
        self.stop_requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the accepting threads must end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Ends the accepting threads.
    pub(crate) fn stop_accepting(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        // A connection wakes each thread that is blocked in ACCEPT.
        for address in self.addresses().iter() {
            address.wake_acceptor();
        }
    }

    /// Returns the addresses the server listens on.
    pub(crate) fn addresses(&self) -> MutexGuard<'_, Vec<Address>> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// [`Server`](crate::net::Server) that runs on its own thread. Dropping it stops the server and waits for its thread.
#[derive(Debug)]
pub struct RunningServer {
    addresses: Vec<SocketAddr>,
    /// URL prefix: scheme and authority of the first TCP address, or the path of the Unix-domain socket.
    base: String,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl RunningServer {
    /// Runs `server` on a new thread.
    pub(crate) fn spawn(
        addresses: Vec<SocketAddr>,
        base: String,
        handle: ServerHandle,
        server: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self {
            addresses,
            base,
            handle,
            thread: Some(thread::spawn(server)),
        }
    }

    /// Returns the URL of a path at the first TCP address: `ws://`, or `wss://` with TLS. The scheme is `ws+unix:` if the
    /// server listens only on Unix-domain sockets.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Returns the TCP addresses the server listens on.
    #[must_use]
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Stops the server as [`ServerHandle::stop`] does, and waits for its thread.
    pub fn stop(mut self) {
        self.stop_and_join();
    }

    fn stop_and_join(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // the panic hook has reported a panic already
        }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.stop_and_join();
    }
}
