//! Fan-out: some connections publish, all receive. A message is done when the last reader has it, and then its publisher
//! sends the next. Each reader checks that it gets the messages of each publisher in order, without a gap.

use std::io;
use std::time::{Duration, Instant};

use rustix::net::sockopt;

use crate::Outcome;
use crate::connection;
use crate::frames::{self, BINARY, CLOSE, PING, PONG};
use crate::histogram::Histogram;
use crate::link::{Link, ROOM};
use crate::options::{Options, Payload};
use crate::poll::{Interest, Poll};
use crate::schedule::Schedule;
use crate::window::{Phase, Window};

/// A connection that reads. The first few publish too.
struct Reader {
    link: Link,
    /// The beginning of a frame whose rest has not come.
    carry: Vec<u8>,
    /// What could not be written yet, from `written` on.
    out: Vec<u8>,
    written: usize,
    interest: Interest,
    /// The number that must come next, by publisher.
    expected: Vec<u32>,
    probed: bool,
}

struct Publisher {
    /// A masked frame, and where in it the tag of the message goes.
    frame: Vec<u8>,
    tag: usize,
    key: [u8; 4],
    next: u32,
    /// By number, modulo.
    under_way: Vec<Message>,
}

#[derive(Clone)]
struct Message {
    sent: Instant,
    missing: usize,
}

/// What one run counts.
struct Tally {
    deliveries: u64,
    latencies: Histogram,
    /// Messages completed since they were last looked at, by publisher.
    done: Vec<usize>,
    readers: usize,
    size: usize,
    chat: bool,
}

pub fn run(options: &Options) -> Outcome {
    if options.size < TAG || options.publishers > options.connections {
        return Err("a message holds at least its tag, and a publisher reads too".into());
    }
    let mut poll = Poll::new()?;
    let mut readers = (0..options.connections)
        .map(|index| Reader::open(options, index))
        .collect::<Result<Vec<_>, _>>()?;
    let mut stalled = (options.connections..options.connections + options.stalled)
        .map(|index| open_stalled(options, index))
        .collect::<Result<Vec<_>, _>>()?;
    for (index, reader) in readers.iter().enumerate() {
        poll.add(&reader.link, index)?;
    }
    let mut publishers: Vec<Publisher> = (0..options.publishers)
        .map(|number| Publisher::new(options, number))
        .collect();
    let mut tally = Tally {
        deliveries: 0,
        latencies: Histogram::new(),
        done: vec![0; options.publishers],
        readers: options.connections,
        size: options.size,
        chat: options.chat,
    };
    let mut scratch = vec![0; ROOM];
    wait_until_all_receive(
        options,
        &mut poll,
        &mut readers,
        &mut publishers,
        &mut tally,
        &mut scratch,
    )?;

    let mut schedule = Schedule::new(options.rate);
    if options.rate.is_none() {
        tally.done.fill(options.in_flight);
    }
    let mut window = Window::new(options);
    let mut last_delivery = Instant::now();
    let mut ready = Vec::with_capacity(1024);
    loop {
        let now = Instant::now();
        match window.phase(now) {
            Phase::WarmUp | Phase::Measuring => {}
            Phase::Opens => {
                tally.deliveries = 0;
                tally.latencies.clear();
            }
            Phase::Over => break,
        }
        if options.rate.is_none() {
            for (number, publisher) in publishers.iter_mut().enumerate() {
                let count = std::mem::take(&mut tally.done[number]);
                if count > 0 {
                    publisher.publish(count, now, &mut readers[number], tally.readers)?;
                    readers[number].send(&poll, number)?;
                }
            }
        }
        while let Some((turn, at)) = schedule.next(now) {
            let number = turn % publishers.len();
            publishers[number].publish(1, at, &mut readers[number], tally.readers)?;
            readers[number].send(&poll, number)?;
        }
        ready.clear();
        ready.extend(poll.wait(schedule.wait())?);
        for &(index, writable) in &ready {
            if writable {
                readers[index].send(&poll, index)?;
            }
            readers[index].receive(&mut scratch, &mut publishers, &mut tally)?;
            readers[index].send(&poll, index)?;
            last_delivery = now;
        }
        if last_delivery.elapsed() > STUCK {
            return Err("no delivery for ten seconds".into());
        }
    }
    window.print(tally.deliveries);
    tally.latencies.print();
    println!("stalled_closed {}", count_closed(&mut stalled));
    Ok(())
}

/// A connection is in the room only some time after its handshake. One publisher asks until everyone hears.
fn wait_until_all_receive(
    options: &Options,
    poll: &mut Poll,
    readers: &mut [Reader],
    publishers: &mut [Publisher],
    tally: &mut Tally,
    scratch: &mut [u8],
) -> Outcome {
    let give_up = Instant::now() + STUCK;
    let mut probe = Publisher::new(options, PROBE);
    while readers.iter().any(|reader| !reader.probed) {
        if Instant::now() > give_up {
            return Err("not everybody is in the room".into());
        }
        probe.publish(1, Instant::now(), &mut readers[0], 0)?;
        readers[0].send(poll, 0)?;
        let until = Instant::now() + PROBE_EVERY;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            let ready: Vec<_> = poll.wait(left)?.collect();
            for (index, _) in ready {
                readers[index].receive(scratch, publishers, tally)?;
            }
        }
    }
    Ok(())
}

impl Reader {
    fn open(options: &Options, index: usize) -> io::Result<Self> {
        let (link, carry) = connection::open(options, index)?;
        link.set_nonblocking()?;
        Ok(Self {
            link,
            carry,
            out: Vec::new(),
            written: 0,
            interest: Interest::Read,
            expected: vec![0; options.publishers],
            probed: false,
        })
    }

    fn send(&mut self, poll: &Poll, index: usize) -> io::Result<()> {
        if self.written < self.out.len() || self.link.has_more_to_write() {
            self.written += self.link.write(&self.out[self.written..])?;
        }
        let mut interest = Interest::ReadAndWrite;
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
            if !self.link.has_more_to_write() {
                interest = Interest::Read;
            }
        }
        if interest != self.interest {
            poll.set(&self.link, index, interest)?;
            self.interest = interest;
        }
        Ok(())
    }

    /// Reads once and takes every whole frame.
    fn receive(
        &mut self,
        scratch: &mut [u8],
        publishers: &mut [Publisher],
        tally: &mut Tally,
    ) -> Outcome {
        let Some(count) = self.link.read(scratch)? else {
            return Ok(());
        };
        let bytes = &scratch[..count];
        if self.carry.is_empty() {
            let used = self.take_frames(bytes, publishers, tally)?;
            self.carry.extend_from_slice(&bytes[used..]);
        } else {
            let mut joined = std::mem::take(&mut self.carry);
            joined.extend_from_slice(bytes);
            let used = self.take_frames(&joined, publishers, tally)?;
            joined.drain(..used);
            self.carry = joined;
        }
        Ok(())
    }

    fn take_frames(
        &mut self,
        bytes: &[u8],
        publishers: &mut [Publisher],
        tally: &mut Tally,
    ) -> Result<usize, Box<dyn std::error::Error>> {
        let now = Instant::now();
        let mut used = 0;
        while let Some((opcode, start, end)) = frames::parse(&bytes[used..])
            && used + end <= bytes.len()
        {
            let payload = &bytes[used + start..used + end];
            used += end;
            match opcode {
                PING => self.out.extend(frames::masked(PONG, payload, [1, 2, 3, 4])),
                CLOSE => return Err("the server closes a connection".into()),
                _ => {
                    if let Some(text) = tally.text(payload) {
                        self.take_message(text, now, publishers, tally)?;
                    }
                }
            }
        }
        Ok(used)
    }

    fn take_message(
        &mut self,
        text: &[u8],
        now: Instant,
        publishers: &mut [Publisher],
        tally: &mut Tally,
    ) -> Outcome {
        let (number, sequence) = read_tag(text).ok_or("a message without its tag")?;
        if number == PROBE {
            self.probed = true;
            return Ok(());
        }
        let expected = self.expected.get_mut(number).ok_or("a message of nobody")?;
        if text.len() != tally.size || sequence != *expected {
            return Err(format!("message {sequence} of {number} where {expected} belongs").into());
        }
        *expected += 1;
        let message = publishers[number].message(sequence);
        message.missing -= 1;
        tally.deliveries += 1;
        if message.missing == 0 {
            tally
                .latencies
                .record(now.saturating_duration_since(message.sent));
            tally.done[number] += 1;
        }
        Ok(())
    }
}

impl Tally {
    /// The text of a message, out of its envelope; `None` for the chat's notices.
    fn text<'a>(&self, payload: &'a [u8]) -> Option<&'a [u8]> {
        if !self.chat {
            return Some(payload);
        }
        let (&id, fields) = payload.split_first()?;
        if id != MESSAGE {
            return None;
        }
        let (&origin, fields) = fields.split_first()?;
        fields.get(usize::from(origin) + 1..)
    }
}

impl Publisher {
    fn new(options: &Options, number: usize) -> Self {
        let mut text = vec![0; TAG];
        text.extend(frames::payload(Payload::Ascii, options.size - TAG, number));
        let mut payload = Vec::new();
        if options.chat {
            // Send, to everybody, and the length of what follows.
            payload.extend_from_slice(&[SEND, 1, b'~', text.len() as u8]);
        }
        let envelope = payload.len();
        payload.extend_from_slice(&text);
        let key = (number as u32 + 1).wrapping_mul(0x9e37_79b9).to_be_bytes();
        let frame = frames::masked(BINARY, &payload, key);
        let window = (options.in_flight * 2).max(OPEN_LOOP).next_power_of_two();
        let mut publisher = Self {
            tag: frame.len() - payload.len() + envelope,
            frame,
            key,
            next: 0,
            under_way: vec![
                Message {
                    sent: Instant::now(),
                    missing: 0
                };
                window
            ],
        };
        // The key's place repeats every four bytes: turn it so that it begins where the tag does.
        publisher.key.rotate_left(envelope % 4);
        publisher.write_tag(number, 0);
        publisher
    }

    fn publish(
        &mut self,
        count: usize,
        at: Instant,
        reader: &mut Reader,
        readers: usize,
    ) -> Outcome {
        for _ in 0..count {
            let message = self.message(self.next);
            if message.missing > 0 {
                return Err("the server does not keep up with the rate".into());
            }
            *message = Message {
                sent: at,
                missing: readers,
            };
            self.write_sequence(self.next);
            reader.out.extend_from_slice(&self.frame);
            self.next += 1;
        }
        Ok(())
    }

    fn message(&mut self, sequence: u32) -> &mut Message {
        let slot = sequence as usize & (self.under_way.len() - 1);
        &mut self.under_way[slot]
    }

    fn write_tag(&mut self, number: usize, sequence: u32) {
        let tag = [digit(number as u32 >> 6), digit(number as u32)];
        for (at, digit) in tag.into_iter().enumerate() {
            self.frame[self.tag + at] = digit ^ self.key[at % 4];
        }
        self.write_sequence(sequence);
    }

    fn write_sequence(&mut self, sequence: u32) {
        for at in 2..TAG {
            let digit = digit(sequence >> (6 * (TAG - 1 - at)));
            self.frame[self.tag + at] = digit ^ self.key[at % 4];
        }
    }
}

/// The publisher and the number of a message.
fn read_tag(text: &[u8]) -> Option<(usize, u32)> {
    let tag: &[u8; TAG] = text.first_chunk()?;
    let value = |digits: &[u8]| {
        digits.iter().fold(0u32, |sum, digit| {
            sum << 6 | u32::from(digit.wrapping_sub(b'0') & 63)
        })
    };
    Some((value(&tag[..2]) as usize, value(&tag[2..])))
}

/// Six bits as a printable character, so that the tag is text.
fn digit(bits: u32) -> u8 {
    b'0' + (bits & 63) as u8
}

/// A connection that never reads, with as small a buffer as the system allows.
fn open_stalled(options: &Options, index: usize) -> io::Result<Link> {
    let (link, _) = connection::open(options, index)?;
    sockopt::set_socket_recv_buffer_size(&link, 4096)?;
    link.set_nonblocking()?;
    Ok(link)
}

/// How many of these the server has given up: after what it could send comes the end.
fn count_closed(stalled: &mut [Link]) -> usize {
    let mut scrap = vec![0; ROOM];
    for link in stalled.iter() {
        // Through the small window the rest would trickle.
        let _ = sockopt::set_socket_recv_buffer_size(link, ROOM);
    }
    let all = stalled.len();
    let mut open: Vec<&mut Link> = stalled.iter_mut().collect();
    let deadline = Instant::now() + CLOSING;
    while !open.is_empty() && Instant::now() < deadline {
        let mut idle = true;
        open.retain_mut(|link| match link.read(&mut scrap) {
            Ok(some) => {
                idle &= some.is_none();
                true
            }
            Err(_) => false,
        });
        if idle {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    all - open.len()
}

/// Publisher in two digits, number in five.
const TAG: usize = 7;
/// The publisher of the messages that only ask who hears them.
const PROBE: usize = 4095;
const PROBE_EVERY: Duration = Duration::from_millis(50);
/// The chat's ids: send, and message.
const SEND: u8 = 4;
const MESSAGE: u8 = 55;
/// Messages a publisher may have under way when the clock sends them.
const OPEN_LOOP: usize = 4096;
/// How long a stalled connection is read to see whether it ends.
const CLOSING: Duration = Duration::from_secs(12);
const STUCK: Duration = Duration::from_secs(10);
