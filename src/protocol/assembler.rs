//! Fragments become a message ([RFC 6455, 5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4)) in one flat buffer: no
//! object per fragment, no list to walk. Limits are compared with what a header claims, before any of its payload is taken,
//! and the buffer grows with the octets that arrived, never with those that were promised.

use super::{Header, MessageKind, MessageLimits, Opcode, ProtocolError};

/// The fragmented message in progress, or the last one until its reader is done with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Assembler {
    /// Some from the first fragment on, until the last.
    kind: Option<MessageKind>,
    payload: Vec<u8>,
    fragments: u32,
    /// Empty fragments since the last one that was not.
    empty_run: u32,
}

impl Assembler {
    /// Whether a fragmented message has begun and is not complete.
    pub(super) const fn is_open(&self) -> bool {
        self.kind.is_some()
    }

    /// The kind of the message in progress.
    pub(super) const fn kind(&self) -> Option<MessageKind> {
        self.kind
    }

    /// Opens a message with its first fragment's header, or goes on with a later one's.
    pub(super) fn admit(
        &mut self,
        header: &Header,
        limits: &MessageLimits,
    ) -> Result<(), ProtocolError> {
        match header.opcode {
            Opcode::Text => self.kind = Some(MessageKind::Text),
            Opcode::Binary => self.kind = Some(MessageKind::Binary),
            Opcode::Continuation | Opcode::Close | Opcode::Ping | Opcode::Pong => {}
        }
        // In u64 and without overflow: the header's length is below 2^63, the buffer's below isize::MAX.
        if self.payload.len() as u64 + header.length > limits.max_message as u64 {
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

    /// Ends the message: its kind. The payload stays until [`clear`](Self::clear).
    pub(super) const fn finish(&mut self) -> Option<MessageKind> {
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
