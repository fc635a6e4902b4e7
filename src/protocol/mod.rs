//! RFC 6455, sections 5, 7 and 8, and RFC 7692: bytes in, bytes out.
//!
//! No sockets, threads, clocks or randomness: whoever calls brings the bytes and the mask keys, so every rule here is tested
//! with byte arrays. Reading order: [`opcode`], [`mask`], [`header`] (one frame), [`utf8`], `assembler` and [`deflate`] (one
//! message), [`close`] and [`state`] (one connection), then the two halves that use them all, [`receiver`] and [`sender`].
//! [`diagram`] draws what they see.

mod assembler;
pub mod close;
pub mod deflate;
pub mod diagram;
pub mod error;
pub mod event;
mod excerpt;
pub mod header;
pub mod limits;
pub mod mask;
pub mod opcode;
pub mod receiver;
pub mod role;
pub mod sender;
mod small;
pub mod state;
pub mod utf8;

pub use close::{CloseCode, CloseReason};
#[cfg(feature = "deflate")]
pub use deflate::{Compressor, Decompressor};
pub use error::{ProtocolError, SendError};
pub use event::{Event, Received};
pub use header::{Extensions, Header, HeaderBytes};
pub use limits::MessageLimits;
pub use mask::MaskKey;
pub use opcode::{MessageKind, Opcode};
pub use receiver::Receiver;
pub use role::Role;
pub use sender::{Sender, encode_frame};
pub use state::{State, Step};
pub use utf8::{InvalidUtf8, Utf8Validator};
