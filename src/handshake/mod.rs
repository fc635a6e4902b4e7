//! The opening handshake, [RFC 6455, 4](https://www.rfc-editor.org/rfc/rfc6455#section-4), both sides: an HTTP request
//! that asks for an upgrade, the 101 that grants it or the response that refuses. No sockets, no randomness: the client's
//! nonce is passed in.
//!
//! Reading order: `server`, `client`, then what both use: `accept_key`, `extensions`, `deflate`, `url`, `origin`, `redirect`,
//! `error`.

pub(crate) mod accept_key;
pub mod client;
#[cfg(feature = "deflate")]
pub(crate) mod deflate;
pub(crate) mod error;
pub(crate) mod extensions;
pub mod origin;
pub mod redirect;
pub mod server;
pub mod url;

pub use accept_key::accept_key;
pub use client::{Agreed, ClientHandshake};
#[cfg(feature = "deflate")]
pub use deflate::DeflateParams;
pub use error::HandshakeError;
pub use extensions::ExtensionOffer;
pub use server::Offer;
pub use url::{Scheme, Url, UrlError};

use crate::http::headers::Headers;

/// The value of a field that may stand once.
fn single<'a>(headers: &'a Headers, name: &'static str) -> Result<Option<&'a str>, HandshakeError> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(HandshakeError::DuplicateHeader(name)),
        (value, None) => Ok(value),
    }
}
