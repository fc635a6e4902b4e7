//! The sending side under a stream that takes what it likes, when it likes: the connection's own thread, other threads and
//! the drainer pass the backlog to each other at every possible moment, and nothing is lost, doubled, mixed or sent behind
//! the Close ([RFC 6455, 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).

use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use enchufe::protocol::Role;
use enchufe::{Error, Limits, Sender, WebSocket};

use crate::support::peer::{CLOSE, PONG, TEXT, decode, masked, reason};
use crate::support::server::{PATIENCE, within};

/// A small generator of numbers, the same ones for the same seed.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) % sides
    }
}

/// Reads and writes a few bytes at a time, or none.
struct Moody {
    input: io::Cursor<Vec<u8>>,
    output: Arc<Mutex<Vec<u8>>>,
    dice: Dice,
}

impl Read for Moody {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.dice.roll(3) == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let most = into.len().min(1 + self.dice.roll(60) as usize);
        self.input.read(&mut into[..most])
    }
}

impl Write for Moody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.dice.roll(4) {
            0 => Err(ErrorKind::WouldBlock.into()),
            1 => Err(ErrorKind::Interrupted.into()),
            _ => {
                let count = bytes.len().min(1 + self.dice.roll(40) as usize);
                self.output
                    .lock()
                    .expect("no panic")
                    .extend_from_slice(&bytes[..count]);
                Ok(count)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const MESSAGES: usize = 25;

/// Everything that was written, frame by frame.
fn frames(output: &[u8]) -> Vec<(u8, String)> {
    let mut rest = output;
    let mut frames = Vec::new();
    while let Some((frame, used)) = decode(rest) {
        assert_eq!(frame.key, None);
        let text = match frame.first {
            CLOSE => String::from_utf8_lossy(&frame.payload).into_owned(),
            _ => String::from_utf8(frame.payload).expect("what was sent is text"),
        };
        frames.push((frame.first, text));
        rest = &rest[used..];
    }
    assert!(rest.is_empty(), "the end of a frame is missing");
    frames
}

/// The messages of one sender, which must be 0, 1, 2, ...
fn of<'a>(name: &str, frames: &'a [(u8, String)]) -> Vec<&'a str> {
    frames
        .iter()
        .filter_map(|(_, text)| text.strip_prefix(name))
        .collect()
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|n| format!(" {n}")).collect()
}

/// Sends until the connection is closed: how many were taken.
fn send_all(name: &str, sender: &Sender<enchufe::net::Locked<Moody>>, mut dice: Dice) -> usize {
    for n in 0..MESSAGES {
        match sender.send(format!("{name} {n}")) {
            Ok(()) => {}
            Err(Error::Closed) => return n,
            Err(error) => panic!("{error}"),
        }
        if dice.roll(3) == 0 {
            thread::yield_now();
        }
    }
    MESSAGES
}

fn limits(max_send_queue: usize) -> Limits {
    Limits {
        max_send_queue,
        message_rate: 0,
        close_timeout: Duration::from_secs(5),
        ..Limits::default()
    }
}

/// A peer's messages and Pings, and perhaps its Close at the end.
fn input(dice: &mut Dice, close: bool) -> (Vec<u8>, usize) {
    let mut wire = Vec::new();
    let mut pings = 0;
    for n in 0..MESSAGES {
        wire.extend(masked(TEXT, format!("echo {n}")));
        if dice.roll(4) == 0 {
            wire.extend(masked(0x89, format!("ping {pings}")));
            pings += 1;
        }
    }
    if close {
        wire.extend(masked(CLOSE, reason(1000, "bye")));
    }
    (wire, pings)
}

#[test]
fn echoes_and_messages_of_other_threads_all_arrive_in_order_before_the_one_close() {
    for seed in 0..250 {
        within(PATIENCE, move || {
            let mut dice = Dice::new(seed);
            let (wire, pings) = input(&mut dice, true);
            let output = Arc::new(Mutex::new(Vec::new()));
            let stream = Moody {
                input: io::Cursor::new(wire),
                output: Arc::clone(&output),
                dice: dice.clone(),
            };
            let (mut reader, sender) =
                WebSocket::from_stream(stream, Role::Server, &limits(1 << 20)).split();
            let others: Vec<_> = ["left", "right"]
                .into_iter()
                .map(|name| {
                    let (sender, dice) = (sender.clone(), Dice::new(seed ^ name.len() as u64));
                    thread::spawn(move || (name, send_all(name, &sender, dice)))
                })
                .collect();
            let mut echoed = 0;
            while let Some(message) = reader.read().expect("no error") {
                sender.send(message).expect("the peer has not closed yet");
                echoed += 1;
            }
            assert_eq!(echoed, MESSAGES);
            let taken: Vec<_> = others
                .into_iter()
                .map(|other| other.join().expect("no panic"))
                .collect();
            let frames = frames(&output.lock().expect("no panic"));
            let closes = frames.iter().filter(|(first, _)| *first == CLOSE).count();
            assert_eq!(
                (closes, frames.last().map(|frame| frame.0)),
                (1, Some(CLOSE)),
                "seed {seed}"
            );
            assert_eq!(of("echo", &frames), numbers(MESSAGES), "seed {seed}");
            for (name, count) in taken {
                assert_eq!(of(name, &frames), numbers(count), "{name}, seed {seed}");
            }
            // Of Pings that met a backlog the last is answered, so there may be fewer; each at most once, in order.
            let pongs = frames
                .iter()
                .filter(|(first, _)| *first == PONG)
                .map(|(_, text)| text.clone());
            let pongs: Vec<String> = pongs.collect();
            assert!(
                pongs.len() <= pings && pongs.is_sorted_by_key(|it| it[5..].parse::<u32>().ok()),
                "{pongs:?}"
            );
        });
    }
}

/// Several threads close at once while others send: one Close goes out, and it is the last frame.
#[test]
fn of_many_closes_one_goes_out() {
    for seed in 0..100 {
        within(PATIENCE, move || {
            let mut dice = Dice::new(seed);
            let output = Arc::new(Mutex::new(Vec::new()));
            let stream = Moody {
                input: io::Cursor::default(),
                output: Arc::clone(&output),
                dice: dice.clone(),
            };
            let ws = WebSocket::from_stream(stream, Role::Server, &limits(1 << 20));
            let sender = ws.sender();
            let senders: Vec<_> = ["left", "right"]
                .into_iter()
                .map(|name| {
                    let (sender, dice) = (sender.clone(), Dice::new(seed ^ name.len() as u64));
                    thread::spawn(move || (name, send_all(name, &sender, dice)))
                })
                .collect();
            let closers: Vec<_> = (0..3)
                .map(|n| {
                    let (sender, pause) = (sender.clone(), dice.roll(200));
                    thread::spawn(move || {
                        (0..pause).for_each(|_| thread::yield_now());
                        sender
                            .close(enchufe::CloseCode::Private(4000 + n), "")
                            .expect("once or not at all");
                    })
                })
                .collect();
            for closer in closers {
                closer.join().expect("no panic");
            }
            let taken: Vec<_> = senders
                .into_iter()
                .map(|other| other.join().expect("no panic"))
                .collect();
            sender.wait_flushed().expect("an open stream");
            let frames = frames(&output.lock().expect("no panic"));
            let closes = frames.iter().filter(|(first, _)| *first == CLOSE).count();
            assert_eq!(
                (closes, frames.last().map(|frame| frame.0)),
                (1, Some(CLOSE)),
                "seed {seed}"
            );
            for (name, count) in taken {
                assert_eq!(of(name, &frames), numbers(count), "{name}, seed {seed}");
            }
            drop(ws);
        });
    }
}

/// A backlog that overflows at any moment: what went out is whole and without holes, and then comes the reason.
#[test]
fn an_overflow_at_any_moment_leaves_whole_frames_and_a_reason() {
    for seed in 0..100 {
        within(PATIENCE, move || {
            let dice = Dice::new(seed);
            let output = Arc::new(Mutex::new(Vec::new()));
            let stream = Moody {
                input: io::Cursor::default(),
                output: Arc::clone(&output),
                dice,
            };
            let ws = WebSocket::from_stream(stream, Role::Server, &limits(300));
            let sender = ws.sender();
            let threads: Vec<_> = ["left", "right", "middle"]
                .into_iter()
                .map(|name| {
                    let sender = sender.clone();
                    thread::spawn(move || {
                        let slow = (0..200).find(|n| match sender.send(format!("{name} {n}")) {
                            Ok(()) => false,
                            Err(Error::SendQueueFull) => true,
                            Err(error) => panic!("{error}"),
                        });
                        (name, slow)
                    })
                })
                .collect();
            let slow = threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"));
            let slow: Vec<_> = slow.collect();
            let overflowed = slow.iter().any(|(_, slow)| slow.is_some());
            let _ = sender.wait_flushed(); // `TooSlow` is the point
            let frames = frames(&output.lock().expect("no panic"));
            if overflowed {
                let last = frames.last().expect("a frame");
                assert!(
                    last.0 == CLOSE && last.1.ends_with("too slow"),
                    "seed {seed}: {last:?}"
                );
            }
            for (name, _) in slow {
                let texts = of(name, &frames);
                assert_eq!(texts, numbers(texts.len()), "{name}, seed {seed}");
            }
            drop(ws);
        });
    }
}
