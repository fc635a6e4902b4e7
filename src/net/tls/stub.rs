//! Stand-ins without the feature `tls`: types without values, so code that uses them compiles to nothing.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::time::Instant;

use crate::net::socket::socket_stream::Descriptor;
use crate::net::tls::TlsError;

/// A session that cannot exist.
#[derive(Debug)]
pub(crate) enum Session {}

/// An identity that cannot exist.
#[derive(Debug, Clone)]
pub(crate) enum TlsIdentity {}

/// Roots that cannot exist.
#[derive(Debug, Clone)]
pub(crate) enum TlsRoots {}

impl Session {
    pub(crate) fn server(identity: &TlsIdentity) -> io::Result<Self> {
        match *identity {}
    }

    pub(crate) fn client(_: Option<&TlsRoots>, _: &str) -> Result<Self, TlsError> {
        Err(TlsError::NotBuiltIn)
    }

    pub(crate) fn handshake(
        &self,
        _: &Descriptor,
        _: Instant,
    ) -> Result<(), crate::net::error::Error> {
        match *self {}
    }

    pub(crate) fn read(&self, _: &Descriptor, _: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn write(&self, _: &Descriptor, _: &[IoSlice<'_>]) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn send_close_notify(&self, _: &Descriptor, _: Shutdown) {
        match *self {}
    }
}
