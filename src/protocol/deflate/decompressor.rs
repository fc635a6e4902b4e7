//! Decompression of received messages ([RFC 7692, 7.2.2](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2)) as they
//! arrive. One byte can expand to a thousand, so the limit applies while inflating, and memory grows with the output,
//! never past the limit.

use std::fmt;

use flate2::{Decompress, FlushDecompress, Status};

use crate::protocol::error::ProtocolError;

/// Inflates the messages of one direction of a connection.
///
/// After the first compressed message it takes up to 48 KiB, whatever the negotiated window.
pub struct Decompressor {
    /// Created on first use.
    stream: Option<Decompress>,
    takeover: bool,
    /// Bytes of the message so far; 0 after the end of a final block.
    taken: usize,
}

impl Decompressor {
    /// Creates a decompressor for messages that may refer to earlier ones.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            stream: None,
            takeover: true,
            taken: 0,
        }
    }

    /// Resets the history after each message ([RFC 7692, 7.1.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1)).
    #[must_use]
    pub const fn without_context_takeover(mut self) -> Self {
        self.takeover = false;
        self
    }

    /// Inflates the next bytes of a message and appends the result to `out`, which holds the message so far.
    ///
    /// # Errors
    /// [`ProtocolError::MessageTooBig`] as soon as `out` is longer than `limit`, or
    /// [`InvalidDeflate`](ProtocolError::InvalidDeflate). The decompressor cannot be used after either.
    pub fn inflate(
        &mut self,
        mut bytes: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let stream = self.stream.get_or_insert_with(|| Decompress::new(false));
        self.taken = self.taken.saturating_add(bytes.len());
        let mut room = bytes.len().saturating_mul(4).clamp(SMALL, CHUNK);
        let mut filled = out.len();
        let outcome = loop {
            if filled == out.len() {
                grow(out, room, limit);
                room = (room * 2).min(CHUNK);
            }
            let (taken, made) = (stream.total_in(), stream.total_out());
            let status = stream.decompress(bytes, &mut out[filled..], FlushDecompress::None);
            // Both are differences within the two slices.
            bytes = &bytes[(stream.total_in() - taken) as usize..];
            filled += (stream.total_out() - made) as usize;
            if filled > limit {
                break Err(ProtocolError::MessageTooBig);
            }
            match status {
                // 7.2.1: a final block ends at a byte boundary, and the next block starts there with a new window.
                Ok(Status::StreamEnd) => {
                    stream.reset(false);
                    if bytes.is_empty() {
                        self.taken = 0;
                        break Ok(());
                    }
                }
                // More output may follow.
                Ok(Status::Ok | Status::BufError) if filled == out.len() => {}
                Ok(Status::Ok | Status::BufError) if bytes.is_empty() => break Ok(()),
                Ok(Status::Ok | Status::BufError) | Err(_) => {
                    break Err(ProtocolError::InvalidDeflate);
                }
            }
        };
        out.truncate(filled);
        outcome
    }

    /// Ends the message.
    ///
    /// # Errors
    /// As [`inflate`](Self::inflate), and if the message is truncated.
    pub fn finish(&mut self, limit: usize, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        // An empty message, or one that ended with a final block, needs no end.
        if self.taken > 0 {
            let length = out.len();
            // The full end takes as long as inflating a small message. It is needed only if the tables of a block may
            // be truncated: then there is no output, unless it was not the first block.
            let end = if length == 0 || self.taken >= LARGE {
                &END[..]
            } else {
                &END[..SHORT_END]
            };
            self.inflate(end, limit, out)?;
            if out.len() > length {
                return Err(ProtocolError::InvalidDeflate);
            }
        }
        self.taken = 0;
        if !self.takeover
            && let Some(stream) = &mut self.stream
        {
            stream.reset(false);
        }
        Ok(())
    }

    /// Frees the window between two messages, if the next one does not need it.
    pub fn release_buffers(&mut self) {
        if !self.takeover && self.taken == 0 {
            self.stream = None;
        }
    }
}

impl Default for Decompressor {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decompressor")
            .field("takeover", &self.takeover)
            .finish_non_exhaustive()
    }
}

/// Grows `out` by `room`, to at most one byte past the limit, so that exceeding it shows. Capacity doubles, but not
/// past the limit. From half of the limit on the next step is the whole, so old and new buffer together take at most
/// 1.5 times the limit.
fn grow(out: &mut Vec<u8>, room: usize, limit: usize) {
    let length = (out.len() + room)
        .min(limit.saturating_add(1))
        .max(out.len() + 1);
    if out.capacity() < length {
        let most = limit.saturating_add(1);
        let double = out.capacity().saturating_mul(2).max(length);
        let capacity = if double > most / 2 { most } else { double };
        out.reserve_exact(capacity.max(length) - out.len());
    }
    out.resize(length, 0);
}

/// 7.2.2: the four bytes that every message omits, then more empty blocks. At the end of a block a stream ignores
/// these. A truncated stream reads them as data, lengths or codes, so they appear in the output or are an error.
const END: [u8; SHORT_END + 5 * 30] = {
    let mut end = [0x00; SHORT_END + 5 * 30];
    let mut at = 2;
    while at < end.len() {
        end[at] = 0xff;
        end[at + 1] = 0xff;
        at += 5;
    }
    end
};
/// The part of `END` that detects every truncation except of tables.
const SHORT_END: usize = 4 + 5 * 2;
/// From this size on, in bytes, the full end takes no noticeable time.
const LARGE: usize = 1024;
/// Minimum growth of the output at once; `CHUNK` is the maximum.
const SMALL: usize = 512;
const CHUNK: usize = 64 * 1024;
