//! Both chats over real connections: what `src/services/chat` specifies without sockets, seen from outside, and what
//! only sockets can show: reserving, closing, breaking, many at once.
#![cfg(all(unix, feature = "cli"))]

#[path = "support/mod.rs"]
mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use enchufe::net::{Client, Error, Incoming, Message, WebSocket};
use enchufe::protocol::CloseCode;

use support::server_process::ServerProcess;

/// A server on a port of its own.
struct Host {
    address: SocketAddr,
    server: ServerProcess,
}

impl Host {
    fn start() -> Host {
        Host::with(&[])
    }

    fn with(words: &[&str]) -> Host {
        let server = ServerProcess::start_with(words, &[]);
        Host {
            address: server.addr,
            server,
        }
    }

    fn connect(&self, name: &str) -> Guest {
        Guest(self.open(&format!("/?name={name}")).unwrap())
    }

    fn register(&self, name: &str) -> Guest {
        let mut guest = Guest(self.open("/chat").unwrap());
        guest.json(&format!(r#"{{"type":"register","sender":"{name}"}}"#));
        assert!(guest.text().starts_with(r#"{"type":"register_success""#));
        guest
    }

    fn open(&self, path: &str) -> Result<WebSocket, Error> {
        Client::new(format!("ws://{}{path}", self.address))
            .timeout(PATIENCE)
            .connect()
    }

    /// What plain HTTP answers: status and body.
    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if !thread::panicking() {
            assert!(self.server.terminate().success(), "{}", self.server.log());
        }
    }
}

/// A client that waits for what it is told, but not for ever.
struct Guest(WebSocket);

impl Guest {
    fn send(&mut self, message: &[u8]) {
        self.0.send(message).unwrap();
    }

    fn json(&mut self, message: &str) {
        self.0.send(message).unwrap();
    }

    fn bytes(&mut self) -> Vec<u8> {
        match self.next() {
            Some(Message::Binary(bytes)) => bytes,
            other => panic!("{other:?}"),
        }
    }

    fn text(&mut self) -> String {
        match self.next() {
            Some(Message::Text(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    fn next(&mut self) -> Option<Message> {
        match self.0.read_until(Some(Instant::now() + PATIENCE)).unwrap() {
            Incoming::Message(message) => Some(message.to_message()),
            Incoming::Closed => None,
            other => panic!("nothing came: {other:?}"),
        }
    }

    fn closed_with(&mut self) -> CloseCode {
        assert_eq!(self.next(), None);
        self.0.close_reason().expect("a code").code
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn binary_users_meet_talk_and_part() {
    let host = Host::start();
    let mut ana = host.connect("ana");
    let mut bo = host.connect("bo");
    assert_eq!(ana.bytes(), b"\x35\x02bo\x01");
    bo.send(b"\x04\x03ana\x04psst");
    assert_eq!(ana.bytes(), b"\x37\x02bo\x04psst");
    assert_eq!(bo.bytes(), b"\x37\x02bo\x04psst");
    bo.0.send("\u{1}").unwrap();
    assert_eq!(
        bo.bytes(),
        b"\x33\x02\x03ana\x01\x02bo\x01",
        "text is as good as binary"
    );
    bo.0.close(CloseCode::NormalClosure, "").unwrap();
    assert_eq!(ana.bytes(), b"\x36\x02bo\x00");
    let _bo = host.connect("bo");
    assert_eq!(ana.bytes(), b"\x36\x02bo\x01", "a known name comes back");
}

#[test]
fn a_name_that_cannot_be_had_is_refused_with_400_before_the_upgrade() {
    let host = Host::start();
    let _ana = host.connect("ana");
    let long = "x".repeat(256);
    for (name, body) in [
        ("ana", "El usuario ya existe\n"),
        ("", "El nombre está vacío\n"),
        ("%7E", "El nombre está reservado\n"),
        ("~", "El nombre está reservado\n"),
        ("server", "El nombre está reservado\n"),
        ("%ff", "El nombre no es UTF-8\n"),
        ("a%00", "El nombre tiene caracteres de control\n"),
        ("a%0d%0ab", "El nombre tiene caracteres de control\n"),
        (&long, "El nombre tiene más de 255 bytes\n"),
    ] {
        match host.open(&format!("/?name={name}")) {
            Err(Error::UnexpectedStatus(refused)) => {
                assert_eq!(refused.status, 400, "{name}");
                assert_eq!(String::from_utf8(refused.body).unwrap(), body, "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(host.get(&format!("/?name={name}")), (400, body.to_owned()));
    }
    let mut plus = host.connect("a+b%20c");
    plus.send(b"\x01");
    assert_eq!(plus.bytes(), b"\x33\x02\x05a+b c\x01\x03ana\x01");
}

#[test]
fn asking_for_a_name_registers_nobody() {
    let host = Host::start();
    for _ in 0..3 {
        assert_eq!(host.get("/?name=ana").0, 200);
    }
    let mut bo = host.connect("bo");
    bo.send(b"\x02\x03ana");
    assert_eq!(bo.bytes(), b"\x32\x01");
    drop(host.connect("ana"));
    assert_eq!(bo.bytes(), b"\x35\x03ana\x01");
}

#[test]
fn a_name_is_free_again_when_the_handshake_of_its_connection_fails() {
    let host = Host::start();
    // The 101 is sent, but the peer is gone: whether before or after, the name does not stay claimed.
    for _ in 0..5 {
        let mut stream = TcpStream::connect(host.address).unwrap();
        write!(
            stream,
            "GET /?name=ana HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            host.address
        )
        .unwrap();
        let _ = stream.shutdown(Shutdown::Both);
    }
    let deadline = Instant::now() + PATIENCE;
    while host.open("/?name=ana").is_err() {
        assert!(Instant::now() < deadline, "the name stays claimed");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn who_has_the_101_is_in_the_chat() {
    let host = Host::start();
    let mut guests: Vec<Guest> = Vec::new();
    for n in 0..40 {
        let mut newcomer = host.connect(&format!("{n:02}"));
        newcomer.send(b"\x01");
        assert_eq!(newcomer.bytes()[1], n + 1, "all before it are there");
        for guest in &mut guests {
            assert_eq!(guest.bytes(), format!("\u{35}\u{2}{n:02}\u{1}").as_bytes());
        }
        guests.push(newcomer);
    }
}

#[test]
fn of_many_who_want_one_name_at_once_one_gets_it() {
    let host = Host::start();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| host.open("/?name=ana")))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

#[test]
fn json_users_register_talk_and_leave_with_a_goodbye() {
    let host = Host::start();
    let mut ana = Guest(host.open("/chat").unwrap());
    ana.json(r#"{"type":"list_users"}"#);
    assert!(
        ana.text()
            .contains(r#""type":"error","sender":"server","content":"Primero"#)
    );
    ana.json(r#"{"type":"register","sender":"ana","content":null}"#);
    assert!(
        ana.text()
            .contains(r#""content":"Registro exitoso","userList":["ana"]"#)
    );
    let mut bo = host.register("bo");
    assert!(
        ana.text()
            .contains(r#""content":{"user":"bo","status":"ACTIVO"}"#)
    );
    ana.json(r#"{"type":"user_info","target":"bo"}"#);
    assert!(
        ana.text()
            .contains(r#""content":{"ip":"127.0.0.1","status":"ACTIVO"}"#)
    );
    // Everything at once: the answers come in order, and the goodbye is the last of them.
    for message in [
        r#"{"type":"broadcast","content":"hola"}"#,
        "?",
        r#"{"type":"disconnect"}"#,
    ] {
        ana.json(message);
    }
    assert!(
        ana.text()
            .starts_with(r#"{"type":"broadcast","sender":"ana","content":"hola""#)
    );
    assert!(ana.text().starts_with(r#"{"type":"error""#));
    assert!(ana.text().contains(r#""content":"ana ha salido""#));
    assert_eq!(ana.closed_with(), CloseCode::NormalClosure);
    assert!(bo.text().starts_with(r#"{"type":"broadcast""#));
    assert!(bo.text().contains(r#""content":"ana ha salido""#));
    bo.json(r#"{"type":"list_users"}"#);
    assert!(
        bo.text().contains(r#""content":["bo"]"#),
        "told once, and gone"
    );
}

#[test]
fn a_connection_that_breaks_leaves_like_any_other() {
    let host = Host::start();
    let mut ana = host.connect("ana");
    let mut stream = TcpStream::connect(host.address).unwrap();
    write!(
        stream,
        "GET /?name=bo HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        host.address
    )
    .unwrap();
    assert_eq!(ana.bytes(), b"\x35\x02bo\x01");
    drop(stream);
    assert_eq!(ana.bytes(), b"\x36\x02bo\x00");
}

#[test]
fn the_subprotocol_is_for_those_who_offer_it() {
    let host = Host::start();
    let url = format!("ws://{}/chat", host.address);
    let ws = Client::new(&url)
        .subprotocol("other")
        .subprotocol("chat-protocol")
        .connect()
        .unwrap();
    assert_eq!(ws.subprotocol(), Some("chat-protocol"));
    let ws = Client::new(&url).subprotocol("other").connect().unwrap();
    assert_eq!(ws.subprotocol(), None);
    assert_eq!(host.open("/chat").unwrap().subprotocol(), None);
}

#[test]
fn a_stranger_may_send_4_kib_and_a_user_64() {
    let host = Host::start();
    let mut stranger = Guest(host.open("/chat").unwrap());
    stranger.json(&"x".repeat(4 * 1024));
    assert!(stranger.text().starts_with(r#"{"type":"error""#));
    stranger.json(&"x".repeat(4 * 1024 + 1));
    let end = stranger.0.read();
    assert!(matches!(end, Ok(None)), "{end:?}");
    let reason = stranger.0.close_reason().expect("a code");
    assert_eq!(reason.code, CloseCode::MessageTooBig);

    let mut ana = host.register("ana");
    let content = "ñ".repeat(30_000);
    ana.json(&format!(r#"{{"type":"broadcast","content":"{content}"}}"#));
    assert!(ana.text().contains(&content));
    ana.json(&"x".repeat(64 * 1024 + 1));
    assert_eq!(ana.closed_with(), CloseCode::MessageTooBig);
}

#[test]
fn text_that_is_not_utf_8_is_1007_in_the_json_chat() {
    let host = Host::start();
    let mut stream = TcpStream::connect(host.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "GET /chat HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        host.address
    )
    .unwrap();
    // A text frame with one byte FF, its mask 00000000.
    stream.write_all(b"\x81\x81\0\0\0\0\xff").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let head = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    assert_eq!(answer[head..], [0x88, 0x02, 0x03, 0xef]);
}

#[test]
fn an_idle_user_turns_inactive_without_being_asked() {
    let host = Host::with(&["--inactive-after", "200ms"]);
    let mut ana = host.connect("ana");
    assert_eq!(ana.bytes(), b"\x36\x03ana\x03");
    ana.send(b"\x04\x01~\x01x");
    assert_eq!(ana.bytes(), b"\x36\x03ana\x01");
    assert_eq!(ana.bytes(), b"\x37\x03ana\x01x");
    assert_eq!(ana.bytes(), b"\x36\x03ana\x03");
    ana.send(b"\x03\x03ana\x02");
    assert_eq!(ana.bytes(), b"\x36\x03ana\x02");
    ana.send(b"\x01");
    assert_eq!(ana.bytes(), b"\x33\x01\x03ana\x02");
}

#[test]
fn everybody_sees_one_order_and_the_history_agrees() {
    const EACH: usize = 50;
    let host = Host::start();
    let mut binary: Vec<_> = (0..3).map(|n| host.connect(&format!("b{n}"))).collect();
    let mut json: Vec<_> = (0..3).map(|n| host.register(&format!("j{n}"))).collect();
    // Each reads what it is told until it has seen every message, and sends its own meanwhile.
    let all = 6 * EACH;
    let orders: Vec<Vec<String>> = thread::scope(|scope| {
        let binary = binary.iter_mut().map(|guest| {
            scope.spawn(move || {
                for n in 0..EACH {
                    guest.send(format!("\u{4}\u{1}~\u{3}{n:03}").as_bytes());
                }
                let said = |bytes: &Vec<u8>| bytes[0] == 55;
                let line = |bytes: Vec<u8>| {
                    let text = String::from_utf8(bytes).unwrap();
                    format!("{} {}", &text[2..4], &text[5..8])
                };
                let mut told = std::iter::from_fn(|| Some(guest.bytes()));
                told.by_ref()
                    .filter(said)
                    .map(line)
                    .take(all)
                    .collect::<Vec<_>>()
            })
        });
        let binary: Vec<_> = binary.collect();
        let json = json.iter_mut().map(|guest| {
            scope.spawn(move || {
                for n in 0..EACH {
                    guest.json(&format!(r#"{{"type":"broadcast","content":"{n:03}"}}"#));
                }
                let said = |text: &String| text.starts_with(r#"{"type":"broadcast""#);
                let line = |text: String| {
                    let fields: Vec<_> = text.split('"').collect();
                    format!("{} {}", fields[7], fields[11])
                };
                let mut told = std::iter::from_fn(|| Some(guest.text()));
                told.by_ref()
                    .filter(said)
                    .map(line)
                    .take(all)
                    .collect::<Vec<_>>()
            })
        });
        let json: Vec<_> = json.collect();
        binary
            .into_iter()
            .chain(json)
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for order in &orders {
        assert_eq!(order, &orders[0]);
    }
    json[0].json(r#"{"type":"history"}"#);
    let history = json[0].text();
    let fields: Vec<_> = history.split(r#""sender":""#).skip(2).collect();
    let kept: Vec<_> = fields
        .iter()
        .map(|entry| entry.split('"').collect::<Vec<_>>())
        .map(|fields| format!("{} {}", fields[0], fields[4]))
        .collect();
    assert_eq!(kept, orders[0]);
}
