//! Proxies that are broken or malicious: a typed error for each, within the client's one deadline, and never a byte of
//! theirs in the WebSocket.

use std::time::{Duration, Instant};

use enchufe::net::ProxyError as E;

use crate::support::host::Host;
use crate::support::peer::Peer;
use crate::{connecting, fault, outcome, through};

/// Long after the deadlines that are set in here.
const SOON: Duration = Duration::from_secs(8);

/// What the client makes of a proxy that says these things, each once it has been asked something, and then hangs up.
fn made_of(scheme: &str, answers: &[&[u8]]) -> E {
    let proxy = Host::new();
    let connecting = connecting(through(&format!("{scheme}://u:p@{{}}"), &proxy, "ws://h/"));
    let mut peer = proxy.accept();
    for answer in answers {
        assert!(peer.hears_within(SOON), "nothing is asked");
        forget(&mut peer);
        peer.try_send(answer);
    }
    peer.end_writing();
    fault(outcome(connecting))
}

/// What was asked does not matter here.
fn forget(peer: &mut Peer) {
    while peer.hears_within(Duration::from_millis(20)) {
        peer.octets(1);
    }
}

#[test]
fn what_is_no_answer_to_connect_is_an_error() {
    type Case = (&'static [u8], fn(&E) -> bool);
    let cases: [Case; 8] = [
        (b"", |it| matches!(it, E::Closed)),
        (b"HTTP/1.1 200 OK\r\nX: ", |it| matches!(it, E::Closed)),
        (b"\x05\x00", |it| matches!(it, E::Http(_))),
        (b"SSH-2.0-x\r\n", |it| matches!(it, E::Http(_))),
        (b"HTTP/1.1 200 OK\n\n", |it| matches!(it, E::Http(_))),
        (b"HTTP/1.1 200 OK\r\nA B: c\r\n\r\n", |it| {
            matches!(it, E::Http(_))
        }),
        // The first frames of a server that was never asked.
        (
            b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 S\r\n\r\n\x81\x01x",
            |it| matches!(it, E::UnexpectedBytes),
        ),
        // A body is no body here.
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", |it| {
            matches!(it, E::UnexpectedBytes)
        }),
    ];
    for (answer, expected) in cases {
        let error = made_of("http", &[answer]);
        assert!(expected(&error), "{}: {error:?}", answer.escape_ascii());
    }
}

#[test]
fn what_is_no_answer_of_socks_is_an_error() {
    type Case = (&'static [&'static [u8]], fn(&E) -> bool);
    let cases: [Case; 13] = [
        (&[b""], |it| matches!(it, E::Closed)),
        (&[b"\x05"], |it| matches!(it, E::Closed)),
        (&[b"HTTP/1.1 400 Bad Request\r\n\r\n"], |it| {
            matches!(it, E::NotSocks5(b'H'))
        }),
        (&[b"\x04\x5a"], |it| matches!(it, E::NotSocks5(4))),
        (&[b"\x05\x01"], |it| matches!(it, E::WrongMethod(1))),
        (&[b"\x05\xff"], |it| matches!(it, E::NoMethod)),
        (&[b"\x05\x00more"], |it| matches!(it, E::UnexpectedBytes)),
        (&[b"\x05\x02", b"\x01\x01"], |it| matches!(it, E::Login)),
        (&[b"\x05\x02", b"\x07\x00"], |it| matches!(it, E::Malformed)),
        (&[b"\x05\x02", b"\x01\x00\x05"], |it| {
            matches!(it, E::UnexpectedBytes)
        }),
        (&[b"\x05\x00", b"\x05\x00\x00\x07"], |it| {
            matches!(it, E::Malformed)
        }),
        (&[b"\x05\x00", b"\x05\x00\x00\x03\xffshort"], |it| {
            matches!(it, E::Closed)
        }),
        (
            &[b"\x05\x00", b"\x05\x00\x00\x01\0\0\0\0\0\0HTTP/1.1 101"],
            |it| matches!(it, E::UnexpectedBytes),
        ),
    ];
    for (answers, expected) in cases {
        let error = made_of("socks5h", answers);
        assert!(expected(&error), "{answers:?}: {error:?}");
    }
}

#[test]
fn an_answer_without_an_end_is_given_up_at_its_limit() {
    for endless in [
        "HTTP/1.1 200 OK\r\nX: ",                // and ever more of the value
        "HTTP/1.1 200 ",                         // of the reason
        "HTTP/1.1 100 Continue\r\n\r\n",         // of interim answers
        "HTTP/1.1 200 OK\r\nX: y\r\nX: y\r\nX:", // of fields
    ] {
        let proxy = Host::new();
        let connecting = connecting(through("http://{}", &proxy, "ws://h/"));
        let (mut peer, _) = proxy.request();
        peer.send(endless);
        let more = match endless.rsplit("\r\n").next() {
            Some("") => endless,
            Some("X:") => " y\r\nX: y\r\nX:",
            _ => "aaaaaaaaaaaaaaaa",
        };
        let start = Instant::now();
        while !connecting.is_finished() {
            assert!(start.elapsed() < SOON, "it still listens");
            peer.try_send(more);
        }
        let error = fault(outcome(connecting));
        assert!(
            matches!(error, E::Http(_) | E::UnexpectedBytes),
            "{error:?}"
        );
    }
}

#[test]
fn a_proxy_that_says_nothing_or_drips_times_out() {
    let timeout = Duration::from_millis(300);
    for (scheme, said) in [
        ("http", &b""[..]),
        ("http", b"HTTP/1.1 200 OK\r\nX: "),
        ("socks5h", b""),
        ("socks5h", b"\x05"),
        ("socks5h", b"\x05\x00"),
        ("socks5", b"\x05\x00"),
    ] {
        for drips in [false, true] {
            if drips && said.is_empty() {
                continue;
            }
            let proxy = Host::new();
            let start = Instant::now();
            let client = through(&format!("{scheme}://{{}}"), &proxy, "ws://127.0.0.2/");
            let connecting = connecting(client.timeout(timeout));
            let mut peer = proxy.accept();
            peer.send(said);
            while !connecting.is_finished() {
                assert!(start.elapsed() < SOON, "it still waits");
                if drips && scheme == "http" {
                    peer.try_send("a");
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            let error = fault(outcome(connecting));
            assert!(matches!(error, E::TimedOut), "{scheme} {said:?}: {error:?}");
            assert!(start.elapsed() >= timeout);
        }
    }
}
