//! Starting and stopping the server.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::program::{Program, run, server};

#[test]
fn it_says_where_it_listens_and_listens_there() {
    let words = ["--bind", "127.0.0.1:0", "--bind", "127.0.0.1:0"];
    let server = Program::start(&words);
    let addresses = [server.address(), server.address()];
    assert_ne!(addresses[0], addresses[1]);
    for address in addresses {
        assert!(!address.ends_with(":0"));
        TcpStream::connect(address).expect("it listens");
    }
}

#[test]
fn an_address_in_the_environment_is_used() {
    let server = Program::start_with(&[], &[("ENCHUFE_BIND", "127.0.0.1:0,127.0.0.1:0")]);
    assert_ne!(server.address(), server.address());
}

#[test]
fn a_taken_port_is_status_1_and_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let end = run(&["--bind", &address]);
    assert_eq!((end.code, end.output.as_str()), (Some(1), ""));
    assert_eq!(end.errors.lines().count(), 1, "{end:?}");
    assert!(
        end.errors.contains(&address) && end.errors.contains("--bind"),
        "{end:?}"
    );
}

#[test]
fn a_root_that_is_no_directory_is_status_1_and_one_line() {
    let end = run(&["--bind", "127.0.0.1:0", "--root", "/nowhere/at/all"]);
    assert_eq!((end.code, end.output.as_str()), (Some(1), ""), "{end:?}");
    assert!(
        end.errors.contains("/nowhere/at/all") && end.errors.lines().count() == 1,
        "{end:?}"
    );
}

#[test]
fn a_signal_stops_it_with_a_close_and_status_0() {
    for signal in ["INT", "TERM"] {
        let (server, address) = server(&["--log", "off"]);
        let mut client = enchufe::connect(&format!("ws://{address}/echo")).unwrap();
        client.send("hola").unwrap();
        client.read().unwrap();
        server.signal(signal);
        assert!(client.read().unwrap().is_none());
        assert_eq!(
            client.close_reason().map(|close| u16::from(close.code)),
            Some(1001)
        );
        let end = server.wait();
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""), "{signal}");
    }
}

#[test]
fn a_second_signal_does_not_wait_for_a_peer_that_says_nothing() {
    let (server, address) = server(&["--close-timeout", "1h", "--log", "info"]);
    // A peer that has opened a WebSocket and then neither reads nor answers.
    let mut peer = TcpStream::connect(&address).unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let request = format!(
        "GET /echo HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    peer.write_all(request.as_bytes()).unwrap();
    let mut first = [0; 12];
    peer.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 101");
    server.signal("TERM");
    // The Close shows that the first signal has been seen.
    let mut rest = Vec::new();
    while !rest.windows(5).any(|bytes| bytes == b"\r\n\r\n\x88") {
        let mut byte = [0];
        peer.read_exact(&mut byte).unwrap();
        rest.extend(byte);
    }
    server.signal("TERM");
    assert_eq!(server.wait().code, Some(128 + 15));
}

#[test]
fn a_hangup_without_a_terminal_is_refused_with_a_reason() {
    let (server, address) = server(&["--log", "warn"]);
    server.signal("HUP");
    let line = server.error_line_with("SIGHUP");
    assert!(line.contains("restart to change them"), "{line}");
    TcpStream::connect(address).expect("it still listens");
}

#[test]
fn a_user_turns_inactive_after_the_time_given() {
    let (_server, address) = server(&["--inactive-after", "50ms"]);
    let ana = Program::start(&["chat", &address, "--name", "ana"]);
    ana.line_with("* you are inactive");
}
