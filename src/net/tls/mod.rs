//! TLS ([RFC 8446](https://www.rfc-editor.org/rfc/rfc8446)) under a connection, for `https://` and `wss://`.
//!
//! The package `rustls`, with the provider ring, implements the protocol without sockets. The files here move its bytes,
//! hold no state lock while a socket blocks (`session`), and apply the same limits as without TLS.
//!
//! Without the feature `tls` only the [errors](TlsError) exist.

pub(crate) mod error;
#[cfg(feature = "tls")]
pub(crate) mod identity;
#[cfg(feature = "tls")]
mod record_writer;
#[cfg(feature = "tls")]
pub(crate) mod roots;
#[cfg(feature = "tls")]
pub(crate) mod session;
#[cfg(not(feature = "tls"))]
mod stub;

pub use error::TlsError;
#[cfg(feature = "tls")]
pub use {identity::TlsIdentity, roots::TlsRoots};

#[cfg(feature = "tls")]
pub(crate) use session::Session;
#[cfg(not(feature = "tls"))]
pub(crate) use stub::{Session, TlsIdentity, TlsRoots};
