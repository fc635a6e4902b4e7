//! Without the feature `tls` nobody can make these: what would use one compiles to nothing, and no other file of this
//! layer needs to know.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::time::Instant;

use super::super::descriptor::Descriptor;
use super::TlsError;

/// There is none.
#[derive(Debug)]
pub(in super::super) enum Session {}

/// There is none.
#[derive(Debug, Clone)]
pub(in super::super) enum TlsIdentity {}

/// There are none.
#[derive(Debug, Clone)]
pub(in super::super) enum TlsRoots {}

impl Session {
    pub(in super::super) fn server(identity: &TlsIdentity) -> io::Result<Self> {
        match *identity {}
    }

    pub(in super::super) fn client(_: Option<&TlsRoots>, _: &str) -> Result<Self, TlsError> {
        Err(TlsError::NotBuiltIn)
    }

    pub(in super::super) fn shake_hands(
        &self,
        _: &Descriptor,
        _: Instant,
    ) -> Result<(), super::super::Error> {
        match *self {}
    }

    pub(in super::super) fn read(&self, _: &Descriptor, _: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }

    pub(in super::super) fn write(&self, _: &Descriptor, _: &[IoSlice<'_>]) -> io::Result<usize> {
        match *self {}
    }

    pub(in super::super) fn say_goodbye(&self, _: &Descriptor, _: Shutdown) {
        match *self {}
    }
}
