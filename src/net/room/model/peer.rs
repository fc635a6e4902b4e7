//! Simulated peer of a connection: accepts bytes at a chosen speed and records the frames it receives.

use std::io::{self, ErrorKind, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use crate::net::connection::send_queue::SendQueue;
use crate::net::counters::Counters;
use crate::net::limits::Limits;
use crate::net::socket::transport::Transport;
use crate::protocol::close::CloseReason;
use crate::protocol::encoder::encode_frame;
use crate::protocol::header::Header;
use crate::protocol::opcode::{MessageKind, Opcode};
use crate::protocol::state::Role;

/// Peer that accepts all bytes, a random number of them, or none for a while. It sends nothing. Clones share their state.
#[derive(Clone)]
pub(crate) struct Peer {
    fickle: bool,
    stalled: Arc<AtomicBool>,
    wire: Arc<Mutex<Vec<u8>>>,
}

impl Peer {
    /// Creates a peer that accepts all bytes at once.
    pub(crate) fn quick() -> Peer {
        Peer {
            fickle: false,
            stalled: Arc::default(),
            wire: Arc::default(),
        }
    }

    /// Creates a peer that accepts a random number of bytes, sometimes none, so a backlog and its drain thread come and go.
    pub(crate) fn fickle() -> Peer {
        Peer {
            fickle: true,
            ..Peer::quick()
        }
    }

    /// Creates a peer that accepts nothing until [`Peer::resume`], and then a random number of bytes.
    pub(crate) fn stalled() -> Peer {
        let peer = Peer::fickle();
        peer.stalled.store(true, Relaxed);
        peer
    }

    pub(crate) fn resume(&self) {
        self.stalled.store(false, Relaxed);
    }

    /// Returns a server's connection to this peer, after the handshake.
    pub(crate) fn connect(&self, max_send_queue: usize) -> Arc<SendQueue<Peer>> {
        let limits = Limits {
            max_send_queue,
            ..Limits::default()
        };
        let counters = Arc::new(Counters::default());
        let queue = SendQueue::new(1, self.clone(), Role::Server, &limits, counters);
        queue.uncork().expect("it opens");
        queue
    }

    /// Returns the received frames. Panics if a frame is incomplete.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        let wire = self.wire.lock().expect("no thread panicked");
        let mut wire = &wire[..];
        let mut heard = Vec::new();
        while !wire.is_empty() {
            let (header, start) = Header::decode(wire).expect("a header").expect("all of it");
            let length = usize::try_from(header.length).expect("short");
            let (frame, rest) = wire.split_at(start + length);
            heard.push(match header.opcode {
                Opcode::Close => Heard::Close(close_code(&frame[start..])),
                _ => Heard::Text(String::from_utf8_lossy(&frame[start..]).into_owned()),
            });
            wire = rest;
        }
        heard
    }
}

/// Received frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Text(String),
    Close(u16),
}

impl Heard {
    /// Returns the text. Panics for a Close.
    pub(crate) fn text(&self) -> &str {
        match self {
            Heard::Text(text) => text,
            Heard::Close(code) => panic!("Close {code} where a text should be"),
        }
    }
}

fn close_code(payload: &[u8]) -> u16 {
    let reason = CloseReason::parse(payload).expect("a reason");
    reason.expect("a code").code.into()
}

/// Returns the frame of a text message to a room.
pub(crate) fn text_frame(text: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    encode_frame(
        true,
        MessageKind::Text.into(),
        text.as_bytes(),
        None,
        &mut frame,
    );
    frame
}

impl Transport for Peer {
    fn read(&self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        thread::yield_now();
        if self.stalled.load(Relaxed) {
            return Err(ErrorKind::WouldBlock.into());
        }
        let total: usize = parts.iter().map(|part| part.len()).sum();
        let takes = match self.fickle {
            false => total,
            true => match thread_rng().gen_range(0..3) {
                0 => return Err(ErrorKind::WouldBlock.into()),
                1 => thread_rng().gen_range(1..=total),
                _ => total,
            },
        };
        let all = parts.iter().flat_map(|part| part.iter());
        let mut wire = self.wire.lock().expect("no thread panicked");
        wire.extend(all.take(takes));
        Ok(takes)
    }

    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&self, _: Shutdown) -> io::Result<()> {
        Ok(())
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        None
    }
}
