//! The sending half: appends encoded frames to the caller's buffer ([RFC 6455,
//! 6.1](https://www.rfc-editor.org/rfc/rfc6455#section-6.1)). It tracks the connection's state, so nothing follows a
//! Close, and the fragmented message, so no other message starts inside it. Whole messages are compressed if that was
//! negotiated. The caller supplies the mask keys.

use crate::protocol::close::MAX_REASON;
use crate::protocol::close::{CloseCode, CloseReason};
use crate::protocol::deflate::Compressor;
use crate::protocol::error::SendError;
use crate::protocol::header::{Header, HeaderBytes};
use crate::protocol::header::{MAX_CONTROL, MAX_HEADER};
use crate::protocol::mask::MaskKey;
use crate::protocol::opcode::{MessageKind, Opcode};
use crate::protocol::state::Role;
use crate::protocol::state::{State, Transition};

/// Encodes messages and control frames of one side of an open connection. On an error `out` is unchanged.
///
/// The caller ensures that text is UTF-8 ([RFC 6455, 8.1](https://www.rfc-editor.org/rfc/rfc6455#section-8.1)), for
/// instance with the bytes of a `str`.
#[derive(Debug)]
pub struct Encoder {
    role: Role,
    state: State,
    /// Kind of the fragmented message in progress.
    fragmented: Option<MessageKind>,
    /// `Some` if permessage-deflate was negotiated.
    compressor: Option<Box<Compressor>>,
}

impl Encoder {
    /// Creates the sending half of an open connection.
    pub const fn new(role: Role) -> Self {
        Self {
            role,
            state: State::Open,
            fragmented: None,
            compressor: None,
        }
    }

    /// Enables compression, after the handshake negotiated permessage-deflate: [`message`](Self::message) compresses if
    /// that saves bytes ([RFC 7692, 6.1](https://www.rfc-editor.org/rfc/rfc7692#section-6.1)). Fragments are never
    /// compressed.
    #[cfg(feature = "deflate")]
    pub fn set_compressor(&mut self, compressor: Compressor) {
        self.compressor = Some(Box::new(compressor));
    }

    /// Whether [`message`](Self::message) may compress.
    pub const fn compresses(&self) -> bool {
        self.compressor.is_some()
    }

    /// Frees buffers that an idle connection does not need: the compressor's window. The next message gets a new one.
    pub fn release_buffers(&mut self) {
        if let Some(compressor) = &mut self.compressor {
            compressor.release_buffers();
        }
    }

    /// Returns the state of the connection.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Applies a transition from elsewhere: the other half received a Close, or the transport ended.
    pub const fn apply(&mut self, step: Transition) {
        self.state = self.state.after(step);
    }

    /// Appends a whole message as one frame, compressed if that was negotiated and saves bytes.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`WrongMask`](SendError::WrongMask) or
    /// [`MessageInProgress`](SendError::MessageInProgress).
    pub fn message(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        mask: Option<MaskKey>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.permit_message(mask)?;
        if let Some(compressor) = &mut self.compressor
            && encode_compressed(compressor, kind, payload, mask, out)
        {
            return Ok(());
        }
        encode_frame(true, kind.into(), payload, mask, out);
        Ok(())
    }

    /// Fast path of [`message`](Self::message) for the most frequent message: appends at most 65,535 bytes as one
    /// unmasked frame, as a server sends it. Returns `false`, and appends nothing, for every other message.
    #[inline]
    pub fn small_message(&self, kind: MessageKind, payload: &[u8], out: &mut Vec<u8>) -> bool {
        let Ok(length) = u16::try_from(payload.len()) else {
            return false;
        };
        let usual = matches!(self.role, Role::Server)
            && self.state.may_send()
            && self.fragmented.is_none()
            && self.compressor.is_none();
        if usual {
            out.reserve(4 + payload.len());
            // 5.2: FIN and the opcode, no mask.
            let first = 0x80 | u8::from(Opcode::from(kind));
            let [high, low] = length.to_be_bytes();
            match length {
                0..=125 => out.extend_from_slice(&[first, low]),
                _ => out.extend_from_slice(&[first, 126, high, low]),
            }
            out.extend_from_slice(payload);
        }
        usual
    }

    /// Appends a whole message as one frame and never compresses it: no later message refers to it, and the frame's
    /// size reveals nothing but the message's size.
    ///
    /// # Errors
    /// As [`message`](Self::message).
    pub fn uncompressed_message(
        &self,
        kind: MessageKind,
        payload: &[u8],
        mask: Option<MaskKey>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.permit_message(mask)?;
        encode_frame(true, kind.into(), payload, mask, out);
        Ok(())
    }

    /// Returns the header of a whole message of `length` bytes, for a caller that writes the payload itself. The caller
    /// masks the payload if there is a key.
    ///
    /// # Errors
    /// As [`message`](Self::message).
    pub fn header(
        &self,
        kind: MessageKind,
        length: usize,
        mask: Option<MaskKey>,
    ) -> Result<HeaderBytes, SendError> {
        self.permit_message(mask)?;
        Ok(Header::whole(kind.into(), mask, length as u64).to_bytes())
    }

    /// Appends the next fragment of a message ([RFC 6455, 5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4)). It
    /// is the first one if no message is in progress, and the final one if `last`. Text may be split inside a
    /// character.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`WrongMask`](SendError::WrongMask), or
    /// [`MessageInProgress`](SendError::MessageInProgress) if a message of the other kind is in progress.
    pub fn fragment(
        &mut self,
        kind: MessageKind,
        last: bool,
        payload: &[u8],
        mask: Option<MaskKey>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.permit(mask)?;
        let opcode = match self.fragmented {
            None => kind.into(),
            Some(begun) if begun == kind => Opcode::Continuation,
            Some(_) => return Err(SendError::MessageInProgress),
        };
        self.fragmented = (!last).then_some(kind);
        encode_frame(last, opcode, payload, mask, out);
        Ok(())
    }

    /// Appends a Ping ([RFC 6455, 5.5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2)).
    ///
    /// # Errors
    /// [`SendError::Closed`], [`WrongMask`](SendError::WrongMask) or [`ControlTooLong`](SendError::ControlTooLong).
    pub fn ping(
        &self,
        payload: &[u8],
        mask: Option<MaskKey>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.control(Opcode::Ping, payload, mask, out)
    }

    /// Appends a Pong; the answer to a Ping carries the Ping's payload
    /// ([RFC 6455, 5.5.3](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3)).
    ///
    /// # Errors
    /// As [`ping`](Self::ping).
    pub fn pong(
        &self,
        payload: &[u8],
        mask: Option<MaskKey>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.control(Opcode::Pong, payload, mask, out)
    }

    /// Appends a Close, empty without a reason, after which nothing can be sent. A fragmented message in progress stays
    /// incomplete ([RFC 6455, 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
    ///
    /// # Errors
    /// [`SendError::Closed`], [`WrongMask`](SendError::WrongMask), [`InvalidCloseCode`](SendError::InvalidCloseCode) or
    /// [`CloseReasonTooLong`](SendError::CloseReasonTooLong).
    pub fn close(
        &mut self,
        reason: Option<&CloseReason>,
        mask: Option<MaskKey>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        let mut payload = Vec::new();
        if let Some(reason) = reason {
            let number = u16::from(reason.code);
            // 7.4.2: `Registered` and `Private` can hold any number.
            if CloseCode::try_from(number) != Ok(reason.code) {
                return Err(SendError::InvalidCloseCode(number));
            }
            if reason.reason.len() > MAX_REASON {
                return Err(SendError::CloseReasonTooLong);
            }
            reason.encode(&mut payload);
        }
        self.control(Opcode::Close, &payload, mask, out)?;
        self.apply(Transition::CloseSent);
        Ok(())
    }

    fn control(
        &self,
        opcode: Opcode,
        payload: &[u8],
        mask: Option<MaskKey>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.permit(mask)?;
        // 5.5: "all control frames MUST have a payload length of 125 bytes or less".
        if payload.len() > MAX_CONTROL {
            return Err(SendError::ControlTooLong);
        }
        encode_frame(true, opcode, payload, mask, out);
        Ok(())
    }

    /// Checks that a whole message may be sent: no fragmented one is in progress.
    fn permit_message(&self, mask: Option<MaskKey>) -> Result<(), SendError> {
        self.permit(mask)?;
        // 5.4: "the fragments of one message MUST NOT be interleaved between the fragments of another".
        if self.fragmented.is_some() {
            return Err(SendError::MessageInProgress);
        }
        Ok(())
    }

    /// Checks the rules for every frame: the state allows sending, and the role decides about the mask.
    fn permit(&self, mask: Option<MaskKey>) -> Result<(), SendError> {
        // 5.5.1: "the application MUST NOT send any more data frames after sending a Close frame".
        if !self.state.may_send() {
            return Err(SendError::Closed);
        }
        // 5.1: "a client MUST mask all frames that it sends", "a server MUST NOT mask any".
        if mask.is_some() != self.role.masks() {
            return Err(SendError::WrongMask);
        }
        Ok(())
    }
}

/// Appends one frame without reserved bits, masked if there is a key. Checks no rule: it is for callers that encode
/// once and send to many, and for tests that violate rules.
pub fn encode_frame(
    fin: bool,
    opcode: Opcode,
    payload: &[u8],
    mask: Option<MaskKey>,
    out: &mut Vec<u8>,
) {
    let header = Header {
        fin,
        ..Header::whole(opcode, mask, payload.len() as u64)
    };
    out.reserve(header.encoded_len() + payload.len());
    header.encode(out);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = mask {
        key.apply(0, &mut out[start..]);
    }
}

/// RFC 7692, 7.2.1: appends one frame with compressed payload, marked by RSV1. Returns `false`, and appends nothing, if
/// the message is better sent uncompressed. Not inlined, to keep the path of other messages short.
#[inline(never)]
fn encode_compressed(
    compressor: &mut Compressor,
    kind: MessageKind,
    message: &[u8],
    mask: Option<MaskKey>,
    out: &mut Vec<u8>,
) -> bool {
    // The payload decides the size of the header: reserve the maximum first.
    let start = out.len();
    out.extend_from_slice(&[0; MAX_HEADER]);
    let payload = out.len();
    if !compressor.compress(message, out) {
        out.truncate(start);
        return false;
    }
    let header = Header {
        rsv1: true,
        ..Header::whole(kind.into(), mask, (out.len() - payload) as u64)
    };
    if let Some(key) = mask {
        key.apply(0, &mut out[payload..]);
    }
    let header = header.to_bytes();
    let header = header.as_ref();
    out[start..start + header.len()].copy_from_slice(header);
    out.drain(start + header.len()..payload);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Option<MaskKey> = Some(MaskKey([0x37, 0xfa, 0x21, 0x3d]));

    #[test]
    fn a_refusal_appends_nothing_and_changes_nothing() {
        let mut sender = Encoder::new(Role::Server);
        let mut out = Vec::new();
        let long = CloseReason::new(CloseCode::NormalClosure, "x".repeat(124));
        let invented = CloseReason::new(CloseCode::Private(1005), "");
        let refusals = [
            (
                sender.message(MessageKind::Text, b"", KEY, &mut out),
                SendError::WrongMask,
            ),
            (
                sender.ping(&[0; 126], None, &mut out),
                SendError::ControlTooLong,
            ),
            (
                sender.pong(&[0; 126], None, &mut out),
                SendError::ControlTooLong,
            ),
            (
                sender.close(Some(&long), None, &mut out),
                SendError::CloseReasonTooLong,
            ),
            (
                sender.close(Some(&invented), None, &mut out),
                SendError::InvalidCloseCode(1005),
            ),
        ];
        for (refused, error) in refusals {
            assert_eq!(refused, Err(error));
        }
        assert!(out.is_empty());
        assert_eq!(sender.state(), State::Open);
        assert_eq!(
            Encoder::new(Role::Client).message(MessageKind::Text, b"", None, &mut out),
            Err(SendError::WrongMask)
        );
    }

    #[test]
    fn after_a_close_every_frame_is_refused_even_a_close() {
        let mut sender = Encoder::new(Role::Server);
        let mut out = Vec::new();
        assert_eq!(sender.close(None, None, &mut out), Ok(()));
        assert_eq!(out, b"\x88\x00");
        assert_eq!(
            sender.message(MessageKind::Text, b"x", None, &mut out),
            Err(SendError::Closed)
        );
        assert_eq!(sender.pong(b"", None, &mut out), Err(SendError::Closed));
        assert_eq!(sender.close(None, None, &mut out), Err(SendError::Closed));
        assert_eq!(out, b"\x88\x00");
    }

    #[test]
    fn control_frames_go_between_fragments_and_another_message_does_not() {
        let mut sender = Encoder::new(Role::Server);
        let mut out = Vec::new();
        let mut fragment = |sender: &mut Encoder, kind, last, payload: &[u8]| {
            sender.fragment(kind, last, payload, None, &mut out)
        };
        assert_eq!(
            fragment(&mut sender, MessageKind::Text, false, b"Hel"),
            Ok(())
        );
        assert_eq!(
            fragment(&mut sender, MessageKind::Binary, false, b""),
            Err(SendError::MessageInProgress)
        );
        assert_eq!(
            sender.header(MessageKind::Text, 1, None).map(|_| ()),
            Err(SendError::MessageInProgress)
        );
        assert_eq!(sender.ping(b"", None, &mut out), Ok(()));
        assert_eq!(
            sender.fragment(MessageKind::Text, true, b"lo", None, &mut out),
            Ok(())
        );
        assert_eq!(
            sender.message(MessageKind::Binary, b"", None, &mut out),
            Ok(())
        );
        assert_eq!(out, b"\x01\x03Hel\x89\x00\x80\x02lo\x82\x00");
    }
}
