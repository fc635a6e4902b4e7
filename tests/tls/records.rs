//! What goes on below the messages of an open connection: records in pieces, new keys, an end that may be an attack.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use enchufe::{Error, Limits};

use crate::support::peer::{BINARY, CLOSE, End, PING, PONG, Peer, TEXT, masked, reason};
use crate::support::server::{PATIENCE, TestServer, limits};
use crate::support::tls::Tls;
use crate::support::wire::Wire;

/// A peer, and a second hand on its TLS.
fn open(server: &TestServer) -> (Peer, Tls) {
    let tls = Tls::client(TcpStream::connect(server.addr).expect("a connection"));
    let hand = tls.try_clone().expect("a live socket");
    let mut peer = Peer::on(Wire::Tls(tls));
    peer.upgrade("/");
    (peer, hand)
}

/// An echo, and how its sessions ended.
fn echo(limits: Limits) -> (TestServer, Receiver<Result<(), Error>>) {
    let (tell, told) = channel();
    let server = TestServer::of(limits, move |ws| {
        let outcome = crate::support::server::echo(ws);
        let _ = tell.send(outcome); // not every test listens
        Ok(())
    });
    (server, told)
}

/// The records of these bytes, not yet sent.
fn sealed(hand: &Tls, bytes: &[u8]) -> Vec<u8> {
    let mut records = Vec::new();
    let mut state = hand.state();
    state.writer().write_all(bytes).expect("room for them");
    while state.wants_write() {
        state.write_tls(&mut records).expect("a vector");
    }
    records
}

#[test]
fn a_record_may_come_octet_by_octet_and_be_cut_anywhere() {
    let server = TestServer::echo(limits());
    let (mut peer, mut hand) = open(&server);
    for octet in sealed(&hand, &masked(TEXT, "one octet at a time")) {
        hand.tcp.write_all(&[octet]).expect("it is open");
    }
    peer.expect(TEXT, "one octet at a time");
    let records = sealed(&hand, &masked(BINARY, vec![7; 40_000]));
    for piece in records.chunks(1_000) {
        hand.tcp.write_all(piece).expect("it is open");
    }
    peer.expect(BINARY, vec![7; 40_000]);
}

/// Many records in one segment, and many messages in one record.
#[test]
fn messages_and_records_need_not_have_the_same_borders() {
    let server = TestServer::echo(limits());
    let (mut peer, mut hand) = open(&server);
    let messages: Vec<Vec<u8>> = (0..500u32).map(|n| vec![n as u8; n as usize]).collect();
    let wire: Vec<u8> = messages.iter().flat_map(|it| masked(BINARY, it)).collect();
    for size in [1, 7, 1_000, 16_384] {
        let records: Vec<u8> = wire
            .chunks(size)
            .take(4_000)
            .flat_map(|piece| sealed(&hand, piece))
            .collect();
        let sent = wire.len().min(size * 4_000);
        let mut talker = hand.try_clone().expect("a live socket");
        let rest = wire[sent..].to_vec();
        let talking = thread::spawn(move || {
            talker.tcp.write_all(&records).expect("it is taken");
            talker.write_all(&rest).expect("it is taken");
        });
        for message in &messages {
            peer.expect(BINARY, message);
        }
        talking.join().expect("no panic");
    }
    hand.write_all(&masked(TEXT, "done")).expect("it is open");
    peer.expect(TEXT, "done");
}

/// RFC 8446, 4.6.3: either side may change its keys at any time, and ask the other to do so too.
#[test]
fn new_keys_in_the_middle_of_everything_lose_nothing() {
    let server = TestServer::echo(Limits {
        max_send_queue: 32 << 20,
        ..limits()
    });
    let (mut peer, mut hand) = open(&server);
    let talking = thread::spawn(move || {
        for n in 0..200u32 {
            if n % 5 == 0 {
                hand.state().refresh_traffic_keys().expect("TLS 1.3");
            }
            hand.write_all(&masked(BINARY, vec![n as u8; 20_000]))
                .expect("it is taken");
        }
    });
    for n in 0..200u32 {
        peer.expect(BINARY, vec![n as u8; 20_000]);
    }
    talking.join().expect("no panic");
}

/// RFC 8446, 6.1: without close_notify the end may be an attacker's doing. For us it is an end without a Close, regardless who
/// made it.
#[test]
fn a_stream_that_is_cut_is_an_error_and_no_close() {
    let (server, told) = echo(limits());
    let (mut peer, hand) = open(&server);
    peer.send(masked(TEXT, "hello")).expect(TEXT, "hello");
    hand.tcp.shutdown(Shutdown::Write).expect("a live socket");
    let outcome = told.recv_timeout(PATIENCE).expect("the session ends");
    assert!(matches!(outcome, Err(Error::ConnectionLost)), "{outcome:?}");
    assert_eq!(server.counters.closes().collect::<Vec<_>>(), [(1006, 1)]);
    assert_eq!(peer.end(), End::Orderly);
}

/// A stream cut after a header must not make half a message pass for a whole one.
#[test]
fn half_a_message_before_a_cut_is_no_message() {
    let (server, told) = echo(limits());
    let (_peer, mut hand) = open(&server);
    hand.write_all(&masked(TEXT, "half of it")[..10])
        .expect("it is open");
    hand.tcp.shutdown(Shutdown::Write).expect("a live socket");
    let outcome = told.recv_timeout(PATIENCE).expect("the session ends");
    assert!(matches!(outcome, Err(Error::ConnectionLost)), "{outcome:?}");
    assert_eq!(server.counters.traffic().messages_received, 0);
}

#[test]
fn octets_that_were_tampered_with_end_the_connection_with_an_alert() {
    for what in ["another octet", "no record", "a record too long"] {
        let (server, told) = echo(limits());
        let (mut peer, mut hand) = open(&server);
        peer.send(masked(TEXT, "hello")).expect(TEXT, "hello");
        let mut records = sealed(&hand, &masked(TEXT, "transfer 100 to ana"));
        match what {
            "another octet" => records[20] ^= 1,
            "no record" => records = b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            _ => records = [&[23, 3, 3, 0xff, 0xff][..], &[0; 100]].concat(),
        }
        hand.tcp.write_all(&records).expect("it is open");
        let outcome = told.recv_timeout(PATIENCE).expect("the session ends");
        assert!(matches!(outcome, Err(Error::Io(_))), "{what}: {outcome:?}");
        let refusal = loop {
            match hand.read(&mut [0; 100]) {
                Ok(0) => panic!("{what}: an orderly end"),
                Ok(_) => {}
                Err(error) => break error.to_string(),
            }
        };
        assert!(refusal.contains("alert"), "{what}: {refusal}");
        assert_eq!(server.counters.traffic().messages_received, 1, "{what}");
        server.wait_until_empty();
    }
}

/// What came whole before it still counts.
#[test]
fn what_was_received_before_the_damage_is_handed_out() {
    let (server, told) = echo(limits());
    let (peer, mut hand) = open(&server);
    let good = sealed(&hand, &masked(TEXT, "good"));
    hand.tcp
        .write_all(&[&good[..], b"and then nonsense"].concat())
        .expect("it is open");
    assert!(
        told.recv_timeout(PATIENCE)
            .expect("the session ends")
            .is_err()
    );
    assert_eq!(server.counters.traffic().messages_received, 1);
    drop(peer);
    server.wait_until_empty();
}

/// A sign of life, as an byte of a message is without TLS.
#[test]
fn octets_of_a_record_that_is_not_whole_show_that_the_peer_is_there() {
    let time = Duration::from_millis(200);
    let server = TestServer::echo(Limits {
        ping_interval: Some(time),
        pong_timeout: time,
        ..limits()
    });
    let (mut peer, mut hand) = open(&server);
    let start = Instant::now();
    for octet in sealed(&hand, &masked(TEXT, vec![b'x'; 100])) {
        hand.tcp.write_all(&[octet]).expect("it is open");
        thread::sleep(time / 20);
    }
    assert!(start.elapsed() > 3 * time);
    loop {
        let frame = peer.frame();
        match frame.first {
            PING => drop(peer.send(masked(PONG, &frame.payload))),
            first => break assert_eq!(first, TEXT),
        }
    }
}

/// RFC 8446, 6.1: "Each party MUST send a close_notify alert before closing its write side".
#[test]
fn every_orderly_end_is_said_in_tls_too() {
    let server = TestServer::echo(limits());
    let (mut peer, _) = open(&server);
    peer.send(masked(CLOSE, reason(1000, ""))).close(1000);
    assert_eq!(peer.end(), End::Orderly);
    let mut peer = server.connect();
    peer.send("nonsense\r\n\r\n");
    assert_eq!(peer.answer().status, 400);
    assert_eq!(peer.end(), End::Orderly);
}
