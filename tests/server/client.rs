//! Our client against servers that are hostile, broken or dead: a typed error for each, no call without an end, and nothing
//! believed that the handshake does not prove ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use enchufe::handshake::HandshakeError;
use enchufe::http::HttpError;
use enchufe::protocol::{MessageLimits, ProtocolError};
use enchufe::{Client, Error, Limits, Message, WebSocket, connect};

use crate::support::host::{Host, granted};
use crate::support::peer::{BINARY, CLOSE, PING, PONG, TEXT, field, header, reason, unmasked};
use crate::support::server::{PATIENCE, limits, wait_until, within};

/// Long after the deadlines that are set in here.
const SOON: Duration = Duration::from_secs(8);

/// Connects on another thread, with a deadline of its own.
fn connecting(host: &Host, timeout: Duration) -> JoinHandle<Result<WebSocket, Error>> {
    let client = Client::new(host.url()).timeout(timeout).limits(limits());
    thread::spawn(move || client.connect())
}

fn outcome(connecting: JoinHandle<Result<WebSocket, Error>>) -> Result<WebSocket, Error> {
    within(SOON, move || connecting.join()).expect("no panic")
}

/// What the client makes of an answer, given the request.
fn verdict(answer: impl FnOnce(&str) -> Vec<u8>) -> Result<WebSocket, Error> {
    let host = Host::new();
    let client = connecting(&host, PATIENCE);
    let (mut peer, request) = host.request();
    peer.try_send(answer(&request));
    drop(peer);
    outcome(client)
}

#[test]
fn the_request_is_what_the_rfc_asks_for_and_its_key_is_new_each_time() {
    let host = Host::new();
    let mut keys = BTreeSet::new();
    for _ in 0..10 {
        let client = Client::new(format!("ws://{}/path?query=1", host.addr))
            .subprotocol("chat")
            .subprotocol("superchat")
            .header("Origin", "http://example.org")
            .limits(limits());
        let connecting = thread::spawn(move || {
            client
                .connect()
                .map(|ws| ws.subprotocol().map(str::to_owned))
        });
        let (mut peer, request) = host.request();
        assert!(
            request.starts_with("GET /path?query=1 HTTP/1.1\r\n"),
            "{request}"
        );
        assert_eq!(
            field(&request, "Host"),
            Some(host.addr.to_string().as_str())
        );
        assert_eq!(field(&request, "Upgrade"), Some("websocket"));
        assert_eq!(field(&request, "Connection"), Some("Upgrade"));
        assert_eq!(field(&request, "Sec-WebSocket-Version"), Some("13"));
        assert_eq!(
            field(&request, "Sec-WebSocket-Protocol"),
            Some("chat, superchat")
        );
        assert_eq!(field(&request, "Origin"), Some("http://example.org"));
        keys.insert(
            field(&request, "Sec-WebSocket-Key")
                .expect("a key")
                .to_owned(),
        );
        peer.send(granted(&request, "Sec-WebSocket-Protocol: superchat\r\n"));
        peer.end_writing(); // closing need not wait for us
        let agreed = within(SOON, move || connecting.join())
            .expect("no panic")
            .expect("a connection");
        assert_eq!(agreed.as_deref(), Some("superchat"));
    }
    assert_eq!(keys.len(), 10);
}

/// A test of the error's kind, what is special about the answer, and how to make it from a good one.
type Lie = (
    fn(&HandshakeError) -> bool,
    &'static str,
    fn(&str) -> String,
);

#[test]
fn a_101_that_proves_nothing_is_not_believed() {
    use HandshakeError as E;
    let lies: [Lie; 13] = [
        (
            |it| matches!(it, E::WrongAccept),
            "an accept for another key",
            |good| good.replace("Accept: ", "Accept: x"),
        ),
        (
            |it| matches!(it, E::WrongAccept),
            "the key itself",
            |good| {
                let accept = field(good, "Sec-WebSocket-Accept").expect("an accept");
                good.replace(accept, "dGhlIHNhbXBsZSBub25jZQ==")
            },
        ),
        (
            |it| matches!(it, E::MissingHeader("Sec-WebSocket-Accept")),
            "no accept",
            |good| good.replace("Sec-WebSocket-Accept", "X"),
        ),
        (
            |it| matches!(it, E::DuplicateHeader("Sec-WebSocket-Accept")),
            "two accepts",
            |good| good.replace("\r\n\r\n", "\r\nSec-WebSocket-Accept: x\r\n\r\n"),
        ),
        (
            |it| matches!(it, E::MissingUpgrade),
            "no Upgrade",
            |good| good.replace("Upgrade: websocket", "X: y"),
        ),
        (
            |it| matches!(it, E::MissingUpgrade),
            "another Upgrade",
            |good| good.replace("Upgrade: websocket", "Upgrade: h2c"),
        ),
        (
            |it| matches!(it, E::MissingConnectionUpgrade),
            "no Connection",
            |good| good.replace("Connection: Upgrade", "Connection: close"),
        ),
        (
            |it| matches!(it, E::UnofferedSubprotocol),
            "a subprotocol that was not offered",
            |good| good.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n"),
        ),
        (
            |it| matches!(it, E::UnofferedExtension),
            "an extension that was not offered",
            |good| {
                good.replace(
                    "\r\n\r\n",
                    "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
                )
            },
        ),
        (
            |it| matches!(it, E::VersionTooOld),
            "HTTP/1.0",
            |good| good.replace("HTTP/1.1", "HTTP/1.0"),
        ),
        (
            |it| matches!(it, E::Http(HttpError::InvalidStatusLine)),
            "another protocol",
            |_| "SSH-2.0-OpenSSH_9.6\r\n".into(),
        ),
        (
            |it| matches!(it, E::Http(HttpError::HeadTooLarge)),
            "a header without an end",
            |_| format!("HTTP/1.1 101 X\r\nX: {}", "a".repeat(100_000)),
        ),
        (
            |it| matches!(it, E::Http(HttpError::TooManyHeaders)),
            "1,000 headers",
            |_| format!("HTTP/1.1 101 X\r\n{}\r\n", "X: y\r\n".repeat(1_000)),
        ),
    ];
    for (expected, name, lie) in lies {
        match verdict(|request| lie(&granted(request, "")).into_bytes()) {
            Err(Error::Handshake(error)) => assert!(expected(&error), "{name}: {error:?}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn an_http_answer_is_shown_with_its_status_and_the_beginning_of_its_body() {
    for (status, body) in [
        (401, "who are you?"),
        (503, ""),
        (200, "<html>a page</html>"),
        (302, "over there"),
    ] {
        let answer = format!(
            "HTTP/1.1 {status} Some Words\r\nX-Why: because\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        match verdict(|_| answer.into_bytes()) {
            Err(Error::UnexpectedStatus(refused)) => {
                assert_eq!(
                    (refused.status, refused.reason.as_str()),
                    (status, "Some Words")
                );
                assert_eq!(refused.headers.get("x-why"), Some("because"));
                assert_eq!(refused.body, body.as_bytes());
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_long_body_is_cut_and_a_wrong_length_believed_no_further_than_the_bytes() {
    let long = "x".repeat(100_000);
    for (claim, expected) in [
        ("Content-Length: 100000", 4096),
        ("Content-Length: 99999999999999999999", 4096),
        ("X: y", 4096),
        ("Content-Length: 10", 10),
    ] {
        match verdict(|_| format!("HTTP/1.1 404 Not Found\r\n{claim}\r\n\r\n{long}").into_bytes()) {
            Err(Error::UnexpectedStatus(refused)) => {
                assert_eq!(refused.body.len(), expected, "{claim}");
            }
            other => panic!("{claim}: {other:?}"),
        }
    }
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for_long() {
    let host = Host::new();
    let start = Instant::now();
    let client = connecting(&host, PATIENCE);
    let (mut peer, _) = host.request();
    peer.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\nonly this");
    match outcome(client) {
        Err(Error::UnexpectedStatus(refused)) => assert_eq!(refused.body, b"only this"),
        other => panic!("{other:?}"),
    }
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[test]
fn interim_answers_are_skipped_but_not_for_ever() {
    let host = Host::new();
    let client = connecting(&host, PATIENCE);
    let (mut peer, request) = host.request();
    peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    peer.send(granted(&request, ""));
    assert!(outcome(client).is_ok());

    let client = connecting(&host, PATIENCE);
    let (mut peer, _) = host.request();
    let start = Instant::now();
    while !client.is_finished() {
        assert!(start.elapsed() < SOON, "it still listens");
        peer.try_send("HTTP/1.1 102 Processing\r\n\r\n");
    }
    assert!(matches!(
        outcome(client),
        Err(Error::Handshake(HandshakeError::UnexpectedStatus(102)))
    ));
}

#[test]
fn a_server_that_says_nothing_or_too_little_times_out() {
    let timeout = Duration::from_millis(300);
    for said in [
        "",
        "HTTP/1.1 101 Switching Protocols\r\nUpgr",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        let host = Host::new();
        let start = Instant::now();
        let client = connecting(&host, timeout);
        let (mut peer, _) = host.request();
        peer.send(said);
        let error = outcome(client).expect_err("no connection");
        assert!(matches!(error, Error::TimedOut), "{said:?}: {error:?}");
        assert!(start.elapsed() >= timeout && start.elapsed() < SOON);
    }
}

/// One deadline for all of it: bytes that drip do not move it.
#[test]
fn a_server_that_drips_times_out_too() {
    let host = Host::new();
    let client = connecting(&host, Duration::from_millis(300));
    let (mut peer, _) = host.request();
    peer.send("HTTP/1.1 101 X\r\nX: ");
    let start = Instant::now();
    while !client.is_finished() {
        assert!(start.elapsed() < SOON, "it still listens");
        peer.try_send("a");
        thread::sleep(Duration::from_millis(10));
    }
    assert!(matches!(outcome(client), Err(Error::TimedOut)));
}

/// The listener's queue takes the connection; nobody ever accepts it.
#[test]
fn a_server_that_never_accepts_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("a bound listener"));
    let start = Instant::now();
    let error = Client::new(url)
        .timeout(Duration::from_millis(300))
        .connect()
        .expect_err("no connection");
    assert!(matches!(error, Error::TimedOut), "{error:?}");
    assert!(start.elapsed() < SOON);
}

#[test]
fn a_server_that_hangs_up_is_disconnected_or_refuses() {
    for said in ["", "HTTP/1.1 101 Switching Protocols\r\n"] {
        let error = verdict(|_| said.into()).expect_err("no connection");
        assert!(
            matches!(error, Error::ConnectionLost),
            "{said:?}: {error:?}"
        );
    }
    let free = TcpListener::bind("127.0.0.1:0")
        .and_then(|it| it.local_addr())
        .expect("a free port");
    match connect(&format!("ws://{free}/")) {
        Err(Error::Io(error)) => assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
        other => panic!("{other:?}"),
    }
}

/// CR, LF and the like in anything that our caller gives would let it say more than it was meant to (undici
/// CVE-2026-1527).
#[test]
fn what_cannot_be_sent_is_an_error_before_anything_is_sent() {
    let host = Host::new();
    let url = host.url();
    let client = || Client::new(&url).limits(limits());
    let injected = "a\r\nHost: evil.example";
    for (what, client) in [
        ("a header value with CR LF", client().header("X", injected)),
        ("a header value with LF", client().header("X", "a\nb")),
        ("a header value with NUL", client().header("X", "a\0b")),
        ("a header name with CR LF", client().header(injected, "x")),
        ("a header name with a space", client().header("a b", "x")),
        ("an empty header name", client().header("", "x")),
        (
            "a header of the handshake",
            client().header("Sec-WebSocket-Key", "x"),
        ),
        ("a second Host", client().header("host", "evil.example")),
        ("a length", client().header("Content-Length", "5")),
        ("a subprotocol with CR LF", client().subprotocol(injected)),
        ("a subprotocol with a comma", client().subprotocol("a,b")),
        ("an empty subprotocol", client().subprotocol("")),
        (
            "the same subprotocol twice",
            client().subprotocol("a").subprotocol("a"),
        ),
        ("a path with CR LF", Client::new(format!("{url}{injected}"))),
        ("a path with a space", Client::new(format!("{url}a b"))),
        ("a host with CR LF", Client::new("ws://h\r\nX: y/")),
        ("a fragment", Client::new(format!("{url}#x"))),
        ("another scheme", Client::new(url.replace("ws:", "http:"))),
    ] {
        let error = client.connect().expect_err(what);
        assert!(
            matches!(
                error,
                Error::Handshake(HandshakeError::InvalidHeader(_)) | Error::Url(_)
            ),
            "{what}: {error:?}"
        );
        assert!(!error.to_string().contains('\n'), "{what}: {error}");
        assert!(host.try_accept().is_none(), "{what}: it connected");
    }
}

#[test]
fn frames_behind_the_101_are_the_first_messages() {
    let host = Host::new();
    let client = connecting(&host, PATIENCE);
    let mut peer = host.upgrade(
        [
            unmasked(TEXT, "first"),
            unmasked(PING, "?"),
            unmasked(BINARY, vec![7; 20_000]),
        ]
        .concat(),
    );
    let mut ws = outcome(client).expect("a connection");
    assert_eq!(ws.read().expect("a message"), Some(Message::from("first")));
    assert_eq!(
        ws.read().expect("a message"),
        Some(Message::from(vec![7; 20_000]))
    );
    peer.expect(PONG, "?");
}

/// 10.3: a key that can be guessed lets a script choose the bytes on the wire.
#[test]
fn every_frame_of_the_client_has_a_key_of_its_own() {
    const FRAMES: usize = 2_000;
    let host = Host::new();
    let client = connecting(&host, PATIENCE);
    let mut peer = host.upgrade("");
    let mut ws = outcome(client).expect("a connection");
    for _ in 0..FRAMES {
        ws.send("the same text").expect("it is open");
    }
    let keys: BTreeSet<[u8; 4]> = (0..FRAMES)
        .map(|_| {
            let frame = peer.frame();
            assert_eq!(frame.payload, b"the same text");
            frame.key.expect("a client masks")
        })
        .collect();
    // Of 32 random bits two thousand hardly ever meet.
    assert!(keys.len() >= FRAMES - 2, "{} keys", keys.len());
    assert!(keys.iter().filter(|key| **key == [0; 4]).count() <= 1);
}

/// Row 16: a length that is only promised takes no memory. The limit is raised so that the length itself is allowed.
#[test]
fn a_gigabyte_that_is_only_promised_takes_no_memory() {
    let host = Host::new();
    let roomy = Limits {
        message: MessageLimits {
            max_message: 2 << 30,
            ..MessageLimits::default()
        },
        incomplete_message: Duration::from_millis(300),
        ..limits()
    };
    let client = Client::new(host.url()).limits(roomy);
    let before = resident();
    let reading = thread::spawn(move || client.connect().and_then(|mut ws| ws.read()));
    let mut peer = host.upgrade("");
    peer.send(header(BINARY, false, 1 << 30)).send("ten bytes.");
    let outcome = within(SOON, move || {
        let mut most = resident();
        wait_until("the message times out", || reading.is_finished());
        most = most.max(resident());
        (reading.join().expect("no panic"), most)
    });
    assert!(matches!(outcome.0, Err(Error::TimedOut)));
    let grown = outcome.1.saturating_sub(before);
    assert!(grown < 300 << 20, "{} MiB more", grown >> 20); // other tests run beside this one
}

/// Bytes of memory this process holds; 0 where the system does not tell.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages
        .split_whitespace()
        .nth(1)
        .and_then(|it| it.parse().ok());
    pages.map_or(0, |pages: usize| pages * 4096)
}

#[test]
fn a_server_that_breaks_the_protocol_is_told_and_left() {
    let host = Host::new();
    let client = connecting(&host, PATIENCE);
    let mut peer = host.upgrade([0x83, 0]);
    let mut ws = outcome(client).expect("a connection");
    assert!(matches!(
        ws.read(),
        Err(Error::Protocol(ProtocolError::ReservedOpcode(3)))
    ));
    let close = peer.frame();
    assert_eq!(close.first, CLOSE);
    assert_eq!(close.payload[..2], 1002u16.to_be_bytes());
}

/// Between our Close and the server's there is one deadline, whatever the server says instead.
#[test]
fn closing_ends_although_the_server_does_not_answer() {
    for talks in [false, true] {
        let host = Host::new();
        let client = connecting(&host, PATIENCE);
        let mut peer = host.upgrade("");
        let mut ws = outcome(client).expect("a connection");
        let closing = thread::spawn(move || ws.close(enchufe::CloseCode::NormalClosure, ""));
        peer.expect(CLOSE, reason(1000, ""));
        let start = Instant::now();
        while !closing.is_finished() {
            assert!(start.elapsed() < SOON, "it still waits");
            if talks {
                peer.try_send(unmasked(TEXT, "blah"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        assert!(matches!(
            closing.join().expect("no panic"),
            Err(Error::TimedOut)
        ));
    }
}
