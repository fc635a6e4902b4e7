//! From ACCEPT to the 101, or to an answer that says why not. Whatever a peer sends, it gets to read that answer: no reset
//! eats it, however much the peer sent behind what was refused
//! ([RFC 9112, 9.6](https://www.rfc-editor.org/rfc/rfc9112#section-9.6)).

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use enchufe::handshake::HandshakeError;
use enchufe::handshake::check_origin;
use enchufe::http::Response;
use enchufe::net::{Reply, RequestContext, Upgrade};
use enchufe::{Error, Limits};

use crate::support::peer::{
    ACCEPT, CLOSE, End, Peer, TEXT, field, masked, reason, request, unmasked,
};
use crate::support::server::{TestServer, echo, limits, wait_until};
use crate::support::wire::client;

/// Pages as `/page`, an echo as `/echo`, 404 for the rest, and a session that never should run.
fn site(call: &RequestContext<'_>) -> Reply {
    match (call.request.path(), &call.offer) {
        ("/page", None) => {
            Reply::Respond(Response::new(200).text(format!("a page for {}", call.request.method)))
        }
        ("/echo", _) => Reply::Upgrade(Upgrade::new(echo)),
        ("/panic", _) => panic!("a service that panics, on purpose"),
        _ => Reply::Respond(Response::not_found()),
    }
}

/// 4.2.2, steps 2 and 3: who is there, and where else it is.
#[test]
fn a_service_may_answer_an_upgrade_with_any_status_and_fields() {
    let fields = |status| match status {
        301 | 302 | 307 | 308 => ("Location", "wss://elsewhere.example/chat"),
        401 => ("WWW-Authenticate", "Basic realm=\"here\""),
        _ => ("X-Reason", "because"),
    };
    let server = TestServer::with(limits(), move |call: &RequestContext<'_>| {
        assert!(matches!(call.offer, Some(Ok(_))));
        let status = call.request.path()[1..].parse().expect("a status");
        let (name, value) = fields(status);
        let response = Response::new(status).header(name, value);
        Reply::Respond(response.text("words\n"))
    });
    for status in [200, 301, 302, 307, 308, 401, 403, 404, 409, 418, 500, 503] {
        let answer = server
            .connect()
            .send(request(&format!("/{status}"), ""))
            .answer();
        let (name, value) = fields(status);
        assert_eq!(answer.status, status);
        assert_eq!(field(&answer.head, name), Some(value));
        assert_eq!(field(&answer.head, "Sec-WebSocket-Accept"), None);
        assert_eq!(answer.body, "words\n");

        let error = client(server.url(&format!("/{status}"))).connect();
        match error.expect_err("it is no 101") {
            Error::UnexpectedStatus(refused) => {
                assert_eq!(refused.status, status);
                assert_eq!(refused.headers.get(name), Some(value));
            }
            other => panic!("{status}: {other}"),
        }
    }
    assert_eq!(server.counters.upgraded.load(Ordering::Relaxed), 0);
}

fn without(line: &str) -> String {
    let whole = request("/echo", "");
    let start = whole.find(line).expect("the line");
    let end = start + whole[start..].find("\r\n").expect("its end") + 2;
    format!("{}{}", &whole[..start], &whole[end..])
}

/// What is wrong, the status that says so, a field that has to go with it, and the bytes.
type Refusal = (
    &'static str,
    u16,
    Option<(&'static str, &'static str)>,
    String,
);

fn refusals() -> Vec<Refusal> {
    let with = |line: &str| request("/echo", line);
    let key = |key: &str| {
        without("Sec-WebSocket-Key")
            .replace("\r\n\r\n", &format!("\r\nSec-WebSocket-Key: {key}\r\n\r\n"))
    };
    vec![
        (
            "no HTTP at all",
            400,
            None,
            "{\"type\":\"register\"}\r\n\r\n".into(),
        ),
        (
            "a TLS handshake",
            400,
            None,
            "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}".into(),
        ),
        (
            "another protocol",
            400,
            None,
            "SSH-2.0-OpenSSH_9.6\r\n".into(),
        ),
        (
            "HTTP/2",
            400,
            None,
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
        ),
        ("no Host", 400, None, without("Host")),
        ("no Upgrade", 400, None, without("Upgrade: websocket")),
        ("no Connection", 400, None, without("Connection")),
        ("no key", 400, None, without("Sec-WebSocket-Key")),
        ("a key of 15 octets", 400, None, key("AAAAAAAAAAAAAAAAAAAA")),
        (
            "two keys",
            400,
            None,
            with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
        ),
        (
            "a GET with content",
            400,
            None,
            with("Content-Length: 5\r\n"),
        ),
        (
            "a list of subprotocols without one",
            400,
            None,
            with("Sec-WebSocket-Protocol: ,\r\n"),
        ),
        (
            "an origin that is not ours",
            403,
            None,
            with("Origin: http://evil.example\r\n"),
        ),
        (
            "a path that nobody serves",
            404,
            None,
            request("/nowhere", ""),
        ),
        (
            "a POST",
            405,
            Some(("Allow", "GET")),
            with("").replace("GET", "POST"),
        ),
        (
            "content beyond the limit",
            413,
            None,
            "POST /page HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n".into(),
        ),
        (
            "a target of 9,000 octets",
            414,
            None,
            with("").replace("/echo", &format!("/{}", "a".repeat(9_000))),
        ),
        (
            "no version",
            426,
            Some(("Sec-WebSocket-Version", "13")),
            without("Sec-WebSocket-Version"),
        ),
        (
            "version 8",
            426,
            Some(("Upgrade", "websocket")),
            with("").replace("Version: 13", "Version: 8"),
        ),
        (
            "a header of 20,000 octets",
            431,
            None,
            with(&format!("X: {}\r\n", "a".repeat(20_000))),
        ),
        ("2,000 headers", 431, None, with(&"X: y\r\n".repeat(2_000))),
        (
            "a method of 40 letters",
            501,
            None,
            with("").replace("GET", &"A".repeat(40)),
        ),
        (
            "HTTP/2.0 in the request line",
            505,
            None,
            with("").replace("HTTP/1.1", "HTTP/2.0"),
        ),
        (
            "HTTP/1.0",
            505,
            None,
            with("").replace("HTTP/1.1", "HTTP/1.0"),
        ),
    ]
}

/// An echo as `/echo` that refuses whatever is not an upgrade of this site, each with its own status.
fn strict(call: &RequestContext<'_>) -> Reply {
    let path = call.request.path();
    let refused = match &call.offer {
        Some(Err(error)) => error.response(),
        Some(Ok(_)) => match (check_origin(call.request, &[]), path) {
            (Err(error), _) => error.response(),
            (Ok(()), "/echo") => return Reply::Upgrade(Upgrade::new(echo)),
            (Ok(()), _) => Response::not_found(),
        },
        None if path == "/echo" => HandshakeError::UpgradeRequired.response(),
        None if !matches!(call.request.method.as_str(), "GET" | "HEAD") => {
            Response::method_not_allowed("GET, HEAD")
        }
        None => Response::not_found(),
    };
    Reply::Respond(refused)
}

fn strict_server() -> TestServer {
    TestServer::with(limits(), strict)
}

#[test]
fn every_refusal_is_a_whole_answer_and_the_stream_ends_in_order() {
    let server = strict_server();
    for (what, status, header, raw) in refusals() {
        let mut peer = server.connect();
        peer.try_send(&raw);
        let answer = peer.answer();
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
        assert!(
            answer.head.starts_with("HTTP/1.1 "),
            "{what}: {}",
            answer.head
        );
        assert!(!answer.body.trim().is_empty(), "{what}: says nothing");
        let connection = field(&answer.head, "Connection").unwrap_or_default();
        assert!(connection.starts_with("close"), "{what}: {}", answer.head);
        if let Some((name, value)) = header {
            assert_eq!(field(&answer.head, name), Some(value), "{what}");
        }
        assert_eq!(peer.end(), End::Orderly, "{what}");
    }
    for (status, count) in server.counters.statuses() {
        let expected = refusals()
            .iter()
            .filter(|(_, it, ..)| *it == status)
            .count();
        assert_eq!(count, expected as u64, "status {status} was counted");
    }
}

#[test]
fn a_refusal_can_be_read_however_much_was_sent_behind_it() {
    let server = strict_server();
    for (what, status, _, mut raw) in refusals() {
        raw.push_str(&"GET /more HTTP/1.1\r\n".repeat(10_000));
        let mut peer = server.connect();
        peer.try_send(&raw);
        assert_eq!(peer.answer().status, status, "{what}");
    }
}

/// A second request behind a refused one could be somebody else's, seen through a proxy. Whether the service refuses or
/// the server does for it, the connection is over.
#[test]
fn a_request_behind_a_refused_one_is_never_served() {
    for server in [TestServer::with(limits(), site), strict_server()] {
        for (what, _, _, raw) in refusals()
            .into_iter()
            .filter(|(_, status, ..)| *status != 403)
        {
            let mut peer = server.connect();
            peer.try_send(raw + "GET /page HTTP/1.1\r\nHost: h\r\n\r\n");
            let (answers, _) = peer.release_buffers();
            let answers = String::from_utf8_lossy(&answers);
            assert_eq!(
                answers.matches("\r\nContent-Length:").count(),
                1,
                "{what}: {answers}"
            );
        }
    }
}

#[test]
fn a_refusal_is_the_same_when_the_request_comes_one_octet_at_a_time() {
    let server = strict_server();
    for (what, status, _, raw) in refusals().into_iter().filter(|(.., raw)| raw.len() < 1_000) {
        let mut peer = server.connect();
        for octet in raw.as_bytes() {
            peer.try_send([*octet]); // it is refused before its end, and may be gone
        }
        assert_eq!(peer.answer().status, status, "{what}");
    }
}

/// The answer comes while the peer still sends, and the peer reads it although it never finishes
/// (tungstenite CVE-2023-43669 took minutes for this header).
#[test]
fn a_header_of_twenty_megabytes_is_refused_at_once() {
    let server = strict_server();
    let start = Instant::now();
    let mut peer = server.connect();
    peer.send("GET /echo HTTP/1.1\r\nX: ");
    let chunk = vec![b'a'; 1024 * 1024];
    for _ in 0..20 {
        peer.try_send(&chunk);
    }
    assert_eq!(peer.answer().status, 431);
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_request_that_is_not_whole_in_time_is_408() {
    let server = TestServer::with(
        Limits {
            handshake_timeout: Duration::from_millis(200),
            ..limits()
        },
        site,
    );
    let mut peer = server.connect();
    peer.send("GET /page HTTP/1.1\r\nHost: ");
    let answer = peer.answer();
    assert_eq!(answer.status, 408);
    assert_eq!(peer.end(), End::Orderly);
    // Neither does content that stays away get the request served.
    let mut peer = server.connect();
    peer.send("POST /page HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc");
    assert_eq!(peer.answer().status, 408);
    // Who never says a word gets none.
    let mut peer = server.connect();
    assert_eq!(peer.end(), End::Orderly);
}

/// Slowloris: an byte now and then keeps nothing open beyond the one deadline for the whole head.
#[test]
fn octets_that_drip_do_not_move_the_deadline() {
    let deadline = Duration::from_millis(400);
    let server = TestServer::with(
        Limits {
            handshake_timeout: deadline,
            ..limits()
        },
        site,
    );
    let start = Instant::now();
    let mut peers: Vec<Peer> = (0..50).map(|_| server.connect()).collect();
    while start.elapsed() < deadline + Duration::from_millis(300) {
        for peer in &mut peers {
            peer.try_send("G");
        }
        thread::sleep(Duration::from_millis(20));
    }
    for mut peer in peers {
        // The method is 20 letters long by now; whether time or patience with the method ended first, it is refused.
        assert_eq!(peer.answer().status, 408);
    }
    server.wait_until_empty();
}

#[test]
fn the_101_is_one_small_segment() {
    let server = TestServer::with(limits(), site);
    let mut peer = server.connect();
    peer.send(request(
        "/echo",
        "Sec-WebSocket-Protocol: chat-protocol\r\n",
    ));
    let head = String::from_utf8(peer.segment(254)).expect("a head of text");
    assert!(
        head.starts_with("HTTP/1.1 101 Switching Protocols\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    assert_eq!(field(&head, "Sec-WebSocket-Accept"), Some(ACCEPT));
    assert_eq!(
        field(&head, "Sec-WebSocket-Protocol"),
        None,
        "nobody agreed on one"
    );
}

#[test]
fn frames_glued_behind_the_request_are_answered_behind_the_101() {
    let server = TestServer::with(limits(), site);
    let mut peer = server.connect();
    let mut bytes = request("/echo", "").into_bytes();
    bytes.extend(masked(TEXT, "first"));
    bytes.extend(masked(TEXT, vec![b'x'; 70_000]));
    bytes.extend(masked(CLOSE, reason(1000, "")));
    peer.send(bytes);
    assert!(peer.head().starts_with("HTTP/1.1 101 "));
    peer.expect(TEXT, "first").expect(TEXT, vec![b'x'; 70_000]);
    peer.close(1000);
    assert_eq!(peer.end(), End::Orderly);
}

#[test]
fn handshake_and_frames_may_come_one_octet_at_a_time() {
    let server = TestServer::with(limits(), site);
    let mut peer = server.connect();
    peer.dribble(request("/echo", ""));
    assert!(peer.head().starts_with("HTTP/1.1 101 "));
    peer.dribble(masked(TEXT, "á€😀")).expect(TEXT, "á€😀");
    peer.dribble(masked(TEXT, "x".repeat(200)))
        .expect(TEXT, "x".repeat(200));
    peer.dribble(masked(CLOSE, reason(1000, "bye")));
    assert_eq!(peer.close(1000), "bye");
}

#[test]
fn plain_requests_keep_the_connection_and_an_upgrade_may_follow() {
    let server = TestServer::with(limits(), site);
    let mut peer = server.connect();
    for _ in 0..3 {
        peer.send("GET /page HTTP/1.1\r\nHost: h\r\n\r\n");
        let answer = peer.answer();
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, "a page for GET")
        );
    }
    // RFC 9112, 9.3.2: pipelined requests are answered in order. The content of a request is no next request.
    peer.send(
        "POST /page HTTP/1.1\r\nHost: h\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n\
         GET /page HTTP/1.1\r\nHost: h\r\n\r\n"
            .to_owned()
            + &request("/echo", ""),
    );
    assert_eq!(peer.answer().body, "a page for POST");
    assert_eq!(peer.answer().body, "a page for GET");
    assert!(peer.head().starts_with("HTTP/1.1 101 "));
    peer.send(masked(TEXT, "hello")).expect(TEXT, "hello");
}

#[test]
fn connection_close_and_http_1_0_end_the_connection_after_the_answer() {
    let server = TestServer::with(limits(), site);
    for raw in [
        "GET /page HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "GET /page HTTP/1.0\r\n\r\n",
    ] {
        let mut peer = server.connect();
        peer.send(raw);
        assert_eq!(peer.answer().status, 200);
        assert_eq!(peer.end(), End::Orderly);
    }
}

#[test]
fn head_gets_no_content_and_http_0_9_nothing_else() {
    let server = TestServer::with(limits(), site);
    let mut peer = server.connect();
    peer.send("HEAD /page HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    let head = peer.head();
    assert_eq!(field(&head, "Content-Length"), Some("15"), "{head}");
    assert_eq!(peer.end(), End::Orderly);

    let mut peer = server.connect();
    peer.send("GET /page\r\n");
    assert_eq!(
        peer.release_buffers(),
        (b"a page for GET".to_vec(), End::Orderly)
    );
    // It has no fields, so it can never ask for a WebSocket.
    let mut peer = server.connect();
    peer.send("GET /echo\r\nUpgrade: websocket\r\n");
    let (rest, _) = peer.release_buffers();
    assert!(!String::from_utf8_lossy(&rest).contains("101"));
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it() {
    let server = TestServer::with(limits(), site);
    let mut peer = server.connect();
    peer.send(
        "POST /page HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
    );
    assert_eq!(peer.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    peer.send("abc");
    assert_eq!(peer.answer().body, "a page for POST");
}

#[test]
fn a_service_that_panics_answers_500_and_serves_the_next() {
    let server = TestServer::with(limits(), site);
    for _ in 0..3 {
        let mut peer = server.connect();
        peer.send("GET /panic HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(peer.answer().status, 500);
    }
    server.wait_for("the panics are counted", |counters| &counters.panics, 3);
    server
        .open("/echo")
        .send(masked(TEXT, "on"))
        .expect(TEXT, "on");
}

#[test]
fn an_upgrade_on_a_plain_request_is_426() {
    let server = TestServer::with(limits(), site);
    let mut peer = server.connect();
    peer.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    let answer = peer.answer();
    assert_eq!(answer.status, 426);
    assert_eq!(field(&answer.head, "Upgrade"), Some("websocket"));
}

/// Row 14 of the attack table says "one log line"; here: at once, without waiting for the end of a line.
#[test]
fn other_protocols_are_refused_by_their_first_octets() {
    let server = TestServer::with(limits(), site);
    for raw in [
        &b"\x16\x03\x01"[..],
        b"SSH-2",
        b"PRI * ",
        b"\x05\x01\x00",
        b"\x00",
    ] {
        let mut peer = server.connect();
        peer.send(raw);
        assert_eq!(peer.answer().status, 400, "{raw:?}");
        assert_eq!(peer.end(), End::Orderly);
    }
}

/// Nothing of what a peer does before the 101 takes a place for good.
#[test]
fn peers_that_vanish_in_the_middle_of_anything_leave_nothing_behind() {
    let server = TestServer::with(limits(), site);
    let whole = [request("/echo", "").into_bytes(), masked(TEXT, "hello")].concat();
    for end in 0..whole.len() {
        server.connect().send(&whole[..end]);
    }
    // Their resets may come before they are accepted, so there is no number to expect, only the end.
    wait_until("everybody has been accepted", || {
        server.counters.accepted.load(Ordering::Relaxed) >= whole.len() as u64 - 5
    });
    server.wait_until_empty();
    server
        .open("/echo")
        .send(masked(TEXT, "on"))
        .expect(TEXT, "on");
}

#[test]
fn a_frame_before_the_101_is_no_frame() {
    let server = TestServer::with(limits(), site);
    let mut peer = server.connect();
    peer.send(unmasked(TEXT, "hello"))
        .send(request("/echo", ""));
    assert_eq!(peer.answer().status, 400);
}
