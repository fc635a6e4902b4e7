//! RFC 6455, sections 5, 7 and 8, and RFC 7692: bytes in, bytes out.
//!
//! No sockets, threads, clocks or randomness: the caller supplies received bytes and mask keys, so tests use byte arrays.
//!
//! Reading order: `opcode`, `mask`, `header` (one frame); `utf8`, `assembler`, `deflate` (one message); `close`, `state` (one
//! connection); then the two halves that use them, `decoder` and `encoder`. [`diagram`] draws frames.

pub(crate) mod assembler;
pub(crate) mod close;
pub(crate) mod decoder;
pub(crate) mod deflate;
pub mod diagram;
pub(crate) mod encoder;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod fast_path;
pub(crate) mod header;
pub(crate) mod limits;
pub(crate) mod mask;
pub(crate) mod opcode;
pub(crate) mod state;
pub(crate) mod utf8;

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
pub use state::{Role, State, Transition};
pub use utf8::{InvalidUtf8, Utf8Validator};
