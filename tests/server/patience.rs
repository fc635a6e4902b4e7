//! How long a peer may keep a connection that it does nothing useful with
//! ([RFC 6455, 10.4](https://www.rfc-editor.org/rfc/rfc6455#section-10.4)).

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use enchufe::{Error, Limits, Message};

use crate::support::peer::{
    BINARY, CLOSE, End, LAST, MORE, PING, PONG, TEXT, TEXT_BEGINS, header, masked, reason,
};
use crate::support::server::{PATIENCE, TestServer, limits};
use crate::support::wire::{client, connect};

const SHORT: Duration = Duration::from_millis(200);
/// Long after `SHORT`, on a busy machine too.
const SOON: Duration = Duration::from_secs(5);

fn keepalive() -> Limits {
    Limits {
        ping_interval: Some(SHORT),
        pong_timeout: SHORT,
        ..limits()
    }
}

#[test]
fn a_silent_peer_is_asked_with_a_ping_and_closed_if_it_does_not_answer() {
    let (tell, told) = channel();
    let server = TestServer::of(keepalive(), move |mut ws| {
        tell.send(ws.read()).expect("the test listens");
        Ok(())
    });
    let start = Instant::now();
    let mut peer = server.open("/");
    let ping = peer.frame();
    assert_eq!(ping.first, PING);
    assert!(start.elapsed() >= SHORT);
    assert_eq!(peer.close(1008), "timed out");
    assert!(
        start.elapsed() >= 2 * SHORT && start.elapsed() < SOON,
        "{:?}",
        start.elapsed()
    );
    assert!(matches!(
        told.recv_timeout(PATIENCE),
        Ok(Err(Error::TimedOut))
    ));
    assert_eq!(peer.end(), End::Orderly);
}

#[test]
fn a_peer_that_answers_or_says_anything_lives() {
    let server = TestServer::echo(keepalive());
    let mut peer = server.open("/");
    let start = Instant::now();
    while start.elapsed() < 4 * SHORT {
        let ping = peer.frame();
        assert_eq!(ping.first, PING);
        peer.send(masked(PONG, &ping.payload));
    }
    // Bytes of a message that is far from whole are a sign of life too.
    let start = Instant::now();
    for octet in masked(TEXT, vec![b'x'; 100]) {
        peer.send([octet]);
        thread::sleep(SHORT / 20);
    }
    assert!(start.elapsed() > 2 * SHORT);
    loop {
        let frame = peer.frame();
        if frame.first == TEXT {
            break;
        }
        assert_eq!(frame.first, PING);
    }
}

#[test]
fn our_own_client_answers_pings_while_it_reads() {
    let server = TestServer::of(keepalive(), |mut ws| {
        let deadline = Instant::now() + 5 * SHORT;
        while let enchufe::Incoming::Message(_) = ws.read_until(Some(deadline))? {}
        ws.send("you are alive")
    });
    let mut ws = connect(&server.url("/")).expect("a connection");
    assert_eq!(
        ws.read().expect("no error"),
        Some(Message::from("you are alive"))
    );
}

/// A peer whose network is gone neither reads nor answers, so nothing of what is sent to it arrives either.
#[test]
fn a_dead_peer_leaves_no_thread_and_no_place_behind() {
    let server = TestServer::echo(keepalive());
    let peers: Vec<_> = (0..20).map(|_| server.open("/")).collect();
    server.wait_for("all are connected", |counters| &counters.open, 20);
    server.wait_until_empty();
    drop(peers);
}

#[test]
fn a_message_that_does_not_end_is_1008_and_pings_in_between_do_not_help() {
    let server = TestServer::echo(Limits {
        incomplete_message: SHORT,
        ..limits()
    });
    let beginnings: [(&str, Vec<u8>); 5] = [
        ("a fragment", masked(TEXT_BEGINS, "begun")),
        (
            "two fragments",
            [masked(TEXT_BEGINS, "begun"), masked(MORE, "and")].concat(),
        ),
        ("half a header", vec![0x81]),
        (
            "seven of the eight octets of a length",
            header(BINARY, true, 70_000)[..9].to_vec(),
        ),
        ("half a payload", masked(TEXT, "half")[..8].to_vec()),
    ];
    for (what, beginning) in beginnings {
        let mut peer = server.open("/");
        let start = Instant::now();
        peer.send(&beginning);
        if what.contains("fragment") {
            while start.elapsed() < SHORT / 2 {
                peer.send(masked(PING, "")).expect(PONG, "");
            }
        }
        assert_eq!(peer.close(1008), "timed out", "{what}");
        assert!(
            start.elapsed() >= SHORT && start.elapsed() < SOON,
            "{what}: {:?}",
            start.elapsed()
        );
        assert_eq!(peer.end(), End::Orderly, "{what}");
    }
}

#[test]
fn each_message_has_its_own_time() {
    let server = TestServer::echo(Limits {
        incomplete_message: 2 * SHORT,
        ..limits()
    });
    let mut peer = server.open("/");
    // Always in the middle of a message, for longer than any one of them may take.
    peer.send(masked(TEXT_BEGINS, "0"));
    for n in 0..8 {
        thread::sleep(SHORT / 2);
        peer.send([masked(LAST, "."), masked(TEXT_BEGINS, n.to_string())].concat());
    }
    for text in ["0.", "0.", "1.", "2.", "3.", "4.", "5.", "6."] {
        peer.expect(TEXT, text);
    }
}

#[test]
fn a_few_pings_are_answered_with_their_payload_and_a_flood_is_1008() {
    let server = TestServer::echo(Limits {
        message_rate: 10,
        message_burst: 50,
        ..limits()
    });
    let mut peer = server.open("/");
    for n in 0..50u8 {
        peer.send(masked(PING, [n])).expect(PONG, [n]);
    }
    let flood: Vec<u8> = std::iter::repeat_n(masked(PING, "x"), 1_000)
        .flatten()
        .collect();
    peer.try_send(&flood).try_send(&flood);
    loop {
        let frame = peer.frame();
        if frame.first != PONG {
            assert_eq!(frame.payload, reason(1008, "too many control frames"));
            break;
        }
    }
    assert_eq!(peer.end(), End::Orderly);
}

/// Pongs that nobody asked for cost less than Pings, but they are no way around the bound.
#[test]
fn a_flood_of_pongs_is_1008_too() {
    let server = TestServer::echo(Limits {
        message_rate: 10,
        message_burst: 50,
        ..limits()
    });
    let mut peer = server.open("/");
    let flood: Vec<u8> = std::iter::repeat_n(masked(PONG, ""), 1_000)
        .flatten()
        .collect();
    peer.try_send(&flood);
    peer.closes(1008);
}

#[test]
fn a_peer_above_its_rate_is_read_more_slowly_and_loses_nothing() {
    let server = TestServer::echo(Limits {
        message_rate: 100,
        message_burst: 10,
        ..limits()
    });
    let mut peer = server.open("/");
    let mut other = server.open("/");
    let start = Instant::now();
    let wire: Vec<u8> = (0..60).flat_map(|n| masked(TEXT, format!("{n}"))).collect();
    peer.send(wire);
    for n in 0..10 {
        peer.expect(TEXT, format!("{n}"));
    }
    // Somebody else does not wait.
    other
        .send(masked(TEXT, "me first"))
        .expect(TEXT, "me first");
    for n in 10..60 {
        peer.expect(TEXT, format!("{n}"));
    }
    // 50 messages beyond the burst, 100 a second.
    assert!(
        start.elapsed() >= Duration::from_millis(450),
        "{:?}",
        start.elapsed()
    );
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

/// Not being read must not look like being dead, nor like being slow to close.
#[test]
fn a_slowed_peer_can_still_close() {
    let server = TestServer::echo(Limits {
        message_rate: 50,
        message_burst: 1,
        ..keepalive()
    });
    let mut peer = server.open("/");
    let wire: Vec<u8> = (0..20).flat_map(|n| masked(TEXT, format!("{n}"))).collect();
    peer.send(wire).send(masked(CLOSE, reason(1000, "")));
    for n in 0..20 {
        peer.expect(TEXT, format!("{n}"));
    }
    peer.close(1000);
}

#[test]
fn pings_are_no_message_that_could_be_incomplete() {
    let server = TestServer::of(limits(), |ws| {
        let (_reader, sender) = ws.split();
        for _ in 0..10 {
            sender.ping(b"")?;
            thread::sleep(SHORT / 5);
        }
        Ok(())
    });
    let mut ws = client(server.url("/"))
        .limits(Limits {
            incomplete_message: SHORT,
            ..limits()
        })
        .connect()
        .expect("a connection");
    let deadline = Instant::now() + 2 * SHORT;
    assert!(ws.read_until(Some(deadline)).is_ok());
}
