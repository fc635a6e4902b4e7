//! How a server is asked to stop, and how its threads hear of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::listener::Address;

/// Stops a running [`Server`](super::Server) from another thread.
#[derive(Debug, Clone)]
pub struct ServerHandle {
    pub(super) control: Arc<Control>,
}

/// What the server, its accepting threads and those who stop it share.
#[derive(Debug, Default)]
pub(super) struct Control {
    asked: Mutex<bool>,
    heard: Condvar,
    /// The accepting threads end.
    stopping: AtomicBool,
    addresses: Mutex<Vec<Address>>,
}

impl ServerHandle {
    /// Begins the stop that [`Server::run`](super::Server::run) describes. Returns at once; a second call does nothing.
    pub fn stop(&self) {
        *self.control.lock_asked() = true;
        self.control.heard.notify_all();
    }
}

impl Control {
    /// Waits for somebody who asks for the stop.
    pub(super) fn wait_until_asked(&self) {
        let asked = self.lock_asked();
        let asked = self.heard.wait_while(asked, |asked| !*asked);
        drop(asked.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock_asked(&self) -> MutexGuard<'_, bool> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a thread that accepts is to end.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Ends the accepting threads.
    pub(super) fn end_accepting(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        // A thread blocked in ACCEPT wakes for a connection.
        for address in self.addresses().iter() {
            address.wake();
        }
    }

    /// Where the server listens.
    pub(super) fn addresses(&self) -> MutexGuard<'_, Vec<Address>> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
