//! The log at `debug`: who follows one connection reads the list of socket primitives that it went through.

use crate::program::{Program, server};
use crate::support::peer::{Peer, TEXT, masked, request};

#[test]
fn a_websocket_reads_as_a_list_of_primitives_on_both_sides() {
    let server = logging(&["--bind", "127.0.0.1:0"]);
    let address = server.address();
    let mut client = logging(&["send", &format!("ws://{address}/echo")]);
    client.type_line("hola");
    assert_eq!(client.line(), "hola");
    let client = primitives(&client.end().errors);
    assert_eq!(
        client[..3],
        [
            "SOCKET #0 TCP over IPv4".to_owned(),
            format!("CONNECT #0 {address}"),
            "SEND #0".to_owned()
        ]
    );
    // From here on one thread sends while the other receives, and either may be the first to say so.
    let names = distinct(&client);
    assert_eq!(names[3..5], ["RECEIVE", "SEND"], "{client:?}");
    assert_eq!(
        names.last().map(String::as_str),
        Some("CLOSE"),
        "{client:?}"
    );
    server.signal("TERM");
    let log = server.wait().errors;
    let listening = [
        "SOCKET TCP over IPv4".to_owned(),
        format!("BIND {address}"),
        format!("LISTEN {address}"),
    ];
    assert_eq!(primitives(&log)[..3], listening, "{log}");
    let followed = of_connection(&log, "#1");
    assert_eq!(
        distinct(&followed),
        [
            "ACCEPT", "RECEIVE", "SEND", "RECEIVE", "SEND", "RECEIVE", "SEND", "CLOSE"
        ],
        "{log}"
    );
    assert_eq!(
        primitives(&log).last(),
        Some(&format!("CLOSE {address}")),
        "{log}"
    );
}

#[test]
fn plain_http_is_logged_the_same_way_and_without_its_query() {
    let server = logging(&["--bind", "127.0.0.1:0"]);
    let address = server.address().parse().expect("an address");
    let mut peer = Peer::connect(address);
    for _ in 0..2 {
        peer.send("GET /healthz?token=secret HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(peer.answer().body, "ok\n");
    }
    drop(peer);
    // Refused, and gone in the middle: each connection has its end in the log.
    let mut peer = Peer::connect(address);
    peer.send("GET / HTTP/7.0\r\n\r\n").answer();
    peer.end();
    let mut peer = Peer::connect(address);
    peer.send(request("/echo", "")).head();
    peer.send(masked(TEXT, "hola")).expect(TEXT, "hola");
    drop(peer);
    server.signal("TERM");
    let log = server.wait().errors;
    assert!(
        !log.contains("secret") && log.contains("#1 200 GET /healthz?"),
        "{log}"
    );
    let list = |id| distinct(&of_connection(&log, id));
    assert_eq!(
        list("#1"),
        [
            "ACCEPT", "RECEIVE", "SEND", "RECEIVE", "SEND", "RECEIVE", "CLOSE"
        ],
        "{log}"
    );
    assert_eq!(list("#2"), ["ACCEPT", "RECEIVE", "SEND", "CLOSE"], "{log}");
    let broken = list("#3");
    assert_eq!(broken.first(), Some(&"ACCEPT".to_owned()), "{log}");
    assert_eq!(
        broken.iter().filter(|name| *name == "CLOSE").count(),
        1,
        "{log}"
    );
}

fn logging(words: &[&str]) -> Program {
    Program::start_with(words, &[("RUST_LOG", "enchufe=debug")])
}

/// The primitives of a log without their times, and without how many bytes.
fn primitives(log: &str) -> Vec<String> {
    log.lines()
        .map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>())
        .filter_map(|words| words.strip_prefix(&["DEBUG", "net"]).map(<[_]>::to_vec))
        .map(|words| match words[..] {
            ["SEND" | "RECEIVE", id, ..] => format!("{} {id}", words[0]),
            _ => words.join(" "),
        })
        .collect()
}

fn of_connection(log: &str, id: &str) -> Vec<String> {
    let mut all = primitives(log);
    all.retain(|line| line.split(' ').nth(1) == Some(id));
    all
}

/// The names alone, each run of equal ones as one: the system may cut what is sent.
fn distinct(lines: &[String]) -> Vec<String> {
    let mut names: Vec<String> = lines
        .iter()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect();
    names.dedup();
    names
}

#[test]
fn a_peer_that_asks_all_the_time_does_not_fill_the_log_and_what_is_left_out_is_counted() {
    let words = ["--log-rate", "1", "--log-burst", "5"];
    let (server, address) = server(&words);
    let mut peer = Peer::connect(address.parse().expect("an address"));
    let path = format!("/{}", "x".repeat(5_000));
    for _ in 0..200 {
        peer.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(peer.answer().status, 200);
        peer.send(format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        assert!(peer.head().starts_with("HTTP/1.1 404"));
        peer = Peer::connect(address.parse().expect("an address"));
    }
    peer.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let metrics = peer.answer().body;
    drop(peer);
    server.signal("TERM");
    let log = server.wait().errors;
    let is_request = |line: &&str| line.contains(" INFO  net ") && line.contains(" #");
    let about = log.lines().filter(is_request);
    let shown = about.map(str::len).collect::<Vec<_>>();
    assert!(shown.len() >= 5 && shown.len() < 100, "{log}");
    assert!(shown.iter().all(|length| *length < 400), "{log}");
    let told = log.lines().filter_map(|line| {
        let (before, _) = line.split_once(" log lines about 127.0.0.1")?;
        before.rsplit(' ').next()?.parse::<usize>().ok()
    });
    let told: usize = told.sum();
    assert_eq!(shown.len() + told, 401, "{log}");
    let counted = metrics
        .lines()
        .find_map(|line| line.strip_prefix("enchufe_log_lines_suppressed_total "));
    let counted: usize = counted.expect("the counter").parse().expect("a number");
    assert!(counted == told || counted + 1 == told, "{counted} {told}");
}
