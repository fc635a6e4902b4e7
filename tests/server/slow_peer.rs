//! A peer that does not read: its backlog is bounded, it is told why it is closed, frames stay whole, and nobody waits.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender as Tell, channel};
use std::thread;
use std::time::{Duration, Instant};

use enchufe::{Error, Limits, Sender};

use crate::support::peer::{BINARY, CLOSE, Frame, PING, PONG, Peer, TEXT, masked, reason};
use crate::support::server::{PATIENCE, TestServer, limits, wait_until};
use crate::support::wire::connect;

/// Long enough to read everything that was sent before the Close is given up.
fn patient(max_send_queue: usize) -> Limits {
    Limits {
        max_send_queue,
        close_timeout: Duration::from_secs(3),
        ..limits()
    }
}

/// A server whose sessions hand their sender to the test and then read; and the results of those reads.
fn senders(limits: Limits) -> (TestServer, Receiver<Sender>, Receiver<Result<(), Error>>) {
    let (tell, senders) = channel();
    let (end, ends): (Tell<Result<(), Error>>, _) = channel();
    let server = TestServer::of(limits, move |ws| {
        let (mut reader, sender) = ws.split();
        tell.send(sender).expect("the test listens");
        let outcome = loop {
            match reader.read() {
                Ok(Some(_)) => {}
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let _ = end.send(outcome); // not every test listens
        Ok(())
    });
    (server, senders, ends)
}

/// Everything a peer is sent up to the Close, which it answers.
fn frames(peer: &mut Peer) -> Vec<Frame> {
    let mut frames = Vec::new();
    while frames
        .last()
        .is_none_or(|frame: &Frame| frame.first != CLOSE)
    {
        let frame = peer.frame();
        let known = matches!(frame.first, TEXT | BINARY | CLOSE | PONG);
        assert!(known, "{:#04x} is no frame that was sent", frame.first);
        frames.push(frame);
    }
    peer.try_send(masked(CLOSE, ""));
    assert!(
        peer.release_buffers().0.is_empty(),
        "nothing follows a Close"
    );
    frames
}

fn is_too_slow(frame: &Frame) -> bool {
    frame.first == CLOSE && frame.payload == reason(1008, "too slow")
}

#[test]
fn a_peer_that_does_not_read_is_closed_with_1008_and_nobody_waited() {
    let (server, senders, ends) = senders(patient(1 << 20));
    let mut peer = server.open("/");
    let sender = senders.recv_timeout(PATIENCE).expect("a sender");
    let payload = vec![7; 50_000];
    let start = Instant::now();
    let (mut count, mut longest) = (0, Duration::ZERO);
    let outcome = loop {
        let before = Instant::now();
        match sender.send(&payload) {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
        longest = longest.max(before.elapsed());
        assert!(
            start.elapsed() < PATIENCE,
            "{count} messages of 50 kB and no bound"
        );
    };
    assert!(matches!(outcome, Error::SendQueueFull), "{outcome}");
    assert!(longest < Duration::from_secs(1), "a send took {longest:?}");
    assert_eq!(server.counters.too_slow.load(Ordering::Relaxed), 1);
    assert!(matches!(sender.send("more"), Err(Error::SendQueueFull)));

    // A client that reads at last gets whole messages from the first on, and then the reason.
    let got = frames(&mut peer);
    let (last, messages) = got.split_last().expect("frames");
    assert!(is_too_slow(last), "no Close at the end");
    assert!(!messages.is_empty() && messages.len() < count + 1);
    assert!(
        messages
            .iter()
            .all(|frame| frame.first == BINARY && frame.payload == payload)
    );
    assert!(matches!(
        ends.recv_timeout(PATIENCE),
        Ok(Err(Error::SendQueueFull))
    ));
    server.wait_until_empty();
    assert_eq!(
        server.counters.closes().collect::<Vec<_>>(),
        [(1008, 1)],
        "counted once"
    );
}

/// One message larger than all of the backlog, stuck in its middle: its end comes before the Close all the same.
#[test]
fn a_frame_that_was_begun_is_ended_before_the_close() {
    let (server, senders, _) = senders(patient(64 * 1024));
    for round in 0..2 {
        let mut peer = server.open("/");
        let sender = senders.recv_timeout(PATIENCE).expect("a sender");
        let large = vec![round; 12 << 20]; // more than both socket buffers hold
        let outcome = sender.send(&large);
        let further = sender.send("further");
        assert!(
            matches!(further, Err(Error::SendQueueFull)),
            "{outcome:?}, then {further:?}"
        );
        let got = frames(&mut peer);
        assert_eq!(got[0].payload.len(), large.len());
        assert!(got[0].payload == large, "octets that were never sent");
        let last = got.last().expect("a frame");
        assert!(is_too_slow(last), "no Close at the end");
        assert_eq!(got.len(), 2);
    }
}

/// 5.5.2: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response". Of many that waited, the last.
#[test]
fn a_ping_behind_a_backlog_gets_its_pong_at_last() {
    let (server, senders, _) = senders(patient(32 << 20));
    let mut peer = server.open("/");
    let sender = senders.recv_timeout(PATIENCE).expect("a sender");
    // Until the socket is full and a few messages wait behind it.
    for _ in 0..20 {
        sender.send(vec![7; 1 << 20]).expect("room in the backlog");
    }
    let before = server.counters.traffic().bytes_received;
    let pings = [
        masked(PING, "one"),
        masked(PING, "two"),
        masked(PING, "three"),
    ]
    .concat();
    peer.send(&pings);
    wait_until("the pings are read", || {
        server.counters.traffic().bytes_received == before + pings.len() as u64
    });
    let mut pong = None;
    for n in 0..21 {
        let frame = peer.frame();
        match frame.first {
            BINARY => assert_eq!(frame.payload.len(), 1 << 20, "message {n}"),
            PONG => pong = Some(frame.payload),
            other => panic!("{other:#04x}"),
        }
    }
    assert_eq!(pong.as_deref(), Some(&b"three"[..]));
    // And it is over with the backlog: sends go straight out again.
    sender.send("small").expect("it is open");
    peer.expect(TEXT, "small");
}

/// The backlog drains in order behind what was stuck, whatever comes meanwhile.
#[test]
fn a_peer_that_catches_up_has_missed_nothing() {
    let (server, senders, _) = senders(patient(64 << 20));
    let mut peer = server.open("/");
    let sender = senders.recv_timeout(PATIENCE).expect("a sender");
    let threads: Vec<_> = (0..3u8)
        .map(|thread| {
            let sender = sender.clone();
            thread::spawn(move || {
                for n in 0..150u8 {
                    let length = if n % 10 == 0 { 300_000 } else { 1_000 };
                    sender
                        .send([&[thread, n][..], &vec![thread; length]].concat())
                        .expect("room in the backlog");
                }
            })
        })
        .collect();
    let mut next = [0; 3];
    for count in 0..450 {
        if count == 20 {
            thread::sleep(Duration::from_millis(100)); // falls behind once more
        }
        let frame = peer.frame();
        let thread = usize::from(frame.payload[0]);
        assert_eq!(frame.payload[1], next[thread]);
        assert!(
            frame.payload[2..]
                .iter()
                .all(|octet| usize::from(*octet) == thread)
        );
        next[thread] += 1;
    }
    for thread in threads {
        thread.join().expect("no panic");
    }
    sender.send("done").expect("it is open");
    peer.expect(TEXT, "done");
}

/// An echo whose peer never reads stops reading too: the peer holds up itself, and nothing piles up.
#[test]
fn a_session_that_answers_on_its_own_thread_waits_for_its_peer() {
    let server = TestServer::echo(patient(1 << 20));
    let mut peer = server.open("/");
    let payload = vec![7; 100_000];
    let sender = {
        let mut talker = peer.second_handle();
        let wire = masked(BINARY, &payload);
        thread::spawn(move || {
            for _ in 0..200 {
                talker.send(&wire); // 20 MB, more than sockets hold
            }
        })
    };
    let mut other = server.open("/");
    other
        .send(masked(TEXT, "meanwhile"))
        .expect(TEXT, "meanwhile");
    for _ in 0..200 {
        peer.expect(BINARY, &payload);
    }
    sender.join().expect("no panic");
    assert_eq!(server.counters.too_slow.load(Ordering::Relaxed), 0);
}

/// The peer neither reads nor answers: the Close has a deadline, and the socket goes.
#[test]
fn a_close_that_nobody_takes_is_given_up() {
    let (server, senders, ends) = senders(Limits {
        close_timeout: Duration::from_millis(300),
        max_send_queue: 1 << 20,
        ..limits()
    });
    let peer = server.open("/");
    let sender = senders.recv_timeout(PATIENCE).expect("a sender");
    let start = Instant::now();
    while sender.send(vec![7; 100_000]).is_ok() {
        assert!(start.elapsed() < PATIENCE);
    }
    assert!(
        ends.recv_timeout(PATIENCE)
            .expect("the session ends")
            .is_err()
    );
    server.wait_until_empty();
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    drop(peer);
}

/// A slow reader may be a busy talker; its own messages must not turn the end of the stream into a reset that eats the
/// reason.
#[test]
fn a_slow_peer_that_keeps_talking_can_still_read_why() {
    let (server, senders, _) = senders(patient(1 << 20));
    let mut peer = server.open("/");
    let sender = senders.recv_timeout(PATIENCE).expect("a sender");
    while sender.send(vec![7; 100_000]).is_ok() {}
    for _ in 0..10 {
        peer.try_send(masked(TEXT, "I do not listen"));
    }
    let got = frames(&mut peer);
    let last = got.last().expect("frames");
    assert!(is_too_slow(last), "no Close at the end");
}

#[test]
fn the_client_has_a_backlog_as_well() {
    // A server that does not read.
    let (release, released) = channel::<()>();
    let released = Arc::new(std::sync::Mutex::new(released));
    let server = TestServer::of(limits(), move |_ws| {
        let _ = released.lock().expect("no panic").recv_timeout(PATIENCE);
        Ok(())
    });
    let (_reader, sender) = connect(&server.url("/")).expect("a connection").split();
    let start = Instant::now();
    let error = loop {
        if let Err(error) = sender.send(vec![7; 100_000]) {
            break error;
        }
        assert!(start.elapsed() < PATIENCE, "no bound");
    };
    assert!(matches!(error, Error::SendQueueFull), "{error}");
    release.send(()).expect("the session waits");
}
