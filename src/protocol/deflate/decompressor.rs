//! What the peer sends compressed ([RFC 7692, 7.2.2](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2)), inflated as it
//! arrives. One octet can stand for a thousand, so the limit is looked at while inflating and not after, and memory grows
//! with what came out, never past the limit.

use std::fmt;

use flate2::{Decompress, FlushDecompress, Status};

use crate::protocol::error::ProtocolError;

/// Inflates the messages of one direction of a connection.
///
/// From the first compressed message on it takes up to 48 KiB, whatever window the peer was allowed.
pub struct Decompressor {
    /// Made when it is needed.
    stream: Option<Decompress>,
    takeover: bool,
    /// Octets of the message so far; none again when the last of them ended a final block.
    taken: usize,
}

impl Decompressor {
    /// A decompressor for messages that may refer to the ones before.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            stream: None,
            takeover: true,
            taken: 0,
        }
    }

    /// Forgets each message after it
    /// ([RFC 7692, 7.1.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1)).
    #[must_use]
    pub const fn without_context_takeover(mut self) -> Self {
        self.takeover = false;
        self
    }

    /// Appends what the next octets of a message stand for. `out` holds what came before of it.
    ///
    /// # Errors
    /// [`ProtocolError::MessageTooBig`] as soon as `out` is longer than `limit`;
    /// [`InvalidDeflate`](ProtocolError::InvalidDeflate). Nothing sensible can be inflated after either.
    pub fn inflate(
        &mut self,
        mut octets: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        if octets.is_empty() {
            return Ok(());
        }
        let stream = self.stream.get_or_insert_with(|| Decompress::new(false));
        self.taken = self.taken.saturating_add(octets.len());
        let mut room = octets.len().saturating_mul(4).clamp(SMALL, CHUNK);
        let mut filled = out.len();
        let outcome = loop {
            if filled == out.len() {
                grow(out, room, limit);
                room = (room * 2).min(CHUNK);
            }
            let (taken, made) = (stream.total_in(), stream.total_out());
            let status = stream.decompress(octets, &mut out[filled..], FlushDecompress::None);
            // Both are differences within the two slices.
            octets = &octets[(stream.total_in() - taken) as usize..];
            filled += (stream.total_out() - made) as usize;
            if filled > limit {
                break Err(ProtocolError::MessageTooBig);
            }
            match status {
                // 7.2.1: a final block ends at an octet, and the next block begins with the next one. Its window is new.
                Ok(Status::StreamEnd) => {
                    stream.reset(false);
                    if octets.is_empty() {
                        self.taken = 0;
                        break Ok(());
                    }
                }
                // There may be more to come out.
                Ok(Status::Ok | Status::BufError) if filled == out.len() => {}
                Ok(Status::Ok | Status::BufError) if octets.is_empty() => break Ok(()),
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
    /// As [`inflate`](Self::inflate), and when the message is cut off.
    pub fn finish(&mut self, limit: usize, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        // A peer that made no octets of no octets, or ended with a final block, needs no end.
        if self.taken > 0 {
            let length = out.len();
            // The whole of it takes as long as inflating a small message, and is needed where the tables of a block may have
            // been cut off: nothing came out of it then, unless it was not the first.
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

/// Makes `out` longer by `room`, to one octet past the limit at most, so as to see whether there is one. Its memory doubles
/// like that of any vector, but not past the limit; from half of it the next step is all of it, so that old and new
/// together are never more than one and a half.
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

/// 7.2.2: the four octets that every message leaves out, and then more empty blocks. A stream at the end of a block takes no
/// notice of those. One that was cut off inside of something takes them for data, lengths or codes: they come out again,
/// or they are wrong.
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
/// Enough of it to find out about anything but cut tables.
const SHORT_END: usize = 4 + 5 * 2;
/// A message of so many octets takes so long that the whole end makes no difference.
const LARGE: usize = 1024;
/// Output grows by at least and at most this.
const SMALL: usize = 512;
const CHUNK: usize = 64 * 1024;
