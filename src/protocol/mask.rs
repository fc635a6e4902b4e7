//! Masking ([RFC 6455, 5.3](https://www.rfc-editor.org/rfc/rfc6455#section-5.3)): a client XORs its payload with a
//! four-byte key, so an attacker cannot choose the bytes that a proxy sees. The same operation unmasks. It touches
//! every byte of every message, so it works on eight-byte words, which the compiler vectorizes.

use std::fmt;

/// The masking key of one frame, in wire order. A client uses a fresh, unpredictable key for each frame ([RFC 6455,
/// 5.3](https://www.rfc-editor.org/rfc/rfc6455#section-5.3)). All zeros is valid and changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MaskKey(pub [u8; 4]);

impl MaskKey {
    /// Masks or unmasks `data`, which starts `offset` bytes into the payload.
    ///
    /// A payload can be unmasked in parts as it arrives.
    #[inline]
    pub fn apply(self, offset: usize, data: &mut [u8]) {
        // 5.3: j = i MOD 4. Rotate the key so that its lowest byte meets `data[0]`.
        let turn = 8 * (offset % 4) as u32;
        let mut key = u32::from_le_bytes(self.0).rotate_right(turn);
        let word = u64::from(key) << 32 | u64::from(key);

        let (words, tail) = data.as_chunks_mut::<8>();
        for chunk in words {
            *chunk = (u64::from_le_bytes(*chunk) ^ word).to_le_bytes();
        }
        for byte in tail {
            *byte ^= key as u8;
            key = key.rotate_right(8);
        }
    }
}

/// Eight hexadecimal digits, in wire order.
impl fmt::Display for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 5.3, word for word: transformed-byte-i = original-byte-i XOR masking-key-byte-(i MOD 4).
    fn by_the_letter(key: [u8; 4], offset: usize, data: &mut [u8]) {
        for (i, byte) in data.iter_mut().enumerate() {
            *byte ^= key[(offset + i) % 4];
        }
    }

    #[test]
    fn words_give_what_the_sentence_of_the_rfc_gives_at_every_offset_length_and_alignment() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let bytes: Vec<u8> = (0..96u8).map(|i| i.wrapping_mul(37)).collect();
        for offset in 0..9 {
            for start in 0..9 {
                for end in start..bytes.len() {
                    let (mut fast, mut slow) = (bytes.clone(), bytes.clone());
                    MaskKey(key).apply(offset, &mut fast[start..end]);
                    by_the_letter(key, offset, &mut slow[start..end]);
                    assert_eq!(fast, slow, "offset {offset}, {start}..{end}");
                }
            }
        }
    }

    #[test]
    fn an_offset_at_the_end_of_the_address_space_is_only_an_offset() {
        let mut data = *b"x";
        MaskKey([1, 2, 3, 4]).apply(usize::MAX, &mut data);
        assert_eq!(data, [b'x' ^ 4]);
    }
}
