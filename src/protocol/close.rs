//! Close codes and reasons, the payload of a Close ([RFC 6455,
//! 7.1.5](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5),
//! [7.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.4)). The names are those of the IANA registry. 1005, 1006 and
//! 1015 mean "no code", "no Close" and "no TLS". They are never sent, so no value here represents them.

use std::fmt;

use crate::protocol::error::ProtocolError;

/// A status code that may be sent ([RFC 6455, 7.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.4)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// 1000: the connection has fulfilled its purpose.
    NormalClosure,
    /// 1001: a server shuts down, or a browser leaves the page.
    GoingAway,
    /// 1002: the peer broke the protocol.
    ProtocolError,
    /// 1003: a type of data that this endpoint does not support.
    UnsupportedData,
    /// 1007: data that does not match the message type, such as text that is not UTF-8.
    InvalidFramePayloadData,
    /// 1008: a message that violates this endpoint's policy.
    PolicyViolation,
    /// 1009: a message too big to process.
    MessageTooBig,
    /// 1010: the server did not accept an extension that the client requires.
    MandatoryExtension,
    /// 1011: the server met an unexpected condition.
    InternalError,
    /// 1012: the server restarts; reconnect soon.
    ServiceRestart,
    /// 1013: the server is overloaded; reconnect later.
    TryAgainLater,
    /// 1014: a gateway received an invalid response from the upstream server.
    BadGateway,
    /// 3000 to 3999: registered by a library, framework or application
    /// ([RFC 6455, 7.4.2](https://www.rfc-editor.org/rfc/rfc6455#section-7.4.2)).
    Registered(u16),
    /// 4000 to 4999: private agreements between the two endpoints ([RFC 6455,
    /// 7.4.2](https://www.rfc-editor.org/rfc/rfc6455#section-7.4.2)).
    Private(u16),
}

impl CloseCode {
    /// The name in the registry, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NormalClosure => "normal closure",
            Self::GoingAway => "going away",
            Self::ProtocolError => "protocol error",
            Self::UnsupportedData => "unsupported data",
            Self::InvalidFramePayloadData => "invalid frame payload data",
            Self::PolicyViolation => "policy violation",
            Self::MessageTooBig => "message too big",
            Self::MandatoryExtension => "mandatory extension",
            Self::InternalError => "internal error",
            Self::ServiceRestart => "service restart",
            Self::TryAgainLater => "try again later",
            Self::BadGateway => "bad gateway",
            Self::Registered(_) => "registered",
            Self::Private(_) => "private",
        }
    }
}

/// Fails with [`ProtocolError::InvalidCloseCode`] for a number that must not be sent: unregistered, or reserved (1005,
/// 1006, 1015).
impl TryFrom<u16> for CloseCode {
    type Error = ProtocolError;

    fn try_from(code: u16) -> Result<Self, ProtocolError> {
        Ok(match code {
            1000 => Self::NormalClosure,
            1001 => Self::GoingAway,
            1002 => Self::ProtocolError,
            1003 => Self::UnsupportedData,
            1007 => Self::InvalidFramePayloadData,
            1008 => Self::PolicyViolation,
            1009 => Self::MessageTooBig,
            1010 => Self::MandatoryExtension,
            1011 => Self::InternalError,
            1012 => Self::ServiceRestart,
            1013 => Self::TryAgainLater,
            1014 => Self::BadGateway,
            3000..=3999 => Self::Registered(code),
            4000..=4999 => Self::Private(code),
            _ => return Err(ProtocolError::InvalidCloseCode(code)),
        })
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        match code {
            CloseCode::NormalClosure => 1000,
            CloseCode::GoingAway => 1001,
            CloseCode::ProtocolError => 1002,
            CloseCode::UnsupportedData => 1003,
            CloseCode::InvalidFramePayloadData => 1007,
            CloseCode::PolicyViolation => 1008,
            CloseCode::MessageTooBig => 1009,
            CloseCode::MandatoryExtension => 1010,
            CloseCode::InternalError => 1011,
            CloseCode::ServiceRestart => 1012,
            CloseCode::TryAgainLater => 1013,
            CloseCode::BadGateway => 1014,
            CloseCode::Registered(code) | CloseCode::Private(code) => code,
        }
    }
}

/// Number and name: `1001 going away`.
impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", u16::from(*self), self.name())
    }
}

impl ProtocolError {
    /// Returns the close code that answers this error ([RFC 6455,
    /// 7.4.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1)).
    pub const fn close_code(self) -> CloseCode {
        // No wildcard, so each new error needs a code.
        match self {
            Self::ReservedOpcode(_)
            | Self::ReservedBit
            | Self::NonMinimalLength
            | Self::LengthTopBit
            | Self::UnmaskedFrame
            | Self::MaskedFrame
            | Self::FragmentedControl
            | Self::ControlTooLong
            | Self::UnexpectedContinuation
            | Self::ExpectedContinuation
            | Self::CloseTooShort
            | Self::InvalidCloseCode(_) => CloseCode::ProtocolError,
            Self::InvalidCloseReason | Self::InvalidUtf8 | Self::InvalidDeflate => {
                CloseCode::InvalidFramePayloadData
            }
            Self::MessageTooBig => CloseCode::MessageTooBig,
            Self::TooManyFragments | Self::TooManyEmptyFragments => CloseCode::PolicyViolation,
        }
    }
}

/// The code and reason of a Close ([RFC 6455, 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseReason {
    /// The code, for programs.
    pub code: CloseCode,
    /// The reason, for people; often empty. At most 123 bytes are sent.
    pub reason: String,
}

impl CloseReason {
    /// Creates a close reason.
    pub fn new(code: CloseCode, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }

    /// Parses the payload of a Close. Returns `None` if it is empty, which is valid.
    ///
    /// # Errors
    /// [`ProtocolError::CloseTooShort`], [`InvalidCloseCode`](ProtocolError::InvalidCloseCode) or
    /// [`InvalidCloseReason`](ProtocolError::InvalidCloseReason).
    pub fn parse(payload: &[u8]) -> Result<Option<Self>, ProtocolError> {
        let Some((code, reason)) = payload.split_first_chunk() else {
            return match payload {
                [] => Ok(None),
                // 5.5.1: "if there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer".
                _ => Err(ProtocolError::CloseTooShort),
            };
        };
        let code = CloseCode::try_from(u16::from_be_bytes(*code))?;
        let reason = str::from_utf8(reason).map_err(|_| ProtocolError::InvalidCloseReason)?;
        Ok(Some(Self::new(code, reason)))
    }

    /// Appends the payload of a Close: the code and the reason. A reason that does not fit in a control frame is cut
    /// between two characters.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut end = self.reason.len().min(MAX_REASON);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        out.extend_from_slice(&u16::from(self.code).to_be_bytes());
        out.extend_from_slice(&self.reason.as_bytes()[..end]);
    }
}

/// Code, name and quoted reason: `1001 going away "restart at noon"`. Control characters are escaped.
impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)?;
        if self.reason.is_empty() {
            return Ok(());
        }
        write!(f, " {:?}", self.reason)
    }
}

/// Maximum size of a reason in bytes: the 125 of a control frame minus two for the code ([RFC 6455,
/// 5.5](https://www.rfc-editor.org/rfc/rfc6455#section-5.5)).
pub(crate) const MAX_REASON: usize = 123;

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(reason: &str) -> Vec<u8> {
        let mut out = Vec::new();
        CloseReason::new(CloseCode::GoingAway, reason).encode(&mut out);
        out
    }

    #[test]
    fn every_number_is_a_code_that_comes_back_as_itself_or_an_error_that_names_it() {
        for number in 0..=u16::MAX {
            match CloseCode::try_from(number) {
                Ok(code) => assert_eq!(u16::from(code), number),
                Err(error) => assert_eq!(error, ProtocolError::InvalidCloseCode(number)),
            }
        }
    }

    #[test]
    fn parse_reads_what_encode_wrote() {
        let reason = CloseReason::new(CloseCode::Private(4321), "adiós");
        let mut payload = Vec::new();
        reason.encode(&mut payload);
        assert_eq!(payload, b"\x10\xe1adi\xc3\xb3s");
        assert_eq!(CloseReason::parse(&payload), Ok(Some(reason)));
        assert_eq!(CloseReason::parse(b""), Ok(None));
    }

    #[test]
    fn a_reason_of_123_bytes_is_sent_whole_and_a_longer_one_is_cut_between_characters() {
        assert_eq!(encoded(&"x".repeat(123)).len(), 125);
        assert_eq!(encoded(&"x".repeat(124)).len(), 125);
        // 41 euro signs are 123 bytes; behind one "x" the 41st would end at 124.
        assert_eq!(encoded(&"€".repeat(42)).len(), 2 + 41 * 3);
        let cut = encoded(&format!("x{}", "€".repeat(41)));
        assert_eq!(cut.len(), 2 + 1 + 40 * 3);
        assert!(CloseReason::parse(&cut).is_ok());
    }

    #[test]
    fn a_reason_prints_on_one_line() {
        let reason = CloseReason::new(CloseCode::GoingAway, "a\n\u{1b}[2J");
        assert_eq!(reason.to_string(), r#"1001 going away "a\n\u{1b}[2J""#);
        assert_eq!(CloseCode::Registered(3000).to_string(), "3000 registered");
    }
}
