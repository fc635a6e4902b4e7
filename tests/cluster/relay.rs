//! A cable between a server and Redis that can be cut, or made narrow.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// Passes on what comes, as long as it is whole.
pub(crate) struct Relay {
    pub(crate) port: u16,
    cable: Arc<Cable>,
}

#[derive(Default)]
struct Cable {
    cut: AtomicBool,
    /// Bytes a second that come back from Redis; 0 for any number.
    rate: AtomicU64,
}

impl Relay {
    pub(crate) fn to(port: u16) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("its address").port();
        let cable = Arc::new(Cable::default());
        let shared = Arc::clone(&cable);
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                let pairs = [
                    (near.try_clone(), far.try_clone(), false),
                    (far.try_clone(), near.try_clone(), true),
                ];
                for (from, to, back) in pairs {
                    let (Ok(from), Ok(to)) = (from, to) else {
                        continue;
                    };
                    let cable = Arc::clone(&shared);
                    thread::spawn(move || pass(from, to, &cable, back));
                }
            }
        });
        Relay { port: own, cable }
    }

    /// From now on nothing comes through, and nobody is told.
    pub(crate) fn cut(&self) {
        self.cable.cut.store(true, Relaxed);
    }

    pub(crate) fn mend(&self) {
        self.cable.cut.store(false, Relaxed);
    }

    /// How much comes back from Redis each second, on each connection.
    pub(crate) fn narrow(&self, rate: u64) {
        self.cable.rate.store(rate, Relaxed);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, cable: &Cable, back: bool) {
    let mut octets = [0; 16 * 1024];
    loop {
        let rate = cable.rate.load(Relaxed);
        let most = match rate {
            0 => octets.len(),
            rate => octets.len().min((rate / 20).max(1) as usize),
        };
        let Ok(count @ 1..) = from.read(&mut octets[..most]) else {
            break;
        };
        // What was under way when the cable was cut comes late or, as the connection has ended, never.
        while cable.cut.load(Relaxed) {
            thread::sleep(Duration::from_millis(5));
        }
        if to.write_all(&octets[..count]).is_err() {
            break;
        }
        if rate > 0 && back {
            thread::sleep(Duration::from_millis(50));
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
    let _ = from.shutdown(std::net::Shutdown::Both);
}
