//! The most frequent message for less: a small masked frame of which all is there, as clients send them by the thousand. It is
//! recognised by its first octets; whatever else may come is none of this file's business.

use crate::protocol::mask::MaskKey;
use crate::protocol::opcode::MessageKind;
use crate::protocol::utf8::is_utf8;

/// Such a frame at the front of the input.
#[derive(Clone, Copy)]
pub(super) struct FastPath {
    pub(super) kind: MessageKind,
    /// Octets of header, the masking key included.
    pub(super) start: usize,
    /// Octets of header and payload.
    pub(super) end: usize,
}

impl FastPath {
    /// What lies at the front of `input`, if it is such a frame.
    #[inline]
    pub(super) fn recognise(input: &[u8]) -> Option<Self> {
        let &[first, second, ..] = input else {
            return None;
        };
        // 5.2: FIN, no reserved bit, and the opcode.
        let kind = match first {
            0x81 => MessageKind::Text,
            0x82 => MessageKind::Binary,
            _ => return None,
        };
        // Without the mask bit this is above 127.
        let (start, length) = match second ^ 0x80 {
            length @ 0..=125 => (2 + KEY, usize::from(length)),
            126 => {
                let &[_, _, high, low, ..] = input else {
                    return None;
                };
                let length = u16::from_be_bytes([high, low]);
                // 5.2: "the minimal number of bytes MUST be used".
                if length <= 125 {
                    return None;
                }
                (4 + KEY, usize::from(length))
            }
            _ => return None,
        };
        let end = start + length;
        (end <= input.len()).then_some(Self { kind, start, end })
    }

    /// Unmasks its payload. `None` if that has to be UTF-8 and is not: then it is as it was.
    #[inline]
    pub(super) fn unmask(self, input: &mut [u8], check_utf8: bool) -> Option<()> {
        let (header, payload) = input.get_mut(..self.end)?.split_at_mut(self.start);
        let key = MaskKey(*header.last_chunk()?);
        key.apply(0, payload);
        if check_utf8 && !is_utf8(payload) {
            key.apply(0, payload);
            return None;
        }
        Some(())
    }
}

/// Octets of a masking key.
const KEY: usize = 4;
