//! Who is connected: how many, from where, and a handle to each so that all can be told to go.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Shutdown};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::net::connection::send_queue::SendQueue;
use crate::net::socket::transport::{Socket, Transport};
use crate::protocol::close::{CloseCode, CloseReason};

#[derive(Default)]
pub(crate) struct Registry {
    connections: Mutex<Connections>,
    left: Condvar,
    cap: usize,
    max_per_ip: usize,
    /// Addresses from which others are served.
    proxies: Vec<IpAddr>,
}

#[derive(Default)]
struct Connections {
    admitted: usize,
    per_ip: HashMap<IpAddr, usize>,
    live: BTreeMap<u64, Arc<SendQueue<Socket>>>,
    /// Those on the WebSocket side of the handshake get a Close when the server stops.
    open: BTreeSet<u64>,
}

/// Why a connection is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// As many connections as the process can carry.
    Server,
    /// As many as one address may have.
    Address,
}

/// A place among the connections; giving it back is dropping it.
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

    /// Counts a connection in, before a thread is spent on it. Loopback and proxies are exempt from the bound per address.
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
        let from_there = connections.per_ip.entry(ip).or_default();
        if *from_there >= self.max_per_ip {
            return Err(Rejection::Address);
        }
        *from_there += 1;
        Ok(())
    }

    /// Tells everyone 1001 and waits until they are gone; after `patience` their sockets are shut.
    pub(crate) fn close_all(&self, patience: Duration) {
        let open = {
            let connections = self.lock();
            let (open, waiting) = connections
                .live
                .values()
                .cloned()
                .partition::<Vec<_>, _>(|each| connections.open.contains(&each.id));
            // Hold the lock, so a handshake that completes later finds its socket shut down and cannot send 101.
            for queue in waiting {
                let _ = queue.transport.shutdown(Shutdown::Both); // it may have gone already
            }
            open
        };
        let reason = CloseReason::new(CloseCode::GoingAway, GOODBYE);
        for queue in open {
            let _ = queue.close(Some(&reason)); // likewise
        }
        if !self.wait_until_empty(patience) {
            for queue in self.lock().live.values() {
                let _ = queue.transport.shutdown(Shutdown::Both);
            }
            self.wait_until_empty(patience);
        }
    }

    /// Tells everyone 1001, those who came first first, each at a moment of their own, and returns when the time is up.
    pub(crate) fn close_gradually(&self, time: Duration) {
        let begin = Instant::now();
        let open: Vec<_> = {
            let connections = self.lock();
            let open = connections.open.iter();
            open.filter_map(|id| connections.live.get(id).cloned())
                .collect()
        };
        let reason = CloseReason::new(CloseCode::GoingAway, GOODBYE);
        let count = open.len().max(1) as f64;
        for (number, queue) in open.into_iter().enumerate() {
            let at = begin + time.mul_f64(number as f64 / count);
            thread::sleep(at.saturating_duration_since(Instant::now()));
            let _ = queue.close(Some(&reason)); // it may have gone already
        }
        thread::sleep((begin + time).saturating_duration_since(Instant::now()));
    }

    fn wait_until_empty(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut connections = self.lock();
        while connections.admitted > 0 {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return false;
            };
            connections = self
                .left
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
    /// Counts for another address from here on: a proxy says for whom it asks.
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

    /// The address it counts for.
    pub(crate) fn ip(&self) -> IpAddr {
        self.ip
    }

    pub(crate) fn attach(&mut self, queue: &Arc<SendQueue<Socket>>) {
        self.registry
            .lock()
            .live
            .insert(queue.id, Arc::clone(queue));
        self.id = Some(queue.id);
    }

    /// The opening handshake is as good as done.
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
        self.registry.left.notify_all();
    }
}

const GOODBYE: &str = "the server stops";

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(cap: usize, max_per_ip: usize) -> Arc<Registry> {
        Arc::new(Registry::new(cap, max_per_ip, vec![PROXY]))
    }

    const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn places_are_counted_and_come_back() {
        let registry = registry(1, 0);
        let permit = registry.try_admit(HERE).ok();
        assert!(permit.is_some());
        assert_eq!(registry.try_admit(HERE).err(), Some(Rejection::Server));
        drop(permit);
        assert!(registry.try_admit(HERE).is_ok());
    }

    #[test]
    fn one_address_gets_its_share_and_loopback_is_exempt() {
        let registry = registry(10, 1);
        let permit = registry.try_admit(ELSEWHERE).ok();
        assert!(permit.is_some());
        assert_eq!(
            registry.try_admit(ELSEWHERE).err(),
            Some(Rejection::Address)
        );
        assert!(registry.try_admit(HERE).is_ok() && registry.try_admit(HERE).is_ok());
        drop(permit);
        assert!(registry.try_admit(ELSEWHERE).is_ok());
    }

    #[test]
    fn a_proxy_brings_many_and_each_counts_for_itself() {
        let registry = registry(10, 1);
        let mut first = registry.try_admit(PROXY).expect("a place");
        let mut second = registry.try_admit(PROXY).expect("another");
        assert_eq!(first.reassign_ip(ELSEWHERE), Ok(()));
        assert_eq!(first.reassign_ip(ELSEWHERE), Ok(()));
        assert_eq!(second.reassign_ip(ELSEWHERE), Err(Rejection::Address));
        assert_eq!(
            registry.try_admit(ELSEWHERE).err(),
            Some(Rejection::Address)
        );
        assert_eq!(first.reassign_ip(HERE), Ok(()));
        assert_eq!(second.reassign_ip(ELSEWHERE), Ok(()));
        drop((first, second));
        assert!(registry.lock().per_ip.is_empty());
    }
}
