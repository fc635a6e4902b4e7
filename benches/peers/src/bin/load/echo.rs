//! Echo: what a connection sends is one frame over and over, so what it must receive is one frame over and over, and a
//! reply is checked by comparing bytes. Small ones always, of large ones the beginning and a sample in full. Compressed
//! replies are inflated first, each of them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::connection;
use crate::frames;
use crate::histogram::Histogram;
use crate::inflate::{Inflater, deflated};
use crate::link::{Link, ROOM};
use crate::options::Options;
use crate::poll::{Interest, Poll};
use crate::schedule::Schedule;
use crate::window::{Phase, Window};

struct Connection {
    link: Link,
    /// The frame, as often as it may be in flight (within reason).
    batch: Vec<u8>,
    frame: usize,
    reply: Vec<u8>,
    /// Instead of `reply`, where replies come compressed.
    inflater: Option<Inflater>,
    /// Bytes of `batch` to send from `sent` on, around and around.
    owed: usize,
    sent: usize,
    /// Where in the current reply we are, and how many came.
    received: usize,
    replies: u64,
    interest: Interest,
    under_way: VecDeque<Instant>,
}

pub fn run(options: &Options) -> Outcome {
    let mut poll = Poll::new()?;
    let mut connections = (0..options.connections)
        .map(|index| Connection::open(options, index))
        .collect::<Result<Vec<_>, _>>()?;
    for (index, connection) in connections.iter().enumerate() {
        poll.add(&connection.link, index)?;
    }
    let mut schedule = Schedule::new(options.rate);
    if options.rate.is_none() {
        let now = Instant::now();
        for (index, connection) in connections.iter_mut().enumerate() {
            connection.queue(options.in_flight, now);
            connection.send(&poll, index)?;
        }
    }

    let mut window = Window::new(options);
    let mut latencies = Histogram::new();
    let mut messages = 0;
    let mut scratch = vec![0; ROOM];
    let mut last_reply = Instant::now();
    let mut ready = Vec::with_capacity(1024);
    loop {
        ready.clear();
        ready.extend(poll.wait(schedule.wait())?);
        let now = Instant::now();
        match window.phase(now) {
            Phase::WarmUp | Phase::Measuring => {}
            Phase::Opens => {
                messages = 0;
                latencies.clear();
            }
            Phase::Over => break,
        }
        while let Some((turn, at)) = schedule.next(now) {
            let index = turn % connections.len();
            connections[index].queue(1, at);
            connections[index].send(&poll, index)?;
        }
        for &(index, writable) in &ready {
            let connection = &mut connections[index];
            if writable {
                connection.send(&poll, index)?;
            }
            let replies = connection.receive(&mut scratch)?;
            if replies > 0 {
                let now = Instant::now();
                last_reply = now;
                for sent in connection.under_way.drain(..replies) {
                    latencies.record(now.saturating_duration_since(sent));
                }
                messages += replies as u64;
                if options.rate.is_none() {
                    connection.queue(replies, now);
                    connection.send(&poll, index)?;
                }
            }
        }
        if last_reply.elapsed() > STUCK {
            return Err("no reply for ten seconds".into());
        }
    }
    window.print(messages);
    latencies.print();
    Ok(())
}

impl Connection {
    fn open(options: &Options, index: usize) -> Result<Self, Box<dyn std::error::Error>> {
        let (link, _) = connection::open(options, index)?;
        link.set_nonblocking()?;
        let payload = frames::payload(options.payload, options.size, index);
        let opcode = frames::opcode(options.payload);
        let key = (index as u32 + 1).wrapping_mul(0x9e37_79b9).to_be_bytes();
        let mut inflater = None;
        let (frame, reply) = if options.raw {
            (payload.clone(), payload)
        } else if options.deflate {
            let compressed = deflated(&payload)?;
            inflater = Some(Inflater::new(payload));
            let opcode = frames::RSV1 | opcode;
            (frames::masked(opcode, &compressed, key), Vec::new())
        } else {
            (
                frames::masked(opcode, &payload, key),
                frames::unmasked(opcode, &payload),
            )
        };
        let repeat = options.in_flight.min((BATCH / frame.len()).max(1));
        Ok(Self {
            link,
            batch: frame.repeat(repeat),
            frame: frame.len(),
            reply,
            inflater,
            owed: 0,
            sent: 0,
            received: 0,
            replies: 0,
            interest: Interest::Read,
            under_way: VecDeque::with_capacity(options.in_flight),
        })
    }

    fn queue(&mut self, messages: usize, at: Instant) {
        self.owed += messages * self.frame;
        self.under_way.extend(std::iter::repeat_n(at, messages));
    }

    fn send(&mut self, poll: &Poll, index: usize) -> std::io::Result<()> {
        loop {
            // A border between two frames is as good as another: start where the longest piece is left.
            let from = self.sent % self.frame;
            let piece = &self.batch[from..self.batch.len().min(from + self.owed)];
            let count = self.link.write(piece)?;
            self.owed -= count;
            self.sent = from + count;
            if self.owed == 0 || count < piece.len() {
                break;
            }
        }
        let interest = if self.owed > 0 || self.link.has_more_to_write() {
            Interest::ReadAndWrite
        } else {
            Interest::Read
        };
        if interest != self.interest {
            poll.set(&self.link, index, interest)?;
            self.interest = interest;
        }
        Ok(())
    }

    /// Reads once, checks, and says how many replies came to their end.
    fn receive(&mut self, scratch: &mut [u8]) -> Result<usize, Box<dyn std::error::Error>> {
        let Some(count) = self.link.read(scratch)? else {
            return Ok(0);
        };
        let mut bytes = &scratch[..count];
        let mut ended = 0;
        if let Some(inflater) = &mut self.inflater {
            ended = inflater.take(std::mem::take(&mut bytes))?;
        }
        while !bytes.is_empty() {
            let here = bytes.len().min(self.reply.len() - self.received);
            let checked = if self.reply.len() <= SMALL || self.replies.is_multiple_of(SAMPLE) {
                here
            } else {
                here.min(SMALL.saturating_sub(self.received))
            };
            if bytes[..checked] != self.reply[self.received..self.received + checked] {
                return Err("a reply is not what was sent".into());
            }
            bytes = &bytes[here..];
            self.received += here;
            if self.received == self.reply.len() {
                self.received = 0;
                self.replies += 1;
                ended += 1;
            }
        }
        if ended > self.under_way.len() {
            return Err("more replies than messages".into());
        }
        Ok(ended)
    }
}

const BATCH: usize = 1024 * 1024;
/// Replies up to this size are compared in full.
const SMALL: usize = 4 * 1024;
/// Of larger ones, one in so many.
const SAMPLE: u64 = 16;
const STUCK: Duration = Duration::from_secs(10);
