//! Compressed replies ([RFC 7692, 7.2](https://www.rfc-editor.org/rfc/rfc7692#section-7.2)): a server may refer to what it said
//! before, so no two need be alike. Each is inflated, and compared with what it has to say.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use crate::frames;

pub struct Inflater {
    stream: Decompress,
    input: Vec<u8>,
    output: Vec<u8>,
    expected: Vec<u8>,
}

impl Inflater {
    pub fn new(expected: Vec<u8>) -> Self {
        Self {
            stream: Decompress::new(false),
            input: Vec::new(),
            output: Vec::with_capacity(expected.len() + 1),
            expected,
        }
    }

    /// Takes what came, and says how many replies came to their end.
    pub fn take(&mut self, bytes: &[u8]) -> Result<usize, Box<dyn std::error::Error>> {
        self.input.extend_from_slice(bytes);
        let (mut at, mut ended) = (0, 0);
        while let Some((_, start, end)) = frames::parse(&self.input[at..])
            && self.input.len() - at >= end
        {
            let frame = &self.input[at..at + end];
            if !frames::is_compressed(frame) {
                return Err("a reply is not compressed".into());
            }
            self.output.clear();
            for piece in [&frame[start..], &TAIL] {
                self.stream
                    .decompress_vec(piece, &mut self.output, FlushDecompress::Sync)?;
            }
            if self.output != self.expected {
                return Err("a reply is not what was sent".into());
            }
            at += end;
            ended += 1;
        }
        self.input.drain(..at);
        Ok(ended)
    }
}

/// A message that refers to no other: it may be said again and again.
pub fn deflated(message: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut out = Vec::with_capacity(message.len() * 2 + 64);
    Compress::new(Compression::default(), false).compress_vec(
        message,
        &mut out,
        FlushCompress::Sync,
    )?;
    out.truncate(out.len() - TAIL.len());
    Ok(out)
}

/// How every message ends, and what none sends.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
