//! Assembles fragments into a message ([RFC 6455, 5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4)) in one flat
//! buffer, without an object for each fragment. Limits apply to the length in a header before any payload is copied.
//! The buffer grows with the bytes that arrived, not with the announced length. Compressed messages are inflated here
//! too, even those in a single frame.

use crate::protocol::deflate::Decompressor;
use crate::protocol::error::ProtocolError;
use crate::protocol::header::Header;
use crate::protocol::limits::MessageLimits;
use crate::protocol::opcode::{MessageKind, Opcode};

/// The fragmented or compressed message in progress. A finished one stays until the caller has read it.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    /// `Some` from the first fragment to the last.
    kind: Option<MessageKind>,
    /// Whether the message in progress must be inflated.
    compressed: bool,
    payload: Vec<u8>,
    /// Size of the message on the wire, as announced by its headers so far.
    announced: u64,
    fragments: u32,
    /// Consecutive empty fragments.
    empty_run: u32,
}

impl Assembler {
    /// Whether a message is in progress.
    pub(super) const fn is_open(&self) -> bool {
        self.kind.is_some()
    }

    /// Whether there is neither a message in progress nor a finished one.
    pub(super) const fn is_empty(&self) -> bool {
        self.kind.is_none() && self.payload.is_empty()
    }

    /// The kind of the message in progress.
    pub(super) const fn kind(&self) -> Option<MessageKind> {
        self.kind
    }

    /// Whether the message in progress must be inflated.
    pub(super) const fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Starts a message with the header of its first fragment, or continues it with a later one.
    pub(super) fn start_fragment(
        &mut self,
        header: &Header,
        limits: &MessageLimits,
    ) -> Result<(), ProtocolError> {
        match header.opcode {
            Opcode::Text => self.open(MessageKind::Text, header.rsv1),
            Opcode::Binary => self.open(MessageKind::Binary, header.rsv1),
            Opcode::Continuation | Opcode::Close | Opcode::Ping | Opcode::Pong => {}
        }
        let most = limits.max_message as u64;
        let most = if self.compressed {
            max_compressed_size(most)
        } else {
            most
        };
        self.announced = self.announced.saturating_add(header.length);
        if self.announced > most {
            return Err(ProtocolError::MessageTooBig);
        }
        self.fragments = self.fragments.saturating_add(1);
        if self.fragments > limits.max_fragments {
            return Err(ProtocolError::TooManyFragments);
        }
        self.empty_run = if header.length == 0 {
            self.empty_run.saturating_add(1)
        } else {
            0
        };
        if self.empty_run > limits.max_empty_run {
            return Err(ProtocolError::TooManyEmptyFragments);
        }
        Ok(())
    }

    /// Appends payload of the current fragment.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.payload.extend_from_slice(bytes);
    }

    /// Inflates payload of a compressed message and returns the new bytes. `last` marks the end of the message.
    pub(super) fn inflate(
        &mut self,
        bytes: &[u8],
        last: bool,
        decompressor: &mut Decompressor,
        limits: &MessageLimits,
    ) -> Result<&[u8], ProtocolError> {
        let before = self.payload.len();
        decompressor.inflate(bytes, limits.max_message, &mut self.payload)?;
        if last {
            decompressor.finish(limits.max_message, &mut self.payload)?;
        }
        Ok(&self.payload[before..])
    }

    /// Ends the message and returns its kind. The payload stays until [`clear`](Self::clear).
    pub(super) const fn finish(&mut self) -> Option<MessageKind> {
        self.compressed = false;
        self.announced = 0;
        self.fragments = 0;
        self.empty_run = 0;
        self.kind.take()
    }

    /// The payload so far.
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Drops a finished message and shrinks the buffer.
    pub(super) fn clear(&mut self) {
        self.payload.clear();
        self.payload.shrink_to(IDLE_CAPACITY);
    }

    /// Drops everything; the connection delivers no more messages.
    pub(super) fn discard(&mut self) {
        *self = Self::default();
    }

    const fn open(&mut self, kind: MessageKind, compressed: bool) {
        self.kind = Some(kind);
        self.compressed = compressed;
    }
}

/// Maximum size on the wire of a compressed message of at most `most` bytes. Compression can enlarge it: with the fixed
/// code of [RFC 1951, 3.2.6](https://www.rfc-editor.org/rfc/rfc1951#section-3.2.6) a byte takes up to nine bits.
const fn max_compressed_size(most: u64) -> u64 {
    most.saturating_add(most / 8).saturating_add(64)
}

/// Buffer capacity between messages, in bytes: enough for most messages, and affordable for thousands of connections.
const IDLE_CAPACITY: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(opcode: Opcode, length: u64) -> Header {
        Header {
            fin: false,
            ..Header::whole(opcode, None, length)
        }
    }

    #[test]
    fn an_announced_length_allocates_nothing_and_small_fragments_take_at_most_twice_their_size() {
        let limits = MessageLimits::default();
        let mut assembler = Assembler::default();
        assert_eq!(
            assembler.start_fragment(&fragment(Opcode::Binary, 1 << 20), &limits),
            Ok(())
        );
        assert_eq!(assembler.payload.capacity(), 0);
        for bytes in 1..=100_000 {
            assembler.append(b"x");
            assert!(assembler.payload.capacity() <= 2 * bytes + 8);
        }
    }

    #[test]
    fn a_large_buffer_shrinks_between_messages() {
        let mut assembler = Assembler::default();
        for (bytes, kept) in [(IDLE_CAPACITY, IDLE_CAPACITY), (1 << 20, IDLE_CAPACITY)] {
            let first = fragment(Opcode::Text, bytes as u64);
            assert_eq!(
                assembler.start_fragment(&first, &MessageLimits::default()),
                Ok(())
            );
            assembler.append(&vec![0; bytes]);
            assert_eq!(assembler.finish(), Some(MessageKind::Text));
            assert_eq!(assembler.payload().len(), bytes);
            assembler.clear();
            assert_eq!(
                (assembler.payload().len(), assembler.payload.capacity()),
                (0, kept)
            );
        }
    }
}
