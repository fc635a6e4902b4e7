//! What we send, compressed ([RFC 7692, 7.2.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1)). The peer's window
//! follows ours octet by octet, so once a message went through the compressor that is what must be sent, even if it did
//! not get shorter, as long as later messages may refer to it. A compressor that forgets everything is always in step,
//! and so an idle connection has none.

use std::fmt;

use flate2::{Compress, Compression, FlushCompress, Status};

/// Compresses the messages of one direction of a connection.
///
/// While in use it takes 320 KiB with the largest window, 200 KiB with the smallest; before the first message and after
/// [`rest`](Self::rest) nothing.
pub struct Compressor {
    /// Made when it is needed.
    stream: Option<Compress>,
    window_bits: u8,
    level: Compression,
    takeover: bool,
    min_message: usize,
}

impl Compressor {
    /// A compressor that refers back at most 2 to the `window_bits` octets, 9 to 15
    /// ([RFC 7692, 7.1.2](https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2)). What is out of this range becomes the
    /// nearest that is in it; note that a window of 8 bits, which the RFC has, is not.
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

    /// Forgets each message after it
    /// ([RFC 7692, 7.1.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1)).
    #[must_use]
    pub const fn without_context_takeover(mut self) -> Self {
        self.takeover = false;
        self
    }

    /// From 1, the fastest, to 9, the shortest; by default 3.
    #[must_use]
    pub fn level(mut self, level: u32) -> Self {
        self.level = Compression::new(level.clamp(1, 9));
        self
    }

    /// Messages of fewer octets than this are not compressed: it takes longer than sending them. By default 64.
    #[must_use]
    pub const fn min_message(mut self, octets: usize) -> Self {
        self.min_message = octets;
        self
    }

    /// Appends `message` compressed, or says `false`, has appended nothing, and the message is to be sent as it is.
    pub fn compress(&mut self, message: &[u8], out: &mut Vec<u8>) -> bool {
        if message.len() < self.min_message {
            return false;
        }
        if message.is_empty() {
            // 7.2.3.6: an empty block without compression, without its last four octets. A second flush with nothing in
            // between would give nothing at all.
            out.push(0x00);
            return true;
        }
        let start = out.len();
        if self.flush(message, out).is_none() {
            // Not reached with a window and a level in range. The new window that comes next is in step with any.
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

    /// Frees the window and all that belongs to it; the next message begins with a new one. A peer that keeps its own does
    /// not notice: nothing refers to it.
    pub fn release_buffers(&mut self) {
        self.stream = None;
    }

    /// Appends all of `message` and a sync flush; `None` if the compressor refuses.
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
                // Room is left, so everything is out.
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

/// 7.2.1: how a sync flush ends: an empty block without compression, after its three bits. Every message ends with it, so
/// none sends it.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// Text gets nearly as short as with 6, in half the time.
pub(crate) const LEVEL: u32 = 3;
/// Below this a frame is mostly header, and a segment is sent either way.
pub(crate) const MIN_MESSAGE: usize = 64;
/// Room for what a flush adds.
const FLUSH: usize = 64;
/// Output grows by at most this.
const CHUNK: usize = 64 * 1024;
