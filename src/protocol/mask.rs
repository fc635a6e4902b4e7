//! Masking ([RFC 6455, 5.3](https://www.rfc-editor.org/rfc/rfc6455#section-5.3)): every octet a client sends is XORed with
//! a key of four octets, so that nobody can choose the bytes a proxy sees. The same operation unmasks, and it touches every
//! octet of every message, so it works on words of eight; the compiler makes vectors of them.

use std::fmt;

/// The masking key of one frame, in the order of the wire. A client takes a fresh, unpredictable one for each frame
/// ([RFC 6455, 5.3](https://www.rfc-editor.org/rfc/rfc6455#section-5.3)). All zeros is legal and changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MaskKey(pub [u8; 4]);

impl MaskKey {
    /// Masks or unmasks `data`, the part of a payload that begins `offset` octets after the payload's beginning.
    ///
    /// A payload may be unmasked in parts as it arrives: each part says how many octets came before it.
    #[inline]
    pub fn apply(self, offset: usize, data: &mut [u8]) {
        // 5.3: j = i MOD 4. Turned, the key begins with the octet that meets data[0]: in little endian, its lowest.
        let turn = 8 * (offset % 4) as u32;
        let mut key = u32::from_le_bytes(self.0).rotate_right(turn);
        let word = u64::from(key) << 32 | u64::from(key);

        let (words, tail) = data.as_chunks_mut::<8>();
        for chunk in words {
            *chunk = (u64::from_le_bytes(*chunk) ^ word).to_le_bytes();
        }
        for octet in tail {
            *octet ^= key as u8;
            key = key.rotate_right(8);
        }
    }
}

/// Eight hexadecimal digits, in the order of the wire.
impl fmt::Display for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 5.3, word for word: transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4).
    fn by_the_letter(key: [u8; 4], offset: usize, data: &mut [u8]) {
        for (i, octet) in data.iter_mut().enumerate() {
            *octet ^= key[(offset + i) % 4];
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
