//! One at a time: at most one connection to an address is being opened
//! ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1), first list, step 2). Whoever comes second waits
//! until the first is established or has failed, so that nobody floods a server that answers slowly; it counts for the
//! whole process.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Instant;

use crate::net::error::Error;

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remote {
    Address(SocketAddr),
    /// A proxy resolves the name: each name counts as a host of its own.
    ByName(String, u16),
}

/// The right to open a connection to a [`Remote`]; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectPermit {
    number: u64,
}

impl ConnectPermit {
    /// Waits until nobody who came before is opening a connection to the same remote.
    ///
    /// # Errors
    /// [`Error::TimedOut`] when `deadline` comes first.
    pub(crate) fn wait(remote: Remote, deadline: Instant) -> Result<Self, Error> {
        let number = Queue::lock().join(remote);
        let turn = Self { number }; // leaves the queue however this ends
        loop {
            if Queue::lock().is_first(number) {
                return Ok(turn);
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

/// Everybody who opens a connection or waits for it, in the order in which they came.
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
        QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Whose turn it is now.
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
    /// An IPv4 address is the same host in the form of IPv6.
    fn from(address: SocketAddr) -> Self {
        Self::Address(SocketAddr::new(address.ip().to_canonical(), address.port()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// A deadline that no test lives to see.
    fn far() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn named(name: &str) -> Remote {
        Remote::ByName(name.to_owned(), 80)
    }

    #[test]
    fn who_comes_second_waits_until_the_first_is_done_and_then_the_third() {
        let first = ConnectPermit::wait(named("queue"), far()).unwrap();
        let (tell, turns) = mpsc::channel();
        let mut threads = Vec::new();
        for number in [2, 3, 4] {
            let tell = tell.clone();
            threads.push(thread::spawn(move || {
                let turn = ConnectPermit::wait(named("queue"), far()).unwrap();
                tell.send((number, turn)).unwrap();
            }));
            // Each joins the queue before the next one is started.
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
        assert!(turns.try_recv().is_err(), "somebody did not wait");
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
    fn who_gives_up_waiting_leaves_the_queue() {
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
    fn another_port_or_host_is_another_remote_and_the_same_address_in_ipv6_is_not() {
        let _name = ConnectPermit::wait(named("a"), far()).unwrap();
        let _other = ConnectPermit::wait(named("b"), far()).unwrap();
        let _port = ConnectPermit::wait(Remote::ByName("a".to_owned(), 81), far()).unwrap();
        let remote = |text: &str| Remote::from(text.parse::<SocketAddr>().unwrap());
        assert_eq!(remote("[::ffff:192.0.2.1]:80"), remote("192.0.2.1:80"));
        assert_ne!(remote("192.0.2.1:80"), remote("192.0.2.1:81"));
    }
}
