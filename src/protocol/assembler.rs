//! Fragments become a message ([RFC 6455, 5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4)) in one flat buffer: no
//! object per fragment, no list to walk. Limits are compared with what a header claims, before any of its payload is taken,
//! and the buffer grows with the octets that arrived, never with those that were promised. A compressed message comes
//! together here too, even one in a single frame: what lies in the input is not yet what it says.

use crate::protocol::deflate::Decompressor;
use crate::protocol::error::ProtocolError;
use crate::protocol::header::Header;
use crate::protocol::limits::MessageLimits;
use crate::protocol::opcode::{MessageKind, Opcode};

/// The fragmented or compressed message in progress, or the last one until its reader is done with it.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    /// Some from the first fragment on, until the last.
    kind: Option<MessageKind>,
    /// The message in progress has to be inflated.
    compressed: bool,
    payload: Vec<u8>,
    /// Octets of the message on the wire, as far as headers have announced them.
    announced: u64,
    fragments: u32,
    /// Empty fragments since the last one that was not.
    empty_run: u32,
}

impl Assembler {
    /// Whether a message has begun here and is not complete.
    pub(super) const fn is_open(&self) -> bool {
        self.kind.is_some()
    }

    /// Whether nothing is in here, not even a message that was handed out.
    pub(super) const fn is_empty(&self) -> bool {
        self.kind.is_none() && self.payload.is_empty()
    }

    /// The kind of the message in progress.
    pub(super) const fn kind(&self) -> Option<MessageKind> {
        self.kind
    }

    /// Whether what the message in progress says comes out only when it is inflated.
    pub(super) const fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Opens a message with its first fragment's header, or goes on with a later one's.
    pub(super) fn admit(
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
            longest_compressed(most)
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

    /// Takes octets of the fragment that was admitted.
    pub(super) fn append(&mut self, octets: &[u8]) {
        self.payload.extend_from_slice(octets);
    }

    /// Takes octets of a compressed message, the last ones with `last`, and gives what they stand for: the newest octets of
    /// the payload.
    pub(super) fn inflate(
        &mut self,
        octets: &[u8],
        last: bool,
        decompressor: &mut Decompressor,
        limits: &MessageLimits,
    ) -> Result<&[u8], ProtocolError> {
        let before = self.payload.len();
        decompressor.inflate(octets, limits.max_message, &mut self.payload)?;
        if last {
            decompressor.finish(limits.max_message, &mut self.payload)?;
        }
        Ok(&self.payload[before..])
    }

    /// Ends the message: its kind. The payload stays until [`clear`](Self::clear).
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

    /// Forgets a finished message, keeping a buffer of modest size for the next one.
    pub(super) fn clear(&mut self) {
        self.payload.clear();
        self.payload.shrink_to(KEPT);
    }

    /// Forgets everything: no message will come.
    pub(super) fn discard(&mut self) {
        *self = Self::default();
    }

    const fn open(&mut self, kind: MessageKind, compressed: bool) {
        self.kind = Some(kind);
        self.compressed = compressed;
    }
}

/// How long a message may be on the wire that is to be of `most` octets at most when it is inflated. Compressing can make it
/// longer: with the fixed code of [RFC 1951, 3.2.6](https://www.rfc-editor.org/rfc/rfc1951#section-3.2.6) an octet takes up
/// to nine bits. What is longer yet says nothing with much.
const fn longest_compressed(most: u64) -> u64 {
    most.saturating_add(most / 8).saturating_add(64)
}

/// Octets of buffer kept between messages: enough for most, little enough for thousands of connections.
const KEPT: usize = 16 * 1024;

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
    fn a_promise_takes_no_memory_and_many_small_fragments_take_twice_their_octets_at_most() {
        let limits = MessageLimits::default();
        let mut assembler = Assembler::default();
        assert_eq!(
            assembler.admit(&fragment(Opcode::Binary, 1 << 20), &limits),
            Ok(())
        );
        assert_eq!(assembler.payload.capacity(), 0);
        for octets in 1..=100_000 {
            assembler.append(b"x");
            assert!(assembler.payload.capacity() <= 2 * octets + 8);
        }
    }

    #[test]
    fn a_large_buffer_is_given_back_and_a_modest_one_kept() {
        let mut assembler = Assembler::default();
        for (octets, kept) in [(KEPT, KEPT), (1 << 20, KEPT)] {
            let first = fragment(Opcode::Text, octets as u64);
            assert_eq!(assembler.admit(&first, &MessageLimits::default()), Ok(()));
            assembler.append(&vec![0; octets]);
            assert_eq!(assembler.finish(), Some(MessageKind::Text));
            assert_eq!(assembler.payload().len(), octets);
            assembler.clear();
            assert_eq!(
                (assembler.payload().len(), assembler.payload.capacity()),
                (0, kept)
            );
        }
    }
}
