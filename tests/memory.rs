//! What memory is taken for: bytes received, never bytes promised, and nothing at all for a message that is one whole frame
//! ([RFC 6455, 10.4](https://www.rfc-editor.org/rfc/rfc6455#section-10.4)).

mod support;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread;

use allocation_counter::{AllocationInfo, measure};
use enchufe::WebSocket;
use enchufe::http::{HeadLimits, RequestParser, ResponseParser};
use enchufe::protocol::{Decoder, Event, MessageLimits, Role};
use proptest::prelude::*;

use support::peer::{BINARY, BINARY_BEGINS, LAST, MORE, PING, TEXT, header, masked};
use support::server::{PATIENCE, TestServer, limits};

/// Feeds `wire` to a server's receiver in pieces of `piece` bytes; the buffer is the caller's and taken before.
fn receiving(limits: &MessageLimits, wire: &[u8], piece: usize) -> AllocationInfo {
    let mut receiver = Decoder::new(Role::Server, limits.clone());
    let mut input = Vec::with_capacity(wire.len());
    measure(|| {
        for piece in wire.chunks(piece.max(1)) {
            input.extend_from_slice(piece);
            let mut done = 0;
            loop {
                match receiver.decode(&mut input[done..]) {
                    Ok(received) if received.used == 0 && received.event.is_none() => break,
                    Ok(received) => done += received.used,
                    Err(_) => {}
                }
            }
            input.drain(..done);
        }
    })
}

#[test]
fn a_message_in_one_frame_costs_the_receiver_no_allocation() {
    let wire: Vec<u8> = (0..1_000)
        .flat_map(|n| masked(if n % 2 == 0 { TEXT } else { BINARY }, vec![b'x'; n]))
        .collect();
    for piece in [1, 7, 4_096, wire.len()] {
        let info = receiving(&MessageLimits::default(), &wire, piece);
        assert_eq!(info.count_total, 0, "in pieces of {piece}");
    }
    let pings = masked(PING, "are you there?").repeat(100);
    assert_eq!(
        receiving(&MessageLimits::default(), &pings, 5).count_total,
        0
    );
}

/// Row 28: a fragment is bytes in one flat buffer, and no object.
#[test]
fn a_hundred_thousand_tiny_fragments_take_what_their_octets_take() {
    let mut wire = masked(BINARY_BEGINS, "x");
    for _ in 0..100_000 {
        wire.extend(masked(MORE, "x"));
    }
    wire.extend(masked(LAST, "x"));
    let info = receiving(&MessageLimits::default(), &wire, 1_000);
    assert!(info.bytes_max <= 400_000, "{info:?}"); // 100,002 bytes in a vector that doubles, old and new at once
    assert!(info.count_total < 40, "{info:?}");
}

/// Row 15 and 16: whatever length a header claims.
#[test]
fn a_length_that_is_only_promised_takes_nothing() {
    let unlimited = MessageLimits {
        max_message: usize::MAX,
        ..MessageLimits::default()
    };
    for length in [126, 65_536, 1 << 30, 1 << 40, (1 << 62) + 1, u64::MAX >> 1] {
        for first in [BINARY, TEXT, BINARY_BEGINS] {
            let wire = [header(first, true, length), vec![0; 10]].concat();
            let info = receiving(&unlimited, &wire, 3);
            assert!(info.bytes_max <= 64, "{length}: {info:?}");
        }
    }
}

/// Any frames: headers that lie, payloads that are not there, fragments, control frames.
fn any_frames() -> impl Strategy<Value = Vec<u8>> {
    let frame = (any::<u8>(), 0u64..300, any::<bool>(), 0usize..300).prop_map(
        |(first, length, lie, there)| {
            let claimed = if lie {
                length << (length % 55)
            } else {
                there as u64
            };
            [header(first, first != 0x55, claimed), vec![first; there]].concat()
        },
    );
    prop_oneof![
        proptest::collection::vec(frame, 0..20).prop_map(|frames| frames.concat()),
        proptest::collection::vec(any::<u8>(), 0..2_000),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_frames_take_no_more_than_a_small_multiple_of_what_was_sent(wire in any_frames(), piece in 1usize..100) {
        let unlimited = MessageLimits { max_message: usize::MAX, ..MessageLimits::default() };
        let info = receiving(&unlimited, &wire, piece);
        // Assembled bytes in a vector that doubles, old and new at once; a close reason.
        prop_assert!(info.bytes_max <= 4 * wire.len() as u64 + 64, "{} octets, {info:?}", wire.len());
    }

    #[test]
    fn random_heads_take_no_more_than_a_small_multiple_of_what_was_sent(
        wire in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..5_000),
            proptest::collection::vec("[a-zA-Z:\r\n /.,;=-]{0,40}\r\n", 0..80).prop_map(|lines| format!("GET / HTTP/1.1\r\n{}", lines.concat()).into_bytes()),
        ]
    ) {
        let info = measure(|| {
            let _ = RequestParser::new(HeadLimits::default()).feed(&wire);
            let _ = ResponseParser::new(HeadLimits::default()).feed(&wire);
        });
        // Names, values and their entries in the list: a line of five bytes becomes an entry of six words.
        prop_assert!(info.bytes_max <= 32 * wire.len() as u64 + 4_096, "{} octets, {info:?}", wire.len());
    }
}

/// The client, too: a small message there and back.
#[test]
fn a_round_trip_over_a_socket_allocates_nothing_on_our_side() {
    let server = TestServer::echo(limits());
    let client = enchufe::Client::new(server.url("/")).limits(limits());
    let (mut reader, sender) = client.connect().expect("a connection").split();
    let mut round_trips = |count: usize| {
        for _ in 0..count {
            sender.send("hello").expect("it is open");
            let echo = reader.read().expect("no error").expect("an echo");
            assert_eq!(echo.text(), Some("hello"));
        }
    };
    round_trips(100);
    let info = measure(|| round_trips(200));
    assert_eq!(info.count_total, 0, "{info:?}");
}

/// Promise 4 begins with a connection that does nothing.
#[test]
fn an_idle_connection_holds_a_few_kilobytes() {
    let server = TestServer::echo(limits());
    let client = enchufe::Client::new(server.url("/")).limits(limits());
    let mut held = Vec::with_capacity(10);
    let info = measure(|| {
        for _ in 0..10 {
            held.push(client.connect().expect("a connection"));
        }
    });
    assert!(info.bytes_current < 10 * 8 * 1024, "{info:?}");
}

/// What one event-free step hands out is `Copy` and on the stack.
#[test]
fn a_partial_header_takes_nothing() {
    let mut receiver = Decoder::new(Role::Client, MessageLimits::default());
    let mut wire = [BINARY, 126];
    let info = measure(|| {
        let received = receiver.decode(&mut wire).expect("nothing wrong yet");
        assert!(!matches!(received.event, Some(Event::Message(_))));
    });
    assert_eq!(info.count_total, 0);
}

/// Row 30 and promise 4: many connections that each hold half a large message hold what they sent, not what they announced.
#[test]
fn a_crowd_that_announces_much_and_sends_little_takes_little() {
    const CROWD: usize = 50;
    let (tell, told) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound listener");
    // The receiving sides live on this one thread, whose allocations are counted; each reads until nothing comes.
    let sending = thread::spawn(move || {
        let streams: Vec<TcpStream> = (0..CROWD)
            .map(|_| {
                let mut stream = TcpStream::connect(address).expect("a connection");
                stream
                    .write_all(&[header(BINARY, true, 1 << 20), vec![0; 1_000]].concat())
                    .expect("it is open");
                stream
            })
            .collect();
        let _ = told.recv_timeout(PATIENCE); // keeps them open
        drop(streams);
    });
    let mut sessions: Vec<WebSocket<_>> = Vec::new();
    let streams: Vec<TcpStream> = (0..CROWD)
        .map(|_| listener.accept().expect("a connection").0)
        .collect();
    let info = measure(|| {
        for stream in streams {
            stream
                .set_read_timeout(Some(std::time::Duration::from_millis(2)))
                .expect("a live socket");
            let mut ws = WebSocket::from_stream(stream, Role::Server, &limits());
            let soon = std::time::Instant::now() + std::time::Duration::from_millis(5);
            while matches!(ws.read_until(Some(soon)), Ok(enchufe::Incoming::Message(_))) {}
            sessions.push(ws);
        }
    });
    let each = info.bytes_max / CROWD as u64;
    // The smallest of the large buffers, and what a connection has anyway.
    assert!(
        each <= 200 * 1024,
        "{each} octets for each that announced a mebibyte"
    );
    tell.send(()).expect("the senders wait");
    sending.join().expect("no panic");
    drop(sessions);
}
