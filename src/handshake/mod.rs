//! The opening handshake of [RFC 6455, 4](https://www.rfc-editor.org/rfc/rfc6455#section-4), both sides: an HTTP request for
//! an upgrade, and the 101 that accepts it or the response that rejects it. No sockets and no randomness: the caller supplies the
//! client's nonce.
//!
//! Reading order: `server`, `client`, then the files both use: `fields`, `accept_key`, `extensions`, `deflate`, `url`,
//! `origin`, `redirect`, `error`.

pub(crate) mod accept_key;
pub(crate) mod client;
#[cfg(feature = "deflate")]
pub(crate) mod deflate;
pub(crate) mod error;
pub(crate) mod extensions;
mod fields;
pub(crate) mod origin;
pub(crate) mod redirect;
pub(crate) mod server;
pub(crate) mod url;

pub use accept_key::accept_key;
pub use client::{ClientHandshake, MAX_INTERIM_RESPONSES, Negotiated};
#[cfg(feature = "deflate")]
pub use deflate::DeflateParams;
pub use error::HandshakeError;
pub use extensions::ExtensionOffer;
pub use origin::{Origin, check_host, check_origin};
pub use redirect::{MAX_REDIRECTS, Redirect, follow_redirect};
pub use server::{Offer, check_request, upgrade_response};
pub use url::{Scheme, Url, UrlError};
