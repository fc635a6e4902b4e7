//! The most frequent message for less: a single small masked frame of which all is there, as clients send them by the
//! thousand. It is recognised by its first two octets; whatever else may come is none of this file's business.

use super::utf8::is_utf8;
use super::{MaskKey, MessageKind};

/// What lies at the front of `input`, if it is such a frame: its kind and how many octets its payload has.
#[inline]
pub(super) fn recognise(input: &[u8]) -> Option<(MessageKind, usize)> {
    let &[first, second, ..] = input else {
        return None;
    };
    // 5.2: FIN, no reserved bit, and the opcode.
    let kind = match first {
        0x81 => MessageKind::Text,
        0x82 => MessageKind::Binary,
        _ => return None,
    };
    // Without the mask bit, or with a longer form of the length, this is above 125.
    let length = usize::from(second ^ 0x80);
    (length <= LONGEST && HEADER + length <= input.len()).then_some((kind, length))
}

/// Unmasks the payload of a frame that was recognised, and says where it lies. `None` if it has to be UTF-8 and is not: then
/// it is as it was.
#[inline]
pub(super) fn unmask(input: &mut [u8], length: usize, check_utf8: bool) -> Option<usize> {
    let (header, rest) = input.split_first_chunk_mut::<HEADER>()?;
    let [_, _, a, b, c, d] = *header;
    let (key, payload) = (MaskKey([a, b, c, d]), rest.get_mut(..length)?);
    key.apply(0, payload);
    if check_utf8 && !is_utf8(payload) {
        key.apply(0, payload);
        return None;
    }
    Some(HEADER)
}

/// Two octets and the key.
const HEADER: usize = 6;
/// The longest payload that needs no further octets for its length.
const LONGEST: usize = 125;
