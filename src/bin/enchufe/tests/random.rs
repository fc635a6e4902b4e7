//! Numbers and bytes that look random and are the same in every run.

/// A xorshift generator; its seed is not 0.
pub struct XorShift(pub u64);

impl XorShift {
    /// Returns `count` bytes of `alphabet`.
    pub fn bytes(&mut self, count: usize, alphabet: &[u8]) -> Vec<u8> {
        (0..count)
            .map(|_| alphabet[self.below(alphabet.len())])
            .collect()
    }

    /// Returns a number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The upper half is the better one.
        (self.0 >> 32) as usize % limit
    }
}
