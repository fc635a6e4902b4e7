//! Each flag of `enchufe serve` does what its line on the help page says. The command is asked over its sockets, as any
//! peer would, so that a flag that is read and then forgotten on its way to a service is found out.

use std::fs;
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::asking::{closed_with, closes, connect, get, hear, metric, open, register, status};
use crate::program::{Program, run, server};
use crate::support::folder::Folder;
use crate::support::peer::{LAST, MORE, PING, TEXT, TEXT_BEGINS, field, masked, request};
use crate::support::server::wait_until;
use crate::support::tools::skip;

#[test]
fn every_flag_of_the_help_page_is_in_a_test() {
    let page = run(&["help", "serve"]).output;
    let flags = page
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("--"))
        .filter_map(|line| line.split(' ').next());
    let tests = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"));
    let forgotten: Vec<&str> = flags
        .filter(|flag| !tests.contains(&format!("\"--{flag}\"")))
        .filter(|flag| !["print-config", "help", "version"].contains(flag))
        .collect();
    assert_eq!(forgotten, [""; 0], "what do these do?");
}

#[test]
fn root_is_the_folder_whose_files_are_served() {
    let folder = Folder::new();
    folder.write("hola.txt", "hola");
    let (_server, address) = server(&["--root", folder.name()]);
    let answer = get(&mut connect(&address), "/hola.txt");
    assert_eq!((answer.0, answer.1.as_str()), (200, "hola"));
    let (_server, address) = server(&[]);
    assert_eq!(get(&mut connect(&address), "/hola.txt").0, 404);
}

#[cfg(feature = "store")]
#[test]
fn data_is_the_folder_in_which_what_was_said_outlives_the_server() {
    let folder = Folder::new();
    let flags = ["--data", folder.name()];
    assert_eq!(kept(&flags), ["1", "2", "3"]);
    // The server was killed as soon as the history had come.
    assert_eq!(kept(&flags), ["1", "2", "3", "1", "2", "3"]);
}

#[test]
fn origin_lets_a_page_from_elsewhere_connect() {
    let page = "Origin: https://chat.example\r\n";
    assert_eq!(status(&[], &request("/echo", page)), 403);
    let flags = ["--origin", "https://chat.example"];
    assert_eq!(status(&flags, &request("/echo", page)), 101);
}

#[test]
fn allowed_host_is_a_name_the_server_answers_to() {
    let named = request("/echo", "").replace("Host: localhost", "Host: chat.example");
    let plain = "GET /healthz HTTP/1.1\r\nHost: chat.example\r\n\r\n";
    for (octets, welcome) in [(named.as_str(), 101), (plain, 200)] {
        assert_eq!(status(&[], octets), 421);
        assert_eq!(status(&["--allowed-host", "chat.example"], octets), welcome);
    }
}

#[test]
fn require_origin_lets_only_pages_connect() {
    let page = "Origin: http://localhost\r\n";
    assert_eq!(status(&[], &request("/echo", "")), 101);
    assert_eq!(status(&["--require-origin"], &request("/echo", "")), 403);
    assert_eq!(status(&["--require-origin"], &request("/echo", page)), 101);
}

#[test]
fn token_file_has_the_tokens_of_which_each_caller_brings_one() {
    let folder = Folder::new();
    folder.write(
        "tokens",
        "# for ana\ntoken-of-ana-1234\ntoken-of-beto-567\n",
    );
    let file = folder.path().join("tokens");
    let flags = ["--token-file", file.to_str().expect("text")];
    assert_eq!(status(&flags, &request("/echo", "")), 401);
    for token in ["token-of-ana-1234", "token-of-beto-567"] {
        let field = format!("Authorization: Bearer {token}\r\n");
        assert_eq!(status(&flags, &request("/echo", &field)), 101);
    }
    let wrong = "Authorization: Bearer token-of-carla-89\r\n";
    assert_eq!(status(&flags, &request("/echo", wrong)), 401);
}

#[test]
fn trusted_proxy_is_believed_when_it_says_for_whom_it_asks() {
    let field = "X-Forwarded-For: 192.0.2.1\r\n";
    for (flags, second) in [
        (&["--max-per-ip", "1"][..], 101),
        (&["--max-per-ip", "1", "--trusted-proxy", "192.0.2.9"], 101),
        (&["--max-per-ip", "1", "--trusted-proxy", "127.0.0.1"], 429),
    ] {
        let (_server, address) = server(flags);
        let mut peers = [connect(&address), connect(&address)];
        let answers = peers
            .each_mut()
            .map(|peer| peer.send(request("/echo", field)).head());
        assert!(answers[0].contains(" 101 "), "{answers:?}");
        assert!(
            answers[1].contains(&format!(" {second} ")),
            "{flags:?}: {answers:?}"
        );
    }
}

#[test]
fn drain_time_is_how_long_a_stop_takes_and_meanwhile_the_server_is_not_ready() {
    let (program, address) = server(&["--drain-time", "1s"]);
    let mut ana = open(&address, "/?name=ana");
    let mut kept = connect(&address);
    assert_eq!(get(&mut kept, "/healthz").0, 200);
    let begun = Instant::now();
    program.signal("TERM");
    ana.close(1001);
    // It is answered, old connection or new, and that is the last answer on either.
    for mut peer in [kept, connect(&address)] {
        peer.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = peer.answer();
        assert_eq!((answer.status, answer.body.as_str()), (503, "stopping\n"));
        assert_eq!(field(&answer.head, "Connection"), Some("close"));
    }
    let end = program.wait();
    assert_eq!(end.code, Some(0));
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert!(
        end.errors.contains("closing connections within 1s;"),
        "{end:?}"
    );
}

#[test]
fn log_says_how_much_is_told() {
    let (program, _) = server(&["--log", "debug"]);
    while !program.error_line().contains("LISTEN") {}
    let (program, _) = server(&["--log", "off"]);
    program.signal("TERM");
    assert_eq!(program.wait().errors, "");
}

#[test]
fn inactive_after_is_the_silence_that_turns_a_user_inactive() {
    for (time, turns) in [("50ms", true), ("0", false)] {
        let (_server, address) = server(&["--inactive-after", time]);
        let mut ana = open(&address, "/?name=ana");
        assert_eq!(ana.hears_within(Duration::from_millis(500)), turns);
    }
}

#[test]
fn history_is_how_many_messages_of_a_chat_are_kept() {
    assert_eq!(kept(&["--history", "2"]), ["2", "3"]);
    assert_eq!(kept(&["--history", "0"]), [""; 0]);
}

#[test]
fn history_bytes_is_the_memory_for_all_chats() {
    // Each message is charged its text, its names and 256 bytes.
    assert_eq!(kept(&["--history-bytes", "600"]), ["2", "3"]);
    assert_eq!(kept(&["--history-bytes", "100"]), [""; 0]);
}

#[test]
fn max_absent_is_how_many_who_left_are_remembered() {
    for (most, known) in [("1", true), ("0", false)] {
        let (_server, address) = server(&["--max-absent", most]);
        let mut bo = register(&address, "bo");
        let mut ana = register(&address, "ana");
        ana.send(r#"{"type":"disconnect"}"#).unwrap();
        while !hear(&mut bo).contains("user_disconnected") {}
        bo.send(r#"{"type":"user_info","target":"ana"}"#).unwrap();
        let answer = hear(&mut bo);
        assert_eq!(answer.contains("user_info_response"), known, "{answer}");
    }
}

#[test]
fn file_clients_is_how_many_files_are_sent_at_once() {
    let folder = Folder::new();
    folder.write_zeros("large", 64 << 20);
    folder.write("small", "small");
    let flags = ["--root", folder.name(), "--file-clients", "1"];
    let (_server, address) = server(&flags);
    let mut first = connect(&address);
    first
        .send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .head();
    let mut second = connect(&address);
    second.send("GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(!second.hears_within(Duration::from_millis(300)));
    drop(first);
    assert_eq!(second.answer().body, "small");
}

#[test]
fn min_file_rate_and_its_window_end_a_download_that_is_hardly_read() {
    let folder = Folder::new();
    folder.write_zeros("large", 64 << 20);
    folder.write("small", "small");
    let second_gets_its_turn = |rate: &str| {
        let (_server, address) = server(&[
            "--root",
            folder.name(),
            "--file-clients",
            "1",
            "--min-file-rate",
            rate,
            "--file-rate-window",
            "200ms",
        ]);
        let mut first = connect(&address);
        first
            .send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .head();
        let mut second = connect(&address);
        second.send("GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n");
        second.hears_within(Duration::from_secs(2))
    };
    assert!(second_gets_its_turn("1MiB"));
    assert!(!second_gets_its_turn("0"));
}

#[test]
fn max_connections_is_how_many_there_may_be_at_once() {
    let (_server, address) = server(&["--max-connections", "1"]);
    let mut first = connect(&address);
    first.upgrade("/echo");
    let answer = connect(&address).answer();
    assert_eq!(answer.status, 503);
    assert!(
        field(&answer.head, "Retry-After").is_some(),
        "{}",
        answer.head
    );
    drop(first);
    wait_until("the place is free again", || {
        let mut next = connect(&address);
        next.try_send(request("/echo", ""));
        next.head().starts_with("HTTP/1.1 101")
    });
}

#[test]
fn max_per_ip_is_how_many_one_address_may_have() {
    let Some(own) = own_address() else {
        skip("this machine has no address but loopback, which is exempt from a share of its own");
        return;
    };
    let refused = |flags: &[&str]| {
        let program = Program::start(&[&["--bind", &format!("{own}:0")], flags].concat());
        let address = program.address();
        let mut first = connect(&address);
        first.send(request("/echo", "")).head();
        let mut second = connect(&address);
        second.try_send(request("/echo", ""));
        let head = second.head();
        head.starts_with("HTTP/1.1 429 ")
    };
    assert!(refused(&["--max-per-ip", "1"]));
    assert!(!refused(&["--max-per-ip", "0"]));
}

#[test]
fn ping_every_is_the_silence_after_which_a_peer_is_asked() {
    let (_server, address) = server(&["--ping-every", "50ms"]);
    open(&address, "/echo").expect(PING, "");
}

#[test]
fn dead_after_is_how_long_a_peer_may_leave_that_unanswered() {
    let (_server, address) = server(&["--ping-every", "50ms", "--dead-after", "100ms"]);
    open(&address, "/echo").expect(PING, "").close(1008);
}

#[test]
fn close_timeout_is_the_wait_for_an_answer_to_our_close() {
    let (program, address) = server(&["--close-timeout", "100ms"]);
    let mut silent = open(&address, "/echo");
    let begun = Instant::now();
    program.signal("TERM");
    silent.close(1001);
    assert_eq!(program.wait().code, Some(0));
    let waited = begun.elapsed();
    assert!(
        waited < Duration::from_secs(4),
        "as if it were 5 s: {waited:?}"
    );
}

#[test]
fn max_queue_is_what_a_slow_reader_may_leave_waiting() {
    let text = "x".repeat(60_000);
    let overflows = |flags: &[&str]| {
        let (_server, address) = server(&[flags, &["--rate", "0"]].concat());
        let _slow = register(&address, "slow");
        let mut ana = register(&address, "ana");
        let message = format!(r#"{{"type":"broadcast","content":"{text}"}}"#);
        for _ in 0..300 {
            ana.send(message.as_str()).unwrap();
            hear(&mut ana);
        }
        metric(&address, "enchufe_queue_overflows_total")
    };
    assert_eq!(overflows(&["--max-queue", "64MiB"]), 0);
    assert_eq!(overflows(&["--max-queue", "1KiB"]), 1);
}

#[test]
fn rate_is_how_many_messages_a_second_are_read() {
    let fast = time_of_echoes(6, &["--rate", "0", "--burst", "1"]);
    let slow = time_of_echoes(6, &["--rate", "5", "--burst", "1"]);
    assert!(slow >= Duration::from_millis(900), "{slow:?}");
    assert!(fast < Duration::from_millis(900), "{fast:?}");
}

#[test]
fn burst_is_how_many_may_come_at_once() {
    let slow = time_of_echoes(4, &["--rate", "2", "--burst", "1"]);
    let fast = time_of_echoes(4, &["--rate", "2", "--burst", "4"]);
    assert!(slow >= Duration::from_millis(1_400), "{slow:?}");
    assert!(fast < Duration::from_millis(1_400), "{fast:?}");
}

#[test]
fn max_message_and_max_register_reach_every_service() {
    let hello = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
    let long = "x".repeat(101);
    for path in ["/?name=ana", "/chat", "/echo", "/inspect"] {
        let messages = [long.as_str()];
        assert_eq!(
            closed_with(&["--max-message", "100"], path, &messages),
            1009
        );
    }
    let hub = closed_with(&["--max-message", "100"], "/socket", &[hello, &long]);
    assert_eq!(hub, 1009);
    let user = [r#"{"type":"register","sender":"ana"}"#, long.as_str()];
    assert_eq!(closed_with(&["--max-message", "100"], "/chat", &user), 1009);
    let stranger = closed_with(&["--max-register", "100"], "/chat", &[&long]);
    assert_eq!(stranger, 1009);
}

#[test]
fn register_timeout_is_how_long_a_json_connection_may_be_nobody() {
    assert_eq!(
        closed_with(&["--register-timeout", "50ms"], "/chat", &[]),
        1008
    );
}

#[test]
fn max_echo_message_is_for_echo_and_inspect_alone() {
    let flags = ["--max-echo-message", "100"];
    let long = "x".repeat(101);
    for path in ["/echo", "/inspect"] {
        assert_eq!(closed_with(&flags, path, &[&long]), 1009, "{path}");
    }
    let (_server, address) = server(&flags);
    let mut ana = register(&address, "ana");
    ana.send(format!(r#"{{"type":"broadcast","content":"{long}"}}"#))
        .unwrap();
    assert!(hear(&mut ana).contains(&long));
}

#[test]
fn max_fragments_is_how_many_one_message_may_have() {
    for path in ["/?name=ana", "/chat", "/socket", "/echo", "/inspect"] {
        let (_server, address) = server(&["--max-fragments", "2", "--log", "off"]);
        let mut peer = open(&address, path);
        for first in [TEXT_BEGINS, MORE, LAST] {
            peer.send(masked(first, "x"));
        }
        closes(&mut peer, 1008);
    }
}

#[test]
fn max_empty_fragments_is_how_many_may_come_in_a_row() {
    for path in ["/?name=ana", "/chat", "/socket", "/echo", "/inspect"] {
        let (_server, address) = server(&["--max-empty-fragments", "2"]);
        let mut peer = open(&address, path);
        for first in [TEXT_BEGINS, MORE, MORE, MORE] {
            peer.send(masked(first, ""));
        }
        closes(&mut peer, 1008);
    }
}

#[test]
fn message_timeout_is_for_a_message_that_has_begun() {
    let (_server, address) = server(&["--message-timeout", "100ms"]);
    let mut peer = open(&address, "/echo");
    peer.send(masked(TEXT, "whole")).expect(TEXT, "whole");
    peer.send(masked(TEXT_BEGINS, "and")).close(1008);
}

#[test]
fn json_depth_holds_for_the_chat_and_the_hub() {
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        format!(r#"{{"type":"list_users","x":{open}{close}}}"#)
    };
    for (flags, most) in [
        (&["--json-depth", "2"][..], 2),
        (&["--json-depth", "300"], 300),
    ] {
        let (_server, address) = server(flags);
        let mut ana = register(&address, "ana");
        ana.send(nested(most)).unwrap();
        assert!(hear(&mut ana).contains("list_users_response"), "{flags:?}");
        ana.send(nested(most + 1)).unwrap();
        let answer = hear(&mut ana);
        assert!(answer.contains("demasiados niveles"), "{flags:?}: {answer}");

        let record = |depth| nested(depth).replace("\"list_users\"", "6") + "\u{1e}";
        let hello = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
        let (fine, deep) = (record(most), record(most + 1));
        let leave = "{\"type\":7}\u{1e}";
        assert_eq!(closed_with(flags, "/socket", &[hello, &fine, leave]), 1000);
        assert_eq!(closed_with(flags, "/socket", &[hello, &deep, leave]), 1007);
    }
}

#[test]
fn bounds_on_a_request_are_kept() {
    let line = "GET /12345678901234567890 HTTP/1.1\r\n";
    let get = format!("{line}Host: localhost\r\nA: b\r\n\r\n");
    let post =
        "POST /socket/negotiate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n123456789";
    for (flags, request, expected) in [
        (["--max-request-line", "34"], get.as_str(), 404),
        (["--max-request-line", "33"], &get, 414),
        (["--max-head", "100"], &get, 404),
        (["--max-head", "10"], &get, 431),
        (["--max-headers", "2"], &get, 404),
        (["--max-headers", "1"], &get, 431),
        (["--max-body", "9"], post, 200),
        (["--max-body", "8"], post, 413),
        (["--handshake-timeout", "100ms"], line, 408),
    ] {
        assert_eq!(status(&flags, request), expected, "{flags:?}");
    }
}

/// The text of every test, in this directory and the others.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("a folder of tests") {
        let path = entry.expect("its entry").path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(path).expect("a source");
        } else if path.is_dir() && !path.ends_with("node_modules") {
            text += &sources(&path);
        }
    }
    text
}

/// What of three messages, `1` to `3`, the history has.
fn kept(flags: &[&str]) -> Vec<String> {
    let (_server, address) = server(flags);
    let mut ana = register(&address, "ana");
    for n in 1..=3 {
        ana.send(format!(r#"{{"type":"broadcast","content":"{n}"}}"#))
            .unwrap();
        hear(&mut ana);
    }
    ana.send(r#"{"type":"history"}"#).unwrap();
    let answer = hear(&mut ana);
    let contents = answer.split(r#""content":""#).skip(1);
    contents
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect()
}

fn time_of_echoes(count: usize, flags: &[&str]) -> Duration {
    let (_server, address) = server(flags);
    let mut peer = open(&address, "/echo");
    let begun = Instant::now();
    for _ in 0..count {
        peer.send(masked(TEXT, "x"));
    }
    for _ in 0..count {
        peer.expect(TEXT, "x");
    }
    begun.elapsed()
}

/// An address of this machine that is not loopback. Nothing is sent: connecting a datagram socket only picks a route.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}
