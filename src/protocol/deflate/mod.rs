//! Compressed messages: permessage-deflate ([RFC 7692, 7](https://www.rfc-editor.org/rfc/rfc7692#section-7)), one type
//! for each direction. A message is compressed as a whole and then framed, so it is inflated as it arrives, whatever
//! its frames. The handshake negotiates the parameters.
//!
//! zlib-rs does the work, through flate2. This module adds the four bytes that every message omits, the end of a
//! message, limits while inflating, and buffers that exist only while needed.

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
