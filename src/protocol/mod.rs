//! RFC 6455, sections 5, 7 and 8, and RFC 7692: bytes in, bytes out.
//!
//! No sockets, threads, clocks or randomness: whoever calls brings the bytes and the mask keys, so every rule here is tested
//! with byte arrays. Reading order: [`opcode`], [`mask`], [`header`] (one frame), [`utf8`], `assembler` and [`deflate`] (one
//! message), [`close`] and [`state`] (one connection), then the two halves that use them all, [`receiver`] and [`sender`].
//! [`diagram`] draws what they see.

pub(crate) mod assembler;
pub mod close;
pub mod decoder;
pub mod deflate;
pub mod diagram;
pub mod encoder;
pub mod error;
pub mod event;
pub(crate) mod excerpt;
pub(crate) mod fast_path;
pub mod header;
pub mod limits;
pub mod mask;
pub mod opcode;
pub mod role;
pub mod state;
pub mod utf8;

pub use close::{CloseCode, CloseReason};
pub use decoder::Decoder;
#[cfg(feature = "deflate")]
pub use deflate::{Compressor, Decompressor};
pub use encoder::{Encoder, encode_frame};
pub use error::{ProtocolError, SendError};
pub use event::{Decoded, Event};
pub use header::{Extensions, Header, HeaderBytes};
pub use limits::MessageLimits;
pub use mask::MaskKey;
pub use opcode::{MessageKind, Opcode};
pub use role::Role;
pub use state::{State, Transition};
pub use utf8::{InvalidUtf8, Utf8Validator};
