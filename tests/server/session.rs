//! An open connection as the library's user has it: `serve`, `connect`, `split`, and what travels between them.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use enchufe::http::Response;
use enchufe::net::{Reply, RequestContext, Upgrade};
use enchufe::protocol::MessageLimits;
use enchufe::{Error, Incoming, Limits, Message};

use crate::support::peer::{
    BINARY, BINARY_BEGINS, End, LAST, MORE, PING, PONG, TEXT, TEXT_BEGINS, field, masked, request,
};
use crate::support::server::{PATIENCE, TestServer, echo, limits, within};
use crate::support::wire::{client, connect};

#[test]
fn text_and_binary_of_every_length_form_come_back_as_they_were() {
    let server = TestServer::echo(limits());
    let mut ws = connect(&server.url("/")).expect("a connection");
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 300_000, 1 << 20] {
        let text = "a".repeat(length);
        ws.send(&text).expect("it is open");
        assert_eq!(ws.read().expect("an echo"), Some(Message::Text(text)));
        let bytes: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
        ws.send(&bytes).expect("it is open");
        assert_eq!(ws.read().expect("an echo"), Some(Message::Binary(bytes)));
    }
}

#[test]
fn serve_runs_a_session_for_every_connection() {
    // `serve` never returns, so its thread stays behind; the port is taken and given back for it.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let address = port.expect("a free port");
    thread::spawn(move || enchufe::serve(address, echo));
    let deadline = Instant::now() + PATIENCE;
    let mut ws = loop {
        match connect(&format!("ws://{address}/any/path?at=all")) {
            Ok(ws) => break ws,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    };
    ws.send("hola").expect("it is open");
    assert_eq!(ws.read().expect("an echo"), Some(Message::from("hola")));
    assert_eq!(ws.peer_addr(), Some(address));
}

#[test]
fn fragments_arrive_as_one_message_with_pings_answered_in_between() {
    let server = TestServer::echo(limits());
    let mut peer = server.open("/");
    peer.send(masked(TEXT_BEGINS, "á€".as_bytes().split_at(3).0))
        .send(masked(PING, "there?"))
        .expect(PONG, "there?")
        .send(masked(MORE, ""))
        .send(masked(MORE, "á€".as_bytes().split_at(3).1))
        .send(masked(PONG, "nobody asked"))
        .send(masked(LAST, "!"))
        .expect(TEXT, "á€!");
    peer.send(masked(BINARY_BEGINS, [0xff]))
        .send(masked(LAST, [0xfe]))
        .expect(BINARY, [0xff, 0xfe]);
}

#[test]
fn a_thousand_messages_in_one_segment_are_answered_in_order() {
    let server = TestServer::echo(limits());
    let mut peer = server.open("/");
    let wire: Vec<u8> = (0..1_000)
        .flat_map(|n| masked(TEXT, format!("message {n}")))
        .collect();
    peer.send(wire);
    for n in 0..1_000 {
        peer.expect(TEXT, format!("message {n}"));
    }
}

/// Replies that are kept while more messages wait must not stay behind when what waits is no message.
#[test]
fn the_last_reply_of_a_burst_is_not_kept_back() {
    let server = TestServer::echo(limits());
    for tail in [
        masked(PING, "p"),
        masked(PONG, "p"),
        masked(TEXT, "half")[..5].to_vec(),
        masked(TEXT_BEGINS, "half"),
    ] {
        let mut peer = server.open("/");
        peer.send([masked(TEXT, "one"), masked(TEXT, "two"), tail].concat());
        peer.expect(TEXT, "one").expect(TEXT, "two");
    }
}

/// A peer may end its direction and still read what it asked for.
#[test]
fn a_half_closed_peer_gets_its_answers() {
    let server = TestServer::echo(limits());
    let mut peer = server.open("/");
    peer.send([masked(TEXT, "one"), masked(TEXT, "two")].concat())
        .end_writing();
    peer.expect(TEXT, "one").expect(TEXT, "two");
    assert_eq!(peer.end(), End::Orderly);
    server.wait_until_empty();
}

#[test]
fn a_split_client_sends_on_one_thread_and_reads_on_another() {
    const MESSAGES: u32 = 5_000;
    let server = TestServer::echo(limits());
    let ws = connect(&server.url("/")).expect("a connection");
    let (mut reader, sender) = ws.split();
    let writer = thread::spawn(move || -> Result<(), Error> {
        for n in 0..MESSAGES {
            // Small and large in turn: the large ones take more than one write.
            let length = if n % 500 == 0 { 300_000 } else { 20 };
            sender.send([&n.to_be_bytes()[..], &vec![n as u8; length]].concat())?;
        }
        Ok(())
    });
    let deadline = Some(Instant::now() + PATIENCE);
    for n in 0..MESSAGES {
        match reader.read_until(deadline).expect("an echo") {
            Incoming::Message(message) => assert_eq!(message.payload()[..4], n.to_be_bytes()),
            other => panic!("{other:?} instead of message {n}"),
        }
    }
    writer.join().expect("no panic").expect("all sent");
}

/// Both ends send as fast as they can while both read: nobody waits for the other in a circle.
#[test]
fn both_ends_may_send_and_read_at_once() {
    const MESSAGES: usize = 300;
    let payload = vec![7; 20_000]; // 6 MB each way, more than sockets hold
    let sent = payload.clone();
    let roomy = || Limits {
        max_send_queue: 16 << 20, // a thread that sends without waiting needs room for all of it
        ..limits()
    };
    let server = TestServer::of(roomy(), move |ws| {
        let (mut reader, sender) = ws.split();
        let payload = payload.clone();
        let writer = thread::spawn(move || (0..MESSAGES).try_for_each(|_| sender.send(&payload)));
        for _ in 0..MESSAGES {
            reader.read()?;
        }
        writer.join().expect("no panic")
    });
    let url = server.url("/");
    within(PATIENCE, move || {
        let client = client(url).limits(roomy());
        let (mut reader, sender) = client.connect().expect("a connection").split();
        let writer = thread::spawn(move || (0..MESSAGES).try_for_each(|_| sender.send(&sent)));
        let mut count = 0;
        while let Some(message) = reader.read().expect("no error") {
            assert_eq!(message.payload().len(), 20_000);
            count += 1;
        }
        assert_eq!(count, MESSAGES);
        writer.join().expect("no panic").expect("all sent");
    });
}

/// Frames of several threads never mix, and each thread's messages keep their order.
#[test]
fn clones_of_a_sender_take_turns_frame_by_frame() {
    const THREADS: usize = 4;
    const MESSAGES: usize = 500;
    let server = TestServer::of(
        Limits {
            max_send_queue: 64 << 20,
            ..limits()
        },
        |ws| {
            let (mut reader, sender) = ws.split();
            let threads = (0..THREADS).map(|thread| {
                let sender = sender.clone();
                thread::spawn(move || {
                    (0..MESSAGES).try_for_each(|n| {
                        let length = if n % 50 == 0 { 40_000 } else { n % 200 };
                        sender.send(
                            [
                                &[thread as u8][..],
                                &n.to_be_bytes(),
                                &vec![thread as u8; length],
                            ]
                            .concat(),
                        )
                    })
                })
            });
            for thread in threads.collect::<Vec<_>>() {
                thread.join().expect("no panic")?;
            }
            reader.read()?; // until the peer has seen it all
            Ok(())
        },
    );
    let mut ws = connect(&server.url("/")).expect("a connection");
    let mut next = [0usize; THREADS];
    for _ in 0..THREADS * MESSAGES {
        let Some(Message::Binary(payload)) = ws.read().expect("a message") else {
            panic!("no binary message");
        };
        let thread = usize::from(payload[0]);
        assert_eq!(payload[1..9], next[thread].to_be_bytes());
        assert!(
            payload[9..]
                .iter()
                .all(|octet| usize::from(*octet) == thread)
        );
        next[thread] += 1;
    }
    ws.close(enchufe::CloseCode::NormalClosure, "")
        .expect("an answer");
}

/// What the session's own thread keeps must go out before, not after, what another thread sends later.
#[test]
fn a_send_of_another_thread_takes_kept_replies_along() {
    let (tell, told) = channel();
    let told = std::sync::Mutex::new(told);
    let server = TestServer::of(limits(), move |ws| {
        let (mut reader, sender) = ws.split();
        while let Some(message) = reader.read()? {
            sender.send(message)?;
            let other = sender.clone();
            thread::spawn(move || other.send("from another thread"))
                .join()
                .expect("no panic")?;
            // The reply must be on its way although this thread does not read on.
            told.lock()
                .expect("no panic")
                .recv_timeout(PATIENCE)
                .expect("the test goes on");
        }
        Ok(())
    });
    let mut peer = server.open("/");
    peer.send([masked(TEXT, "one"), masked(TEXT, "two")].concat());
    for text in ["one", "two"] {
        peer.expect(TEXT, text).expect(TEXT, "from another thread");
        tell.send(()).expect("the session listens");
    }
}

#[test]
fn the_subprotocol_is_what_both_know_and_nothing_otherwise() {
    let server = TestServer::with(limits(), |call: &RequestContext<'_>| {
        let Some(Ok(offer)) = &call.offer else {
            return Reply::Respond(Response::not_found());
        };
        let mut upgrade = Upgrade::new(|mut ws| {
            let name = ws.subprotocol().unwrap_or("none").to_owned();
            ws.send(name)
        });
        if let Some(name) = offer.choose(&["chat", "superchat"]) {
            upgrade = upgrade.subprotocol(name);
        }
        Reply::Upgrade(upgrade)
    });
    for (offered, chosen) in [
        (&["superchat", "chat"][..], Some("superchat")),
        (&["other", "chat"], Some("chat")),
        (&["CHAT"], None),
        (&[], None),
    ] {
        let mut client = client(server.url("/"));
        for name in offered {
            client = client.subprotocol(*name);
        }
        let mut ws = client.connect().expect("a connection");
        assert_eq!(ws.subprotocol(), chosen);
        let told = ws.read().expect("a message");
        assert_eq!(told, Some(Message::from(chosen.unwrap_or("none"))));
    }
}

/// A service that insists on a subprotocol that nobody offered does not get to name it
/// ([RFC 6455, 4.2.2](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2), step 5.5).
#[test]
fn a_subprotocol_that_was_not_offered_is_not_answered() {
    let server = TestServer::with(limits(), |_: &RequestContext<'_>| {
        Reply::Upgrade(
            Upgrade::new(|mut ws| ws.send(ws.subprotocol().unwrap_or("none").to_owned()))
                .subprotocol("mine"),
        )
    });
    let mut peer = server.connect();
    peer.send(request("/", "Sec-WebSocket-Protocol: yours\r\n"));
    assert_eq!(field(&peer.head(), "Sec-WebSocket-Protocol"), None);
    // The session must not believe in it either: the peer does not speak it.
    peer.expect(TEXT, "none");
}

#[test]
fn extra_headers_travel_both_ways() {
    let server = TestServer::with(limits(), |call: &RequestContext<'_>| {
        let token = call
            .request
            .headers
            .get("Authorization")
            .unwrap_or("nobody")
            .to_owned();
        Reply::Upgrade(
            Upgrade::new(move |mut ws| ws.send(&token))
                .header("Set-Cookie", "a=b")
                .header("Set-Cookie", "c=d"),
        )
    });
    let mut ws = client(server.url("/"))
        .header("Authorization", "Bearer 123")
        .connect()
        .expect("a connection");
    assert_eq!(
        ws.read().expect("a message"),
        Some(Message::from("Bearer 123"))
    );
    let head = server.connect().upgrade("/");
    assert_eq!(head.matches("Set-Cookie: ").count(), 2, "{head}");
}

/// A header that would break the 101 is a mistake of the service, and the peer gets a whole answer all the same.
#[test]
fn a_header_that_would_break_the_answer_is_500() {
    for (name, value) in [
        ("X", "a\r\nSet-Cookie: stolen=1"),
        ("Sec-WebSocket-Accept", "x"),
        ("", "y"),
    ] {
        let server = TestServer::with(limits(), move |_: &RequestContext<'_>| {
            Reply::Upgrade(Upgrade::new(echo).header(name, value))
        });
        let mut peer = server.connect();
        peer.send(request("/", ""));
        let answer = peer.answer();
        assert_eq!(answer.status, 500);
        assert!(!answer.head.contains("stolen"), "{}", answer.head);
    }
}

#[test]
fn routes_have_their_own_sessions_and_the_service_gets_the_rest() {
    let server = enchufe::Server::bind("127.0.0.1:0")
        .and_then(|server| server.also_bind("127.0.0.1:0"))
        .expect("two free ports")
        .limits(limits())
        .route("/echo", echo)
        .route("/greet", |mut ws| ws.send("hello"))
        .service(|_: &RequestContext<'_>| Reply::Respond(Response::not_found()));
    let addresses = server.local_addrs();
    let handle = server.handle();
    let running = thread::spawn(move || server.run());
    for address in addresses {
        let mut ws = connect(&format!("ws://{address}/greet")).expect("a connection");
        assert_eq!(ws.read().expect("a message"), Some(Message::from("hello")));
        assert_eq!(ws.read().expect("a close"), None);
        let mut ws = connect(&format!("ws://{address}/echo?a=b")).expect("a connection");
        ws.send("x").expect("it is open");
        assert_eq!(ws.read().expect("an echo"), Some(Message::from("x")));
        match connect(&format!("ws://{address}/other")) {
            Err(Error::UnexpectedStatus(refused)) => assert_eq!(refused.status, 404),
            other => panic!("{other:?}"),
        }
        ws.close(enchufe::CloseCode::NormalClosure, "")
            .expect("an answer");
    }
    handle.stop();
    within(PATIENCE, move || running.join()).expect("no panic");
}

#[test]
fn a_deadline_of_the_callers_own_interrupts_a_read_and_loses_nothing() {
    let server = TestServer::echo(limits());
    let mut ws = connect(&server.url("/")).expect("a connection");
    let start = Instant::now();
    for _ in 0..3 {
        let deadline = Instant::now() + Duration::from_millis(30);
        assert!(matches!(
            ws.read_until(Some(deadline)),
            Ok(Incoming::Deadline)
        ));
        assert!(Instant::now() >= deadline);
    }
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    ws.send("still here").expect("it is open");
    match ws.read_until(Some(Instant::now() + PATIENCE)) {
        Ok(Incoming::Message(message)) => assert_eq!(message.text(), Some("still here")),
        other => panic!("{other:?}"),
    }
}

/// A deadline in the middle of a frame: what has come of it stays.
#[test]
fn a_deadline_in_the_middle_of_a_frame_keeps_its_beginning() {
    let (tell, told) = channel();
    let told = std::sync::Mutex::new(told);
    let server = TestServer::of(limits(), move |mut ws| {
        let deadline = Some(Instant::now() + Duration::from_millis(50));
        assert!(matches!(ws.read_until(deadline)?, Incoming::Deadline));
        ws.send("go on")?;
        told.lock()
            .expect("no panic")
            .recv_timeout(PATIENCE)
            .expect("the test goes on");
        echo(ws)
    });
    let mut peer = server.open("/");
    let wire = masked(TEXT, "in two parts");
    peer.send(&wire[..8]).expect(TEXT, "go on").send(&wire[8..]);
    tell.send(()).expect("the session listens");
    peer.expect(TEXT, "in two parts");
}

/// A service that looks in now and then, with a deadline that has already come, still gets what is there.
#[test]
fn a_deadline_that_has_come_still_hands_out_what_the_buffer_holds() {
    let server = TestServer::of(limits(), |mut ws| {
        ws.read()?;
        match ws.read_until(Some(Instant::now()))? {
            Incoming::Message(message) => assert_eq!(message.text(), Some("two")),
            other => panic!("{other:?}"),
        }
        Ok(())
    });
    let mut peer = server.open("/");
    peer.send([masked(TEXT, "one"), masked(TEXT, "two")].concat());
    peer.closes(1000);
}

#[test]
fn limits_on_messages_are_the_routes_own_and_may_change() {
    let small = |max_message| MessageLimits {
        max_message,
        ..MessageLimits::default()
    };
    let server = TestServer::with(limits(), move |call: &RequestContext<'_>| {
        match call.request.path() {
            "/small" => Reply::Upgrade(Upgrade::new(echo).message_limits(small(4))),
            _ => Reply::Upgrade(
                Upgrade::new(move |ws| {
                    let (mut reader, sender) = ws.split();
                    while let Some(message) = reader.read()? {
                        sender.send(message)?;
                        reader.set_message_limits(small(8));
                    }
                    Ok(())
                })
                .message_limits(small(4)),
            ),
        }
    });
    let mut peer = server.open("/small");
    peer.send(masked(TEXT, "four")).expect(TEXT, "four");
    peer.send(masked(TEXT, "fives"));
    peer.closes(1009);
    let mut peer = server.open("/growing");
    peer.send(masked(TEXT, "four")).expect(TEXT, "four");
    peer.send(masked(TEXT, "eight...")).expect(TEXT, "eight...");
    peer.send(masked(TEXT, "nine....."));
    peer.closes(1009);
}

#[test]
fn any_text_is_taken_where_the_route_says_so() {
    let server = TestServer::with(limits(), |_: &RequestContext<'_>| {
        Reply::Upgrade(
            Upgrade::new(|ws| {
                let (mut reader, sender) = ws.split();
                while let Some(message) = reader.read()? {
                    sender.send(message.payload())?;
                }
                Ok(())
            })
            .accept_any_text(),
        )
    });
    let mut peer = server.open("/");
    peer.send(masked(TEXT, b"\xff\xfe"))
        .expect(BINARY, b"\xff\xfe");
    peer.send(masked(TEXT_BEGINS, b"\xff"))
        .send(masked(LAST, b"\xfe"))
        .expect(BINARY, b"\xff\xfe");
    // The reason of a Close is text all the same.
    peer.send(masked(0x88, b"\x03\xe8\xff"));
    peer.closes(1007);
}

#[cfg(all(unix, feature = "cli"))]
#[test]
fn inspect_draws_every_frame_it_receives() {
    let server = crate::support::server_process::ServerProcess::start(&[]);
    let mut peer = server.open("/inspect");
    for (wire, words) in [
        (masked(TEXT, "Hello"), &["FIN=1", "opcode=1", "Hello"][..]),
        (masked(TEXT_BEGINS, "Hel"), &["FIN=0", "opcode=1", "Hel"]),
        (masked(PING, "there?"), &["opcode=9", "there?"]),
    ] {
        peer.send(wire);
        let frame = peer.frame();
        let drawing = String::from_utf8(frame.payload).expect("text");
        for word in words {
            assert!(drawing.contains(word), "{word} is not in\n{drawing}");
        }
        if words[0] == "opcode=9" {
            peer.expect(PONG, "there?");
        }
    }
}
