//! A server that runs beside the rest of a program.

use std::net::SocketAddr;
use std::thread::JoinHandle;

use super::{Server, ServerHandle};

/// A [`Server`] on a thread of its own, from [`Server::start`]. Dropping it stops the server and waits until it has.
#[derive(Debug)]
pub struct Running {
    addresses: Vec<SocketAddr>,
    /// Scheme and authority of the first of them, or the Unix-domain socket.
    base: String,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(super) fn new(server: Server) -> Self {
        Self {
            addresses: server.local_addrs(),
            base: server.base(),
            handle: server.handle(),
            thread: Some(std::thread::spawn(move || server.run())),
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

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
