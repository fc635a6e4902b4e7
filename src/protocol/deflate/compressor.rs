//! Compression of sent messages ([RFC 7692, 7.2.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1)). The peer's
//! window follows the local one byte by byte. Once a message went through the compressor its output must be sent, even
//! if it is longer, while later messages may refer to it. A compressor without history is always in step, so an idle
//! connection needs none.

use std::fmt;

use flate2::{Compress, Compression, FlushCompress, Status};

/// Compresses the messages of one direction of a connection.
///
/// In use it takes 320 KiB with the largest window and 200 KiB with the smallest. Before the first message and after
/// [`release_buffers`](Self::release_buffers) it takes nothing.
pub struct Compressor {
    /// Created on first use.
    stream: Option<Compress>,
    window_bits: u8,
    level: Compression,
    takeover: bool,
    min_message: usize,
}

impl Compressor {
    /// Creates a compressor that refers back at most 2 to the power of `window_bits` bytes, 9 to 15 ([RFC 7692,
    /// 7.1.2](https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2)). Other values are clamped; the RFC allows 8, which
    /// zlib does not support.
    #[must_use]
    pub fn new(window_bits: u8) -> Self {
        Self {
            stream: None,
            window_bits: window_bits.clamp(9, 15),
            level: Compression::new(LEVEL),
            takeover: true,
            min_message: MIN_MESSAGE,
        }
    }

    /// Resets the history after each message ([RFC 7692, 7.1.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1)).
    #[must_use]
    pub const fn without_context_takeover(mut self) -> Self {
        self.takeover = false;
        self
    }

    /// Sets the level, from 1 (fastest) to 9 (smallest); 3 by default.
    #[must_use]
    pub fn level(mut self, level: u32) -> Self {
        self.level = Compression::new(level.clamp(1, 9));
        self
    }

    /// Sets the minimum size of a compressed message in bytes, 64 by default. Smaller messages are sent faster
    /// uncompressed.
    #[must_use]
    pub const fn min_message(mut self, bytes: usize) -> Self {
        self.min_message = bytes;
        self
    }

    /// Appends `message` compressed. Returns `false`, and appends nothing, if the message should be sent uncompressed.
    pub fn compress(&mut self, message: &[u8], out: &mut Vec<u8>) -> bool {
        if message.len() < self.min_message {
            return false;
        }
        if message.is_empty() {
            // 7.2.3.6: an empty uncompressed block without its last four bytes. A second flush without input would
            // produce nothing.
            out.push(0x00);
            return true;
        }
        let start = out.len();
        if self.flush(message, out).is_none() {
            // Not reached while window and level are in range. A new window is in step with any peer.
            self.stream = None;
            out.truncate(start);
            return false;
        }
        if out[start..].ends_with(&TAIL) {
            out.truncate(out.len() - TAIL.len());
        }
        if self.takeover {
            return true;
        }
        if let Some(stream) = &mut self.stream {
            stream.reset();
        }
        let shorter = out.len() - start < message.len();
        if !shorter {
            out.truncate(start);
        }
        shorter
    }

    /// Frees the window and its buffers; the next message starts with a new one. The peer may keep its own window:
    /// nothing refers to it.
    pub fn release_buffers(&mut self) {
        self.stream = None;
    }

    /// Appends all of `message` and a sync flush. Returns `None` if the compressor fails.
    fn flush(&mut self, message: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let stream = self.stream.get_or_insert_with(|| {
            Compress::new_with_window_bits(self.level, false, self.window_bits)
        });
        let mut left = message;
        let mut room = (message.len() / 2 + FLUSH).min(CHUNK);
        loop {
            let start = out.len();
            out.resize(start + room, 0);
            let (taken, made) = (stream.total_in(), stream.total_out());
            let status = stream.compress(left, &mut out[start..], FlushCompress::Sync);
            // Both are differences within the two slices.
            let (taken, made) = (stream.total_in() - taken, stream.total_out() - made);
            out.truncate(start + made as usize);
            left = &left[taken as usize..];
            match status {
                // Output space is left, so the flush is complete.
                Ok(Status::Ok | Status::BufError) if out.len() < start + room => {
                    return left.is_empty().then_some(());
                }
                Ok(Status::Ok | Status::BufError) => room = (room * 2).min(CHUNK),
                Ok(Status::StreamEnd) | Err(_) => return None,
            }
        }
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor")
            .field("window_bits", &self.window_bits)
            .field("takeover", &self.takeover)
            .finish_non_exhaustive()
    }
}

/// 7.2.1: the end of a sync flush, an empty uncompressed block after its three bits. Every message ends with it, so it
/// is not sent.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// Text gets nearly as small as with 6, in half the time.
pub(crate) const LEVEL: u32 = 3;
/// A smaller message is mostly header, and takes one TCP segment either way.
pub(crate) const MIN_MESSAGE: usize = 64;
/// Output space for a flush.
const FLUSH: usize = 64;
/// Maximum growth of the output at once.
const CHUNK: usize = 64 * 1024;
