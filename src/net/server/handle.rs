//! How a server is asked to stop, and how its threads hear of it.

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

/// What the server, its accepting threads and those who stop it share.
#[derive(Debug, Default)]
pub(crate) struct ShutdownSignal {
    asked: Mutex<bool>,
    heard: Condvar,
    /// The accepting threads end.
    stopping: AtomicBool,
    addresses: Mutex<Vec<Address>>,
}

impl ServerHandle {
    /// Begins the stop that [`Server::run`](crate::net::server::server::Server::run) describes. Returns at once; a second call does nothing.
    pub fn stop(&self) {
        *self.control.lock_asked() = true;
        self.control.heard.notify_all();
    }
}

impl ShutdownSignal {
    /// Waits for somebody who asks for the stop.
    pub(crate) fn wait_until_asked(&self) {
        let asked = self.lock_asked();
        let asked = self.heard.wait_while(asked, |asked| !*asked);
        drop(asked.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock_asked(&self) -> MutexGuard<'_, bool> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a thread that accepts is to end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Ends the accepting threads.
    pub(crate) fn end_accepting(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        // A thread blocked in ACCEPT wakes for a connection.
        for address in self.addresses().iter() {
            address.wake_acceptor();
        }
    }

    /// Where the server listens.
    pub(crate) fn addresses(&self) -> MutexGuard<'_, Vec<Address>> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A [`Server`](crate::net::Server) on a thread of its own, from [`Server::start`](crate::net::Server::start). Dropping it stops the server and waits until it has.
#[derive(Debug)]
pub struct RunningServer {
    addresses: Vec<SocketAddr>,
    /// Scheme and authority of the first of them, or the Unix-domain socket.
    base: String,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl RunningServer {
    /// Runs `server` on a thread of its own.
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

    /// The `ws://` URL of a path, `wss://` with TLS, at the first address the server listens on; `ws+unix:` if there are
    /// only Unix-domain sockets.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The addresses it listens on.
    #[must_use]
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Stops it as [`ServerHandle::stop`] does, and waits until everybody is gone.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic in there has been reported
        }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.end();
    }
}
