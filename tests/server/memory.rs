//! A WebSocket over any stream: `WebSocket::from_stream` in memory, in both roles, with whatever a stream may do to its bytes.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use enchufe::protocol::{ProtocolError, Role};
use enchufe::{CloseCode, Error, Limits, Message, WebSocket};

use crate::support::peer::{BINARY, CLOSE, PING, PONG, TEXT, decode, masked, reason, unmasked};
use crate::support::server::{PATIENCE, within};

/// A stream whose input is there from the start and whose output is kept; both a few bytes at a time.
#[derive(Clone)]
struct Tape {
    input: Arc<Mutex<VecDeque<u8>>>,
    output: Arc<Mutex<Vec<u8>>>,
    most: usize,
}

impl Tape {
    fn new(input: &[u8], most: usize) -> Self {
        let input = Arc::new(Mutex::new(input.iter().copied().collect()));
        Self {
            input,
            output: Arc::default(),
            most,
        }
    }

    /// What was written, frame by frame.
    fn written(&self) -> Vec<(u8, Vec<u8>)> {
        let output = self.output.lock().expect("no panic");
        let mut rest = &output[..];
        let mut frames = Vec::new();
        while let Some((frame, used)) = decode(rest) {
            frames.push((frame.first, frame.payload));
            rest = &rest[used..];
        }
        assert!(rest.is_empty(), "whole frames only");
        frames
    }
}

impl Read for Tape {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(self.most);
        self.input.lock().expect("no panic").read(&mut into[..most])
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.most);
        self.output
            .lock()
            .expect("no panic")
            .extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One direction of a stream between two threads, as narrow as a pipe can be.
type Pipe = Arc<(Mutex<Octets>, Condvar)>;

/// What is in a pipe, and whether its end is.
type Octets = (VecDeque<u8>, bool);

/// Both directions, for one end. Reads time out now and then, as sockets may, so that the lock on the stream is let go.
struct Duplex {
    from: Pipe,
    to: Pipe,
}

fn duplex() -> (Duplex, Duplex) {
    let (a, b) = (Pipe::default(), Pipe::default());
    (
        Duplex {
            from: a.clone(),
            to: b.clone(),
        },
        Duplex { from: b, to: a },
    )
}

impl Read for Duplex {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let (state, changed) = &*self.from;
        let state = state.lock().expect("no panic");
        let (mut state, timeout) = changed
            .wait_timeout_while(
                state,
                std::time::Duration::from_millis(5),
                |(octets, ended)| octets.is_empty() && !*ended,
            )
            .expect("no panic");
        if timeout.timed_out() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let most = into.len().min(3);
        state.0.read(&mut into[..most])
    }
}

impl Write for Duplex {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (state, changed) = &*self.to;
        state
            .lock()
            .expect("no panic")
            .0
            .extend(bytes.iter().take(5));
        changed.notify_all();
        Ok(bytes.len().min(5))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Duplex {
    fn drop(&mut self) {
        let (state, changed) = &*self.to;
        state.lock().expect("no panic").1 = true;
        changed.notify_all();
    }
}

fn limits() -> Limits {
    Limits {
        close_timeout: std::time::Duration::from_millis(200),
        message_rate: 0,
        ..Limits::default()
    }
}

#[test]
fn a_server_over_a_stream_reads_masked_frames_and_answers_unmasked() {
    for most in [1, 2, 3, 7, 100_000] {
        let input = [
            masked(TEXT, "á€😀"),
            masked(PING, "?"),
            masked(BINARY, vec![7; 70_000]),
            masked(CLOSE, reason(1000, "bye")),
        ]
        .concat();
        let tape = Tape::new(&input, most);
        let mut ws = WebSocket::from_stream(tape.clone(), Role::Server, &limits());
        assert_eq!(ws.read().expect("a message"), Some(Message::from("á€😀")));
        ws.send("answer").expect("it is open");
        assert_eq!(
            ws.read().expect("a message"),
            Some(Message::from(vec![7; 70_000]))
        );
        assert_eq!(ws.read().expect("a close"), None);
        assert_eq!(ws.close_reason().map(|it| it.reason.as_str()), Some("bye"));
        assert_eq!(
            tape.written(),
            [
                (TEXT, b"answer".to_vec()),
                (PONG, b"?".to_vec()),
                (CLOSE, reason(1000, "bye"))
            ]
        );
        assert!(!tape.output.lock().expect("no panic").is_empty());
    }
}

#[test]
fn a_client_over_a_stream_masks_every_frame_with_its_own_key() {
    let tape = Tape::new(
        &[
            unmasked(PING, "?"),
            unmasked(TEXT, "hi"),
            unmasked(CLOSE, ""),
        ]
        .concat(),
        5,
    );
    let mut ws = WebSocket::from_stream(tape.clone(), Role::Client, &limits());
    for _ in 0..100 {
        ws.send("same").expect("it is open");
    }
    assert_eq!(ws.read().expect("a message"), Some(Message::from("hi")));
    assert_eq!(ws.read().expect("a close"), None);
    let output = tape.output.lock().expect("no panic").clone();
    let (mut rest, mut keys) = (&output[..], std::collections::BTreeSet::new());
    while let Some((frame, used)) = decode(rest) {
        keys.insert(frame.key.expect("every frame of a client is masked"));
        rest = &rest[used..];
    }
    assert!(rest.is_empty());
    assert!(keys.len() >= 101, "{} keys for 102 frames", keys.len());
}

#[test]
fn each_role_refuses_what_only_the_other_may_send() {
    let mut ws =
        WebSocket::from_stream(Tape::new(&unmasked(TEXT, "x"), 9), Role::Server, &limits());
    assert!(matches!(
        ws.read(),
        Err(Error::Protocol(ProtocolError::UnmaskedFrame))
    ));
    let tape = Tape::new(&masked(TEXT, "x"), 9);
    let mut ws = WebSocket::from_stream(tape.clone(), Role::Client, &limits());
    assert!(matches!(
        ws.read(),
        Err(Error::Protocol(ProtocolError::MaskedFrame))
    ));
    assert_eq!(tape.written()[0].1[..2], 1002u16.to_be_bytes());
    assert!(
        matches!(ws.read(), Ok(None)),
        "after an error there is nothing more"
    );
}

#[test]
fn the_end_of_the_stream_without_a_close_is_an_error() {
    for input in [
        vec![],
        masked(TEXT, "x")[..3].to_vec(),
        masked(0x01, "begun"),
    ] {
        let mut ws = WebSocket::from_stream(Tape::new(&input, 9), Role::Server, &limits());
        assert!(matches!(ws.read(), Err(Error::ConnectionLost)));
    }
}

#[test]
fn two_ends_talk_over_a_narrow_pipe() {
    let (near, far) = duplex();
    let server = thread::spawn(move || -> Result<(), Error> {
        let mut ws = WebSocket::from_stream(far, Role::Server, &limits());
        while let Some(message) = ws.read()? {
            ws.send(message)?;
        }
        Ok(())
    });
    within(PATIENCE, move || {
        let mut ws = WebSocket::from_stream(near, Role::Client, &limits());
        for length in [0, 5, 125, 126, 1_000] {
            let text = "x".repeat(length);
            ws.send(&text).expect("it is open");
            assert_eq!(ws.read().expect("an echo"), Some(Message::Text(text)));
        }
        ws.close(CloseCode::NormalClosure, "").expect("an answer");
    });
    within(PATIENCE, move || server.join())
        .expect("no panic")
        .expect("a close");
}
