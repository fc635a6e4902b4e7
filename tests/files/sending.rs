//! While a file is on its way: it changes, its reader is slow or goes, others wait for their turn, and the chat goes on.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use crate::site::Site;
use crate::support::peer::{Peer, field};

/// More than all the buffers between server and client take.
const LARGE: u64 = 64 << 20;

impl Site {
    /// A connection on which a large file has begun to arrive, and nobody reads on.
    fn begin(&self, path: &str) -> Peer {
        let mut peer = self.connect();
        peer.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        let head = peer.head();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        peer
    }
}

/// The bytes that follow the head, to the end of the stream.
fn rest(peer: &mut Peer) -> Vec<u8> {
    peer.release_buffers().0
}

#[test]
fn a_file_that_is_cut_while_it_is_sent_ends_the_connection_short() {
    let site = Site::new();
    site.folder.write_zeros("www/large", LARGE);
    let mut peer = site.begin("/large");
    let path = site.folder.path().join("www/large");
    let file = File::options().write(true).open(path).unwrap();
    file.set_len(1 << 20).unwrap();
    // What was read before is there; nothing is made up for the rest, and no other answer follows.
    let body = rest(&mut peer);
    assert!(
        (body.len() as u64) < LARGE && body.iter().all(|byte| *byte == 0),
        "{}",
        body.len()
    );
    assert_eq!(site.get("/hola.txt", "").text(), "hola");
}

#[test]
fn a_file_that_grows_while_it_is_sent_is_sent_as_long_as_was_said() {
    let site = Site::new();
    site.folder.write_zeros("www/large", LARGE);
    let mut peer = site.begin("/large");
    let path = site.folder.path().join("www/large");
    let file = File::options().write(true).open(path).unwrap();
    file.set_len(2 * LARGE).unwrap();
    let body = peer.octets(LARGE as usize);
    assert_eq!(body.len() as u64, LARGE);
    // The connection is where it should be: at the next request.
    let next = "GET /hola.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(peer.send(next).answer().body, "hola");
}

#[test]
fn a_file_that_is_removed_while_it_is_sent_arrives() {
    let site = Site::new();
    site.folder.write_zeros("www/large", LARGE);
    let mut peer = site.begin("/large");
    fs::remove_file(site.folder.path().join("www/large")).unwrap();
    assert_eq!(peer.octets(LARGE as usize).len() as u64, LARGE);
    assert_eq!(site.get("/large", "").status, 404);
}

#[test]
fn ten_files_are_sent_at_once_and_the_eleventh_waits() {
    let site = Site::new();
    site.folder.write_zeros("www/large", LARGE);
    let mut ten: Vec<Peer> = (0..10).map(|_| site.begin("/large")).collect();
    let mut eleventh = site.connect();
    eleventh.send("GET /hola.txt HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(!eleventh.hears_within(Duration::from_millis(300)));
    // What needs no file to be sent does not wait.
    let whole = site.ask("HEAD", "/large", "");
    assert_eq!(whole.status, 200);
    let tag = whole.field("ETag").unwrap();
    assert_eq!(
        site.get("/large", &format!("If-None-Match: {tag}\r\n"))
            .status,
        304
    );
    assert_eq!(
        site.get("/large", &format!("Range: bytes={LARGE}-\r\n"))
            .status,
        416
    );
    assert_eq!(site.get("/nothing", "").status, 404);
    assert_eq!(site.get("/healthz", "").text(), "ok\n");
    assert!(!eleventh.hears_within(Duration::from_millis(100)));
    drop(ten.pop());
    assert_eq!(eleventh.answer().body, "hola");
    // One that arrives makes room too.
    let mut twelfth = site.begin("/large");
    let mut next = site.connect();
    next.send("GET /hola.txt HTTP/1.1\r\nHost: localhost\r\n\r\n");
    twelfth.octets(LARGE as usize);
    assert_eq!(next.answer().body, "hola");
}

#[test]
fn a_reader_below_the_least_rate_loses_its_place() {
    let site = Site::with(&[
        "--min-file-rate",
        "1MiB",
        "--file-rate-window",
        "200ms",
        "--file-clients",
        "1",
    ]);
    site.folder.write_zeros("www/large", LARGE);
    let mut slow = site.begin("/large");
    let begun = Instant::now();
    let mut next = site.connect();
    next.send("GET /hola.txt HTTP/1.1\r\nHost: localhost\r\n\r\n");
    // A few bytes now and then are too few.
    while !next.hears_within(Duration::from_millis(50)) {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "it keeps its place"
        );
        slow.octets(1);
    }
    assert_eq!(next.answer().body, "hola");
    assert!((rest(&mut slow).len() as u64) < LARGE);
}

#[test]
fn a_reader_above_the_least_rate_keeps_its_place() {
    let site = Site::with(&[
        "--min-file-rate",
        "64KiB",
        "--file-rate-window",
        "200ms",
        "--file-clients",
        "1",
    ]);
    site.folder.write_zeros("www/large", LARGE);
    let mut peer = site.begin("/large");
    let begun = Instant::now();
    let mut left = LARGE as usize;
    while begun.elapsed() < Duration::from_millis(1_500) {
        left -= peer.octets(256 << 10).len();
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(peer.octets(left).len(), left);
}

#[test]
fn the_chat_goes_on_while_two_hundred_hardly_read() {
    let site = Site::new();
    site.folder.write_zeros("www/large", LARGE);
    let mut ana = crate::support::wire::connect(&site.server.url("/chat")).unwrap();
    ana.send(r#"{"type":"register","sender":"ana"}"#).unwrap();
    ana.read().unwrap();
    let mut readers: Vec<Peer> = (0..10).map(|_| site.begin("/large")).collect();
    readers.extend((0..190).map(|_| {
        let mut peer = site.connect();
        peer.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
        peer
    }));
    let mut slowest = Duration::ZERO;
    for n in 0..100 {
        let begun = Instant::now();
        let message = format!(r#"{{"type":"broadcast","content":"{n}"}}"#);
        ana.send(message).unwrap();
        let told = ana.read().unwrap().expect("what was said");
        assert!(format!("{told:?}").contains(&n.to_string()), "{told:?}");
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    // All of them leave, those who waited too, and nothing of them is left.
    drop(readers);
    crate::support::server::wait_until("they are gone", || {
        let metrics = site.get("/metrics", "");
        metrics.text().contains("\nenchufe_connections_open 2\n")
    });
}

#[test]
fn the_next_request_may_come_while_a_file_is_sent() {
    let site = Site::new();
    site.folder.write_zeros("www/large", LARGE);
    let mut peer = site.begin("/large");
    peer.send("GET /hola.txt HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer.octets(LARGE as usize);
    let answer = peer.answer();
    assert_eq!(answer.body, "hola");
    assert_eq!(field(&answer.head, "Content-Length"), Some("4"));
}
