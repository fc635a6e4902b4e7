//! The read buffer of one connection, and the pool of large buffers all connections share.
//!
//! At rest a connection holds 256 bytes, and more when its messages ask for it. The bytes are initialised once, when the
//! buffer is made, never before a read.
//! A frame that does not fit is read into a large buffer from a last-in-first-out pool: the one used last is the one
//! still in the processor's cache, and a thousand connections that each get a large message now and then share a few
//! of them. Room grows with the bytes that came, never with a length a header claims.

use std::io;

use crate::net::connection::sync::Mutex;

/// Bytes received and not yet consumed, in one piece.
#[derive(Debug)]
pub(crate) struct ReadBuffer {
    /// Every byte is initialised; `start..end` are the ones received.
    room: Vec<u8>,
    start: usize,
    end: usize,
    /// The small buffer, put aside while `room` is one of the pool's.
    small: Option<Vec<u8>>,
    /// The last read filled all the room it was given: more is waiting.
    filled: bool,
}

impl ReadBuffer {
    /// For the frames of a connection.
    pub(crate) fn new() -> Self {
        Self::with_room(IDLE_SIZE)
    }

    /// For the head of a request or of an answer, which is longer than most of the messages that come behind it.
    pub(crate) fn with_head_capacity() -> Self {
        Self::with_room(HEAD)
    }

    fn with_room(size: usize) -> Self {
        Self {
            room: vec![0; size],
            start: 0,
            end: 0,
            small: None,
            filled: false,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.room[self.start..self.end]
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.room[self.start..self.end]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Drops `count` bytes from the front.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Appends what one read brings. `wanted` is the size of the frame in progress, 0 if unknown.
    pub(crate) fn fill(
        &mut self,
        wanted: usize,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.make_room(wanted);
        let end = match self.small {
            // A large frame is read to its end and no further: what follows would only have to be moved. And not all of it
            // at once: who unmasks it finds each piece in the processor's cache.
            Some(_) if wanted > 0 => (self.start + wanted)
                .min(self.end + READ_CHUNK)
                .min(self.room.len()),
            _ => self.room.len(),
        };
        let count = read(&mut self.room[self.end..end])?;
        self.end += count;
        self.filled = self.small.is_none() && self.end == end;
        Ok(count)
    }

    /// Gives back what only traffic needs, or a head. Called when the connection has been idle for a while, and before its
    /// first frame.
    pub(crate) fn shrink(&mut self) {
        if self.is_empty() {
            self.reset();
            if self.room.len() > IDLE_SIZE {
                self.room = vec![0; IDLE_SIZE];
            }
        }
    }

    /// Goes on in `other`, which has served its time, if nothing is held: with a buffer of its own beside it an idle
    /// connection would keep both.
    pub(crate) fn adopt(&mut self, mut other: Vec<u8>) {
        if self.is_empty() && other.capacity() <= 2 * IDLE_SIZE {
            other.resize(IDLE_SIZE, 0);
            self.reset();
            self.room = other;
        }
    }

    fn make_room(&mut self, wanted: usize) {
        if self.is_empty() {
            self.reset();
        }
        // The last read brought as much as there was room for, and not of one large frame: more is on its way.
        if std::mem::take(&mut self.filled)
            && wanted <= self.room.len()
            && self.room.len() < BATCH_SIZE
        {
            self.grow(self.room.len() * 4);
        }
        let full = self.end == self.room.len();
        if self.start > 0 && (full || self.start + wanted > self.room.len()) {
            self.room.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let full = self.end == self.room.len();
        let pooled = self.small.is_some();
        if wanted > self.room.len() && !pooled {
            match wanted {
                ..=SMALL_SIZE => self.grow(SMALL_SIZE),
                _ => self.swap(wanted.min(POOLED_MIN_SIZE), wanted),
            }
        } else if full && !pooled && self.room.len() < BATCH_SIZE {
            self.grow(self.room.len() * 4);
        } else if full {
            // A large buffer is used up before it is exchanged, and doubled then: what came so far is copied a few times
            // at most, however small the pieces, and memory follows what came and not what a header promises.
            self.swap(self.room.len() * 2, wanted);
        }
    }

    /// A larger buffer of its own.
    fn grow(&mut self, size: usize) {
        let mut room = vec![0; size];
        let held = self.end - self.start;
        room[..held].copy_from_slice(&self.room[self.start..self.end]);
        self.room = room;
        self.start = 0;
        self.end = held;
    }

    /// Back to the beginning of the small buffer, when nothing is held.
    fn reset(&mut self) {
        self.start = 0;
        self.end = 0;
        if let Some(small) = self.small.take() {
            give_back(std::mem::replace(&mut self.room, small));
        }
    }

    /// Moves what is held into a buffer of at least `size` bytes; of `wanted` if the pool happens to have one.
    fn swap(&mut self, size: usize, wanted: usize) {
        let mut large = take(size, wanted);
        let held = self.end - self.start;
        large[..held].copy_from_slice(&self.room[self.start..self.end]);
        let old = std::mem::replace(&mut self.room, large);
        match self.small {
            Some(_) => give_back(old),
            None => self.small = Some(old),
        }
        self.start = 0;
        self.end = held;
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        if self.small.is_some() {
            give_back(std::mem::take(&mut self.room));
        }
    }
}

/// Buffers not in use, the one used last on top.
static POOL: Mutex<Pool> = Mutex::new(Pool {
    buffers: Vec::new(),
    bytes: 0,
});

struct Pool {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

/// A buffer that exists costs nothing, so it may be as large as the header says; a new one is only as large as `size`.
fn take(size: usize, wanted: usize) -> Vec<u8> {
    let mut pool = POOL.lock();
    let with_room = |bytes: usize| {
        pool.buffers
            .iter()
            .rposition(|buffer| buffer.len() >= bytes)
    };
    if let Some(fits) = with_room(wanted.max(size)).or_else(|| with_room(size)) {
        let buffer = pool.buffers.remove(fits);
        pool.bytes -= buffer.len();
        return buffer;
    }
    drop(pool);
    vec![0; size.next_multiple_of(POOLED_MIN_SIZE)]
}

fn give_back(buffer: Vec<u8>) {
    let mut pool = POOL.lock();
    if buffer.len() >= POOLED_MIN_SIZE && pool.bytes + buffer.len() <= POOL_LIMIT {
        pool.bytes += buffer.len();
        pool.buffers.push(buffer);
    }
}

/// An idle connection holds this much; most small messages fit.
const IDLE_SIZE: usize = 256;
/// Most heads fit. And it is more than an allocator keeps for the thread that gives it back, so that the next connection gets
/// it, and no idle one has it lying by.
const HEAD: usize = 1_536;
/// A frame up to this size makes the connection's own buffer grow; a larger one gets one of the pool's.
const SMALL_SIZE: usize = 4 * 1024;
/// A connection whose small messages keep filling the buffer gets up to this much.
const BATCH_SIZE: usize = 64 * 1024;
/// The smallest pooled buffer: a 64 KiB message with its header fits.
const POOLED_MIN_SIZE: usize = 128 * 1024;
/// The most that one read takes of a large frame: half of a usual second-level cache.
const READ_CHUNK: usize = 256 * 1024;
/// What the pool holds at most; what is given back beyond it is freed.
const POOL_LIMIT: usize = 32 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(buffer: &mut ReadBuffer, wanted: usize, data: &[u8]) -> usize {
        let read = |room: &mut [u8]| {
            let count = room.len().min(data.len());
            room[..count].copy_from_slice(&data[..count]);
            Ok(count)
        };
        buffer.fill(wanted, read).expect("a read from memory")
    }

    #[test]
    fn bytes_come_out_as_they_went_in_across_every_growth() {
        let data: Vec<u8> = (0..600_000u32).map(|n| (n % 251) as u8).collect();
        let mut buffer = ReadBuffer::new();
        let mut at = 0;
        while at < data.len() {
            at += feed(&mut buffer, data.len(), &data[at..]);
        }
        assert_eq!(buffer.bytes(), data);
    }

    #[test]
    fn a_promised_length_takes_no_memory() {
        let mut buffer = ReadBuffer::new();
        feed(&mut buffer, 1 << 30, b"ten bytes.");
        assert!(
            buffer.room.len() <= POOL_LIMIT,
            "no more than the pool may hold"
        );
    }

    #[test]
    fn a_large_frame_in_small_pieces_is_moved_a_few_times_only() {
        let mut buffer = ReadBuffer::new();
        let (mut moves, mut at) = (0, buffer.room.as_ptr());
        for n in 0..1_000_000u32 {
            feed(&mut buffer, 1 << 20, &[n as u8]);
            moves += u32::from(std::mem::replace(&mut at, buffer.room.as_ptr()) != at);
        }
        assert_eq!(buffer.bytes().len(), 1_000_000);
        assert!(moves <= 5, "{moves} moves");
    }

    #[test]
    fn after_a_large_frame_the_connection_is_small_again() {
        let mut buffer = ReadBuffer::new();
        let frame = vec![7; 100_000];
        let mut at = 0;
        while at < frame.len() {
            at += feed(&mut buffer, frame.len(), &frame[at..]);
        }
        buffer.consume(frame.len());
        feed(&mut buffer, 0, b"next");
        assert_eq!(
            (buffer.bytes(), buffer.room.len()),
            (&b"next"[..], IDLE_SIZE)
        );
    }

    #[test]
    fn a_large_frame_is_read_to_its_end_and_no_further() {
        let mut buffer = ReadBuffer::new();
        let stream = vec![1; 300_000];
        let mut at = 0;
        while at < 200_000 {
            at += feed(&mut buffer, 200_000, &stream[at..]);
        }
        assert_eq!(at, 200_000);
    }
}
