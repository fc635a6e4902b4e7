//! Masking keys for the client's frames: unpredictable, a fresh one each
//! ([RFC 6455, 5.3 and 10.3](https://www.rfc-editor.org/rfc/rfc6455#section-10.3)).

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::BuildHasher;
use std::io::Read;

use crate::protocol::mask::MaskKey;

/// A supply of random bytes from the operating system, fetched a page at a time.
#[derive(Debug)]
pub(crate) struct MaskKeys {
    bytes: [u8; BATCH],
    used: usize,
}

impl MaskKeys {
    pub(crate) fn new() -> Self {
        Self {
            bytes: [0; BATCH],
            used: BATCH,
        }
    }

    pub(crate) fn next(&mut self) -> MaskKey {
        if self.used == BATCH {
            fill(&mut self.bytes);
            self.used = 0;
        }
        let mut key = [0; 4];
        key.copy_from_slice(&self.bytes[self.used..self.used + 4]);
        self.used += 4;
        MaskKey(key)
    }
}

/// 4.1: the nonce behind `Sec-WebSocket-Key`, 16 random bytes.
pub(crate) fn nonce() -> [u8; 16] {
    let mut bytes = [0; 16];
    fill(&mut bytes);
    bytes
}

/// Random bytes from the kernel; where it offers no such file, from the seeds the standard library draws from the
/// operating system for its hash maps.
pub(crate) fn fill(bytes: &mut [u8]) {
    if File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(bytes))
        .is_ok()
    {
        return;
    }
    for chunk in bytes.chunks_mut(8) {
        let word = RandomState::new()
            .hash_one(chunk.as_ptr() as usize)
            .to_ne_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
}

const BATCH: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_do_not_repeat() {
        let mut keys = MaskKeys::new();
        let seen: HashSet<[u8; 4]> = (0..10_000).map(|_| keys.next().0).collect();
        // 32 random bits: a pair in ten thousand may meet, a pattern would meet far more often.
        assert!(seen.len() > 9_990, "{} of 10000 differ", seen.len());
    }
}
