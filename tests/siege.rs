//! The program under attack: while others do their worst, two people who were there before go on chatting without noticing,
//! and afterwards the program has given back what the attack took. Promises 3 and 4.
#![cfg(all(feature = "cli", target_os = "linux"))]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::peer::{
    BINARY, BINARY_BEGINS, CLOSE, MORE, PING, PONG, Peer, TEXT, header, masked, request,
};
use support::server::{PATIENCE, wait_until};
use support::server_process::ServerProcess;

/// Two people in the chat.
struct Friends {
    ana: Peer,
    ben: Peer,
    said: usize,
}

impl Friends {
    fn meet(server: &ServerProcess) -> Self {
        Self {
            ana: server.open("/?name=ana"),
            ben: server.open("/?name=ben"),
            said: 0,
        }
    }

    /// How long each of these messages took from one to the other, the slowest last.
    fn chat(&mut self, messages: usize) -> Vec<Duration> {
        let mut times: Vec<Duration> = (0..messages)
            .map(|_| {
                let text = format!("message {} between friends", self.said);
                self.said += 1;
                let start = Instant::now();
                self.ana.send(masked(BINARY, say(&text)));
                for friend in [&mut self.ben, &mut self.ana] {
                    // Others come, go and talk meanwhile.
                    while !friend.frame().payload.ends_with(text.as_bytes()) {}
                }
                let time = start.elapsed();
                thread::sleep(Duration::from_millis(4)); // people do not type in a loop
                time
            })
            .collect();
        times.sort_unstable();
        times
    }
}

/// Message 4 of the binary chat: to everybody.
fn say(text: &str) -> Vec<u8> {
    let mut message = vec![4, 1, b'~', text.len() as u8];
    message.extend_from_slice(text.as_bytes());
    message
}

/// A socket that gives up writing when nobody reads.
fn raw(addr: SocketAddr) -> Option<TcpStream> {
    let socket = TcpStream::connect_timeout(&addr, Duration::from_secs(1)).ok()?;
    socket
        .set_write_timeout(Some(Duration::from_millis(50)))
        .ok()?;
    socket
        .set_read_timeout(Some(Duration::from_millis(50)))
        .ok()?;
    Some(socket)
}

fn upgraded(addr: SocketAddr, path: &str) -> Option<TcpStream> {
    let mut socket = raw(addr)?;
    socket.write_all(request(path, "").as_bytes()).ok()?;
    let mut head = [0; 1024];
    let count = socket.read(&mut head).ok()?;
    head[..count].starts_with(b"HTTP/1.1 101").then_some(socket)
}

/// Opens so many, does something with all of them until it is over, and closes them.
fn crowd(
    count: usize,
    over: &AtomicBool,
    open: impl Fn() -> Option<TcpStream>,
    mut act: impl FnMut(&mut TcpStream, usize),
) {
    let mut sockets: Vec<_> = (0..count).map(|_| open()).collect();
    let mut round = 0;
    while !over.load(Ordering::Relaxed) {
        for socket in &mut sockets {
            match socket {
                Some(open) => act(open, round),
                None => *socket = open(),
            }
        }
        round += 1;
        thread::sleep(Duration::from_millis(1));
    }
}

type Attack = (&'static str, fn(SocketAddr, &AtomicBool));

/// Each goes on until it is told that it is over; what it writes may be refused at any time.
const ATTACKS: [Attack; 13] = [
    ("slowloris: heads that drip", |addr, over| {
        crowd(
            100,
            over,
            || raw(addr),
            |socket, _| drop(socket.write(b"G")),
        );
    }),
    ("connections that say nothing", |addr, over| {
        crowd(150, over, || raw(addr), |_, _| {});
    }),
    ("noise instead of requests", |addr, over| {
        let noise: Vec<u8> = (0..4_000u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        while !over.load(Ordering::Relaxed) {
            if let Some(mut socket) = raw(addr) {
                let _ = socket.write(&noise);
            }
        }
    }),
    ("headers without an end", |addr, over| {
        let line = format!("X: {}\r\n", "a".repeat(1_000));
        while !over.load(Ordering::Relaxed) {
            if let Some(mut socket) = raw(addr) {
                let _ = socket.write(b"GET / HTTP/1.1\r\n");
                while socket.write_all(line.as_bytes()).is_ok() {}
            }
        }
    }),
    ("connections that come and go", |addr, over| {
        while !over.load(Ordering::Relaxed) {
            drop(raw(addr));
            drop(upgraded(addr, "/echo"));
        }
    }),
    ("users who come and go", |addr, over| {
        while !over.load(Ordering::Relaxed) {
            drop(upgraded(addr, "/?name=ghost"));
        }
    }),
    ("pings without end, pongs unread", |addr, over| {
        let flood = masked(PING, [b'x'; 125]).repeat(200);
        crowd(
            5,
            over,
            || upgraded(addr, "/echo"),
            |socket, _| drop(socket.write(&flood)),
        );
    }),
    ("messages parked in the middle", |addr, over| {
        crowd(
            60,
            over,
            || upgraded(addr, "/echo"),
            |socket, round| {
                let part = match round {
                    0 => masked(BINARY_BEGINS, vec![0; 10_000]),
                    1..10 => masked(MORE, "x"),
                    _ => masked(PING, ""),
                };
                let _ = socket.write(&part);
            },
        );
    }),
    ("a gigabyte promised by everyone", |addr, over| {
        crowd(
            60,
            over,
            || upgraded(addr, "/echo"),
            |socket, round| {
                let part = if round == 0 {
                    header(BINARY, true, 15 << 20)
                } else {
                    vec![0; 10]
                };
                let _ = socket.write(&part);
            },
        );
    }),
    ("tiny fragments", |addr, over| {
        let burst = [masked(MORE, "x"), masked(MORE, "")].concat().repeat(500);
        crowd(
            5,
            over,
            || upgraded(addr, "/echo"),
            |socket, round| {
                let _ = socket.write(&if round == 0 {
                    masked(BINARY_BEGINS, "x")
                } else {
                    burst.clone()
                });
            },
        );
    }),
    ("large echoes that nobody reads", |addr, over| {
        let large = masked(BINARY, vec![7; 1 << 20]);
        crowd(
            5,
            over,
            || upgraded(addr, "/echo"),
            |socket, _| drop(socket.write(&large)),
        );
    }),
    (
        "someone who floods the chat and does not read it",
        |addr, over| {
            let flood = masked(BINARY, say(&"x".repeat(200))).repeat(20);
            crowd(
                1,
                over,
                || upgraded(addr, "/?name=mallory"),
                |socket, _| drop(socket.write(&flood)),
            );
        },
    ),
    ("frames that break every rule", |addr, over| {
        let bad = [
            masked(0xf3, "x"),
            vec![0x81, 0x05],
            header(TEXT, true, u64::MAX),
            masked(CLOSE, [0]),
        ];
        let mut round = 0;
        while !over.load(Ordering::Relaxed) {
            round += 1;
            if let Some(mut socket) = upgraded(addr, "/inspect") {
                let _ = socket.write(&bad[round % bad.len()]);
            }
        }
    }),
];

#[test]
fn two_friends_chat_on_through_every_attack_and_everything_is_given_back() {
    let server = ServerProcess::start_with_short_timeouts("", &[]);
    let mut friends = Friends::meet(&server);
    friends.chat(20);
    let (threads, descriptors, resident) =
        (server.threads(), server.descriptors(), server.resident());
    for (name, attack) in ATTACKS {
        let bearable = (0..3).any(|_| is_bearable(&server, &mut friends, name, attack));
        assert!(bearable, "{name}: the friends notice, three times in a row");
        wait_until("the attackers' threads are gone", || {
            server.threads() <= threads + 1
        });
        wait_until("their descriptors are gone", || {
            server.descriptors() <= descriptors + 1
        });
        let grown = server.resident().saturating_sub(resident);
        assert!(grown < 96 << 20, "{name}: {} MiB more", grown >> 20);
    }
}

/// Attacks while the friends chat: whether none of their messages took a tenth of a second, or more only as far as the
/// machine itself was busy.
fn is_bearable(
    server: &ServerProcess,
    friends: &mut Friends,
    name: &str,
    attack: fn(SocketAddr, &AtomicBool),
) -> bool {
    let slowest = |times: &[Duration]| times[times.len() - 2];
    let (addr, over) = (server.addr, AtomicBool::new(false));
    let times = thread::scope(|scope| {
        let attacker = scope.spawn(|| attack(addr, &over));
        thread::sleep(Duration::from_millis(100)); // let it get going; nothing depends on how far
        let times = friends.chat(60);
        over.store(true, Ordering::Relaxed);
        attacker.join().expect("no panic");
        times
    });
    let calm = slowest(&friends.chat(20));
    println!(
        "{name}: median {:?}, slowest but one {:?} ({calm:?} without the attack), {} KiB",
        times[times.len() / 2],
        slowest(&times),
        server.resident() >> 10
    );
    slowest(&times) < Duration::from_millis(100).max(calm * 10)
}

/// Row 38: fewer descriptors than there are connections. It does not spin, and takes people in again afterwards.
#[test]
fn without_descriptors_it_waits_and_recovers() {
    let server = ServerProcess::start_with_short_timeouts("ulimit -n 64;", &[]);
    let mut friends = Friends::meet(&server);
    let crowd: Vec<_> = (0..200).filter_map(|_| raw(server.addr)).collect();
    assert!(
        crowd.len() > 100,
        "the kernel takes them, whoever accepts them"
    );
    let before = server.ticks();
    thread::sleep(Duration::from_millis(500));
    let used = server.ticks() - before;
    assert!(
        used < 25,
        "{used} ticks of 10 ms in half a second: it spins"
    );
    friends.chat(10);
    drop(crowd);
    wait_until("somebody new gets in", || {
        upgraded(server.addr, "/echo").is_some_and(|mut socket| {
            let answered = socket
                .write_all(&masked(PING, ""))
                .and_then(|()| socket.read(&mut [0; 16]));
            answered.is_ok_and(|count| count > 0)
        })
    });
    friends.chat(10);
}

/// Row 37: fewer threads than there are connections. The cap is known beforehand, so nothing ever fails for want of one.
#[test]
fn above_its_own_cap_it_answers_503_and_stays() {
    let server = ServerProcess::start_with_short_timeouts(
        "ulimit -u 200 2>/dev/null || true;",
        &["--max-connections", "50", "--handshake-timeout", "10s"],
    );
    let mut friends = Friends::meet(&server);
    let mut crowd: Vec<Peer> = (0..150).map(|_| Peer::connect(server.addr)).collect();
    for peer in &mut crowd {
        peer.try_send(request("/echo", ""));
    }
    let (mut inside, mut refused) = (0, 0);
    for peer in &mut crowd {
        // Some of those above the cap are only hung up on: an answer for each would be an attack's amplifier.
        let (said, _) = peek(peer);
        inside += usize::from(said.starts_with("HTTP/1.1 101"));
        refused += usize::from(said.starts_with("HTTP/1.1 503") && said.contains("Retry-After"));
    }
    assert_eq!(inside, 48, "and the two friends");
    assert!(refused > 0);
    friends.chat(20);
    assert!(server.threads() < 120);
    drop(crowd);
    wait_until("the places are free", || server.threads() < 10);
    server
        .open("/echo")
        .send(masked(PING, "in"))
        .expect(PONG, "in");
}

/// What a peer is sent first, or nothing when it is hung up on.
fn peek(peer: &Peer) -> (String, usize) {
    let mut octets = [0; 512];
    let count = peer.peek(&mut octets);
    (
        String::from_utf8_lossy(&octets[..count]).into_owned(),
        count,
    )
}

/// Row 75 in the large: a thousand clients are closed, whether they answer or not, and the end comes in time.
#[test]
fn a_signal_tells_everybody_and_ends_in_time() {
    let mut server = ServerProcess::start_with_short_timeouts("", &[]);
    let mut crowd: Vec<Peer> = (0..300).map(|_| server.open("/echo")).collect();
    for peer in &mut crowd {
        peer.send(masked(PING, "")).expect(PONG, "");
    }
    let start = Instant::now();
    let sent = Command::new("kill")
        .arg(server.child.id().to_string())
        .status();
    assert!(sent.expect("kill can be run").success());
    for (n, peer) in crowd.iter_mut().enumerate() {
        peer.close(1001);
        if n % 10 > 0 {
            peer.send(masked(CLOSE, 1001u16.to_be_bytes())); // every tenth says nothing more
        }
    }
    wait_until("it has ended", || {
        server.child.try_wait().is_ok_and(|ended| ended.is_some())
    });
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    let status = server.child.wait().expect("it has ended");
    assert_eq!(status.code(), Some(0));
}

/// Row 36: somebody whose network is gone answers nothing, and the others are told that they left.
#[test]
fn who_answers_nothing_any_more_leaves_the_chat() {
    let server = ServerProcess::start_with_short_timeouts(
        "",
        &["--ping-every", "300ms", "--dead-after", "300ms"],
    );
    let url = format!("ws://{}/?name=ana", server.addr);
    let mut ana = enchufe::connect(&url).expect("a connection");
    let _gone = server.open("/?name=gone");
    let deadline = Some(Instant::now() + PATIENCE);
    let mut news = Vec::new();
    // 53: a new user, status 1; 54: a user changed to status 0. Our client answers the Pings meanwhile.
    while news != [b"\x35\x04gone\x01".to_vec(), b"\x36\x04gone\x00".to_vec()] {
        match ana.read_until(deadline).expect("no error") {
            enchufe::Incoming::Message(message) => news.push(message.payload().to_vec()),
            other => panic!("{other:?} after {news:?}"),
        }
    }
}
