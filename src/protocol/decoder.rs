//! The receiving half: bytes become events ([RFC 6455, 6.2](https://www.rfc-editor.org/rfc/rfc6455#section-6.2)).
//! A frame stays where it was read: it is unmasked in place and its payload is lent out of the caller's buffer, so a message
//! in one whole frame costs one pass and no copy. Only fragments and compressed messages move, to the assembler. Nothing is
//! parsed twice, whatever the size of the pieces in which the bytes come, and after a Close or an error nothing is parsed at
//! all.

use std::ops::Range;

use crate::protocol::assembler::Assembler;
use crate::protocol::close::CloseReason;
use crate::protocol::deflate::Decompressor;
use crate::protocol::error::ProtocolError;
use crate::protocol::event::{Decoded, Event, Place};
use crate::protocol::fast_path::FastPath;
use crate::protocol::header::{Extensions, Header};
use crate::protocol::limits::MessageLimits;
use crate::protocol::opcode::{MessageKind, Opcode};
use crate::protocol::state::Role;
use crate::protocol::utf8::Utf8Validator;
use crate::protocol::utf8::is_utf8;

/// Decodes what the peer sends on an open connection.
///
/// The caller keeps a buffer of the bytes received and not yet used. It shows them all to [`receive`](Self::receive), does
/// what the event asks, drops the bytes used from the front, and calls again until a call uses nothing and has no event: then
/// it reads more bytes to the end of the buffer.
///
/// ```
/// use enchufe::protocol::{Event, MessageKind, MessageLimits, Decoder, Role};
///
/// let mut receiver = Decoder::new(Role::Client, MessageLimits::default());
/// let mut input = b"\x81\x05Hello".to_vec();
/// let received = receiver.receive(&mut input)?;
/// assert_eq!(received.event, Some(Event::Message(MessageKind::Text)));
/// assert_eq!(receiver.payload(&input, &received), b"Hello");
/// input.drain(..received.used);
/// # Ok::<(), enchufe::protocol::ProtocolError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    limits: MessageLimits,
    extensions: Extensions,
    /// Some while `extensions` has deflate.
    decompressor: Option<Box<Decompressor>>,
    check_utf8: bool,
    observe: bool,
    phase: Phase,
    assembler: Assembler,
    /// Of the text message in progress. A message never begins inside another, so one is enough.
    utf8: Utf8Validator,
}

impl Decoder {
    /// The receiving half of a connection whose handshake is done. `role` is ours, not the peer's.
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

    /// The handshake negotiated permessage-deflate: messages may come compressed, and are given inflated
    /// ([RFC 7692, 6.2](https://www.rfc-editor.org/rfc/rfc7692#section-6.2)). Limits hold for what comes out.
    #[cfg(feature = "deflate")]
    pub fn set_decompressor(&mut self, decompressor: Decompressor) -> &mut Self {
        self.extensions.deflate = true;
        self.decompressor = Some(Box::new(decompressor));
        self
    }

    /// `false`: a text message may be any octets, as for a service that echoes. A close reason is checked always.
    pub const fn set_check_utf8(&mut self, check: bool) -> &mut Self {
        self.check_utf8 = check;
        self
    }

    /// `true`: each frame, a fragment too, is first an [`Event::Frame`] with its payload, and in the next call what it means.
    /// A frame that fails before it is whole is not shown.
    pub const fn observe_frames(&mut self, observe: bool) -> &mut Self {
        self.observe = observe;
        self
    }

    /// Changes the limits, from the next header on.
    pub const fn set_limits(&mut self, limits: MessageLimits) -> &mut Self {
        self.limits = limits;
        self
    }

    /// Frees what only traffic needs: the window of a peer that does not refer to it any more.
    pub fn release_buffers(&mut self) {
        if let Some(decompressor) = &mut self.decompressor {
            decompressor.release_buffers();
        }
    }

    /// Takes the next step in `input`: all bytes received and not yet used, those of the last call in front unchanged.
    ///
    /// Payload is unmasked in `input` as it arrives. After a Close, all input is used and nothing is said.
    ///
    /// # Errors
    /// The rule the peer broke, once: after it, too, all input is used and nothing is said.
    #[inline]
    pub fn receive(&mut self, input: &mut [u8]) -> Result<Decoded, ProtocolError> {
        let received = match self.phase {
            Phase::FrameStart | Phase::PartialHeader => self.begin(input),
            Phase::Waiting(frame) => self.wait(frame, input),
            Phase::Observed(Frame {
                header, start, end, ..
            }) => self.act(&header, start, end, input),
            Phase::Streaming { header, taken } => self.stream(&header, taken, 0, input),
            Phase::Discarding => Ok(Decoded::used(input.len())),
        };
        if received.is_err() {
            self.discard();
        }
        received
    }

    /// The most frequent message for less: one frame of at most 65,535 octets from a client, all of it at the front of
    /// `input`, which is as for [`receive`](Self::receive). Says its kind and where its payload lies; the frame ends there.
    /// `None` says nothing about what there is, and nothing was done: ask `receive`.
    #[inline]
    pub fn receive_small(&mut self, input: &mut [u8]) -> Option<(MessageKind, Range<usize>)> {
        let small = FastPath::recognise(input)?;
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

    /// The payload of `received`, in `input` or in the receiver's own buffer. `input` is the one of that call, nothing
    /// dropped yet.
    ///
    /// # Panics
    /// When `input` is shorter than it was.
    #[inline]
    pub fn payload<'a>(&'a self, input: &'a [u8], received: &Decoded) -> &'a [u8] {
        match received.place {
            Place::Nowhere => &[],
            Place::Input { start, end } => &input[start..end],
            Place::Assembler => self.assembler.payload(),
        }
    }

    /// How long the input has to grow for the frame in progress, header and payload; 0 when it need not, or nobody knows yet.
    /// It is within the limits, and still only a promise: grow with what arrives.
    pub const fn bytes_needed(&self) -> usize {
        match self.phase {
            Phase::Waiting(frame) | Phase::Observed(frame) => frame.end,
            Phase::FrameStart
            | Phase::PartialHeader
            | Phase::Streaming { .. }
            | Phase::Discarding => 0,
        }
    }

    /// Whether a message or a frame has begun and is not complete. Control frames between fragments do not end it.
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

    /// Whether `rest`, what follows the used bytes of a message, begins with another whole message. Whoever puts work off
    /// because more is to come asks this: after a control frame or a fragment the next message may be long in coming.
    #[inline]
    pub fn has_complete_message(&self, rest: &[u8]) -> bool {
        if matches!(self.phase, Phase::FrameStart) && FastPath::recognise(rest).is_some() {
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

    /// At the border between two frames.
    #[inline]
    fn begin(&mut self, input: &mut [u8]) -> Result<Decoded, ProtocolError> {
        // The message handed out by the last call has been read.
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

        // RSV1 passed the check, so it says that the message is compressed.
        if header.is_fragment() || header.rsv1 {
            self.assembler.admit(&header, &self.limits)?;
            if !self.observe {
                return self.stream(&header, 0, start, input);
            }
        } else if !header.opcode.is_control() && header.length > self.limits.max_message as u64 {
            return Err(ProtocolError::MessageTooBig);
        }
        // 5.5 bounds control frames, the limits all others: only where usize is narrow this fails.
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
            return self.wait(frame, input);
        }

        // Most frames: a message or a control frame that is all here. One look at it, and nothing to remember.
        let payload = &mut input[start..end];
        if let Some(key) = header.mask {
            key.apply(0, payload);
        }
        if header.opcode == Opcode::Text && self.check_utf8 && !is_utf8(payload) {
            return Err(ProtocolError::InvalidUtf8);
        }
        self.act(&header, start, end, input)
    }

    /// Inside a frame that stays in the input until it is whole.
    fn wait(&mut self, mut frame: Frame, input: &mut [u8]) -> Result<Decoded, ProtocolError> {
        let there = frame.end.min(input.len());
        let whole = there == frame.end;
        // Empty when the caller brings less than before.
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
                place: Place::Input {
                    start: frame.start,
                    end: frame.end,
                },
            });
        }
        self.act(&frame.header, frame.start, frame.end, input)
    }

    /// What a whole frame means.
    #[inline]
    fn act(
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
            // A fragment or a compressed message that was observed.
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
            place: Place::Input { start, end },
        })
    }

    /// The peer's last frame.
    #[cold]
    fn close(&mut self, start: usize, end: usize, input: &[u8]) -> Result<Decoded, ProtocolError> {
        let reason = CloseReason::parse(&input[start..end])?;
        // 5.5.1, 7.1.4: whatever follows a Close is not looked at.
        self.discard();
        Ok(Decoded {
            used: end,
            event: Some(Event::Close(reason)),
            place: Place::Input { start, end },
        })
    }

    /// Inside a frame whose octets go to the assembler as they come. `taken` of them went; the next lie at `start`.
    fn stream(
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
            // 5.3: the key repeats every four octets, so the remainder is enough, on any width of usize.
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

    /// Gives the next octets of a message to the assembler, inflated if they need to be.
    fn collect(&mut self, octets: &[u8], last: bool) -> Result<(), ProtocolError> {
        if self.assembler.is_compressed() {
            return self.inflate(octets, last);
        }
        self.assembler.append(octets);
        Ok(())
    }

    /// Out of line, so that the way of all other messages is as short as without it.
    #[inline(never)]
    fn inflate(&mut self, octets: &[u8], last: bool) -> Result<(), ProtocolError> {
        // Without one no header with RSV1 passes its check.
        let Some(decompressor) = &mut self.decompressor else {
            return Err(ProtocolError::ReservedBit);
        };
        let is_text = self.check_utf8 && self.assembler.kind() == Some(MessageKind::Text);
        let inflated = self
            .assembler
            .inflate(octets, last, decompressor, &self.limits)?;
        // RFC 7692, 6: what has to be UTF-8 is what comes out.
        if is_text {
            self.utf8.feed(inflated)?;
            if last && !self.utf8.is_complete() {
                return Err(ProtocolError::InvalidUtf8);
            }
        }
        Ok(())
    }

    /// Whether the payload of this frame is checked to be text as it lies in the input.
    fn is_text(&self, header: &Header) -> bool {
        self.check_utf8
            && !self.assembler.is_compressed()
            && match header.opcode {
                Opcode::Text => true,
                Opcode::Continuation => self.assembler.kind() == Some(MessageKind::Text),
                Opcode::Binary | Opcode::Close | Opcode::Ping | Opcode::Pong => false,
            }
    }

    /// 8.1: the next octets of the text message; `last` when it must not end inside a character.
    fn check_text(&mut self, octets: &[u8], last: bool) -> Result<(), ProtocolError> {
        self.utf8.feed(octets)?;
        if last && !self.utf8.is_complete() {
            return Err(ProtocolError::InvalidUtf8);
        }
        Ok(())
    }

    /// A fragment's last octet is in the assembler, and with `fin` the message's.
    fn end_fragment(&mut self, fin: bool, used: usize) -> Decoded {
        self.phase = Phase::FrameStart;
        if !fin {
            return Decoded::used(used);
        }
        Decoded {
            used,
            event: self.assembler.finish().map(Event::Message),
            place: Place::Assembler,
        }
    }

    /// Nothing is parsed any more, and nothing kept.
    #[cold]
    fn discard(&mut self) {
        self.phase = Phase::Discarding;
        self.assembler.discard();
        self.decompressor = None;
    }
}

/// Where the receiver is between two calls.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Between two frames.
    FrameStart,
    /// Between two frames, and some octets of the next header are there. They stay in the input.
    PartialHeader,
    /// The frame in the input is not whole.
    Waiting(Frame),
    /// The frame in the input is whole and was shown; what it means comes next.
    Observed(Frame),
    /// The header of a fragment was used, and `taken` octets of its payload.
    Streaming { header: Header, taken: u64 },
    /// After a Close or an error.
    Discarding,
}

/// A frame that lies at the front of the input.
#[derive(Debug, Clone, Copy)]
struct Frame {
    header: Header,
    /// Where its payload begins.
    start: usize,
    /// Up to here its payload is unmasked and checked.
    ready: usize,
    /// Where its payload ends.
    end: usize,
}
