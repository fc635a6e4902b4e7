//! Compression on real connections: off until asked for, agreed on in the handshake, and nothing that a peer does with it
//! harms anybody else.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use enchufe::handshake::HandshakeError;
use enchufe::net::{Recipients, Reply, RequestContext, Room, Upgrade};
use enchufe::{Client, DeflateOptions, DeflateParams, Error, Limits, Message, Server, WebSocket};
use flate2::{Compress, Compression, Decompress};

use super::words::{Dice, HELLO, deflate, inflate};
use crate::support::peer::{ACCEPT, CLOSE, PING, PONG, Peer, TEXT, field, masked, reason, request};
use crate::support::server::{PATIENCE, TestServer, echo, limits, within};
use crate::support::wire;

/// The first bytes of compressed messages.
pub(super) const COMPRESSED_TEXT: u8 = 0xc1;
pub(super) const COMPRESSED: u8 = 0xc2;

/// An echo that compresses with these options.
pub(super) fn compressing(options: &DeflateOptions) -> TestServer {
    let options = options.clone();
    TestServer::with(limits(), move |_: &RequestContext<'_>| {
        Reply::Upgrade(Upgrade::new(echo).deflate(options.clone()))
    })
}

fn options(params: DeflateParams) -> DeflateOptions {
    DeflateOptions {
        params,
        ..DeflateOptions::default()
    }
}

pub(super) fn client(server: &TestServer) -> Client {
    wire::client(server.url("/")).timeout(PATIENCE)
}

/// A raw connection that agreed on compression with these parameters.
pub(super) fn raw(server: &TestServer, path: &str, parameters: &str) -> Peer {
    let mut peer = server.connect();
    let line = format!("Sec-WebSocket-Extensions: permessage-deflate{parameters}\r\n");
    peer.send(request(path, &line));
    let head = peer.head();
    let agreed = field(&head, "Sec-WebSocket-Extensions").expect("an agreement");
    assert!(agreed.starts_with("permessage-deflate"), "{head}");
    peer
}

#[track_caller]
pub(super) fn echoes(ws: &mut WebSocket, message: impl Into<Message>) {
    let message = message.into();
    ws.send(&message).expect("the connection is open");
    assert!(ws.read().expect("an answer") == Some(message));
}

#[test]
fn nothing_is_compressed_until_both_sides_ask_for_it() {
    let plain = TestServer::echo(limits());
    let able = compressing(&DeflateOptions::default());
    let long = "hola ".repeat(1000);
    for (server, asks, agreed) in [
        (&plain, false, false),
        (&plain, true, false),
        (&able, false, false),
        (&able, true, true),
    ] {
        let client = match asks {
            true => client(server).deflate(DeflateOptions::default()),
            false => client(server),
        };
        let mut ws = client.connect().expect("a connection");
        assert_eq!(ws.deflate(), agreed.then(DeflateParams::default));
        echoes(&mut ws, &*long);
        echoes(&mut ws, "");
    }
    let mut peer = plain.connect();
    peer.send(request(
        "/",
        "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    ));
    assert_eq!(field(&peer.head(), "Sec-WebSocket-Extensions"), None);
    peer.send(masked(COMPRESSED_TEXT, HELLO)).closes(1002);
}

#[test]
fn a_whole_server_compresses_unless_a_session_says_otherwise() {
    let server = Server::bind("127.0.0.1:0")
        .expect("a free port")
        .limits(limits())
        .deflate(DeflateOptions::default())
        .route("/echo", echo)
        .service(|call: &RequestContext<'_>| match call.request.path() {
            "/secret" => Reply::Upgrade(Upgrade::new(echo).without_deflate()),
            _ => Reply::Upgrade(Upgrade::new(echo).deflate(options(DeflateParams {
                server_no_context_takeover: true,
                ..DeflateParams::default()
            }))),
        });
    let server = TestServer::running(server);
    let agreed = |path: &str| {
        let mut ws = wire::client(server.url(path))
            .deflate(DeflateOptions::default())
            .connect()
            .expect("a connection");
        echoes(&mut ws, "hola ".repeat(100));
        ws.deflate()
    };
    assert_eq!(agreed("/echo"), Some(DeflateParams::default()));
    assert_eq!(agreed("/secret"), None);
    assert!(agreed("/own").is_some_and(|params| params.server_no_context_takeover));
}

#[test]
fn every_message_comes_back_whatever_was_agreed_on() {
    let mut dice = Dice(20);
    for mask in 0..16u8 {
        let params = |mask: u8| DeflateParams {
            server_no_context_takeover: mask & 1 != 0,
            client_no_context_takeover: mask & 2 != 0,
            server_max_window_bits: if mask & 4 != 0 { 9 } else { 15 },
            client_max_window_bits: if mask & 8 != 0 { 9 } else { 15 },
        };
        for (server, ours) in [(mask, 0), (0, mask), (mask, mask)] {
            let server = compressing(&options(params(server)));
            let client = client(&server).deflate(options(params(ours)));
            let mut ws = client.connect().expect("a connection");
            assert_eq!(
                ws.deflate().map(|agreed| agreed.server_max_window_bits),
                Some(params(mask).server_max_window_bits)
            );
            for _ in 0..20 {
                let length = dice.roll(3000);
                echoes(&mut ws, dice.octets(length));
                echoes(&mut ws, format!("número {length} ").repeat(dice.roll(500)));
            }
            let large = vec![dice.roll(256) as u8; 1 << 20];
            echoes(&mut ws, large);
            ws.close(enchufe::CloseCode::NormalClosure, "")
                .expect("an answer");
        }
    }
}

#[test]
fn either_side_may_ask_for_any_window_of_each() {
    for bits in 9..=15 {
        let wish = DeflateParams {
            server_max_window_bits: bits,
            client_max_window_bits: 24 - bits,
            ..DeflateParams::default()
        };
        for (theirs, ours) in [
            (wish, DeflateParams::default()),
            (DeflateParams::default(), wish),
        ] {
            let server = compressing(&options(theirs));
            let client = client(&server).deflate(options(ours));
            let mut ws = client.connect().expect("a connection");
            assert_eq!(ws.deflate(), Some(wish));
            // Longer than all windows, and the same again: what cannot be referred to is not.
            let mut dice = Dice(u64::from(bits));
            let noise = dice.octets(40_000);
            for _ in 0..2 {
                echoes(&mut ws, &*noise);
            }
        }
    }
}

#[test]
fn what_is_on_the_wire_is_compressed_and_shares_a_window() {
    let server = compressing(&DeflateOptions::default());
    let mut peer = raw(&server, "/", "");
    let text = "hola, ¿qué tal? ".repeat(50);
    let (mut compress, mut decompress) = (
        Compress::new(Compression::fast(), false),
        Decompress::new(false),
    );
    let mut lengths = Vec::new();
    for _ in 0..3 {
        peer.send(masked(
            COMPRESSED_TEXT,
            deflate(&mut compress, text.as_bytes()),
        ));
        let frame = peer.frame();
        assert_eq!(frame.first, COMPRESSED_TEXT);
        lengths.push(frame.payload.len());
        assert_eq!(
            inflate(&mut decompress, &frame.payload, 10_000),
            text.as_bytes()
        );
    }
    assert!(lengths[0] < 60 && lengths[1] < lengths[0], "{lengths:?}");
    // Short ones are not worth it, and control frames never are.
    peer.send(masked(COMPRESSED_TEXT, deflate(&mut compress, b"hola")));
    peer.expect(TEXT, "hola");
    peer.send(masked(PING, text.as_bytes().split_at(100).0))
        .expect(PONG, text.as_bytes().split_at(100).0);
    peer.send(masked(CLOSE, reason(1000, ""))).close(1000);
}

#[test]
fn a_bad_offer_is_no_reason_to_refuse() {
    let server = compressing(&DeflateOptions::default());
    for bad in [
        "server_max_window_bits=8",
        "server_max_window_bits=16",
        "client_max_window_bits=\"\\7\"",
        "x",
        "server_no_context_takeover=yes",
    ] {
        let mut peer = server.connect();
        peer.send(request(
            "/",
            &format!("Sec-WebSocket-Extensions: permessage-deflate; {bad}\r\n"),
        ));
        let head = peer.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert_eq!(field(&head, "Sec-WebSocket-Extensions"), None, "{bad}");
        peer.send(masked(TEXT, "hola")).expect(TEXT, "hola");
    }
}

/// A server that answers every handshake with this field.
fn answering(extensions: &'static str) -> Result<WebSocket, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let mut peer = Peer::over(listener.accept().expect("a client").0);
        let head = peer.head();
        // Not the key of the RFC, so the accept has to be computed.
        let accept =
            enchufe::handshake::accept_key(field(&head, "Sec-WebSocket-Key").expect("a key"));
        assert_ne!(accept, ACCEPT);
        peer.try_send(format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Extensions: {extensions}\r\n\r\n"
        ));
    });
    let opened = Client::new(url)
        .timeout(PATIENCE)
        .deflate(DeflateOptions::default())
        .connect();
    server.join().expect("the server answers");
    opened
}

#[test]
fn a_client_gives_up_on_an_answer_that_it_cannot_keep_to() {
    for bad in [
        "client_max_window_bits=8",
        "server_max_window_bits=16",
        "server_max_window_bits=\"15x\"",
        "unknown",
        "server_no_context_takeover; server_no_context_takeover",
    ] {
        let answer: &'static str = format!("permessage-deflate; {bad}").leak();
        match answering(answer) {
            Err(Error::Handshake(HandshakeError::UnacceptableExtension)) => {}
            other => panic!("{bad}: {other:?}"),
        }
    }
    match answering("permessage-bzip2") {
        Err(Error::Handshake(HandshakeError::UnofferedExtension)) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_of_a_room_go_uncompressed_between_compressed_ones() {
    let server = TestServer::with(limits(), |_: &RequestContext<'_>| {
        let session = |mut ws: WebSocket| {
            let room = Room::new();
            room.join(ws.sender());
            while let Some(message) = ws.read()? {
                room.send(Recipients::All, &message);
                ws.send(&message)?;
            }
            Ok(())
        };
        Reply::Upgrade(Upgrade::new(session).deflate(DeflateOptions::default()))
    });
    let mut peer = raw(&server, "/", "");
    let mut stream = Decompress::new(false);
    for number in 0..50 {
        let text = format!("message {number} ").repeat(20);
        peer.send(masked(TEXT, &text));
        peer.expect(TEXT, &text);
        let frame = peer.frame();
        assert_eq!(frame.first, COMPRESSED_TEXT);
        assert_eq!(
            inflate(&mut stream, &frame.payload, 10_000),
            text.as_bytes()
        );
    }
}

#[test]
fn what_is_sent_before_the_101_is_compressed_too() {
    let server = TestServer::with(limits(), |_: &RequestContext<'_>| {
        let greet = |sender: enchufe::Sender| sender.send("hola ".repeat(100));
        let session = |mut ws: WebSocket, greeted: Result<(), Error>| {
            greeted?;
            ws.read().map(|_| ())
        };
        Reply::Upgrade(Upgrade::with_setup(greet, session).deflate(DeflateOptions::default()))
    });
    let mut peer = raw(&server, "/", "");
    let frame = peer.frame();
    assert_eq!(frame.first, COMPRESSED_TEXT);
    let text = inflate(&mut Decompress::new(false), &frame.payload, 10_000);
    assert_eq!(text, "hola ".repeat(100).as_bytes());
}

/// Messages of several threads share one window, so they are compressed in the order in which they leave; while the peer
/// does not read, they wait in that order.
#[test]
fn threads_that_send_at_once_stay_in_step() {
    const EACH: usize = 100;
    let limits = Limits {
        max_send_queue: 64 << 20,
        ..limits()
    };
    let server = TestServer::with(limits, |_: &RequestContext<'_>| {
        let session = |mut ws: WebSocket| {
            thread::scope(|scope| {
                for writer in 0..4usize {
                    let sender = ws.sender();
                    scope.spawn(move || {
                        let mut dice = Dice(writer as u64 + 1);
                        for number in 0..EACH {
                            let length = dice.roll(20_000);
                            let noise = dice.octets(length);
                            let message =
                                [format!("{writer} {number} ").as_bytes(), &noise, &noise].concat();
                            sender.send(message).expect("the peer is there");
                        }
                    });
                }
            });
            ws.read().map(|_| ())
        };
        Reply::Upgrade(Upgrade::new(session).deflate(DeflateOptions::default()))
    });
    let mut ws = client(&server)
        .deflate(DeflateOptions::default())
        .connect()
        .expect("a connection");
    // Longer than a write for somebody else's sake may block, so that a backlog builds up.
    thread::sleep(Duration::from_millis(100));
    let next = within(PATIENCE, move || {
        let mut next = [0; 4];
        for _ in 0..4 * EACH {
            let Some(Message::Binary(message)) = ws.read().expect("a message") else {
                panic!("no message")
            };
            let mut words = message.splitn(3, |octet| *octet == b' ');
            let mut number = || -> usize {
                std::str::from_utf8(words.next().unwrap())
                    .unwrap()
                    .parse()
                    .unwrap()
            };
            let (writer, number) = (number(), number());
            assert_eq!(next[writer], number);
            next[writer] += 1;
            let noise = words.next().unwrap();
            let (one, two) = noise.split_at(noise.len() / 2);
            assert!(one == two);
        }
        next
    });
    assert_eq!(next, [EACH; 4]);
}

#[test]
fn an_idle_connection_frees_its_windows_and_goes_on() {
    let idle = Duration::from_millis(30);
    let limits = Limits {
        ping_interval: Some(idle),
        ..limits()
    };
    let params = DeflateParams {
        client_no_context_takeover: true,
        ..DeflateParams::default()
    };
    let server = TestServer::with(limits.clone(), move |_: &RequestContext<'_>| {
        Reply::Upgrade(Upgrade::new(echo).deflate(options(params)))
    });
    let mut ws = client(&server)
        .limits(limits)
        .deflate(DeflateOptions::default())
        .connect()
        .expect("a connection");
    let text = "hola ".repeat(1000);
    for _ in 0..5 {
        for _ in 0..3 {
            echoes(&mut ws, &*text);
        }
        // Nothing is waited for: the connection has to be idle, and a read sees to its Pings.
        let soon = std::time::Instant::now() + 3 * idle;
        assert!(matches!(
            ws.read_until(Some(soon)),
            Ok(enchufe::Incoming::Deadline)
        ));
    }
}
