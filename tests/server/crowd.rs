//! Too many at once: over the cap, over the share of one address, all at the same moment.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::Ordering;
use std::thread;

use enchufe::{Error, Limits, Message};

use crate::support::peer::{End, Peer, TEXT, field, masked, request};
use crate::support::server::{PATIENCE, TestServer, echo, limits, wait_until, within};
use crate::support::wire::connect;

#[test]
fn above_the_cap_the_answer_is_503_and_a_place_that_is_left_can_be_taken() {
    let server = TestServer::echo(Limits {
        max_connections: Some(3),
        ..limits()
    });
    let mut inside: Vec<Peer> = (0..3).map(|_| server.open("/")).collect();
    for _ in 0..3 {
        let mut outside = server.connect();
        outside.try_send(request("/", ""));
        let answer = outside.answer();
        assert_eq!(answer.status, 503);
        let wait = field(&answer.head, "Retry-After").expect("when to come back");
        assert!(wait.parse::<u32>().is_ok_and(|seconds| seconds > 0));
        assert_eq!(outside.end(), End::Orderly);
    }
    // No thread of the server was spent on them.
    assert_eq!(server.counters.open.load(Ordering::Relaxed), 3);
    for peer in &mut inside {
        peer.send(masked(TEXT, "here")).expect(TEXT, "here");
    }
    drop(inside.pop());
    server.wait_for("a place is free", |counters| &counters.open, 2);
    // The place comes back a moment after the count.
    wait_until("the place can be taken", || {
        connect(&server.url("/")).is_ok()
    });
}

#[test]
fn our_client_shows_the_503() {
    let server = TestServer::echo(Limits {
        max_connections: Some(1),
        ..limits()
    });
    let _inside = server.open("/");
    match connect(&server.url("/")) {
        Err(Error::UnexpectedStatus(refused)) => {
            assert_eq!(
                (refused.status, refused.reason.as_str()),
                (503, "Service Unavailable")
            );
            assert!(refused.headers.get("Retry-After").is_some());
            assert!(String::from_utf8_lossy(&refused.body).contains("503"));
        }
        other => panic!("{other:?}"),
    }
}

/// A crowd at the door: everyone is answered or turned away, and nobody inside waits for that.
#[test]
fn two_hundred_at_once_above_the_cap_do_not_disturb_those_inside() {
    let server = TestServer::echo(Limits {
        max_connections: Some(2),
        ..limits()
    });
    let mut inside = server.open("/");
    let _also = server.open("/");
    let outside: Vec<Peer> = (0..200).map(|_| server.connect()).collect();
    inside.send(masked(TEXT, "hello")).expect(TEXT, "hello");
    let mut answered = 0;
    for mut peer in outside {
        let (rest, _) = peer.release_buffers();
        if !rest.is_empty() {
            assert!(
                rest.starts_with(b"HTTP/1.1 503 "),
                "{}",
                String::from_utf8_lossy(&rest)
            );
            answered += 1;
        }
    }
    assert!(answered > 0);
    inside
        .send(masked(TEXT, "still here"))
        .expect(TEXT, "still here");
}

#[test]
fn many_come_and_go_and_none_is_forgotten() {
    let server = TestServer::echo(limits());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let url = server.url("/");
            thread::spawn(move || {
                for n in 0..50 {
                    let mut ws = connect(&url).expect("a connection");
                    let text = format!("{n}");
                    ws.send(&text).expect("it is open");
                    assert_eq!(ws.read().expect("an echo"), Some(Message::Text(text)));
                    if n % 2 == 0 {
                        ws.close(enchufe::CloseCode::NormalClosure, "")
                            .expect("an answer");
                    }
                }
            })
        })
        .collect();
    within(PATIENCE, move || {
        for thread in threads {
            thread.join().expect("no panic");
        }
    });
    server.wait_until_empty();
    assert_eq!(server.counters.upgraded.load(Ordering::Relaxed), 200);
    assert_eq!(server.counters.closes().collect::<Vec<_>>(), [(1000, 200)]);
}

/// Loopback is exempt, so this needs another address of this machine; without one there is nothing to test.
#[test]
fn one_address_has_its_share_and_loopback_has_no_bound() {
    let Some(ip) = address_of_this_machine() else {
        println!("this machine has no address but loopback: skipped");
        return;
    };
    let server = TestServer::on(
        "0.0.0.0:0",
        Limits {
            max_per_ip: 2,
            ..limits()
        },
        |_: &enchufe::net::RequestContext<'_>| {
            enchufe::net::Reply::Upgrade(enchufe::net::Upgrade::new(echo))
        },
    );
    let port = server.addr.port();
    let open = |ip: IpAddr| {
        let mut peer = Peer::connect(SocketAddr::new(ip, port));
        peer.upgrade("/");
        peer
    };
    let _first = open(ip);
    let second = open(ip);
    let mut third = Peer::connect(SocketAddr::new(ip, port));
    third.try_send(request("/", ""));
    let answer = third.answer();
    assert_eq!(answer.status, 429);
    assert!(field(&answer.head, "Retry-After").is_some());
    let loopback: Vec<Peer> = (0..4).map(|_| open(IpAddr::from([127, 0, 0, 1]))).collect();
    drop((second, loopback));
    server.wait_for("their places are free", |counters| &counters.open, 1);
    wait_until("the place can be taken", || {
        let mut again = Peer::connect(SocketAddr::new(ip, port));
        again.try_send(request("/", ""));
        again.head().starts_with("HTTP/1.1 101 ")
    });
}

/// Where packets for elsewhere would leave from. Nothing is sent: connecting a UDP socket only chooses a route.
fn address_of_this_machine() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}
