//! Without the feature `deflate` nobody can make these: what asks for one compiles to nothing, and no other file of this
//! layer needs to know.

use crate::handshake::{ExtensionOffer, HandshakeError};
use crate::protocol::{Receiver, Sender};

/// There are none.
#[derive(Debug, Clone)]
pub(super) enum DeflateOptions {}

/// There is none.
#[derive(Debug, Clone)]
pub(super) enum Deflate {}

impl DeflateOptions {
    pub(super) fn accept(&self, _: &[ExtensionOffer]) -> Option<(Deflate, String)> {
        match *self {}
    }

    pub(super) fn offer(&self) -> ExtensionOffer {
        match *self {}
    }

    pub(super) fn check(&self, _: &[ExtensionOffer]) -> Result<Option<Deflate>, HandshakeError> {
        match *self {}
    }
}

impl Deflate {
    pub(super) fn equip_sender(&self, _: &mut Sender) {
        match *self {}
    }

    pub(super) fn equip_receiver(&self, _: &mut Receiver) {
        match *self {}
    }
}
