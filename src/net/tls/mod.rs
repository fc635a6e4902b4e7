//! TLS ([RFC 8446](https://www.rfc-editor.org/rfc/rfc8446)) under a connection, for `https://` and `wss://`.
//!
//! The protocol is that of the package `rustls`, with the provider ring: bytes in, bytes out, no sockets. Here the bytes
//! move, without a lock held while a socket blocks ([`session`](self)), and with the same bounds as without TLS.
//!
//! Without the feature `tls` there are only the [errors](TlsError).

#[cfg(not(feature = "tls"))]
mod absent;
mod error;
#[cfg(feature = "tls")]
mod identity;
#[cfg(feature = "tls")]
mod roots;
#[cfg(feature = "tls")]
mod session;
#[cfg(feature = "tls")]
mod wire;

pub use error::TlsError;
#[cfg(feature = "tls")]
pub use {identity::TlsIdentity, roots::TlsRoots};

#[cfg(not(feature = "tls"))]
pub(super) use absent::{Session, TlsIdentity, TlsRoots};
#[cfg(feature = "tls")]
pub(super) use session::Session;
