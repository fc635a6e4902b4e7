//! The other end of a connection, as raw as it gets: it speaks bytes, reads bytes, and waits for nothing longer than
//! [`PATIENCE`]. It encodes and decodes frames by itself, so that it shares no mistake with what is tested.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::server::PATIENCE;
use super::wire::Wire;

/// First bytes of frames: FIN and opcode ([RFC 6455, 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;
/// Without FIN: the first fragment of a text, and one in the middle.
pub(crate) const TEXT_BEGINS: u8 = 0x01;
pub(crate) const BINARY_BEGINS: u8 = 0x02;
pub(crate) const MORE: u8 = 0x00;
pub(crate) const LAST: u8 = 0x80;

/// The key and the accept of the example in [RFC 6455, 1.3](https://www.rfc-editor.org/rfc/rfc6455#section-1.3).
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub(crate) struct Peer {
    wire: Wire,
    /// Received and not yet asked for.
    input: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) key: Option<[u8; 4]>,
    /// Unmasked.
    pub(crate) payload: Vec<u8>,
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and fields.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Orderly,
    Reset,
    /// TLS without close_notify: it may have been somebody else's doing.
    Cut,
}

impl Peer {
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        let tcp = TcpStream::connect_timeout(&addr, PATIENCE).expect("a connection");
        Self::on(Wire::client(tcp))
    }

    /// One that talks over TCP, whatever the others do.
    pub(crate) fn over(tcp: TcpStream) -> Self {
        tcp.set_nodelay(true).expect("a live socket");
        Self::on(Wire::Tcp(tcp))
    }

    pub(crate) fn on(wire: Wire) -> Self {
        wire.set_write_timeout(PATIENCE).expect("a live socket");
        Self {
            wire,
            input: Vec::new(),
        }
    }

    /// Sends bytes in one piece.
    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.wire
            .write_all(bytes.as_ref())
            .expect("the other end takes it");
        self
    }

    /// Sends what the other end may refuse to take to the end.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.wire.write_all(bytes.as_ref());
        self
    }

    /// Sends bytes one by one, each in a segment of its own.
    #[track_caller]
    pub(crate) fn dribble(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        for octet in bytes.as_ref() {
            self.send([*octet]);
        }
        self
    }

    /// Asks for a WebSocket on `path` and expects to get it.
    #[track_caller]
    pub(crate) fn upgrade(&mut self, path: &str) -> String {
        self.send(request(path, ""));
        let head = self.head();
        assert!(
            head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"),
            "{head}"
        );
        head
    }

    /// Says that nothing more comes.
    pub(crate) fn end_writing(&mut self) -> &mut Self {
        self.wire.end_writing().expect("a live socket");
        self
    }

    /// A head, up to the empty line and with it.
    #[track_caller]
    pub(crate) fn head(&mut self) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.input.windows(4).position(|it| it == b"\r\n\r\n") {
                let rest = self.input.split_off(at + 4);
                let head = std::mem::replace(&mut self.input, rest);
                return String::from_utf8(head).expect("a head of text");
            }
            self.need("a head", deadline);
        }
    }

    /// An HTTP answer with a Content-Length.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Answer {
        let head = self.head();
        let status = head
            .get(9..12)
            .and_then(|it| it.parse().ok())
            .expect("a status");
        let length = field(&head, "Content-Length").expect("a Content-Length");
        let body = self.octets(length.parse().expect("a length"));
        let body = String::from_utf8(body).expect("a body of text");
        Answer { status, head, body }
    }

    /// What one read brings, so many bytes at most.
    #[track_caller]
    pub(crate) fn segment(&mut self, most: usize) -> Vec<u8> {
        assert!(self.input.is_empty(), "{}", shown(&self.input));
        let mut octets = vec![0; most];
        self.wire.set_read_timeout(PATIENCE).expect("a live socket");
        let count = self.wire.read(&mut octets).expect("some octets");
        octets.truncate(count);
        octets
    }

    /// Exactly so many bytes.
    #[track_caller]
    pub(crate) fn octets(&mut self, count: usize) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        while self.input.len() < count {
            self.need("more octets", deadline);
        }
        let rest = self.input.split_off(count);
        std::mem::replace(&mut self.input, rest)
    }

    /// The next frame.
    #[track_caller]
    pub(crate) fn frame(&mut self) -> Frame {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some((frame, used)) = decode(&self.input) {
                self.input.drain(..used);
                return frame;
            }
            self.need("a frame", deadline);
        }
    }

    /// The next frame is this one.
    #[track_caller]
    pub(crate) fn expect(&mut self, first: u8, payload: impl AsRef<[u8]>) -> &mut Self {
        let frame = self.frame();
        let payload = payload.as_ref();
        assert!(
            frame.first == first && frame.payload == payload,
            "expected {first:#04x} {}, got {:#04x} {}",
            shown(payload),
            frame.first,
            shown(&frame.payload)
        );
        self
    }

    /// The next frame is a Close with this code; its reason.
    #[track_caller]
    pub(crate) fn close(&mut self, code: u16) -> String {
        let frame = self.frame();
        assert_eq!(frame.first, CLOSE, "{}", shown(&frame.payload));
        let (octets, reason) = frame.payload.split_first_chunk().expect("a close code");
        let reason = String::from_utf8(reason.to_vec()).expect("a reason of text");
        assert_eq!(u16::from_be_bytes(*octets), code, "{reason}");
        reason
    }

    /// The other end closes with this code, hears our answer, and ends the stream.
    #[track_caller]
    pub(crate) fn closes(&mut self, code: u16) -> String {
        let reason = self.close(code);
        self.try_send(masked(CLOSE, code.to_be_bytes()));
        assert_eq!(self.end(), End::Orderly, "{reason}");
        reason
    }

    /// Nothing more comes; how it ends.
    #[track_caller]
    pub(crate) fn end(&mut self) -> End {
        let (rest, end) = self.release_buffers();
        assert!(rest.is_empty(), "{}", shown(&rest));
        end
    }

    /// Everything up to the end of the stream.
    #[track_caller]
    pub(crate) fn release_buffers(&mut self) -> (Vec<u8>, End) {
        let deadline = Instant::now() + PATIENCE;
        let end = loop {
            match self.receive(deadline) {
                Ok(0) => break End::Orderly,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break End::Reset,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => break End::Cut,
                Err(error) => panic!("waiting for the end: {error}; {}", shown(&self.input)),
            }
        };
        (std::mem::take(&mut self.input), end)
    }

    /// Whether something comes within a short while: for what must *not* happen.
    pub(crate) fn hears_within(&mut self, while_: Duration) -> bool {
        !self.input.is_empty()
            || !matches!(self.receive(Instant::now() + while_), Err(error) if is_timeout(&error))
    }

    /// What comes first, and stays there; nothing at the end of the stream.
    pub(crate) fn peek(&self, into: &mut [u8]) -> usize {
        self.wire
            .set_read_timeout(PATIENCE)
            .and_then(|()| self.wire.peek(into))
            .unwrap_or(0)
    }

    /// Another peer at the same end, to write from another thread.
    #[track_caller]
    pub(crate) fn second_handle(&self) -> Self {
        Self::on(self.wire.try_clone().expect("a live socket"))
    }

    #[track_caller]
    fn need(&mut self, what: &str, deadline: Instant) {
        match self.receive(deadline) {
            Ok(0) => panic!("the end instead of {what}, after {}", shown(&self.input)),
            Ok(_) => {}
            Err(error) => panic!("{error} instead of {what}, after {}", shown(&self.input)),
        }
    }

    fn receive(&mut self, deadline: Instant) -> std::io::Result<usize> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.wire
            .set_read_timeout(left.max(Duration::from_millis(1)))?;
        let mut octets = [0; 64 * 1024];
        let count = self.wire.read(&mut octets)?;
        self.input.extend_from_slice(&octets[..count]);
        Ok(count)
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// A good request to upgrade, with further lines.
pub(crate) fn request(path: &str, lines: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{lines}\r\n"
    )
}

/// The value of a field in a head.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// A frame as a client sends it, its length in the shortest form.
pub(crate) fn masked(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let mut wire = header(first, true, payload.as_ref().len() as u64);
    wire.extend(
        payload
            .as_ref()
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(octet, key)| octet ^ key),
    );
    wire
}

/// A frame as a server sends it.
pub(crate) fn unmasked(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let mut wire = header(first, false, payload.as_ref().len() as u64);
    wire.extend_from_slice(payload.as_ref());
    wire
}

/// Only a header, with its masking key if it has one.
pub(crate) fn header(first: u8, mask: bool, length: u64) -> Vec<u8> {
    let bit = if mask { 0x80 } else { 0 };
    let mut wire = vec![first];
    if length < 126 {
        wire.push(bit | length as u8);
    } else if length < 1 << 16 {
        wire.push(bit | 126);
        wire.extend((length as u16).to_be_bytes());
    } else {
        wire.push(bit | 127);
        wire.extend(length.to_be_bytes());
    }
    if mask {
        wire.extend(MASK);
    }
    wire
}

/// The payload of a Close.
pub(crate) fn reason(code: u16, text: impl AsRef<[u8]>) -> Vec<u8> {
    [&code.to_be_bytes(), text.as_ref()].concat()
}

/// The first frame in `wire` and how long it is; `None` if it is not all there.
pub(crate) fn decode(wire: &[u8]) -> Option<(Frame, usize)> {
    let (&[first, second], rest) = wire.split_first_chunk()?;
    let (length, rest) = match second & 0x7f {
        126 => rest
            .split_first_chunk()
            .map(|(length, rest)| (u64::from(u16::from_be_bytes(*length)), rest))?,
        127 => rest
            .split_first_chunk()
            .map(|(length, rest)| (u64::from_be_bytes(*length), rest))?,
        length => (u64::from(length), rest),
    };
    let (key, rest) = if second & 0x80 == 0 {
        (None, rest)
    } else {
        rest.split_first_chunk()
            .map(|(key, rest)| (Some(*key), rest))?
    };
    let payload = rest.get(..usize::try_from(length).ok()?)?;
    let mut unmasked = payload.to_vec();
    for (octet, key) in unmasked.iter_mut().zip(key.iter().flatten().cycle()) {
        *octet ^= key;
    }
    let frame = Frame {
        first,
        key,
        payload: unmasked,
    };
    Some((frame, wire.len() - rest.len() + payload.len()))
}

fn shown(octets: &[u8]) -> String {
    let most = octets.len().min(80);
    format!(
        "{:?} ({} octets)",
        String::from_utf8_lossy(&octets[..most]),
        octets.len()
    )
}

/// The masking key of every frame that a peer sends, that of the examples in
/// [RFC 6455, 5.7](https://www.rfc-editor.org/rfc/rfc6455#section-5.7).
pub(crate) const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
