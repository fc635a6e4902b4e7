//! What the peers share, so that they differ only in what they are measured for: where they listen, which of the two
//! services they run, and what they say once they are ready.
#![forbid(unsafe_code)]

use std::io;
use std::net::TcpListener;

/// What a peer serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Every message comes back.
    Echo,
    /// Every message goes to every connection, its sender included.
    FanOut,
}

/// Listens on a free port of the loopback interface, and says which in the line the bench waits for.
///
/// # Errors
/// What binding or writing to standard output reports.
pub fn listen() -> io::Result<(TcpListener, Service)> {
    let service = match std::env::args().nth(1).as_deref() {
        None | Some("echo") => Service::Echo,
        Some("fan-out") => Service::FanOut,
        Some(other) => {
            let message = format!("echo or fan-out, not {other}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening on http://{}/", listener.local_addr()?);
    Ok((listener, service))
}

/// A stack for a connection's thread, the same for every peer on threads.
pub const STACK: usize = 128 * 1024;
