//! Bytes that look random and are the same in every run.

/// A xorshift generator.
pub struct XorShift(pub u64);

impl XorShift {
    /// So many bytes out of `alphabet`.
    pub fn bytes(&mut self, count: usize, alphabet: &[u8]) -> Vec<u8> {
        (0..count)
            .map(|_| alphabet[self.next() % alphabet.len()])
            .collect()
    }

    /// A number below `bound`, which is not 0.
    pub fn number(&mut self, bound: usize) -> usize {
        self.next() % bound
    }

    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The upper half is the better one.
        (self.0 >> 32) as usize
    }
}
