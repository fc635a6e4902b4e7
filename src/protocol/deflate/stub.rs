//! Stand-ins without the feature `deflate`: types without values, so code that uses them compiles to nothing.

use crate::protocol::error::ProtocolError;

/// A compressor that cannot exist.
#[derive(Debug)]
pub(crate) enum Compressor {}

/// A decompressor that cannot exist.
#[derive(Debug)]
pub(crate) enum Decompressor {}

impl Compressor {
    pub(crate) fn compress(&mut self, _: &[u8], _: &mut Vec<u8>) -> bool {
        match *self {}
    }

    pub(crate) fn release_buffers(&mut self) {
        match *self {}
    }
}

impl Decompressor {
    pub(crate) fn inflate(
        &mut self,
        _: &[u8],
        _: usize,
        _: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        match *self {}
    }

    pub(crate) fn finish(&mut self, _: usize, _: &mut Vec<u8>) -> Result<(), ProtocolError> {
        match *self {}
    }

    pub(crate) fn release_buffers(&mut self) {
        match *self {}
    }
}
