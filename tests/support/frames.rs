//! The vocabulary of the tests on frames: bits become bytes, and an [`Ear`] hears what bytes say, fed in any pieces.
//! Nothing here uses the library to encode, so that the two sides of a test do not share a mistake.

use enchufe::protocol::{
    CloseCode, Decoder, Event, MessageKind, MessageLimits, ProtocolError, Role,
};

pub(crate) const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// The masking key of the examples in RFC 6455, 5.7.
pub(crate) const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Bytes written as bits, with spaces wherever they help to read: `bits("1 000 0001  0 0000101")`.
pub(crate) fn bits(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|digit| *digit != b' ').collect();
    assert_eq!(digits.len() % 8, 0, "whole octets only: {text}");
    digits
        .chunks(8)
        .map(|octet| {
            octet
                .iter()
                .fold(0, |bits, digit| bits << 1 | (digit - b'0'))
        })
        .collect()
}

/// A frame, unmasked: its first byte in bits, then the payload behind its length in the shortest form.
pub(crate) fn frame(first: &str, payload: &[u8]) -> Vec<u8> {
    encode(first, None, payload)
}

/// A frame masked with [`KEY`].
pub(crate) fn masked(first: &str, payload: &[u8]) -> Vec<u8> {
    encode(first, Some(KEY), payload)
}

/// A frame as the peer of `role` has to send it.
pub(crate) fn from_peer_of(role: Role, first: &str, payload: &[u8]) -> Vec<u8> {
    match role {
        Role::Server => masked(first, payload),
        Role::Client => frame(first, payload),
    }
}

/// Only the header of a frame as the peer of `role` has to send it, its length in the shortest form.
pub(crate) fn header_from_peer_of(role: Role, first: &str, length: u64) -> Vec<u8> {
    header(first, (role == Role::Server).then_some(KEY), length)
}

/// A close payload.
pub(crate) fn close_payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason].concat()
}

fn encode(first: &str, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mut wire = header(first, key, payload.len() as u64);
    let key = key.unwrap_or_default();
    wire.extend(
        payload
            .iter()
            .enumerate()
            .map(|(i, octet)| octet ^ key[i % 4]),
    );
    wire
}

fn header(first: &str, key: Option<[u8; 4]>, length: u64) -> Vec<u8> {
    let mut wire = bits(first);
    let mask = if key.is_some() { 0b1000_0000 } else { 0 };
    if length < 126 {
        wire.push(mask | length as u8);
    } else if length < 1 << 16 {
        wire.push(mask | 126);
        wire.extend((length as u16).to_be_bytes());
    } else {
        wire.push(mask | 127);
        wire.extend(length.to_be_bytes());
    }
    wire.extend(key.iter().flatten());
    wire
}

/// One thing that was heard, with its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Frame(u8, Vec<u8>),
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
    /// The connection fails, and this is the code that says why.
    Failed(ProtocolError),
}

pub(crate) fn text(text: &str) -> Said {
    Said::Text(text.as_bytes().to_vec())
}

/// A receiver with the buffer that its caller keeps, and a memory of what it heard.
pub(crate) struct Ear {
    pub(crate) receiver: Decoder,
    pub(crate) said: Vec<Said>,
    input: Vec<u8>,
    limits: MessageLimits,
}

impl Ear {
    pub(crate) fn new(role: Role) -> Self {
        Self::with_limits(role, MessageLimits::default())
    }

    pub(crate) fn with_limits(role: Role, limits: MessageLimits) -> Self {
        Self {
            receiver: Decoder::new(role, limits.clone()),
            said: Vec::new(),
            input: Vec::new(),
            limits,
        }
    }

    pub(crate) fn observing(role: Role) -> Self {
        let mut ear = Self::new(role);
        ear.receiver.observe_frames(true);
        ear
    }

    /// The next piece arrives; all that can be heard is heard.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> &mut Self {
        self.input.extend_from_slice(piece);
        let mut done = 0;
        loop {
            let input = &mut self.input[done..];
            let received = match self.receiver.decode(input) {
                Ok(received) => received,
                Err(error) => {
                    self.said.push(Said::Failed(error));
                    continue;
                }
            };
            assert!(received.used <= input.len());
            assert!(
                self.receiver.bytes_needed() <= self.limits.max_message.max(125).saturating_add(14)
            );
            let payload = self.receiver.payload(input, &received);
            let payload = payload.to_vec();
            let nothing = received.used == 0 && received.event.is_none();
            done += received.used;
            if nothing {
                self.input.drain(..done);
                return self;
            }
            self.said.extend(received.event.map(|event| match event {
                Event::Frame(header) => Said::Frame(header.opcode.into(), payload),
                Event::Message(MessageKind::Text) => Said::Text(payload),
                Event::Message(MessageKind::Binary) => Said::Binary(payload),
                Event::Ping => Said::Ping(payload),
                Event::Pong => Said::Pong(payload),
                Event::Close(reason) => {
                    Said::Close(reason.map(|reason| (reason.code.into(), reason.reason)))
                }
            }));
        }
    }

    /// How many bytes wait for more.
    pub(crate) fn waiting(&self) -> usize {
        self.input.len()
    }
}

/// What `role` hears in these bytes, all at once.
pub(crate) fn heard(role: Role, wire: &[u8]) -> Vec<Said> {
    std::mem::take(&mut Ear::new(role).feed(wire).said)
}

/// `role` fails the connection upon these bytes, with this error and this code, before anything was said.
#[track_caller]
pub(crate) fn fails(role: Role, wire: &[u8], error: ProtocolError, code: CloseCode) {
    assert_eq!(
        heard(role, wire),
        [Said::Failed(error)],
        "{role:?} {wire:02x?}"
    );
    assert_eq!(error.close_code(), code);
}

/// As [`fails`], with 1002 protocol error.
#[track_caller]
pub(crate) fn fails_1002(role: Role, wire: &[u8], error: ProtocolError) {
    fails(role, wire, error, CloseCode::ProtocolError);
}
