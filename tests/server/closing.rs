//! How connections end ([RFC 6455, 7](https://www.rfc-editor.org/rfc/rfc6455#section-7)): by whom, with which code, and
//! always within a deadline, whatever the other end does or does not.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use enchufe::protocol::SendError;
use enchufe::{CloseCode, Error, Limits, Message};

use crate::support::peer::{
    CLOSE, End, TEXT, TEXT_BEGINS, field, masked, reason, request, unmasked,
};
use crate::support::server::{PATIENCE, TestServer, limits, wait_until, within};
use crate::support::wire::connect;

/// More than any close deadline in here, and much less than a keepalive.
const SOON: Duration = Duration::from_secs(5);

/// A server whose session does what the first message says, and tells how its reads ended.
fn obedient(limits: Limits) -> (TestServer, Receiver<Result<Option<Message>, Error>>) {
    let (tell, told) = channel();
    let tell = Arc::new(std::sync::Mutex::new(tell));
    let server = TestServer::of(limits, move |mut ws| {
        let Some(Message::Text(word)) = ws.read()? else {
            return Ok(());
        };
        match word.as_str() {
            "return" => return Ok(()),
            "fail" => return Err(Error::SendQueueFull),
            "panic" => panic!("a session that panics, on purpose"),
            "close" => ws.close(CloseCode::Private(4001), "as you wish")?,
            "close from elsewhere" => {
                let sender = ws.sender();
                thread::spawn(move || sender.close(CloseCode::Private(4002), "from elsewhere"))
                    .join()
                    .expect("no panic")?;
            }
            "send after close" => {
                ws.close(CloseCode::NormalClosure, "")?;
                assert!(matches!(ws.send("too late"), Err(Error::Closed)));
                assert!(matches!(ws.ping(b""), Err(Error::Closed)));
            }
            _ => {}
        }
        let outcome = loop {
            match ws.read() {
                Ok(Some(_)) => {}
                other => break other,
            }
        };
        let _ = tell.lock().expect("no panic").send(outcome); // not every test listens
        Ok(())
    });
    (server, told)
}

fn told(outcomes: &Receiver<Result<Option<Message>, Error>>) -> Result<Option<Message>, Error> {
    outcomes.recv_timeout(SOON).expect("the session ends")
}

#[test]
fn a_session_that_returns_closes_with_1000_and_one_that_fails_or_panics_with_1011() {
    let (server, _) = obedient(limits());
    let mut other = server.open("/");
    for (word, code) in [("return", 1000), ("fail", 1011), ("panic", 1011)] {
        let mut peer = server.open("/");
        peer.send(masked(TEXT, word));
        assert_eq!(peer.closes(code), "");
    }
    assert_eq!(server.counters.panics.load(Ordering::Relaxed), 1);
    // Nobody else noticed.
    other.send(masked(TEXT, "close")).close(4001);
}

#[test]
fn the_peers_close_is_answered_with_its_own_code_and_the_server_ends_the_stream() {
    let (server, outcomes) = obedient(limits());
    for (payload, answer) in [
        (reason(1000, "bye"), reason(1000, "bye")),
        (reason(1001, ""), reason(1001, "")),
        (reason(4999, "á".repeat(61)), reason(4999, "á".repeat(61))),
        (Vec::new(), Vec::new()),
    ] {
        let mut peer = server.open("/");
        peer.send(masked(TEXT, "listen"))
            .send(masked(CLOSE, payload));
        peer.expect(CLOSE, answer);
        // 7.1.1: the server closes first; this peer has not.
        assert_eq!(peer.end(), End::Orderly);
        drop(peer);
        assert!(matches!(told(&outcomes), Ok(None)));
    }
}

#[test]
fn what_follows_a_close_is_not_looked_at_and_answered_once() {
    let (server, outcomes) = obedient(limits());
    let mut peer = server.open("/");
    peer.send(masked(TEXT, "listen"));
    peer.send(
        [
            masked(CLOSE, reason(1000, "")),
            masked(CLOSE, reason(1001, "")),
            masked(TEXT, "x"),
            vec![0xff; 99],
        ]
        .concat(),
    );
    peer.close(1000);
    assert_eq!(peer.end(), End::Orderly);
    drop(peer);
    assert!(matches!(told(&outcomes), Ok(None)));
}

#[test]
fn a_close_in_the_middle_of_a_fragmented_message_is_a_close() {
    let (server, outcomes) = obedient(limits());
    let mut peer = server.open("/");
    peer.send(masked(TEXT, "listen"));
    peer.send(masked(TEXT_BEGINS, "never ends"))
        .send(masked(CLOSE, reason(1001, "")));
    peer.close(1001);
    assert_eq!(peer.end(), End::Orderly);
    drop(peer);
    assert!(matches!(told(&outcomes), Ok(None)));
}

#[test]
fn closing_waits_for_the_peers_close_and_then_ends() {
    let (server, outcomes) = obedient(limits());
    let mut peer = server.open("/");
    peer.send(masked(TEXT, "close"));
    assert_eq!(peer.close(4001), "as you wish");
    // Messages that were on their way do not disturb.
    peer.send(masked(TEXT, "still talking"))
        .send(masked(CLOSE, reason(4001, "")));
    assert_eq!(peer.end(), End::Orderly);
    drop(peer);
    assert!(
        matches!(told(&outcomes), Ok(None)),
        "a read after the end is the end again"
    );
}

#[test]
fn nothing_can_be_sent_after_a_close() {
    let (server, outcomes) = obedient(limits());
    let mut peer = server.open("/");
    peer.send(masked(TEXT, "send after close"));
    peer.closes(1000);
    drop(peer);
    assert!(matches!(told(&outcomes), Ok(None)));
}

#[test]
fn a_peer_that_never_answers_the_close_is_given_up() {
    let (server, _) = obedient(limits());
    let start = Instant::now();
    let mut peer = server.open("/");
    peer.send(masked(TEXT, "close"));
    peer.close(4001);
    assert_eq!(peer.end(), End::Orderly);
    assert!(
        start.elapsed() >= limits().close_timeout,
        "it had its time: {:?}",
        start.elapsed()
    );
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    drop(peer);
    server.wait_until_empty();
}

#[test]
fn a_peer_that_talks_instead_of_answering_the_close_is_given_up_too() {
    let (server, _) = obedient(limits());
    let mut peer = server.open("/");
    peer.send(masked(TEXT, "close"));
    peer.close(4001);
    let start = Instant::now();
    while server.counters.open.load(Ordering::Relaxed) > 0 {
        assert!(start.elapsed() < SOON, "it is still listened to");
        peer.try_send(masked(TEXT, "and another thing"));
        thread::sleep(Duration::from_millis(5));
    }
}

/// The thread that reads is blocked when another one sends the Close; the deadline holds for it all the same.
#[test]
fn a_close_from_another_thread_has_a_deadline_as_well() {
    let (server, outcomes) = obedient(limits());
    let mut peer = server.open("/");
    peer.send(masked(TEXT, "close from elsewhere"));
    assert_eq!(peer.close(4002), "from elsewhere");
    assert!(matches!(told(&outcomes), Err(Error::TimedOut)));
    assert_eq!(peer.end(), End::Orderly);
}

#[test]
fn a_close_from_another_thread_ends_a_peer_that_keeps_talking() {
    let (server, _) = obedient(limits());
    let mut peer = server.open("/");
    peer.send(masked(TEXT, "close from elsewhere"));
    assert_eq!(peer.close(4002), "from elsewhere");
    let start = Instant::now();
    while server.counters.open.load(Ordering::Relaxed) > 0 {
        assert!(start.elapsed() < SOON, "it is still listened to");
        peer.try_send(masked(TEXT, "and another thing"));
        thread::sleep(Duration::from_millis(5));
    }
}

/// As above, but the Close comes while the reader is already blocked.
#[test]
fn a_close_that_comes_while_the_reader_is_blocked_has_a_deadline_as_well() {
    let (tell, outcomes) = channel();
    let server = TestServer::of(limits(), move |ws| {
        let tell = tell.clone();
        let (mut reader, sender) = ws.split();
        let closer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100)); // no signal says that a thread blocks in a read
            sender.close(CloseCode::Private(4003), "")
        });
        let outcome = reader.read().map(|_| ());
        closer.join().expect("no panic")?;
        tell.send(outcome).expect("the test listens");
        Ok(())
    });
    let mut peer = server.open("/");
    peer.close(4003);
    assert!(matches!(
        outcomes.recv_timeout(SOON),
        Ok(Err(Error::TimedOut))
    ));
}

#[test]
fn a_peer_that_vanishes_is_an_error_and_no_close() {
    let (server, outcomes) = obedient(limits());
    let mut peer = server.open("/");
    peer.send(masked(TEXT, "listen"));
    drop(peer);
    assert!(matches!(told(&outcomes), Err(Error::ConnectionLost)));
    server.wait_until_empty();
    let abnormal: Vec<_> = server.counters.closes().collect();
    assert_eq!(abnormal, [(1006, 1)]);
}

/// A reset, because the peer dies with bytes unread.
#[test]
fn a_peer_that_resets_is_an_error_and_no_close() {
    let (server, outcomes) = obedient(limits());
    let mut peer = server.open("/");
    peer.send(masked(TEXT, "listen"))
        .send(masked(0x89, "a ping whose pong is never read"));
    wait_until("the pong is there", || {
        server.counters.traffic().bytes_sent > 0
    });
    drop(peer);
    assert!(matches!(told(&outcomes), Err(Error::ConnectionLost)));
}

#[test]
fn every_connection_is_counted_under_one_code() {
    let (server, _) = obedient(limits());
    let mut ends = 0;
    for word in ["return", "fail", "close", "close from elsewhere"] {
        for answer in [true, false] {
            let mut peer = server.open("/");
            peer.send(masked(TEXT, word));
            let close = peer.frame();
            assert_eq!(close.first, CLOSE);
            if answer {
                peer.send(masked(CLOSE, &close.payload));
            }
            ends += 1;
        }
    }
    for payload in [reason(1000, ""), vec![], reason(999, ""), vec![0]] {
        server.open("/").send(masked(CLOSE, payload));
        ends += 1;
    }
    server.wait_until_empty();
    let counted: u64 = server.counters.closes().map(|(_, count)| count).sum();
    assert_eq!(
        counted,
        ends,
        "{:?}",
        server.counters.closes().collect::<Vec<_>>()
    );
}

#[test]
fn stopping_tells_everybody_1001_and_run_returns() {
    let (server, _) = obedient(limits());
    let mut peers: Vec<_> = (0..20).map(|_| server.open("/")).collect();
    // A round trip: everybody is known to be on the WebSocket side.
    for peer in &mut peers {
        peer.send(masked(0x89, "")).expect(0x8a, "");
    }
    let mut waiting = server.connect();
    waiting.send("GET / HT");
    server.wait_for("all are connected", |counters| &counters.open, 21);
    server.handle.stop();
    for peer in &mut peers {
        peer.closes(1001);
    }
    // Who has not finished its request is not waited for.
    waiting.release_buffers();
    assert!(server.stop() < SOON);
    assert!(
        std::net::TcpStream::connect(server.addr).is_err(),
        "nobody listens any more"
    );
}

/// All at once they would all be at the next server's door at once.
#[test]
fn with_time_to_drain_everybody_is_told_at_another_moment_and_nobody_new_gets_in() {
    let drain = Duration::from_millis(500);
    let (server, _) = obedient(Limits {
        shutdown_grace: drain,
        ..limits()
    });
    let mut peers: Vec<_> = (0..10).map(|_| server.open("/")).collect();
    for peer in &mut peers {
        peer.send(masked(0x89, "")).expect(0x8a, "");
    }
    let begin = Instant::now();
    server.handle.stop();
    peers[0].closes(1001);
    let answer = server.connect().send(request("/", "")).answer();
    assert_eq!(answer.status, 503, "after {:?}", begin.elapsed());
    assert!(field(&answer.head, "Retry-After").is_some());
    for (number, peer) in (1..).zip(&mut peers[1..]) {
        peer.closes(1001);
        let least = drain * number / 10;
        assert!(begin.elapsed() >= least, "{number}: {:?}", begin.elapsed());
    }
    server.stop();
    assert!(begin.elapsed() >= drain);
}

#[test]
fn stopping_does_not_wait_for_those_who_do_not_answer() {
    let (server, _) = obedient(limits());
    let mut peers: Vec<_> = (0..5).map(|_| server.open("/")).collect();
    for peer in &mut peers {
        peer.send(masked(0x89, "")).expect(0x8a, "");
    }
    let took = server.stop();
    assert!(took >= limits().close_timeout && took < SOON, "{took:?}");
    for peer in &mut peers {
        peer.close(1001);
    }
}

/// Who has its 101 is told why it ends, however close behind it the stop comes.
#[test]
fn a_stop_in_the_middle_of_handshakes_leaves_nobody_with_a_bare_end() {
    for round in 0..10u64 {
        // Nobody answers the Close here.
        let server = TestServer::echo(Limits {
            close_timeout: Duration::from_millis(200),
            ..limits()
        });
        let mut peers: Vec<_> = (0..30).map(|_| server.connect()).collect();
        for peer in &mut peers {
            peer.try_send(request("/", ""));
        }
        thread::sleep(Duration::from_micros(300 * round)); // a different moment each time
        server.handle.stop();
        for peer in &mut peers {
            let (said, _) = peer.release_buffers();
            if said.starts_with(b"HTTP/1.1 101 ") {
                let told = said.ends_with(&unmasked(CLOSE, reason(1001, "server shutting down")));
                assert!(told, "round {round}: {}", String::from_utf8_lossy(&said));
            }
        }
    }
}

#[test]
fn a_server_may_be_stopped_before_it_runs_and_twice() {
    let server = enchufe::Server::bind("127.0.0.1:0").expect("a free port");
    let handle = server.handle();
    handle.stop();
    handle.stop();
    within(PATIENCE, move || server.run());
}

#[test]
fn a_client_closes_and_sees_how_the_server_closes() {
    let (server, _) = obedient(limits());
    let mut ws = connect(&server.url("/")).expect("a connection");
    ws.send("listen").expect("it is open");
    ws.close(CloseCode::GoingAway, "see you")
        .expect("an answer");
    let echoed = ws.close_reason().expect("a reason");
    assert_eq!(
        (echoed.code, echoed.reason.as_str()),
        (CloseCode::GoingAway, "see you")
    );
    assert!(matches!(ws.read(), Ok(None)));
    assert!(matches!(ws.send("late"), Err(Error::Closed)));
    assert!(
        ws.close(CloseCode::NormalClosure, "").is_ok(),
        "closing twice is no error"
    );

    let mut ws = connect(&server.url("/")).expect("a connection");
    ws.send("close").expect("it is open");
    assert!(matches!(ws.read(), Ok(None)));
    let told = ws.close_reason().expect("a reason");
    assert_eq!(
        (told.code, told.reason.as_str()),
        (CloseCode::Private(4001), "as you wish")
    );
}

#[test]
fn dropping_a_client_closes_with_1000() {
    let (server, outcomes) = obedient(limits());
    let mut ws = connect(&server.url("/")).expect("a connection");
    ws.send("listen").expect("it is open");
    drop(ws);
    assert!(matches!(told(&outcomes), Ok(None)));
    let closes: Vec<_> = server.counters.closes().collect();
    assert_eq!(closes, [(1000, 1)]);
}

#[test]
fn what_must_not_be_sent_is_an_error_and_nothing_is_sent() {
    let (server, _) = obedient(limits());
    let mut ws = connect(&server.url("/")).expect("a connection");
    assert!(matches!(
        ws.ping(&[0; 126]),
        Err(Error::Send(SendError::ControlTooLong))
    ));
    assert!(ws.ping(&[0; 125]).is_ok());
    for code in [
        CloseCode::Private(1005),
        CloseCode::Registered(999),
        CloseCode::Private(5000),
    ] {
        assert!(matches!(
            ws.close(code, ""),
            Err(Error::Send(SendError::InvalidCloseCode(_)))
        ));
    }
    // Nothing of that ended the connection.
    ws.send("close").expect("it is open");
    assert!(matches!(ws.read(), Ok(None)));
}

/// 5.5: a Close holds 123 bytes of reason. What is longer is the caller's mistake, and no half character goes out.
#[test]
fn a_reason_that_is_too_long_is_an_error_and_the_connection_stays() {
    let server = TestServer::of(limits(), |mut ws| {
        let refused = ws.close(CloseCode::NormalClosure, &"€".repeat(42));
        assert!(matches!(
            refused,
            Err(Error::Send(SendError::CloseReasonTooLong))
        ));
        let refused = ws
            .sender()
            .close(CloseCode::NormalClosure, &"x".repeat(124));
        assert!(matches!(
            refused,
            Err(Error::Send(SendError::CloseReasonTooLong))
        ));
        ws.send("still here")?;
        ws.close(CloseCode::NormalClosure, &"€".repeat(41))
    });
    let mut peer = server.open("/");
    peer.expect(TEXT, "still here");
    assert_eq!(peer.closes(1000), "€".repeat(41));
}
