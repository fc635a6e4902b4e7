//! Fast path for the most frequent message: a small masked frame that has arrived completely. Its first bytes identify
//! it; every other input takes the normal path of the decoder.

use crate::protocol::mask::MaskKey;
use crate::protocol::opcode::MessageKind;
use crate::protocol::utf8::is_utf8;

/// A small complete frame at the front of the input.
#[derive(Clone, Copy)]
pub(super) struct FastPath {
    pub(super) kind: MessageKind,
    /// Size of the header in bytes, with the masking key.
    pub(super) start: usize,
    /// Size of header and payload in bytes.
    pub(super) end: usize,
}

impl FastPath {
    /// Returns the frame at the front of `input`, if it is a small complete one.
    #[inline]
    pub(super) fn detect(input: &[u8]) -> Option<Self> {
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

    /// Unmasks the payload. Returns `None` and restores the input if the payload must be UTF-8 and is not.
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

/// Size of a masking key in bytes.
const KEY: usize = 4;
