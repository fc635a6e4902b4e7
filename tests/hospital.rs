//! The hospital hub over real connections: who hears what, in which order, and how a connection ends.
#![cfg(all(unix, feature = "cli"))]

#[path = "support/mod.rs"]
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use enchufe::{Client, Incoming, WebSocket};

use support::server_process::ServerProcess;

/// `VerEstadoActual` goes to the caller; everything else to everybody, and the caller's completion comes right after.
#[test]
fn everybody_hears_of_a_change_and_the_caller_that_it_is_complete() {
    let hub = Hub::start();
    let (mut ana, mut ben) = (hub.viewer(), hub.viewer());
    ana.invokes("1", "CrearHospital", "[\"Norte\"]");
    ana.hears(&event("HospitalCreado", 0));
    ana.hears(&completion("1"));
    ben.hears(&event("HospitalCreado", 0));

    ben.invokes("x", "VerEstadoActual", "[]");
    ben.hears(r#"{"type":1,"target":"EstadoRecibido","arguments":[[{"id":1,"nombre":"Norte","camas":[]}]]}"#);
    ben.hears(&completion("x"));

    ben.sends("CrearCama", "[1]");
    for viewer in [&mut ana, &mut ben] {
        viewer.hears(&event("CamaCreada", 0));
    }
    ana.sends("OcuparCama", "[7]");
    for viewer in [&mut ana, &mut ben] {
        viewer.hears(&event("CamaOcupada", -1));
    }
}

#[test]
fn who_has_not_shaken_hands_hears_nothing() {
    let hub = Hub::start();
    let mut late = hub.stranger();
    let mut ana = hub.viewer();
    ana.invokes("1", "CrearHospital", "[\"Norte\"]");
    ana.hears(&event("HospitalCreado", 0));
    ana.hears(&completion("1"));
    late.says(HELLO);
    late.hears("{}");
    ana.sends("CrearCama", "[1]");
    late.hears(&event("CamaCreada", 0));
}

#[test]
fn all_hear_all_changes_in_one_order() {
    let hub = Hub::start();
    let mut listener = hub.viewer();
    let methods = ["CrearHospital", "CrearCama", "OcuparCama", "EliminarCama"];
    let callers = methods.map(|method| (method, hub.viewer()));
    let callers: Vec<JoinHandle<Vec<String>>> = callers
        .into_iter()
        .map(|(method, mut caller)| {
            thread::spawn(move || {
                let argument = if method == "CrearHospital" {
                    "[\"x\"]"
                } else {
                    "[1]"
                };
                (0..100).for_each(|_| caller.sends(method, argument));
                (0..400).map(|_| caller.hears_something()).collect()
            })
        })
        .collect();
    let heard: Vec<String> = (0..400).map(|_| listener.hears_something()).collect();
    for caller in callers {
        assert_eq!(caller.join().unwrap(), heard);
    }
}

#[test]
fn records_may_share_a_message_or_be_cut_anywhere_and_come_as_binary() {
    let hub = Hub::start();
    let mut ana = hub.stranger();
    let call = |id: &str| {
        format!(
            "{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"CrearHospital\",\"arguments\":[\"ñ\"]}}\x1e"
        )
    };
    ana.says(&format!("{HELLO}{}{}", call("1"), call("2")));
    ana.hears("{}");
    for id in ["1", "2"] {
        ana.hears(&event("HospitalCreado", 0));
        ana.hears(&completion(id));
    }
    let stream = call("3").into_bytes();
    for byte in stream {
        ana.ws.send([byte]).unwrap();
    }
    ana.hears(&event("HospitalCreado", 0));
    ana.hears(&completion("3"));
}

#[test]
fn a_close_record_is_answered_with_a_websocket_close() {
    let hub = Hub::start();
    let mut ana = hub.viewer();
    ana.says("{\"type\":7}\x1e");
    ana.is_closed_with(1000);
}

#[test]
fn another_protocol_is_told_why_and_closed() {
    let hub = Hub::start();
    let mut ana = hub.stranger();
    ana.says("{\"protocol\":\"messagepack\",\"version\":1}\x1e");
    ana.hears(r#"{"error":"Only the protocol json, version 1, is spoken here."}"#);
    ana.is_closed_with(1003);
}

#[test]
fn what_is_no_record_is_told_so_and_closed_and_nobody_else_minds() {
    let hub = Hub::start();
    let mut ben = hub.viewer();
    let bad = [
        "nonsense",
        "[]",
        "{}",
        "{\"type\":6,\"type\":6}",
        "{\"type\":6,\"x\":1e999}",
        "{\"type\":6} {}",
        &"[".repeat(60_000),
    ];
    for record in bad {
        let mut ana = hub.viewer();
        ana.says(&format!("{record}\x1e"));
        ana.hears(r#"{"type":7,"error":"What you sent is not the SignalR JSON hub protocol."}"#);
        ana.is_closed_with(1007);
    }
    ben.invokes("1", "CrearHospital", "[\"\"]");
    ben.hears(&event("HospitalCreado", -1));
    ben.hears(&completion("1"));
}

#[test]
fn a_stranger_gets_4_kib_and_a_viewer_64() {
    let hub = Hub::start();
    let mut stranger = hub.stranger();
    stranger.says(&" ".repeat(4 * 1024 + 1));
    stranger.is_closed_with(1009);
    let mut patient = hub.stranger();
    for _ in 0..2 {
        patient.says(&" ".repeat(3 * 1024));
    }
    patient.hears_something();
    patient.is_closed_with(1009);

    let mut ana = hub.viewer();
    ana.says(&" ".repeat(64 * 1024));
    ana.says(" ");
    ana.hears_something();
    ana.is_closed_with(1009);
}

#[test]
fn empty_records_by_the_thousand_and_the_deepest_legal_record_are_ignored() {
    let hub = Hub::start();
    let mut ana = hub.viewer();
    ana.says(&"\x1e".repeat(10_000));
    ana.says(&format!(
        "{{\"type\":6,\"x\":{}{}}}\x1e",
        "[".repeat(31),
        "]".repeat(31)
    ));
    ana.invokes("1", "CrearHospital", "[\"a\"]");
    ana.hears(&event("HospitalCreado", 0));
}

#[test]
fn requests_packed_into_one_message_count_against_the_rate_like_any_others() {
    let hub = Hub::start_with(&["--rate", "50", "--burst", "10"]);
    let mut ana = hub.viewer();
    let began = Instant::now();
    let call = "{\"type\":1,\"target\":\"OcuparCama\",\"arguments\":[1]}\x1e";
    ana.says(&call.repeat(30));
    for _ in 0..30 {
        ana.hears(&event("CamaOcupada", -1));
    }
    // At most 10 at once, 20 more at 50 a second.
    assert!(
        began.elapsed() > Duration::from_millis(300),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn the_board_outlives_those_who_look_at_it() {
    let hub = Hub::start();
    let mut ana = hub.viewer();
    ana.sends("CrearHospital", "[\"Norte\"]");
    ana.hears(&event("HospitalCreado", 0));
    drop(ana);
    let mut ben = hub.viewer();
    ben.sends("VerEstadoActual", "[]");
    assert!(ben.hears_something().contains("Norte"));
}

#[test]
fn a_page_of_another_site_is_refused_everywhere() {
    let hub = Hub::start();
    let evil = "Origin: http://evil.example\r\n";
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    for (line, fields) in [
        ("GET /socket", upgrade),
        ("POST /socket/negotiate?negotiateVersion=1", ""),
        ("OPTIONS /socket/negotiate", ""),
    ] {
        let answer = hub.asks(line, &format!("{fields}{evil}"));
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(!answer.contains("Access-Control"), "{answer}");
    }
}

#[test]
fn a_page_of_an_allowed_site_may_negotiate() {
    let hub = Hub::start();
    let answer = hub.asks(
        "POST /socket/negotiate?negotiateVersion=1",
        &format!("Origin: {PAGE}\r\nContent-Length: 0\r\n"),
    );
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        answer.contains(&format!("Access-Control-Allow-Origin: {PAGE}\r\n")),
        "{answer}"
    );
    assert!(answer.contains("\"negotiateVersion\":1"), "{answer}");
    let preflight = hub.asks("OPTIONS /socket/negotiate", &format!("Origin: {PAGE}\r\n"));
    assert!(preflight.starts_with("HTTP/1.1 204 "), "{preflight}");
}

/// A server with a hub, on a port of its own.
struct Hub {
    address: SocketAddr,
    server: ServerProcess,
}

/// One connection to the hub.
struct Viewer {
    ws: WebSocket,
}

impl Hub {
    fn start() -> Hub {
        Hub::start_with(&["--rate", "0"])
    }

    fn start_with(words: &[&str]) -> Hub {
        let server = ServerProcess::start_with(&[&["--origin", PAGE], words].concat(), &[]);
        Hub {
            address: server.addr,
            server,
        }
    }

    /// Connected, but without the hub's handshake.
    fn stranger(&self) -> Viewer {
        let ws = Client::new(format!("ws://{}/socket", self.address))
            .connect()
            .unwrap();
        Viewer { ws }
    }

    fn viewer(&self) -> Viewer {
        let mut viewer = self.stranger();
        viewer.says(HELLO);
        viewer.hears("{}");
        viewer
    }

    /// A plain HTTP request, and all of the answer.
    fn asks(&self, line: &str, fields: &str) -> String {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        write!(
            socket,
            "{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{fields}\r\n",
            self.address
        )
        .unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if !thread::panicking() {
            assert!(self.server.terminate().success(), "{}", self.server.log());
        }
    }
}

impl Viewer {
    fn says(&mut self, records: &str) {
        self.ws.send(records).unwrap();
    }

    fn invokes(&mut self, id: &str, target: &str, arguments: &str) {
        self.says(&format!("{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"{target}\",\"arguments\":{arguments}}}\x1e"));
    }

    fn sends(&mut self, target: &str, arguments: &str) {
        self.says(&format!(
            "{{\"type\":1,\"target\":\"{target}\",\"arguments\":{arguments}}}\x1e"
        ));
    }

    fn hears(&mut self, record: &str) {
        assert_eq!(self.hears_something(), record);
    }

    /// The next record: the hub sends each as a text message of its own.
    fn hears_something(&mut self) -> String {
        match self.ws.read_until(Some(Instant::now() + DEADLINE)).unwrap() {
            Incoming::Message(message) => message
                .text()
                .unwrap()
                .strip_suffix('\x1e')
                .unwrap()
                .to_owned(),
            other => panic!("a record was expected: {other:?}"),
        }
    }

    fn is_closed_with(&mut self, code: u16) {
        match self.ws.read_until(Some(Instant::now() + DEADLINE)).unwrap() {
            Incoming::Closed => {}
            other => panic!("a Close was expected: {other:?}"),
        }
        assert_eq!(
            self.ws.close_reason().map(|reason| u16::from(reason.code)),
            Some(code)
        );
    }
}

fn event(target: &str, result: i32) -> String {
    format!("{{\"type\":1,\"target\":\"{target}\",\"arguments\":[{result}]}}")
}

fn completion(id: &str) -> String {
    format!("{{\"type\":3,\"invocationId\":\"{id}\",\"result\":null}}")
}

const HELLO: &str = "{\"protocol\":\"json\",\"version\":1}\x1e";
const PAGE: &str = "https://app.example";
const DEADLINE: Duration = Duration::from_secs(20);
