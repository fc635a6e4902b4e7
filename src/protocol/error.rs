//! Errors of both halves. A [`ProtocolError`] has a close code for the peer ([RFC 6455,
//! 7.1.7](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7)). A [`SendError`] is a mistake of the caller, and the
//! peer does not see it.

use std::fmt;

use crate::protocol::utf8::InvalidUtf8;

/// A rule that the peer violated; the connection fails ([RFC 6455,
/// 7.1.7](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// An opcode that the registry does not have
    /// ([RFC 6455, 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
    ReservedOpcode(u8),
    /// A reserved bit that no negotiated extension gives a meaning on this frame
    /// ([RFC 6455, 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
    ReservedBit,
    /// A length in more bytes than it needs
    /// ([RFC 6455, 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
    NonMinimalLength,
    /// A length of 2^63 or more: the most significant bit must be 0
    /// ([RFC 6455, 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
    LengthTopBit,
    /// A client sent a frame without a mask
    /// ([RFC 6455, 5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.1)).
    UnmaskedFrame,
    /// A server sent a frame with a mask
    /// ([RFC 6455, 5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.1)).
    MaskedFrame,
    /// A control frame in fragments
    /// ([RFC 6455, 5.5](https://www.rfc-editor.org/rfc/rfc6455#section-5.5)).
    FragmentedControl,
    /// A control frame of more than 125 bytes
    /// ([RFC 6455, 5.5](https://www.rfc-editor.org/rfc/rfc6455#section-5.5)).
    ControlTooLong,
    /// A continuation with no message to continue
    /// ([RFC 6455, 5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4)).
    UnexpectedContinuation,
    /// A new message inside a fragmented one
    /// ([RFC 6455, 5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4)).
    ExpectedContinuation,
    /// A Close whose payload is one byte: a code has two
    /// ([RFC 6455, 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
    CloseTooShort,
    /// A close code that must not be on the wire
    /// ([RFC 6455, 7.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.4)).
    InvalidCloseCode(u16),
    /// A close reason that is not UTF-8
    /// ([RFC 6455, 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
    InvalidCloseReason,
    /// A text message that is not UTF-8
    /// ([RFC 6455, 8.1](https://www.rfc-editor.org/rfc/rfc6455#section-8.1)).
    InvalidUtf8,
    /// A compressed message that cannot be inflated
    /// ([RFC 7692, 7.2.2](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2)).
    InvalidDeflate,
    /// A message longer than [`MessageLimits::max_message`](crate::protocol::limits::MessageLimits::max_message)
    /// ([RFC 6455, 10.4](https://www.rfc-editor.org/rfc/rfc6455#section-10.4)).
    MessageTooBig,
    /// More fragments than [`MessageLimits::max_fragments`](crate::protocol::limits::MessageLimits::max_fragments)
    /// ([RFC 6455, 10.4](https://www.rfc-editor.org/rfc/rfc6455#section-10.4)).
    TooManyFragments,
    /// More empty fragments in a row than [`MessageLimits::max_empty_run`](crate::protocol::limits::MessageLimits::max_empty_run)
    /// ([RFC 6455, 10.4](https://www.rfc-editor.org/rfc/rfc6455#section-10.4)).
    TooManyEmptyFragments,
}

/// One sentence, short enough for the reason of a Close.
impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedOpcode(opcode) => return write!(f, "opcode {opcode:#x} is reserved"),
            Self::ReservedBit => "a reserved bit is set and no extension uses it here",
            Self::NonMinimalLength => "the length is not in its shortest form",
            Self::LengthTopBit => "the most significant bit of the length is set",
            Self::UnmaskedFrame => "a client must mask its frames",
            Self::MaskedFrame => "a server must not mask its frames",
            Self::FragmentedControl => "a control frame must not be fragmented",
            Self::ControlTooLong => "a control frame holds at most 125 bytes",
            Self::UnexpectedContinuation => "a continuation with no message to continue",
            Self::ExpectedContinuation => "a new message inside a fragmented one",
            Self::CloseTooShort => "a close payload of one byte holds no code",
            Self::InvalidCloseCode(code) => {
                return write!(f, "close code {code} must not be sent");
            }
            Self::InvalidCloseReason => "the close reason is not UTF-8",
            Self::InvalidUtf8 => "a text message is not UTF-8",
            Self::InvalidDeflate => "a compressed message cannot be inflated",
            Self::MessageTooBig => "the message is too big",
            Self::TooManyFragments => "the message has too many fragments",
            Self::TooManyEmptyFragments => "too many empty fragments in a row",
        })
    }
}

impl std::error::Error for ProtocolError {}

impl From<InvalidUtf8> for ProtocolError {
    fn from(_: InvalidUtf8) -> Self {
        Self::InvalidUtf8
    }
}

/// An error of the sending half. Nothing was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// A Close was already sent; nothing may follow it
    /// ([RFC 6455, 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
    Closed,
    /// A client needs a key for every frame, and a server must not use one ([RFC 6455,
    /// 5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.1)).
    WrongMask,
    /// A control frame holds at most 125 bytes
    /// ([RFC 6455, 5.5](https://www.rfc-editor.org/rfc/rfc6455#section-5.5)).
    ControlTooLong,
    /// A fragmented message is in progress: only fragments of its kind and control frames may follow
    /// ([RFC 6455, 5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4)).
    MessageInProgress,
    /// A close code that must not be sent: the number of a `Registered` or `Private` one is out of its range ([RFC
    /// 6455, 7.4.2](https://www.rfc-editor.org/rfc/rfc6455#section-7.4.2)).
    InvalidCloseCode(u16),
    /// A close reason of more than 123 bytes
    /// ([RFC 6455, 5.5](https://www.rfc-editor.org/rfc/rfc6455#section-5.5)).
    CloseReasonTooLong,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "nothing can be sent after a Close",
            Self::WrongMask => "a client masks every frame, a server none",
            Self::ControlTooLong => "a control frame holds at most 125 bytes",
            Self::MessageInProgress => "a fragmented message is in progress",
            Self::InvalidCloseCode(code) => {
                return write!(f, "close code {code} must not be sent");
            }
            Self::CloseReasonTooLong => "a close reason holds at most 123 bytes",
        })
    }
}

impl std::error::Error for SendError {}
