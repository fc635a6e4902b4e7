//! The read buffer of one connection.
//!
//! An idle connection holds 256 bytes, and more if its messages need it. The bytes are initialized once, when the buffer is
//! allocated, and not before each read. A frame that does not fit is read into a large buffer from the
//! [pool](crate::net::connection::buffer_pool). The buffer grows with the bytes received, never with a length in a header.

use std::io;
use std::mem;

use crate::net::connection::buffer_pool::{self, POOLED_MIN_SIZE};

/// Bytes received and not yet consumed, contiguous.
#[derive(Debug)]
pub(crate) struct ReadBuffer {
    /// Initialized storage. The received bytes are `start..end`.
    storage: Vec<u8>,
    start: usize,
    end: usize,
    /// The connection's own buffer, while `storage` belongs to the pool.
    own: Option<Vec<u8>>,
    /// Whether the last read filled all free space, so more bytes are probably waiting.
    filled: bool,
}

impl ReadBuffer {
    /// Creates a buffer for the frames of a connection.
    pub(crate) fn new() -> Self {
        Self::with_size(IDLE_SIZE)
    }

    /// Creates a buffer for the head of a request or response, which is longer than most of the messages after it.
    pub(crate) fn with_head_capacity() -> Self {
        Self::with_size(HEAD_SIZE)
    }

    fn with_size(size: usize) -> Self {
        Self {
            storage: vec![0; size],
            start: 0,
            end: 0,
            own: None,
            filled: false,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.storage[self.start..self.end]
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.storage[self.start..self.end]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Removes `count` bytes from the front.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Appends the bytes of one `read`. `wanted` is the size of the current frame, 0 if unknown.
    pub(crate) fn fill(
        &mut self,
        wanted: usize,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.make_room(wanted);
        let end = match self.own {
            // Stop at the end of a large frame: bytes after it would have to be moved. Read it in chunks, so that each
            // is still in the processor's cache when it is unmasked.
            Some(_) if wanted > 0 => (self.start + wanted)
                .min(self.end + READ_CHUNK)
                .min(self.storage.len()),
            _ => self.storage.len(),
        };
        let count = read(&mut self.storage[self.end..end])?;
        self.end += count;
        self.filled = self.own.is_none() && self.end == end;
        Ok(count)
    }

    /// Frees memory that only traffic or a head needs. Called when the connection was idle for a while, and before its
    /// first frame.
    pub(crate) fn shrink(&mut self) {
        if self.is_empty() {
            self.reset();
            if self.storage.len() > IDLE_SIZE {
                self.storage = vec![0; IDLE_SIZE];
            }
        }
    }

    /// Continues in the allocation of `other`, if this buffer is empty. Otherwise an idle connection would hold both.
    pub(crate) fn adopt(&mut self, mut other: Vec<u8>) {
        if self.is_empty() && other.capacity() <= 2 * IDLE_SIZE {
            other.resize(IDLE_SIZE, 0);
            self.reset();
            self.storage = other;
        }
    }

    fn make_room(&mut self, wanted: usize) {
        if self.is_empty() {
            self.reset();
        }
        // The last read filled the buffer, not with one large frame: more bytes are waiting.
        if mem::take(&mut self.filled)
            && wanted <= self.storage.len()
            && self.storage.len() < BATCH_SIZE
        {
            self.grow(self.storage.len() * 4);
        }
        let full = self.end == self.storage.len();
        if self.start > 0 && (full || self.start + wanted > self.storage.len()) {
            self.storage.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let full = self.end == self.storage.len();
        let pooled = self.own.is_some();
        if wanted > self.storage.len() && !pooled {
            match wanted {
                ..=SMALL_SIZE => self.grow(SMALL_SIZE),
                _ => self.swap(wanted.min(POOLED_MIN_SIZE), wanted),
            }
        } else if full && !pooled && self.storage.len() < BATCH_SIZE {
            self.grow(self.storage.len() * 4);
        } else if full {
            // A large buffer is doubled only when it is full. So bytes are copied a few times at most, even if they arrive
            // one by one, and memory grows with the bytes received, not with the length in the header.
            self.swap(self.storage.len() * 2, wanted);
        }
    }

    /// Moves the bytes into a larger buffer of the connection's own.
    fn grow(&mut self, size: usize) {
        let _ = self.replace_storage(vec![0; size]); // freed
    }

    /// Returns to the connection's own buffer. The buffer must be empty.
    fn reset(&mut self) {
        self.start = 0;
        self.end = 0;
        if let Some(own) = self.own.take() {
            buffer_pool::give_back(mem::replace(&mut self.storage, own));
        }
    }

    /// Moves the bytes into a buffer of the pool, of at least `size` bytes and preferably `wanted`.
    fn swap(&mut self, size: usize, wanted: usize) {
        let old = self.replace_storage(buffer_pool::take(size, wanted));
        match self.own {
            Some(_) => buffer_pool::give_back(old),
            None => self.own = Some(old),
        }
    }

    /// Moves the bytes to the start of `storage` and returns the previous storage.
    fn replace_storage(&mut self, mut storage: Vec<u8>) -> Vec<u8> {
        let length = self.end - self.start;
        storage[..length].copy_from_slice(self.bytes());
        self.start = 0;
        self.end = length;
        mem::replace(&mut self.storage, storage)
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        if self.own.is_some() {
            buffer_pool::give_back(mem::take(&mut self.storage));
        }
    }
}

/// Size for an idle connection. Most small messages fit.
const IDLE_SIZE: usize = 256;
/// Size for a head. Most heads fit. It is above the sizes that allocators cache per thread, so the memory serves the next
/// connection instead of staying with an idle one.
const HEAD_SIZE: usize = 1_536;
/// Maximum frame for which the connection's own buffer grows. A larger frame uses a buffer of the pool.
const SMALL_SIZE: usize = 4 * 1024;
/// Maximum size of the connection's own buffer, when many small messages arrive together.
const BATCH_SIZE: usize = 64 * 1024;
/// Maximum bytes of a large frame in one read: half of a typical second-level cache.
const READ_CHUNK: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::connection::buffer_pool::POOL_LIMIT;

    fn feed(buffer: &mut ReadBuffer, wanted: usize, data: &[u8]) -> usize {
        let read = |free: &mut [u8]| {
            let count = free.len().min(data.len());
            free[..count].copy_from_slice(&data[..count]);
            Ok(count)
        };
        buffer.fill(wanted, read).expect("a read from memory")
    }

    #[test]
    fn bytes_are_unchanged_however_often_the_buffer_grows() {
        let data: Vec<u8> = (0..600_000u32).map(|n| (n % 251) as u8).collect();
        let mut buffer = ReadBuffer::new();
        let mut at = 0;
        while at < data.len() {
            at += feed(&mut buffer, data.len(), &data[at..]);
        }
        assert_eq!(buffer.bytes(), data);
    }

    #[test]
    fn a_length_in_a_header_allocates_no_memory() {
        let mut buffer = ReadBuffer::new();
        feed(&mut buffer, 1 << 30, b"ten bytes.");
        assert!(
            buffer.storage.len() <= POOL_LIMIT,
            "no more than the limit of the pool"
        );
    }

    #[test]
    fn a_large_frame_in_small_pieces_is_moved_at_most_five_times() {
        let mut buffer = ReadBuffer::new();
        let (mut moves, mut at) = (0, buffer.storage.as_ptr());
        for n in 0..1_000_000u32 {
            feed(&mut buffer, 1 << 20, &[n as u8]);
            moves += u32::from(mem::replace(&mut at, buffer.storage.as_ptr()) != at);
        }
        assert_eq!(buffer.bytes().len(), 1_000_000);
        assert!(moves <= 5, "{moves} moves");
    }

    #[test]
    fn after_a_large_frame_the_buffer_returns_to_its_idle_size() {
        let mut buffer = ReadBuffer::new();
        let frame = vec![7; 100_000];
        let mut at = 0;
        while at < frame.len() {
            at += feed(&mut buffer, frame.len(), &frame[at..]);
        }
        buffer.consume(frame.len());
        feed(&mut buffer, 0, b"next");
        assert_eq!(
            (buffer.bytes(), buffer.storage.len()),
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
