//! Bytes as a compressed message, and as one to compress: bounded whatever they are, the same in any pieces, and what was
//! compressed comes back.

use enchufe::protocol::{Compressor, Decompressor, ProtocolError};

pub(crate) fn check(octets: &[u8]) {
    let whole = inflated(octets, octets.len());
    for size in [1, 5] {
        let pieces = inflated(octets, size);
        if whole.is_ok() {
            assert_eq!(pieces, whole);
        } else {
            assert!(pieces.is_err());
        }
    }

    let mut compressor = Compressor::new(15);
    let mut decompressor = Decompressor::new();
    // Twice: the second may refer to the first.
    for _ in 0..2 {
        let mut compressed = Vec::new();
        if compressor.compress(octets, &mut compressed) {
            let mut out = Vec::new();
            decompressor
                .inflate(&compressed, octets.len(), &mut out)
                .and_then(|()| decompressor.finish(octets.len(), &mut out))
                .expect("what we compress we inflate");
            assert_eq!(out, octets);
        } else {
            // It went out as it was, and the window has it or not: a new pair agrees again.
            compressor = Compressor::new(15);
            decompressor = Decompressor::new();
        }
    }
}

fn inflated(octets: &[u8], size: usize) -> Result<Vec<u8>, ProtocolError> {
    let mut decompressor = Decompressor::new();
    let mut out = Vec::new();
    for piece in octets.chunks(size.max(1)) {
        decompressor.inflate(piece, LIMIT, &mut out)?;
        assert!(out.len() <= LIMIT);
    }
    decompressor.finish(LIMIT, &mut out)?;
    assert!(out.len() <= LIMIT);
    Ok(out)
}

const LIMIT: usize = 64 * 1024;
