//! The sending side of one connection under a scheduler that tries thousands of orders in which its threads can meet:
//!
//! ```sh
//! RUSTFLAGS='--cfg model' cargo test --no-default-features --lib net::model
//! ```
//!
//! The peer takes as much as chance has it, nothing included, so the backlog and its drain thread come and go. Whatever the
//! order: only whole frames, each sender's in the order it sent them, at most one Close and nothing behind it, and no
//! thread that waits for ever. (Who delivers for a room is tried in every order in `combiner`.)

use std::io::{self, ErrorKind, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use super::outbox::Outbox;
use super::{AsMessage, Counters, Limits, Transport};
use crate::protocol::{CloseCode, CloseReason, Header, Opcode, Role, encode_frame};

#[test]
fn frames_stay_whole_and_in_order_and_one_close_is_the_last() {
    check(|| play(1 << 20));
}

#[test]
fn a_peer_that_is_too_slow_gets_whole_frames_and_then_one_close() {
    check(|| play(12));
}

fn check(play: fn()) {
    shuttle::check_random(play, 20_000);
    shuttle::check_pct(play, 20_000, 3);
}

/// The owner, two threads that deliver for rooms, and one that closes; then the owner winds the connection down.
fn play(out_queue: usize) {
    let limits = Limits {
        out_queue,
        ..Limits::default()
    };
    let wire = Arc::new(Mutex::new(Vec::new()));
    let outbox = Outbox::new(
        1,
        Peer(Arc::clone(&wire)),
        Role::Server,
        &limits,
        Arc::new(Counters::default()),
    );
    outbox.open().expect("it opens");

    let rooms = ["a", "b"].map(|name| {
        let outbox = Arc::clone(&outbox);
        thread::spawn(move || {
            for number in 0..MESSAGES {
                let mut frame = Vec::new();
                let text = format!("{name}{number}");
                encode_frame(true, Opcode::Text, text.as_bytes(), None, &mut frame);
                outbox.send_encoded(&frame, 1);
            }
        })
    });
    let closer = {
        let outbox = Arc::clone(&outbox);
        thread::spawn(move || {
            let reason = CloseReason::new(CloseCode::NormalClosure, "");
            let _ = outbox.close(Some(&reason)); // the peer may be too slow by then
        })
    };

    outbox.owned_by_this_thread();
    let mut accepted = 0;
    for number in 0..MESSAGES {
        outbox.set_more_waits(number == 0);
        let text = format!("o{number}");
        accepted += usize::from(outbox.send(text.as_message()).is_ok());
    }
    outbox.set_more_waits(false);
    let _ = outbox.flush(); // likewise
    for thread in rooms.into_iter().chain([closer]) {
        thread.join().expect("it does not panic");
    }
    outbox.wind_down();

    let wire = wire.lock().expect("nobody panicked");
    let said = frames(&wire);
    let closes = said.iter().filter(|said| *said == CLOSE).count();
    assert_eq!(closes, 1, "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some(CLOSE));
    for name in ["a", "b", "o"] {
        let heard: Vec<_> = said.iter().filter(|said| said.starts_with(name)).collect();
        let in_order: Vec<_> = (0..heard.len()).map(|n| format!("{name}{n}")).collect();
        assert!(heard.into_iter().eq(&in_order), "{said:?}");
    }
    if !outbox.is_too_slow() {
        let own = said.iter().filter(|said| said.starts_with('o')).count();
        assert_eq!(own, accepted, "what was accepted arrives: {said:?}");
    }
}

/// What the frames say; all of them are whole.
fn frames(mut wire: &[u8]) -> Vec<String> {
    let mut said = Vec::new();
    while !wire.is_empty() {
        let (header, start) = Header::decode(wire).expect("a header").expect("all of it");
        let (frame, rest) = wire.split_at(start + usize::try_from(header.length).expect("short"));
        said.push(match header.opcode {
            Opcode::Close => CLOSE.to_owned(),
            _ => String::from_utf8_lossy(&frame[start..]).into_owned(),
        });
        wire = rest;
    }
    said
}

/// Takes what chance has it, and has said all it had to say.
struct Peer(Arc<Mutex<Vec<u8>>>);

impl Transport for Peer {
    fn read(&self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        thread::yield_now();
        let total: usize = parts.iter().map(|part| part.len()).sum();
        let takes = match thread_rng().gen_range(0..3) {
            0 => return Err(ErrorKind::WouldBlock.into()),
            1 => thread_rng().gen_range(1..=total),
            _ => total,
        };
        let all = parts.iter().flat_map(|part| part.iter());
        let mut wire = self.0.lock().expect("nobody panicked");
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

const MESSAGES: usize = 2;
const CLOSE: &str = "Close";
