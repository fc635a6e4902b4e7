//! The header of a frame ([RFC 6455, 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)): encoding, decoding, and the
//! rules it must follow. The check is a pure function of header, role, fragmented message and extensions, so each
//! combination is one line of test.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-------+-+-------------+-------------------------------+
//! |F|R|R|R| opcode|M|   length    |   length, 16 bits, if 126     |
//! |I|S|S|S|  (4)  |A|     (7)     |   length, 64 bits, if 127     |
//! |N|V|V|V|       |S|             |                               |
//! | |1|2|3|       |K|             |   masking key, 32 bits, if M  |
//! +-+-+-+-+-------+-+-------------+-------------------------------+
//! ```

use crate::protocol::error::ProtocolError;
use crate::protocol::mask::MaskKey;
use crate::protocol::opcode::Opcode;
use crate::protocol::state::Role;

/// The header of one frame ([RFC 6455, 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whether this is the last or only fragment of its message.
    pub fin: bool,
    /// The first reserved bit; permessage-deflate uses it.
    pub rsv1: bool,
    /// The second reserved bit.
    pub rsv2: bool,
    /// The third reserved bit.
    pub rsv3: bool,
    /// The opcode.
    pub opcode: Opcode,
    /// The masking key, if the payload is masked.
    pub mask: Option<MaskKey>,
    /// Size of the payload in bytes, below 2^63.
    pub length: u64,
}

/// The negotiated extensions that change the rules for headers ([RFC 6455,
/// 9](https://www.rfc-editor.org/rfc/rfc6455#section-9)). None by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extensions {
    /// permessage-deflate: RSV1 on the first frame of a message marks the message as compressed ([RFC 7692,
    /// 6](https://www.rfc-editor.org/rfc/rfc7692#section-6)).
    pub deflate: bool,
}

/// An encoded header: 2 to 14 bytes, without an allocation.
#[derive(Debug, Clone, Copy)]
pub struct HeaderBytes {
    bytes: [u8; MAX_HEADER],
    len: usize,
}

impl Header {
    /// Returns the header of a whole frame: FIN set, no reserved bit.
    pub const fn whole(opcode: Opcode, mask: Option<MaskKey>, length: u64) -> Self {
        Self {
            fin: true,
            rsv1: false,
            rsv2: false,
            rsv3: false,
            opcode,
            mask,
            length,
        }
    }

    /// Whether the frame is a fragment of a message in several frames ([RFC 6455,
    /// 5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4)).
    pub const fn is_fragment(&self) -> bool {
        match self.opcode {
            Opcode::Continuation => true,
            Opcode::Text | Opcode::Binary => !self.fin,
            Opcode::Close | Opcode::Ping | Opcode::Pong => false,
        }
    }

    /// Decodes the header at the front of `bytes` and returns it with its size. Returns `None` if it is incomplete.
    ///
    /// # Errors
    /// [`ProtocolError::ReservedOpcode`], [`NonMinimalLength`](ProtocolError::NonMinimalLength) or
    /// [`LengthTopBit`](ProtocolError::LengthTopBit), as soon as the bytes that violate the rule are there.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, ProtocolError> {
        let [first, second, rest @ ..] = bytes else {
            if let [first] = bytes {
                Opcode::try_from(first & OPCODE)?;
            }
            return Ok(None);
        };
        let opcode = Opcode::try_from(first & OPCODE)?;

        let (length, rest) = match second & LENGTH {
            LENGTH_16 => {
                let Some((length, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                let length = u64::from(u16::from_be_bytes(*length));
                // 5.2: "the minimal number of bytes MUST be used to encode the length".
                if length < u64::from(LENGTH_16) {
                    return Err(ProtocolError::NonMinimalLength);
                }
                (length, rest)
            }
            LENGTH_64 => {
                check_length_64(rest)?;
                let Some((length, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                (u64::from_be_bytes(*length), rest)
            }
            length => (u64::from(length), rest),
        };

        let (mask, rest) = if second & MASK == 0 {
            (None, rest)
        } else {
            let Some((key, rest)) = rest.split_first_chunk() else {
                return Ok(None);
            };
            (Some(MaskKey(*key)), rest)
        };

        let header = Self {
            fin: first & FIN != 0,
            rsv1: first & RSV1 != 0,
            rsv2: first & RSV2 != 0,
            rsv3: first & RSV3 != 0,
            opcode,
            mask,
            length,
        };
        Ok(Some((header, bytes.len() - rest.len())))
    }

    /// Checks that a frame with this header may arrive in the current state.
    ///
    /// # Errors
    /// The first violated rule, in the order of the sections below.
    #[inline]
    pub fn check(
        &self,
        role: Role,
        in_fragment: bool,
        extensions: Extensions,
    ) -> Result<(), ProtocolError> {
        // 5.1: a server closes the connection upon an unmasked frame, a client upon a masked one.
        match (role, self.mask) {
            (Role::Server, None) => return Err(ProtocolError::UnmaskedFrame),
            (Role::Client, Some(_)) => return Err(ProtocolError::MaskedFrame),
            (Role::Server, Some(_)) | (Role::Client, None) => {}
        }
        // 5.2: a reserved bit must be 0 unless a negotiated extension defines it.
        if self.rsv2 || self.rsv3 {
            return Err(ProtocolError::ReservedBit);
        }
        // RFC 7692, 6: RSV1 may be set only on the first frame of a message.
        if self.rsv1
            && !(extensions.deflate && matches!(self.opcode, Opcode::Text | Opcode::Binary))
        {
            return Err(ProtocolError::ReservedBit);
        }
        match self.opcode {
            // 5.4: a message starts with its opcode and continues with continuations, and messages do not interleave.
            Opcode::Continuation if !in_fragment => Err(ProtocolError::UnexpectedContinuation),
            Opcode::Text | Opcode::Binary if in_fragment => {
                Err(ProtocolError::ExpectedContinuation)
            }
            Opcode::Continuation | Opcode::Text | Opcode::Binary => Ok(()),
            // 5.5: "all control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented".
            Opcode::Close | Opcode::Ping | Opcode::Pong if !self.fin => {
                Err(ProtocolError::FragmentedControl)
            }
            Opcode::Close | Opcode::Ping | Opcode::Pong if self.length > MAX_CONTROL as u64 => {
                Err(ProtocolError::ControlTooLong)
            }
            Opcode::Close | Opcode::Ping | Opcode::Pong => Ok(()),
        }
    }

    /// Encodes the header, with the length in its shortest form.
    pub fn to_bytes(&self) -> HeaderBytes {
        let mut header = HeaderBytes {
            bytes: [0; MAX_HEADER],
            len: 0,
        };
        self.write(|part| {
            header.bytes[header.len..header.len + part.len()].copy_from_slice(part);
            header.len += part.len();
        });
        header
    }

    /// Appends the encoded header, with the length in its shortest form.
    #[inline]
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.write(|part| out.extend_from_slice(part));
    }

    /// Passes the encoded bytes to `put`, in one or two parts of at most [`MAX_HEADER`] bytes together.
    #[inline]
    fn write(&self, mut put: impl FnMut(&[u8])) {
        let bit = |set, mask| if set { mask } else { 0 };
        let first = u8::from(self.opcode)
            | bit(self.fin, FIN)
            | bit(self.rsv1, RSV1)
            | bit(self.rsv2, RSV2)
            | bit(self.rsv3, RSV3);
        let masked = bit(self.mask.is_some(), MASK);
        // 5.2: 7 bits, 7+16 bits or 7+64 bits, the shortest that holds the length.
        match self.length {
            0..=125 => put(&[first, masked | self.length as u8]),
            126..=0xffff => {
                let [a, b] = (self.length as u16).to_be_bytes();
                put(&[first, masked | LENGTH_16, a, b]);
            }
            _ => {
                let [a, b, c, d, e, f, g, h] = self.length.to_be_bytes();
                put(&[first, masked | LENGTH_64, a, b, c, d, e, f, g, h]);
            }
        }
        if let Some(MaskKey(key)) = &self.mask {
            put(key);
        }
    }

    /// Returns the number of bytes that [`encode`](Self::encode) appends: 2 to 14.
    pub const fn encoded_len(&self) -> usize {
        let length = match self.length {
            0..=125 => 2,
            126..=0xffff => 4,
            _ => 10,
        };
        length + if self.mask.is_some() { 4 } else { 0 }
    }
}

impl AsRef<[u8]> for HeaderBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Checks the rules of 5.2 for a 64-bit length, which may be incomplete.
fn check_length_64(bytes: &[u8]) -> Result<(), ProtocolError> {
    // "The most significant bit MUST be 0".
    if bytes.first().is_some_and(|byte| byte & 0x80 != 0) {
        return Err(ProtocolError::LengthTopBit);
    }
    // Six leading zeros: a length that fits in the last two bytes has a shorter form.
    if bytes.starts_with(&[0; 6]) {
        return Err(ProtocolError::NonMinimalLength);
    }
    Ok(())
}

/// Maximum payload of a control frame, in bytes ([RFC 6455, 5.5](https://www.rfc-editor.org/rfc/rfc6455#section-5.5)).
pub(crate) const MAX_CONTROL: usize = 125;

/// Maximum size of a header in bytes: two, plus eight of length, plus four of key ([RFC 6455,
/// 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
pub(crate) const MAX_HEADER: usize = 14;

// 5.2: the first byte ...
const FIN: u8 = 0b1000_0000;
const RSV1: u8 = 0b0100_0000;
const RSV2: u8 = 0b0010_0000;
const RSV3: u8 = 0b0001_0000;
const OPCODE: u8 = 0b0000_1111;
// ... and the second, whose length may announce a length of 16 or 64 bits after it.
const MASK: u8 = 0b1000_0000;
const LENGTH: u8 = 0b0111_1111;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Option<MaskKey> = Some(MaskKey([0x37, 0xfa, 0x21, 0x3d]));

    #[test]
    fn decode_reads_what_encode_wrote_and_every_proper_prefix_asks_for_more() {
        for length in [0, 1, 125, 126, 127, 0xffff, 0x1_0000, (1 << 63) - 1] {
            for mask in [None, KEY] {
                for bits in 0..16u8 {
                    let header = Header {
                        fin: bits & 1 != 0,
                        rsv1: bits & 2 != 0,
                        rsv2: bits & 4 != 0,
                        rsv3: bits & 8 != 0,
                        ..Header::whole(Opcode::Binary, mask, length)
                    };
                    let mut bytes = Vec::new();
                    header.encode(&mut bytes);
                    assert_eq!(header.encoded_len(), bytes.len());
                    for end in 0..bytes.len() {
                        assert_eq!(Header::decode(&bytes[..end]), Ok(None));
                    }
                    assert_eq!(Header::decode(&bytes), Ok(Some((header, bytes.len()))));
                }
            }
        }
    }

    #[test]
    fn the_byte_that_breaks_a_rule_is_the_last_one_needed() {
        let table: [(&[u8], usize, ProtocolError); 6] = [
            (b"\x83", 1, ProtocolError::ReservedOpcode(3)),
            (b"\x8b", 1, ProtocolError::ReservedOpcode(11)),
            (b"\x82\x7e\x00\x7d", 4, ProtocolError::NonMinimalLength),
            (b"\x82\x7f\x80", 3, ProtocolError::LengthTopBit),
            (
                b"\x82\x7f\x00\x00\x00\x00\x00\x00",
                8,
                ProtocolError::NonMinimalLength,
            ),
            (b"\x82\xff\xff", 3, ProtocolError::LengthTopBit),
        ];
        for (bytes, needed, error) in table {
            assert_eq!(
                Header::decode(&bytes[..needed - 1]),
                Ok(None),
                "{bytes:02x?}"
            );
            assert_eq!(Header::decode(bytes), Err(error), "{bytes:02x?}");
        }
    }
}
