//! Without the feature `deflate` nobody can make these: what asks for one compiles to nothing, and no other file of this
//! layer needs to know.

use super::super::ProtocolError;

/// There is none.
#[derive(Debug)]
pub(in super::super) enum Compressor {}

/// There is none.
#[derive(Debug)]
pub(in super::super) enum Decompressor {}

impl Compressor {
    pub(in super::super) fn compress(&mut self, _: &[u8], _: &mut Vec<u8>) -> bool {
        match *self {}
    }

    pub(in super::super) fn rest(&mut self) {
        match *self {}
    }
}

impl Decompressor {
    pub(in super::super) fn inflate(
        &mut self,
        _: &[u8],
        _: usize,
        _: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        match *self {}
    }

    pub(in super::super) fn finish(
        &mut self,
        _: usize,
        _: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        match *self {}
    }

    pub(in super::super) fn rest(&mut self) {
        match *self {}
    }
}
