//! The people of the bench, on the binary wire of the chat.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use enchufe::{Incoming, Reader, Sender};

use crate::server::say;

/// What all of them together have seen.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) stop: AtomicBool,
    /// Messages that reached somebody.
    pub(crate) delivered: AtomicU64,
    /// Messages that came back to their author.
    pub(crate) said: AtomicU64,
}

/// What comes next.
#[derive(PartialEq)]
enum Heard {
    Own,
    Others,
    /// Nothing of the chat.
    Nothing,
    Over,
}

/// Listens until it is over.
pub(crate) fn listen((mut reader, _sender): (Reader, Sender), me: &str, counts: &Counts) {
    let own = own(me);
    loop {
        match hear(&mut reader, &own, counts) {
            Heard::Own | Heard::Others => counts.delivered.fetch_add(1, Relaxed),
            Heard::Nothing => continue,
            Heard::Over => return,
        };
    }
}

/// Talks to everybody, or to itself, with as many messages on their way as it may have.
pub(crate) fn talk((mut reader, sender): (Reader, Sender), me: &str, alone: bool, counts: &Counts) {
    let message = say(alone.then_some(me), &"x".repeat(TEXT));
    let own = own(me);
    let mut in_flight = 0;
    loop {
        while in_flight < IN_FLIGHT {
            if sender.send(&message[..]).is_err() {
                return;
            }
            in_flight += 1;
        }
        match hear(&mut reader, &own, counts) {
            Heard::Own => {
                counts.said.fetch_add(1, Relaxed);
                in_flight -= 1;
            }
            Heard::Others => {}
            Heard::Nothing => continue,
            Heard::Over => return,
        }
        counts.delivered.fetch_add(1, Relaxed);
    }
}

/// Says something to everybody again and again, with a pause between, and says how long each took to come back.
pub(crate) fn now_and_then(
    (mut reader, sender): (Reader, Sender),
    me: &str,
    times: usize,
    pace: Duration,
) -> Vec<Duration> {
    let message = say(None, &"x".repeat(TEXT));
    let (own, counts) = (own(me), Counts::default());
    let mut next = Instant::now();
    let time = |_| {
        next += pace;
        thread::sleep(next.saturating_duration_since(Instant::now()));
        let began = Instant::now();
        sender.send(&message[..]).expect("the server takes it");
        loop {
            match hear(&mut reader, &own, &counts) {
                Heard::Own => break,
                Heard::Over => panic!("the server is gone"),
                _ => assert!(began.elapsed() < LOST, "a message does not come back"),
            }
        }
        began.elapsed()
    };
    (0..times + UNTIMED).map(time).skip(UNTIMED).collect()
}

fn hear(reader: &mut Reader, own: &[u8], counts: &Counts) -> Heard {
    let until = Instant::now() + Duration::from_millis(500);
    match reader.read_until(Some(until)) {
        _ if counts.stop.load(Relaxed) => Heard::Over,
        Ok(Incoming::Message(message)) => match message.payload() {
            said if said.starts_with(own) => Heard::Own,
            said if said.first() == Some(&SAID) => Heard::Others,
            _ => Heard::Nothing,
        },
        Ok(Incoming::Deadline | Incoming::Frame(..)) => Heard::Nothing,
        Ok(Incoming::Closed) | Err(_) => Heard::Over,
    }
}

/// What a message of one's own begins with.
fn own(me: &str) -> Vec<u8> {
    [&[SAID, me.len() as u8], me.as_bytes()].concat()
}

/// How many messages of one author are on their way.
const IN_FLIGHT: usize = 16;

/// Bytes in a message.
const TEXT: usize = 64;

/// How many come first that do not count.
const UNTIMED: usize = 50;

const LOST: Duration = Duration::from_secs(10);

/// The first byte of a chat message on the binary wire.
const SAID: u8 = 55;
