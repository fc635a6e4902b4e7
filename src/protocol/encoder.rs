//! The sending half: a message becomes bytes at the end of the caller's buffer
//! ([RFC 6455, 6.1](https://www.rfc-editor.org/rfc/rfc6455#section-6.1)). It knows the connection's state, so that nothing
//! follows a Close, and whether a message is in fragments, so that no other one begins inside it. Where the handshake
//! negotiated it, whole messages are compressed. Mask keys are passed in.

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

/// Encodes what one side of an open connection says. What it refuses leaves `out` as it was.
///
/// Whether a text is UTF-8 is the caller's care
/// ([RFC 6455, 8.1](https://www.rfc-editor.org/rfc/rfc6455#section-8.1)); take the bytes of a `str`.
#[derive(Debug)]
pub struct Encoder {
    role: Role,
    state: State,
    /// The kind of the message whose first fragment was sent and whose last was not.
    fragmented: Option<MessageKind>,
    /// Some when permessage-deflate was negotiated.
    compressor: Option<Box<Compressor>>,
}

impl Encoder {
    /// The sending half of a connection whose handshake is done.
    pub const fn new(role: Role) -> Self {
        Self {
            role,
            state: State::Open,
            fragmented: None,
            compressor: None,
        }
    }

    /// The handshake negotiated permessage-deflate: [`message`](Self::message) compresses where that is worth it
    /// ([RFC 7692, 6.1](https://www.rfc-editor.org/rfc/rfc7692#section-6.1)). Messages may still be sent as they are, and
    /// fragments are.
    #[cfg(feature = "deflate")]
    pub fn set_compressor(&mut self, compressor: Compressor) {
        self.compressor = Some(Box::new(compressor));
    }

    /// Whether [`message`](Self::message) may compress.
    pub const fn compresses(&self) -> bool {
        self.compressor.is_some()
    }

    /// Frees what only traffic needs: the compressor's window. The next message gets a new one.
    pub fn release_buffers(&mut self) {
        if let Some(compressor) = &mut self.compressor {
            compressor.release_buffers();
        }
    }

    /// Where the connection is.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Notes what happened elsewhere: the other half received a Close, or the transport ended.
    pub const fn step(&mut self, step: Transition) {
        self.state = self.state.after(step);
    }

    /// Appends a whole message as one frame, compressed where that was negotiated and is worth it.
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

    /// The most frequent message for less: appends one of at most 65,535 octets as one frame without a mask, as a server sends
    /// it. `false` if this is none of those, and nothing was done: see [`message`](Self::message).
    #[inline]
    pub fn small(&self, kind: MessageKind, payload: &[u8], out: &mut Vec<u8>) -> bool {
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

    /// Appends a whole message as one frame, as it is whatever was negotiated: no later message refers to it, and its length
    /// tells nothing but its length.
    ///
    /// # Errors
    /// As [`message`](Self::message).
    pub fn uncompressed(
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

    /// Only the header of a whole message of `length` octets, for a caller that writes the payload from where it lies, as it
    /// is (masked by the caller, when there is a key).
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

    /// Appends the next fragment of a message: the first one when none is in progress, the final one when `last`
    /// ([RFC 6455, 5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4)). A text may be cut inside a character.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`WrongMask`](SendError::WrongMask), or
    /// [`MessageInProgress`](SendError::MessageInProgress) when it is one of the other kind.
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

    /// Appends a Close, empty when there is no reason, and moves the state: nothing more can be sent. A fragmented message
    /// in progress stays unfinished ([RFC 6455, 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
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
            // 7.4.2: the number inside Registered or Private is anybody's.
            if CloseCode::try_from(number) != Ok(reason.code) {
                return Err(SendError::InvalidCloseCode(number));
            }
            if reason.reason.len() > MAX_REASON {
                return Err(SendError::CloseReasonTooLong);
            }
            reason.encode(&mut payload);
        }
        self.control(Opcode::Close, &payload, mask, out)?;
        self.step(Transition::CloseSent);
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

    /// What a message needs that is not in fragments: that no other one is.
    fn permit_message(&self, mask: Option<MaskKey>) -> Result<(), SendError> {
        self.permit(mask)?;
        // 5.4: "the fragments of one message MUST NOT be interleaved between the fragments of another".
        if self.fragmented.is_some() {
            return Err(SendError::MessageInProgress);
        }
        Ok(())
    }

    /// What every frame needs: an open connection, and a mask or none by role.
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

/// Appends one frame, its payload masked when there is a key. No rule is checked: this is for those who encode once and send
/// to many, and for those who break rules on purpose. No reserved bit is set.
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

/// RFC 7692, 7.2.1: one frame whose payload is compressed, which RSV1 says. `false`, and nothing appended, when the message is
/// better sent as it is. Out of line, so that the way of all other messages is as short as without it.
#[inline(never)]
fn encode_compressed(
    compressor: &mut Compressor,
    kind: MessageKind,
    message: &[u8],
    mask: Option<MaskKey>,
    out: &mut Vec<u8>,
) -> bool {
    // How long the header is depends on what follows it: first the longest there is.
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
