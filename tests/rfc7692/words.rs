//! The vocabulary of these tests: frames with RSV1, a receiver that inflates, and a reference for both directions that is not
//! the library's: plain flate2 streams, with none of its care.

use enchufe::protocol::{Compressor, Decompressor, Encoder, MessageKind, MessageLimits, Role};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use crate::support::frames::{Ear, from_peer_of};

/// First bytes of frames in bits: FIN, RSV, opcode.
pub(crate) const TEXT: &str = "1 100 0001";
pub(crate) const BINARY: &str = "1 100 0010";
pub(crate) const TEXT_BEGINS: &str = "0 100 0001";
pub(crate) const BINARY_BEGINS: &str = "0 100 0010";
pub(crate) const MORE: &str = "0 000 0000";
pub(crate) const LAST: &str = "1 000 0000";

/// [RFC 7692, 7.2.3.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.3.1): "Hello".
pub(crate) const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

/// A receiver that inflates, and lets messages refer to the ones before.
pub(crate) fn ear(role: Role) -> Ear {
    ear_with(role, Decompressor::new(), 1 << 20)
}

pub(crate) fn ear_with(role: Role, decompressor: Decompressor, max_message: usize) -> Ear {
    let limits = MessageLimits {
        max_message,
        ..MessageLimits::default()
    };
    let mut ear = Ear::with_limits(role, limits);
    ear.receiver.set_decompressor(decompressor);
    ear
}

/// A compressed message in one frame, as the peer of `role` has to send it.
pub(crate) fn compressed(role: Role, first: &str, payload: &[u8]) -> Vec<u8> {
    from_peer_of(role, first, payload)
}

/// A sender of the server's that compresses everything.
pub(crate) fn sender(compressor: Compressor) -> Encoder {
    let mut sender = Encoder::new(Role::Server);
    sender.set_compressor(compressor.min_message(0));
    sender
}

/// The one frame that a server's sender makes of a message: its first byte, and its payload.
pub(crate) fn sent(sender: &mut Encoder, message: &[u8]) -> (u8, Vec<u8>) {
    let mut wire = Vec::new();
    sender
        .message(MessageKind::Binary, message, None, &mut wire)
        .expect("the connection is open");
    let start = match wire[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    (wire[0], wire[start..].to_vec())
}

/// A peer's compressor: what it makes of a message, the last four bytes left out.
pub(crate) fn deflate(stream: &mut Compress, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() * 2 + 100);
    let status = stream.compress_vec(message, &mut out, FlushCompress::Sync);
    assert!(status.is_ok() && out.ends_with(&[0, 0, 0xff, 0xff]));
    out.truncate(out.len() - 4);
    out
}

/// A peer's decompressor: what a message says, which is at most so long.
pub(crate) fn inflate(stream: &mut Decompress, payload: &[u8], most: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(most + 1);
    let whole = [payload, &[0, 0, 0xff, 0xff]].concat();
    let status = stream.decompress_vec(&whole, &mut out, FlushDecompress::Sync);
    assert!(status.is_ok(), "{status:?}");
    out
}

/// A message compressed by itself, as a peer would.
pub(crate) fn deflated(message: &[u8]) -> Vec<u8> {
    deflate(&mut Compress::new(Compression::best(), false), message)
}

/// The same bytes on every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Below `bound`.
    pub(crate) fn roll(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    pub(crate) fn octets(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.roll(256) as u8).collect()
    }
}
