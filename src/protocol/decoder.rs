//! The receiving half: decodes bytes into events ([RFC 6455, 6.2](https://www.rfc-editor.org/rfc/rfc6455#section-6.2)).
//! A frame stays in the caller's buffer: its payload is unmasked in place and lent to the caller, so a message in one
//! frame costs one pass and no copy. Only fragments and compressed messages are copied, into the assembler. No byte is
//! parsed twice, however the input is split. After a Close or an error nothing is parsed.

use std::ops::Range;

use crate::protocol::assembler::Assembler;
use crate::protocol::close::CloseReason;
use crate::protocol::deflate::Decompressor;
use crate::protocol::error::ProtocolError;
use crate::protocol::event::{Decoded, Event, PayloadLocation};
use crate::protocol::fast_path::FastPath;
use crate::protocol::header::{Extensions, Header};
use crate::protocol::limits::MessageLimits;
use crate::protocol::opcode::{MessageKind, Opcode};
use crate::protocol::state::Role;
use crate::protocol::utf8::Utf8Validator;
use crate::protocol::utf8::is_utf8;

/// Decodes the bytes that the peer sends on an open connection.
///
/// The caller has a buffer of the bytes received and not consumed. It passes them all to [`decode`](Self::decode), handles
/// the event, and drops the consumed bytes from the front. It repeats this until a call consumes nothing and returns no event,
/// and then appends more received bytes.
///
/// ```
/// use enchufe::protocol::{Event, MessageKind, MessageLimits, Decoder, Role};
///
/// let mut decoder = Decoder::new(Role::Client, MessageLimits::default());
/// let mut input = b"\x81\x05Hello".to_vec();
/// let received = decoder.decode(&mut input)?;
/// assert_eq!(received.event, Some(Event::Message(MessageKind::Text)));
/// assert_eq!(decoder.payload(&input, &received), b"Hello");
/// input.drain(..received.used);
/// # Ok::<(), enchufe::protocol::ProtocolError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    limits: MessageLimits,
    extensions: Extensions,
    /// `Some` if permessage-deflate was negotiated.
    decompressor: Option<Box<Decompressor>>,
    check_utf8: bool,
    observe: bool,
    phase: Phase,
    assembler: Assembler,
    /// Validator of the text message in progress. Messages do not interleave, so one is enough.
    utf8: Utf8Validator,
}

impl Decoder {
    /// Creates the receiving half of an open connection. `role` is the local side.
    pub fn new(role: Role, limits: MessageLimits) -> Self {
        Self {
            role,
            limits,
            extensions: Extensions::default(),
            decompressor: None,
            check_utf8: true,
            observe: false,
            phase: Phase::FrameStart,
            assembler: Assembler::default(),
            utf8: Utf8Validator::new(),
        }
    }

    /// Enables compressed messages, after the handshake negotiated permessage-deflate ([RFC 7692,
    /// 6.2](https://www.rfc-editor.org/rfc/rfc7692#section-6.2)). Messages are delivered inflated, and the limits apply
    /// to the inflated size.
    #[cfg(feature = "deflate")]
    pub fn set_decompressor(&mut self, decompressor: Decompressor) -> &mut Self {
        self.extensions.deflate = true;
        self.decompressor = Some(Box::new(decompressor));
        self
    }

    /// Sets whether text messages must be UTF-8. A service that only echoes can do without. Close reasons are always
    /// checked.
    pub const fn set_check_utf8(&mut self, check: bool) -> &mut Self {
        self.check_utf8 = check;
        self
    }

    /// Sets whether each frame, fragments included, is delivered as an [`Event::Frame`] before the event it completes.
    /// A frame that fails before it is complete is not delivered.
    pub const fn observe_frames(&mut self, observe: bool) -> &mut Self {
        self.observe = observe;
        self
    }

    /// Changes the limits, from the next header on.
    pub const fn set_limits(&mut self, limits: MessageLimits) -> &mut Self {
        self.limits = limits;
        self
    }

    /// Frees buffers that an idle connection does not need: the decompression window, if no later message may refer to
    /// it.
    pub fn release_buffers(&mut self) {
        if let Some(decompressor) = &mut self.decompressor {
            decompressor.release_buffers();
        }
    }

    /// Decodes the next event of `input`, which holds all bytes received and not consumed. Bytes of an earlier call
    /// must come first, unchanged.
    ///
    /// Unmasks payload in `input` as it arrives. After a Close, consumes all input without events.
    ///
    /// # Errors
    /// The rule that the peer violated, once. Later calls consume all input without events.
    #[inline]
    pub fn decode(&mut self, input: &mut [u8]) -> Result<Decoded, ProtocolError> {
        let received = match self.phase {
            Phase::FrameStart | Phase::PartialHeader => self.decode_frame_start(input),
            Phase::Waiting(frame) => self.decode_waiting(frame, input),
            Phase::Observed(Frame {
                header, start, end, ..
            }) => self.deliver(&header, start, end, input),
            Phase::Streaming { header, taken } => self.decode_streaming(&header, taken, 0, input),
            Phase::Discarding => Ok(Decoded::used(input.len())),
        };
        if received.is_err() {
            self.discard();
        }
        received
    }

    /// Fast path of [`decode`](Self::decode) for the most frequent message: one complete frame of at most 65,535 bytes
    /// from a client, at the front of `input`. Returns its kind and the range of its payload; the frame ends with the
    /// payload. `None` means that nothing was done: call `decode`.
    #[inline]
    pub fn decode_small(&mut self, input: &mut [u8]) -> Option<(MessageKind, Range<usize>)> {
        let small = FastPath::detect(input)?;
        let usual = matches!(self.phase, Phase::FrameStart)
            && matches!(self.role, Role::Server)
            && self.assembler.is_empty()
            && !self.observe
            && small.end - small.start <= self.limits.max_message;
        if !usual {
            return None;
        }
        let check_utf8 = small.kind == MessageKind::Text && self.check_utf8;
        small.unmask(input, check_utf8)?;
        Some((small.kind, small.start..small.end))
    }

    /// Returns the payload of `received`, out of `input` or the decoder's own buffer. `input` must be that of the call,
    /// before bytes are dropped.
    ///
    /// # Panics
    /// If `input` is shorter than in the call.
    #[inline]
    pub fn payload<'a>(&'a self, input: &'a [u8], received: &Decoded) -> &'a [u8] {
        match received.location {
            PayloadLocation::None => &[],
            PayloadLocation::Input { start, end } => &input[start..end],
            PayloadLocation::Assembler => self.assembler.payload(),
        }
    }

    /// Returns the input size that completes the frame in progress, header and payload; 0 if none is needed or it is
    /// unknown. It is within the limits, but only announced: grow the buffer with the bytes that arrive.
    pub const fn bytes_needed(&self) -> usize {
        match self.phase {
            Phase::Waiting(frame) | Phase::Observed(frame) => frame.end,
            Phase::FrameStart
            | Phase::PartialHeader
            | Phase::Streaming { .. }
            | Phase::Discarding => 0,
        }
    }

    /// Whether a message or frame is in progress. Control frames between fragments do not end it.
    pub const fn in_message(&self) -> bool {
        match self.phase {
            Phase::FrameStart => self.assembler.is_open(),
            Phase::PartialHeader
            | Phase::Waiting(_)
            | Phase::Observed(_)
            | Phase::Streaming { .. } => true,
            Phase::Discarding => false,
        }
    }

    /// Whether `rest`, the input after a message, begins with another complete message. Callers that batch work ask
    /// this. Control frames and fragments do not count: the next message may arrive much later.
    #[inline]
    pub fn has_complete_message(&self, rest: &[u8]) -> bool {
        if matches!(self.phase, Phase::FrameStart) && FastPath::detect(rest).is_some() {
            return true;
        }
        match (&self.phase, Header::decode(rest)) {
            (Phase::FrameStart, Ok(Some((header, start)))) => {
                header.fin
                    && matches!(header.opcode, Opcode::Text | Opcode::Binary)
                    && header.length <= (rest.len() - start) as u64
            }
            _ => false,
        }
    }

    /// Decodes at the start of a frame.
    #[inline]
    fn decode_frame_start(&mut self, input: &mut [u8]) -> Result<Decoded, ProtocolError> {
        // The caller has read the message of the last call.
        if !self.assembler.is_open() && !self.assembler.payload().is_empty() {
            self.assembler.clear();
        }
        let Some((header, start)) = Header::decode(input)? else {
            self.phase = if input.is_empty() {
                Phase::FrameStart
            } else {
                Phase::PartialHeader
            };
            return Ok(Decoded::used(0));
        };
        header.check(self.role, self.assembler.is_open(), self.extensions)?;
        if header.opcode == Opcode::Text {
            self.utf8.reset();
        }

        // RSV1 passed the check, so the message is compressed.
        if header.is_fragment() || header.rsv1 {
            self.assembler.start_fragment(&header, &self.limits)?;
            if !self.observe {
                return self.decode_streaming(&header, 0, start, input);
            }
        } else if !header.opcode.is_control() && header.length > self.limits.max_message as u64 {
            return Err(ProtocolError::MessageTooBig);
        }
        // 5.5 limits control frames, and the limits all others: this fails only if `usize` is narrow.
        let end = usize::try_from(header.length)
            .ok()
            .and_then(|length| start.checked_add(length))
            .ok_or(ProtocolError::MessageTooBig)?;
        if self.observe || input.len() < end {
            let frame = Frame {
                header,
                start,
                ready: start,
                end,
            };
            return self.decode_waiting(frame, input);
        }

        // Most frames: a complete message or control frame, decoded in one pass without state.
        let payload = &mut input[start..end];
        if let Some(key) = header.mask {
            key.apply(0, payload);
        }
        if header.opcode == Opcode::Text && self.check_utf8 && !is_utf8(payload) {
            return Err(ProtocolError::InvalidUtf8);
        }
        self.deliver(&header, start, end, input)
    }

    /// Decodes within a frame that stays in the input until it is complete.
    fn decode_waiting(
        &mut self,
        mut frame: Frame,
        input: &mut [u8],
    ) -> Result<Decoded, ProtocolError> {
        let there = frame.end.min(input.len());
        let whole = there == frame.end;
        // Empty if the caller passes less input than before.
        let fresh = input.get_mut(frame.ready..there).unwrap_or_default();
        if let Some(key) = frame.header.mask {
            key.apply(frame.ready - frame.start, fresh);
        }
        if self.is_text(&frame.header) {
            self.check_text(fresh, whole && frame.header.fin)?;
        }
        if !whole {
            frame.ready = there.max(frame.ready);
            self.phase = Phase::Waiting(frame);
            return Ok(Decoded::used(0));
        }
        if self.observe {
            self.phase = Phase::Observed(frame);
            return Ok(Decoded {
                used: 0,
                event: Some(Event::Frame(frame.header)),
                location: PayloadLocation::Input {
                    start: frame.start,
                    end: frame.end,
                },
            });
        }
        self.deliver(&frame.header, frame.start, frame.end, input)
    }

    /// Delivers a complete frame.
    #[inline]
    fn deliver(
        &mut self,
        header: &Header,
        start: usize,
        end: usize,
        input: &[u8],
    ) -> Result<Decoded, ProtocolError> {
        self.phase = Phase::FrameStart;
        let event = match header.opcode {
            Opcode::Text if header.fin && !header.rsv1 => Event::Message(MessageKind::Text),
            Opcode::Binary if header.fin && !header.rsv1 => Event::Message(MessageKind::Binary),
            // An observed fragment or compressed message.
            Opcode::Text | Opcode::Binary | Opcode::Continuation => {
                self.collect(&input[start..end], header.fin)?;
                return Ok(self.end_fragment(header.fin, end));
            }
            Opcode::Ping => Event::Ping,
            Opcode::Pong => Event::Pong,
            Opcode::Close => return self.close(start, end, input),
        };
        Ok(Decoded {
            used: end,
            event: Some(event),
            location: PayloadLocation::Input { start, end },
        })
    }

    /// Handles the peer's last frame.
    #[cold]
    fn close(&mut self, start: usize, end: usize, input: &[u8]) -> Result<Decoded, ProtocolError> {
        let reason = CloseReason::parse(&input[start..end])?;
        // 5.5.1, 7.1.4: input after a Close is ignored.
        self.discard();
        Ok(Decoded {
            used: end,
            event: Some(Event::Close(reason)),
            location: PayloadLocation::Input { start, end },
        })
    }

    /// Decodes within a frame whose payload moves to the assembler as it arrives. `taken` bytes have moved; the next
    /// begin at `start`.
    fn decode_streaming(
        &mut self,
        header: &Header,
        taken: u64,
        start: usize,
        input: &mut [u8],
    ) -> Result<Decoded, ProtocolError> {
        let left = header.length - taken;
        let there = input.len() - start;
        let (here, last) = match usize::try_from(left) {
            Ok(left) if left <= there => (left, true),
            _ => (there, false),
        };
        let fresh = &mut input[start..start + here];
        if let Some(key) = header.mask {
            // 5.3: the key repeats every four bytes, so the remainder is enough for any width of `usize`.
            key.apply((taken % 4) as usize, fresh);
        }
        if self.is_text(header) {
            self.check_text(fresh, last && header.fin)?;
        }
        self.collect(fresh, last && header.fin)?;
        if last {
            return Ok(self.end_fragment(header.fin, start + here));
        }
        self.phase = Phase::Streaming {
            header: *header,
            taken: taken + here as u64,
        };
        Ok(Decoded::used(start + here))
    }

    /// Appends payload to the assembler, inflated if the message is compressed.
    fn collect(&mut self, bytes: &[u8], last: bool) -> Result<(), ProtocolError> {
        if self.assembler.is_compressed() {
            return self.inflate(bytes, last);
        }
        self.assembler.append(bytes);
        Ok(())
    }

    /// Not inlined, to keep the path of other messages short.
    #[inline(never)]
    fn inflate(&mut self, bytes: &[u8], last: bool) -> Result<(), ProtocolError> {
        // Without a decompressor no header with RSV1 passes its check.
        let Some(decompressor) = &mut self.decompressor else {
            return Err(ProtocolError::ReservedBit);
        };
        let is_text = self.check_utf8 && self.assembler.kind() == Some(MessageKind::Text);
        let inflated = self
            .assembler
            .inflate(bytes, last, decompressor, &self.limits)?;
        // RFC 7692, 6: the inflated bytes must be UTF-8.
        if is_text {
            self.utf8.feed(inflated)?;
            if last && !self.utf8.is_complete() {
                return Err(ProtocolError::InvalidUtf8);
            }
        }
        Ok(())
    }

    /// Whether this payload must be UTF-8 as it is in the input.
    fn is_text(&self, header: &Header) -> bool {
        self.check_utf8
            && !self.assembler.is_compressed()
            && match header.opcode {
                Opcode::Text => true,
                Opcode::Continuation => self.assembler.kind() == Some(MessageKind::Text),
                Opcode::Binary | Opcode::Close | Opcode::Ping | Opcode::Pong => false,
            }
    }

    /// 8.1: checks more of the text message, which must not end inside a character if `last`.
    fn check_text(&mut self, bytes: &[u8], last: bool) -> Result<(), ProtocolError> {
        self.utf8.feed(bytes)?;
        if last && !self.utf8.is_complete() {
            return Err(ProtocolError::InvalidUtf8);
        }
        Ok(())
    }

    /// Ends a fragment, and with `fin` its message.
    fn end_fragment(&mut self, fin: bool, used: usize) -> Decoded {
        self.phase = Phase::FrameStart;
        if !fin {
            return Decoded::used(used);
        }
        Decoded {
            used,
            event: self.assembler.finish().map(Event::Message),
            location: PayloadLocation::Assembler,
        }
    }

    /// Stops decoding and frees the buffers.
    #[cold]
    fn discard(&mut self) {
        self.phase = Phase::Discarding;
        self.assembler.discard();
        self.decompressor = None;
    }
}

/// State of the decoder between two calls.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Between two frames.
    FrameStart,
    /// Between two frames, with an incomplete header in the input.
    PartialHeader,
    /// The frame in the input is incomplete.
    Waiting(Frame),
    /// The frame in the input is complete and was delivered as [`Event::Frame`]; its meaning comes next.
    Observed(Frame),
    /// The header of a fragment and `taken` bytes of its payload were consumed.
    Streaming { header: Header, taken: u64 },
    /// After a Close or an error.
    Discarding,
}

/// A frame at the front of the input.
#[derive(Debug, Clone, Copy)]
struct Frame {
    header: Header,
    /// Start of its payload.
    start: usize,
    /// End of the payload that is unmasked and checked.
    ready: usize,
    /// End of its payload.
    end: usize,
}
