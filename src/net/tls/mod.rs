//! TLS ([RFC 8446](https://www.rfc-editor.org/rfc/rfc8446)) under a connection, for `https://` and `wss://`.
//!
//! The protocol is that of the package `rustls`, with the provider ring: bytes in, bytes out, no sockets. Here the bytes
//! move, without a lock held while a socket blocks ([`session`](self)), and with the same bounds as without TLS.
//!
//! Without the feature `tls` there are only the [errors](TlsError).

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
