//! Without the feature `deflate` nobody can make these: what asks for one compiles to nothing, and no other file of this
//! layer needs to know.

use crate::handshake::error::HandshakeError;
use crate::handshake::extensions::ExtensionOffer;
use crate::protocol::decoder::Decoder;
use crate::protocol::encoder::Encoder;

/// There are none.
#[derive(Debug, Clone)]
pub(crate) enum DeflateOptions {}

/// There is none.
#[derive(Debug, Clone)]
pub(crate) enum Deflate {}

impl DeflateOptions {
    pub(crate) fn accept(&self, _: &[ExtensionOffer]) -> Option<(Deflate, String)> {
        match *self {}
    }

    pub(crate) fn offer(&self) -> ExtensionOffer {
        match *self {}
    }

    pub(crate) fn check(&self, _: &[ExtensionOffer]) -> Result<Option<Deflate>, HandshakeError> {
        match *self {}
    }
}

impl Deflate {
    pub(crate) fn enable_compression(&self, _: &mut Encoder) {
        match *self {}
    }

    pub(crate) fn equip_receiver(&self, _: &mut Decoder) {
        match *self {}
    }
}
