//! Registry of open connections: enforces the limits on their number, in total and per address, and closes them at shutdown.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Shutdown};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::net::connection::send_queue::SendQueue;
use crate::net::socket::transport::{Socket, Transport};
use crate::protocol::close::{CloseCode, CloseReason};

/// Open connections of a server, and the limits on their number.
#[derive(Default)]
pub(crate) struct Registry {
    connections: Mutex<Connections>,
    /// Notified when a connection ends.
    permit_dropped: Condvar,
    cap: usize,
    /// Maximum number of connections per address. 0 means no limit.
    max_per_ip: usize,
    /// Addresses of trusted proxies, which are exempt from `max_per_ip`.
    proxies: Vec<IpAddr>,
}

#[derive(Default)]
struct Connections {
    admitted: usize,
    per_ip: HashMap<IpAddr, usize>,
    /// Send queues of all connections, including those before their upgrade.
    live: BTreeMap<u64, Arc<SendQueue<Socket>>>,
    /// Connections with an accepted upgrade, which get a Close frame at shutdown.
    open: BTreeSet<u64>,
}

/// Limit that a rejected connection exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// Maximum number of connections of the server.
    Server,
    /// Maximum number of connections per address.
    Address,
}

/// Permit for one connection. Dropping it frees the connection's slot.
pub(crate) struct Permit {
    registry: Arc<Registry>,
    ip: IpAddr,
    id: Option<u64>,
}

impl Registry {
    pub(crate) fn new(cap: usize, max_per_ip: usize, proxies: Vec<IpAddr>) -> Self {
        Self {
            cap,
            max_per_ip,
            proxies,
            ..Self::default()
        }
    }

    /// Counts a connection if the limits allow it. The caller does this before it starts a thread for the connection.
    ///
    /// Loopback addresses and trusted proxies are exempt from the limit per address.
    pub(crate) fn try_admit(self: &Arc<Self>, ip: IpAddr) -> Result<Permit, Rejection> {
        let ip = ip.to_canonical();
        let mut connections = self.lock();
        if connections.admitted >= self.cap {
            return Err(Rejection::Server);
        }
        self.increment(&mut connections, ip)?;
        connections.admitted += 1;
        Ok(Permit {
            registry: Arc::clone(self),
            ip,
            id: None,
        })
    }

    fn increment(&self, connections: &mut Connections, ip: IpAddr) -> Result<(), Rejection> {
        if self.max_per_ip == 0 || ip.is_loopback() || self.proxies.contains(&ip) {
            return Ok(());
        }
        let count = connections.per_ip.entry(ip).or_default();
        if *count >= self.max_per_ip {
            return Err(Rejection::Address);
        }
        *count += 1;
        Ok(())
    }

    /// Closes all WebSocket connections with 1001 and waits until they have ended.
    ///
    /// Shuts down the sockets that are still open after `timeout`. Connections without an accepted upgrade are shut
    /// down at once.
    pub(crate) fn close_all(&self, timeout: Duration) {
        let open = {
            let connections = self.lock();
            let (open, not_upgraded) = connections
                .live
                .values()
                .cloned()
                .partition::<Vec<_>, _>(|each| connections.open.contains(&each.id));
            // Hold the lock, so a handshake that completes later finds its socket shut down and cannot send 101.
            for queue in not_upgraded {
                let _ = queue.transport.shutdown(Shutdown::Both); // fails if the peer has disconnected
            }
            open
        };
        let reason = CloseReason::new(CloseCode::GoingAway, SHUTDOWN_REASON);
        for queue in open {
            let _ = queue.close(Some(&reason)); // fails if the connection is closed already
        }
        if !self.wait_until_empty(timeout) {
            for queue in self.lock().live.values() {
                let _ = queue.transport.shutdown(Shutdown::Both); // fails if the peer has disconnected
            }
            self.wait_until_empty(timeout);
        }
    }

    /// Closes WebSocket connections with 1001, oldest first, spread evenly over `period`. Returns at the end of `period`.
    pub(crate) fn close_gradually(&self, period: Duration) {
        let start = Instant::now();
        let open: Vec<_> = {
            let connections = self.lock();
            let open = connections.open.iter();
            open.filter_map(|id| connections.live.get(id).cloned())
                .collect()
        };
        let reason = CloseReason::new(CloseCode::GoingAway, SHUTDOWN_REASON);
        let count = open.len().max(1) as f64;
        for (number, queue) in open.into_iter().enumerate() {
            let at = start + period.mul_f64(number as f64 / count);
            thread::sleep(at.saturating_duration_since(Instant::now()));
            let _ = queue.close(Some(&reason)); // fails if the connection is closed already
        }
        thread::sleep((start + period).saturating_duration_since(Instant::now()));
    }

    fn wait_until_empty(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut connections = self.lock();
        while connections.admitted > 0 {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return false;
            };
            connections = self
                .permit_dropped
                .wait_timeout(connections, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections {
    fn decrement(&mut self, ip: IpAddr) {
        if let Some(count) = self.per_ip.get_mut(&ip) {
            *count -= 1;
            if *count == 0 {
                self.per_ip.remove(&ip);
            }
        }
    }
}

impl Permit {
    /// Counts the connection for the client address that a trusted proxy forwards, instead of the proxy's.
    pub(crate) fn reassign_ip(&mut self, ip: IpAddr) -> Result<(), Rejection> {
        let ip = ip.to_canonical();
        if ip != self.ip {
            let mut connections = self.registry.lock();
            self.registry.increment(&mut connections, ip)?;
            connections.decrement(self.ip);
            self.ip = ip;
        }
        Ok(())
    }

    /// Returns the address that the connection counts for.
    pub(crate) fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Registers the connection's send queue, so that the server can close it.
    pub(crate) fn attach(&mut self, queue: &Arc<SendQueue<Socket>>) {
        self.registry
            .lock()
            .live
            .insert(queue.id, Arc::clone(queue));
        self.id = Some(queue.id);
    }

    /// Marks the upgrade as accepted: from now on the connection gets a Close frame at shutdown.
    pub(crate) fn mark_open(&self) {
        if let Some(id) = self.id {
            self.registry.lock().open.insert(id);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut connections = self.registry.lock();
        connections.admitted -= 1;
        connections.decrement(self.ip);
        if let Some(id) = self.id {
            connections.live.remove(&id);
            connections.open.remove(&id);
        }
        self.registry.permit_dropped.notify_all();
    }
}

const SHUTDOWN_REASON: &str = "server shutting down";

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(cap: usize, max_per_ip: usize) -> Arc<Registry> {
        Arc::new(Registry::new(cap, max_per_ip, vec![PROXY]))
    }

    const REMOTE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn connections_are_counted_and_dropped_permits_free_slots() {
        let registry = registry(1, 0);
        let permit = registry.try_admit(LOCAL).ok();
        assert!(permit.is_some());
        assert_eq!(registry.try_admit(LOCAL).err(), Some(Rejection::Server));
        drop(permit);
        assert!(registry.try_admit(LOCAL).is_ok());
    }

    #[test]
    fn an_address_is_limited_and_loopback_is_exempt() {
        let registry = registry(10, 1);
        let permit = registry.try_admit(REMOTE).ok();
        assert!(permit.is_some());
        assert_eq!(registry.try_admit(REMOTE).err(), Some(Rejection::Address));
        assert!(registry.try_admit(LOCAL).is_ok() && registry.try_admit(LOCAL).is_ok());
        drop(permit);
        assert!(registry.try_admit(REMOTE).is_ok());
    }

    #[test]
    fn clients_behind_a_proxy_count_for_their_own_addresses() {
        let registry = registry(10, 1);
        let mut first = registry.try_admit(PROXY).expect("a permit");
        let mut second = registry.try_admit(PROXY).expect("a permit");
        assert_eq!(first.reassign_ip(REMOTE), Ok(()));
        assert_eq!(first.reassign_ip(REMOTE), Ok(()));
        assert_eq!(second.reassign_ip(REMOTE), Err(Rejection::Address));
        assert_eq!(registry.try_admit(REMOTE).err(), Some(Rejection::Address));
        assert_eq!(first.reassign_ip(LOCAL), Ok(()));
        assert_eq!(second.reassign_ip(REMOTE), Ok(()));
        drop((first, second));
        assert!(registry.lock().per_ip.is_empty());
    }
}
