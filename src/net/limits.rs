//! Every bound of a connection and of the server, each with its default and the reason for it.

use std::net::IpAddr;
use std::time::Duration;

use crate::http::lines::HeadLimits;
use crate::net::server::capacity;
use crate::protocol::limits::MessageLimits;

/// Bounds on what a peer may cost. Sizes are bytes; [`Limits::default`] is what the server runs with.
///
/// A limit is checked before memory is taken for what it bounds, so memory grows with bytes received and never with
/// bytes promised.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Request line and header block of a request (8 KiB, 16 KiB, 64 headers).
    pub head: HeadLimits,
    /// Body of a plain HTTP request (64 KiB); no service here needs more than a few bytes.
    pub max_body: usize,
    /// From ACCEPT to the end of the request head, in all, however slowly the bytes drip (10 s).
    pub handshake_timeout: Duration,
    /// One message after reassembly, and its fragments (1 MiB, 131,072 fragments).
    pub message: MessageLimits,
    /// From the first byte of a message to its last; pings in between do not extend it (30 s).
    pub incomplete_message: Duration,
    /// Silence after which the peer is asked with a Ping; `None` never asks (20 s).
    pub ping_interval: Option<Duration>,
    /// Further silence after that Ping until the peer counts as dead (20 s).
    pub pong_timeout: Duration,
    /// From our Close to the peer's (5 s).
    pub close_timeout: Duration,
    /// How long a server that is told to stop goes on before it stops: nobody new gets a WebSocket, plain HTTP is answered, and
    /// everybody gets the Close at a moment of their own, so that they do not all go elsewhere at once (0 s).
    pub shutdown_grace: Duration,
    /// Bytes waiting for one slow peer; beyond it the peer is closed with 1008 (1 MiB).
    pub max_send_queue: usize,
    /// Messages per second one connection may send after its burst; kept by not reading. 0 is no limit (100).
    pub message_rate: u32,
    /// Messages a connection may send at once before `rate` applies (1,000).
    pub message_burst: u32,
    /// Lines a second that the log has about one address, at `info` and above, after its burst; what is more is counted and
    /// the count told. 0 is no limit (10).
    pub log_rate: u32,
    /// Lines about one address before `log_rate` applies (500).
    pub log_burst: u32,
    /// Bytes per second a streamed response must go out at, averaged over `body_window`; 0 is no limit (1 KiB).
    pub min_body_rate: usize,
    /// The time that average is taken over (30 s).
    pub body_window: Duration,
    /// Connections from one address, loopback and trusted proxies exempt; 0 is no limit (64).
    pub max_per_ip: usize,
    /// Proxies that are believed when they say for whom they ask (none): that address then counts for the limit above,
    /// and is the [`RequestContext::peer`](crate::net::RequestContext::peer) of a service. See [`client_address`](crate::http::forwarded::client_address).
    pub trusted_proxies: Vec<IpAddr>,
    /// Connections at all; `None` computes it at start from descriptors, threads and memory maps.
    pub max_connections: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: HeadLimits::default(),
            max_body: 64 * 1024,
            handshake_timeout: Duration::from_secs(10),
            message: MessageLimits::default(),
            incomplete_message: Duration::from_secs(30),
            ping_interval: Some(Duration::from_secs(20)),
            pong_timeout: Duration::from_secs(20),
            close_timeout: Duration::from_secs(5),
            shutdown_grace: Duration::ZERO,
            max_send_queue: 1024 * 1024,
            message_rate: 100,
            message_burst: 1_000,
            log_rate: 10,
            log_burst: 500,
            min_body_rate: 1024,
            body_window: Duration::from_secs(30),
            max_per_ip: 64,
            trusted_proxies: Vec::new(),
            max_connections: None,
        }
    }
}

impl Limits {
    /// How many connections this process can carry: as many as asked for, and no more than the system leaves room for.
    #[must_use]
    pub fn connection_cap(&self) -> usize {
        let room = capacity::connections();
        self.max_connections
            .map_or(room, |asked| asked.min(room).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_is_never_above_what_was_asked_for_and_never_zero() {
        let asked = |n| {
            Limits {
                max_connections: Some(n),
                ..Limits::default()
            }
            .connection_cap()
        };
        assert_eq!(asked(0), 1);
        assert_eq!(asked(7), 7);
        assert!(asked(usize::MAX) >= 1);
        assert_eq!(asked(usize::MAX), Limits::default().connection_cap());
    }
}
