//! Allows one connection attempt to an address at a time, in the whole process ([RFC 6455,
//! 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1), first list, step 2). The next waits until the first is
//! established or has failed, so clients do not flood a slow server.

use std::net::SocketAddr;
use std::thread::{self, Thread};
use std::time::Instant;

use crate::net::connection::sync::{Mutex, MutexGuard};
use crate::net::error::Error;

/// The address of the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remote {
    Address(SocketAddr),
    /// A name that the proxy resolves. Each name counts as a host.
    ByName(String, u16),
}

/// Permission to open a connection to a [`Remote`], released when dropped.
#[derive(Debug)]
pub(crate) struct ConnectPermit {
    number: u64,
}

impl ConnectPermit {
    /// Waits until no earlier caller is opening a connection to the same remote.
    ///
    /// # Errors
    /// [`Error::TimedOut`] at `deadline`.
    pub(crate) fn wait(remote: Remote, deadline: Instant) -> Result<Self, Error> {
        let number = Queue::lock().join(remote);
        let permit = Self { number }; // leaves the queue when dropped
        loop {
            if Queue::lock().is_first(number) {
                return Ok(permit);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::TimedOut);
            }
            thread::park_timeout(left);
        }
    }
}

impl Drop for ConnectPermit {
    fn drop(&mut self) {
        let next = Queue::lock().leave(self.number);
        if let Some(next) = next {
            next.unpark();
        }
    }
}

/// All callers that open a connection or wait, in order of arrival.
struct Queue {
    waiting: Vec<Waiting>,
    last: u64,
}

struct Waiting {
    number: u64,
    remote: Remote,
    thread: Thread,
}

impl Queue {
    fn lock() -> MutexGuard<'static, Self> {
        QUEUE.lock()
    }

    fn join(&mut self, remote: Remote) -> u64 {
        self.last += 1;
        self.waiting.push(Waiting {
            number: self.last,
            remote,
            thread: thread::current(),
        });
        self.last
    }

    fn is_first(&self, number: u64) -> bool {
        let Some(own) = self.waiting.iter().find(|it| it.number == number) else {
            return true;
        };
        let first = self.waiting.iter().find(|it| it.remote == own.remote);
        first.is_some_and(|it| it.number == number)
    }

    /// Removes a caller and returns the thread that is next.
    fn leave(&mut self, number: u64) -> Option<Thread> {
        let at = self.waiting.iter().position(|it| it.number == number)?;
        let Waiting { remote, .. } = self.waiting.remove(at);
        let next = self.waiting.iter().find(|it| it.remote == remote);
        next.map(|it| it.thread.clone())
    }
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue {
    waiting: Vec::new(),
    last: 0,
});

impl From<SocketAddr> for Remote {
    /// An IPv4-mapped IPv6 address is the same host.
    fn from(address: SocketAddr) -> Self {
        Self::Address(SocketAddr::new(address.ip().to_canonical(), address.port()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// A deadline that no test reaches.
    fn far() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn named(name: &str) -> Remote {
        Remote::ByName(name.to_owned(), 80)
    }

    #[test]
    fn connects_to_one_remote_run_in_order_of_arrival() {
        let first = ConnectPermit::wait(named("queue"), far()).unwrap();
        let (tell, turns) = mpsc::channel();
        let mut threads = Vec::new();
        for number in [2, 3, 4] {
            let tell = tell.clone();
            threads.push(thread::spawn(move || {
                let turn = ConnectPermit::wait(named("queue"), far()).unwrap();
                tell.send((number, turn)).unwrap();
            }));
            // Each joins the queue before the next one starts.
            let waiting = || {
                let queue = Queue::lock();
                let mine = queue
                    .waiting
                    .iter()
                    .filter(|it| it.remote == named("queue"));
                mine.count()
            };
            while waiting() < number {
                thread::yield_now();
            }
        }
        assert!(turns.try_recv().is_err(), "a caller did not wait");
        drop(first);
        for expected in [2, 3, 4] {
            let (number, turn) = turns.recv_timeout(Duration::from_secs(20)).unwrap();
            assert_eq!(number, expected);
            assert!(turns.try_recv().is_err(), "two at a time");
            drop(turn);
        }
        for thread in threads {
            thread.join().unwrap();
        }
    }

    #[test]
    fn a_caller_that_times_out_leaves_the_queue() {
        let first = ConnectPermit::wait(named("gives up"), far()).unwrap();
        let soon = Instant::now() + Duration::from_millis(20);
        let second = ConnectPermit::wait(named("gives up"), soon);
        assert!(matches!(second, Err(Error::TimedOut)));
        drop(first);
        assert!(
            ConnectPermit::wait(named("gives up"), soon).is_ok(),
            "it is free"
        );
    }

    #[test]
    fn other_ports_and_hosts_are_other_remotes_and_a_mapped_address_is_the_same() {
        let _name = ConnectPermit::wait(named("a"), far()).unwrap();
        let _other = ConnectPermit::wait(named("b"), far()).unwrap();
        let _port = ConnectPermit::wait(Remote::ByName("a".to_owned(), 81), far()).unwrap();
        let remote = |text: &str| Remote::from(text.parse::<SocketAddr>().unwrap());
        assert_eq!(remote("[::ffff:192.0.2.1]:80"), remote("192.0.2.1:80"));
        assert_ne!(remote("192.0.2.1:80"), remote("192.0.2.1:81"));
    }
}
