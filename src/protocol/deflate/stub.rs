//! Without the feature `deflate` nobody can make these: what asks for one compiles to nothing, and no other file of this
//! layer needs to know.

use crate::protocol::error::ProtocolError;

/// There is none.
#[derive(Debug)]
pub(crate) enum Compressor {}

/// There is none.
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
