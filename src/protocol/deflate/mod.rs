//! Compressed messages: permessage-deflate ([RFC 7692, 7](https://www.rfc-editor.org/rfc/rfc7692#section-7)), each direction
//! by itself. A message is compressed as a whole and then framed, so it is inflated as its octets arrive, whatever frames
//! they come in. What the two sides agreed on comes from the handshake; here is only what follows from it.
//!
//! The work is done by zlib-rs through flate2. What is added: the four octets that every message leaves out, the end of
//! one, limits that hold while inflating, and memory that is there only while it is needed.

#[cfg(feature = "deflate")]
mod compressor;
#[cfg(feature = "deflate")]
mod decompressor;
#[cfg(not(feature = "deflate"))]
mod stub;

#[cfg(feature = "deflate")]
pub use compressor::Compressor;
#[cfg(feature = "deflate")]
pub use decompressor::Decompressor;
#[cfg(not(feature = "deflate"))]
pub(crate) use stub::{Compressor, Decompressor};
