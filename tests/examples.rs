//! Every example runs to its end and prints what its header promises.
//!
//! `cargo test` builds the examples beside the tests. `cargo test --test examples` builds those that are not there, and takes
//! the others as they are: after a change to one, `cargo build --examples`.

#[path = "support/built.rs"]
mod built;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// An example that runs. It is stopped when dropped.
struct Running {
    child: Child,
    lines: Receiver<String>,
    deadline: Instant,
}

impl Running {
    fn start(name: &str, args: &[&str]) -> Self {
        let mut child = Command::new(built::example(name))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("an example is a program");
        let output = child.stdout.take().expect("the output is piped");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            lines,
            deadline: Instant::now() + DEADLINE,
        }
    }

    /// The next line; `None` when the program has ended.
    fn line(&mut self) -> Option<String> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line within {DEADLINE:?}"),
        }
    }

    /// Everything it prints until it ends, which it has to do well.
    fn finish(mut self) -> String {
        let mut output = String::new();
        while let Some(line) = self.line() {
            output.push_str(&line);
            output.push('\n');
        }
        let status = self
            .child
            .wait()
            .expect("its output has ended, and so does it");
        assert!(status.success(), "{status}:\n{output}");
        output
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

fn output(name: &str, args: &[&str]) -> String {
    Running::start(name, args).finish()
}

/// Checks that the output has these pieces, in this order.
#[track_caller]
fn assert_in_order(output: &str, pieces: &[&str]) {
    let mut rest = output;
    for piece in pieces {
        let at = rest
            .find(piece)
            .unwrap_or_else(|| panic!("no {piece:?} where it should be in:\n{output}"));
        rest = &rest[at + piece.len()..];
    }
}

#[test]
fn accept_key_computes_the_example_of_section_1_3_and_the_key_of_anybody() {
    let example = output("accept_key", &[]);
    assert_in_order(
        &example,
        &["16 bytes", "b3 7a 4f 2c", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
    );
    let other = output("accept_key", &["x3JJHMbDL1EzLkh9GBhXDw=="]);
    assert_in_order(&other, &["HSmrc0sMlYUkAGmm5OPpG2HaGWk="]);
}

#[test]
fn frame_anatomy_draws_every_length_form_and_says_what_is_wrong_with_a_frame() {
    let drawn = output("frame_anatomy", &[]);
    let lengths = [
        "length=5 ",
        "length=126",
        "length=127",
        "length=6 ",
        "length=0 ",
    ];
    assert_in_order(&drawn, &lengths);
    let hello = output("frame_anatomy", &["81", "85", "37fa213d", "7f9f4d5158"]);
    assert_in_order(
        &hello,
        &["from a client", "\"Hello\"", "FIN=1 RSV=000 opcode=1 text"],
    );
    let reserved = output("frame_anatomy", &["8b00"]);
    assert_in_order(&reserved, &["opcode 0xb is reserved; close 1002"]);
}

#[test]
fn masking_gives_the_payload_back() {
    let plain = "48 65 6c 6c 6f 2c 20 68 65 6c 6c 6f";
    let masked = "7f 9f 4d 51 58 d6 01 55 52 96 4d 52";
    assert_in_order(
        &output("masking", &[]),
        &[plain, masked, plain, "GET /cache-me"],
    );
}

#[test]
fn fragmentation_answers_the_ping_before_the_message_is_whole() {
    let pieces = [
        "a fragmented message is in progress",
        "FIN=0 RSV=000 opcode=1 text",
        "=> Ping",
        "opcode=0 continuation",
        "=> no message yet",
        "FIN=1 RSV=000 opcode=0 continuation",
        "=> the message: \"¿Qué tal?\"",
    ];
    assert_in_order(&output("fragmentation", &[]), &pieces);
}

#[test]
fn close_handshake_goes_through_the_states_of_both_sides() {
    let pieces = [
        "client: Open, server: Open",
        "1000 normal closure",
        "client: CloseSent, server: CloseReceived",
        "nothing can be sent after a Close",
        "client: Closed, server: Closed",
    ];
    assert_in_order(&output("close_handshake", &[]), &pieces);
}

#[test]
fn sans_io_carries_a_message_there_and_back() {
    let pieces = [
        "GET /echo HTTP/1.1",
        "101 Switching Protocols",
        "Server: Text message after 10 bytes: hola",
        "Client: Text message after 6 bytes: hola",
    ];
    assert_in_order(&output("sans_io", &[]), &pieces);
}

#[test]
fn handshake_by_hand_is_understood() {
    let pieces = [
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "> [81, 84, 37, fa, 21, 3d",
        "< [81, 04, 68, 6f, 6c, 61] \"hola\"",
        "< [88, 02, 03, e8] and the end",
    ];
    assert_in_order(&output("handshake_by_hand", &[]), &pieces);
}

#[test]
fn echo_client_gets_back_what_it_sends() {
    let pieces = [
        "> Text(\"hola\")",
        "< Text(\"hola\") after",
        "< Binary([202, 254]) after",
        "closed:",
        "done",
    ];
    assert_in_order(&output("echo_client", &[]), &pieces);
}

#[test]
fn echo_server_says_where_it_listens_and_serves_the_other_examples() {
    let mut server = Running::start("echo_server", &["127.0.0.1:0"]);
    let line = server.line().expect("the server says where it listens");
    let url = line
        .strip_prefix("echo server on ")
        .expect("the line ends with the URL");

    let client = output("echo_client", &[url, "adiós"]);
    assert_in_order(&client, &["> Text(\"adiós\")", "< Text(\"adiós\")"]);
    for expected in [
        "connected",
        "sent Text(\"adiós\")",
        "closed: 1000 normal closure \"done\"",
    ] {
        let line = server.line().expect("the server goes on");
        assert!(line.ends_with(expected), "{line}");
    }
    let address = url.trim_start_matches("ws://").trim_end_matches('/');
    assert_in_order(&output("handshake_by_hand", &[address]), &["\"hola\""]);
}

/// A server of the program on a free port, killed when dropped.
#[cfg(feature = "cli")]
struct ChatServer {
    child: Child,
    addr: String,
}

#[cfg(feature = "cli")]
impl ChatServer {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_enchufe"))
            .args(["--bind", "127.0.0.1:0", "--log", "off"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program was built with this test");
        let mut line = String::new();
        let output = child.stdout.take().expect("the output is piped");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let addr = line.trim_end().trim_end_matches('/').rsplit('/').next();
        let addr = addr.expect("an address").to_owned();
        Self { child, addr }
    }
}

#[cfg(feature = "cli")]
impl Drop for ChatServer {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

#[cfg(feature = "cli")]
#[test]
fn chat_bot_greets_and_answers() {
    let server = ChatServer::start();
    let mut bot = Running::start("chat_bot", &[&format!("ws://{}/?name=bot", server.addr)]);
    assert!(bot.line().is_some_and(|line| line.starts_with("connected")));
    let ana = enchufe::connect(&format!("ws://{}/?name=Ana", server.addr));
    let mut ana = ana.expect("a free name");
    let mut expect = |from_bot: &str| {
        let expected = [
            b"\x37\x03bot",
            &[from_bot.len() as u8][..],
            from_bot.as_bytes(),
        ]
        .concat();
        let deadline = Some(Instant::now() + DEADLINE);
        loop {
            match ana.read_until(deadline).expect("a live connection") {
                enchufe::Incoming::Message(message) if message.payload() == expected => break,
                enchufe::Incoming::Message(_) => {}
                other => panic!("no {from_bot:?}: {other:?}"),
            }
        }
        let request = "bot echo \u{bf}qu\u{e9}";
        let message = [b"\x04\x01~", &[request.len() as u8][..], request.as_bytes()].concat();
        ana.send(message).expect("it is sent");
    };
    expect("hello, Ana!");
    expect("\u{bf}qu\u{e9}");
}

#[test]
fn chat_in_one_file_serves_rooms_by_path() {
    let mut server = Running::start("chat_in_one_file", &["serve", "127.0.0.1:0"]);
    let line = server.line().expect("its first line");
    let base = line
        .strip_prefix("chat on ")
        .and_then(|it| it.strip_suffix("/lobby?name=NAME"));
    let base = base.expect("its address");
    let connect = |path: &str| enchufe::connect(&format!("{base}{path}")).expect("a connection");
    let read = |ws: &mut enchufe::WebSocket| {
        let message = ws.read().expect("a live connection").expect("no Close");
        message.text().expect("a text").to_owned()
    };
    let mut ana = connect("/lobby?name=ana");
    assert_eq!(read(&mut ana), "* here: ana");
    let mut jo = connect("/lobby?name=jo");
    assert_eq!(read(&mut jo), "* here: ana, jo");
    assert_eq!(read(&mut ana), "* jo joined");
    let mut taken = connect("/lobby?name=jo");
    assert_eq!(read(&mut taken), "* this name is taken");
    let mut other = connect("/other?name=jo");
    assert_eq!(read(&mut other), "* here: jo");
    ana.send("hola").expect("it is sent");
    assert_eq!(read(&mut ana), "ana: hola");
    assert_eq!(read(&mut jo), "ana: hola");
    drop(ana);
    assert_eq!(read(&mut jo), "* ana left");
}

#[test]
fn full_duplex_hears_the_server_between_what_it_says() {
    let output = output("full_duplex", &[]);
    assert_in_order(&output, &["client 1 >", "client 5 >", "closed"]);
    assert_in_order(
        &output,
        &["< server 99", "< server 98", "< server 97", "closed"],
    );
}

#[test]
fn wire_tap_draws_both_directions() {
    let pieces = [
        "client -> server\nGET / HTTP/1.1",
        "server -> client\nHTTP/1.1 101",
        "client -> server\n81 84",
        "unmasked: \"hola\"",
        "server -> client\n81 04 68 6f 6c 61\n",
        "client -> server\n88 82",
        "server -> client\n88 02 03 e8\n",
    ];
    assert_in_order(&output("wire_tap", &[]), &pieces);
}

#[test]
fn wire_tap_stands_in_front_of_any_server() {
    let mut server = Running::start("echo_server", &["127.0.0.1:0"]);
    let line = server.line().expect("the server says where it listens");
    let address = line
        .trim_start_matches("echo server on ws://")
        .trim_end_matches('/');
    let mut tap = Running::start("wire_tap", &[address]);
    let line = tap.line().expect("the tap says where it listens");
    let tapped = line
        .trim_start_matches("tapped: ws://")
        .trim_end_matches('/');

    let mut tcp = TcpStream::connect(tapped).expect("the tap listens");
    tcp.set_read_timeout(Some(DEADLINE))
        .expect("a timeout above zero");
    // Whatever the server answers to this, the tap shows and forwards it.
    tcp.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .expect("it reads");
    let mut answer = String::new();
    tcp.read_to_string(&mut answer)
        .expect("it answers and closes");
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    assert_eq!(tap.line().as_deref(), Some("client -> server"));
    assert_eq!(tap.line().as_deref(), Some("GET / HTTP/1.1"));
}

#[test]
fn primitives_come_in_the_order_of_the_two_sides() {
    let pieces = [
        "server  SOCKET BIND LISTEN",
        "client  SOCKET CONNECT",
        "client  SEND",
        "client  SEND",
        "client  CLOSE one way",
        "server  ACCEPT",
        "\"hello, w\"",
        "\"ho is th\"",
        "\"ere?\"",
        "\"\"",
        "server  SEND",
        "server  CLOSE",
        "client  RECEIVE             TcpStream::read      recvfrom            \"bye\"",
    ];
    assert_in_order(&output("primitives", &[]), &pieces);
}

#[test]
fn udp_shows_what_is_late_and_what_is_lost() {
    let output = output("udp", &[]);
    assert_in_order(
        &output,
        &[
            "RECEIVE  6",
            "RECEIVE  3 from 127.0.0.1:",
            "late: 6 came first",
        ],
    );
    assert_in_order(&output, &["answer   [4, 8] are missing from 127.0.0.1:"]);
}

#[test]
fn udp_sends_where_nobody_receives_and_is_not_told() {
    // The discard port, below those that a system gives out.
    let alone = output("udp", &["send", "127.0.0.1:9"]);
    assert_in_order(&alone, &["SEND     1", "SEND     9", "no answer"]);
}

#[test]
fn udp_ignores_a_datagram_that_is_not_one_of_its_numbers() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("it is bound");
    drop(socket); // the example takes the port over
    let mut receiver = Running::start("udp", &["receive", &address.to_string()]);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket
        .set_read_timeout(Some(Duration::from_millis(100)))
        .expect("a timeout above zero");
    let mut answer = [0; 64];
    let count = loop {
        // Until it listens, datagrams get lost.
        let _ = socket.send_to(b"\xff", address);
        let _ = socket.send_to(b"", address);
        if let Ok((count, _)) = socket.recv_from(&mut answer) {
            break count;
        }
    };
    assert_eq!(&answer[..count], b"[] are missing");
    while let Some(line) = receiver.line() {
        assert!(line.contains("ignored"), "{line}");
    }
}

#[test]
fn frame_anatomy_names_what_is_missing_and_what_is_not_hexadecimal() {
    let cut = output("frame_anatomy", &["81", "05", "48"]);
    assert_in_order(&cut, &["incomplete: 1 of 5 payload bytes, 4 missing"]);
    let wrong = Command::new(built::example("frame_anatomy"))
        .arg("zz")
        .output()
        .expect("an example is a program");
    assert_eq!(wrong.status.code(), Some(2));
    let errors = String::from_utf8_lossy(&wrong.stderr);
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.contains("is not hexadecimal"), "{errors}");
}

/// How long one example may take. Generous: the machine may have a lot to do.
const DEADLINE: Duration = Duration::from_secs(60);
