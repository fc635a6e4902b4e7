//! What services make of bad input, over real connections: each bad message gets the answer its protocol has for it, the
//! connection goes on where it can, and a bystander in the same service hears nothing of it and loses nothing.
#![cfg(all(unix, feature = "cli"))]

#[path = "support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use enchufe::{AsMessage, Client, Incoming, Message, WebSocket};

use support::server::PATIENCE;
use support::server_process::ServerProcess;

/// Somebody connected to a service.
struct Guest(WebSocket);

impl Guest {
    fn connect(server: &ServerProcess, path: &str) -> Self {
        let client = Client::new(server.url(path)).timeout(PATIENCE);
        Self(client.connect().expect("a connection"))
    }

    fn says(&mut self, message: impl AsMessage) -> &mut Self {
        self.0.send(message).expect("it is sent");
        self
    }

    /// The next message; `None` at a Close.
    #[track_caller]
    fn next(&mut self) -> Option<Message> {
        match self.0.read_until(Some(Instant::now() + PATIENCE)).unwrap() {
            Incoming::Message(message) => Some(message.to_message()),
            Incoming::Closed => None,
            other => panic!("nothing came: {other:?}"),
        }
    }

    #[track_caller]
    fn text(&mut self) -> String {
        match self.next() {
            Some(Message::Text(text)) => text,
            other => panic!("no text: {other:?}"),
        }
    }

    #[track_caller]
    fn bytes(&mut self) -> Vec<u8> {
        match self.next() {
            Some(Message::Binary(bytes)) => bytes,
            other => panic!("no bytes: {other:?}"),
        }
    }

    #[track_caller]
    fn is_closed(&mut self, code: u16) {
        assert_eq!(self.next(), None);
        let reason = self.0.close_reason().expect("a code");
        assert_eq!(u16::from(reason.code), code);
    }

    fn hears_nothing(&mut self) {
        let deadline = Instant::now() + Duration::from_millis(50);
        let incoming = self.0.read_until(Some(deadline)).unwrap();
        assert!(matches!(incoming, Incoming::Deadline), "{incoming:?}");
    }
}

fn server() -> ServerProcess {
    ServerProcess::start(&[])
}

fn register(server: &ServerProcess, name: &str) -> Guest {
    let mut guest = Guest::connect(server, "/chat");
    guest.says(format!(r#"{{"type":"register","sender":"{name}"}}"#));
    let welcome = guest.text();
    assert!(welcome.contains("register_success"), "{welcome}");
    guest
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

#[test]
fn the_json_chat_says_what_is_wrong_and_goes_on() {
    let server = server();
    let mut bo = register(&server, "bo");
    let mut ana = register(&server, "ana");
    assert!(bo.text().contains("status_update"));
    let long_key = format!(r#"{{"{}":1}}"#, "k".repeat(60_000));
    let deep = format!(r#"{{"type":"list_users","x":{}}}"#, nested(32));
    let very_deep = format!(r#"{{"type":"list_users","x":{}}}"#, nested(30_000));
    let bomb = format!(
        r#"{{"$serde_json::private::RawValue":"{}"}}"#,
        "[".repeat(50_000)
    );
    for (message, sentence) in [
        ("", "El mensaje no es JSON válido"),
        (" ", "El mensaje no es JSON válido"),
        ("hola", "El mensaje no es JSON válido"),
        ("{", "El mensaje no es JSON válido"),
        (r#"{"type":}"#, "El mensaje no es JSON válido"),
        (r#"{'type':'x'}"#, "El mensaje no es JSON válido"),
        (r#"{"type":"list_users",}"#, "El mensaje no es JSON válido"),
        (
            r#"{"type":"list_users"} {}"#,
            "El mensaje no es JSON válido",
        ),
        (r#"{"type":"list_users"}x"#, "El mensaje no es JSON válido"),
        (
            "\u{feff}{\"type\":\"list_users\"}",
            "El mensaje no es JSON válido",
        ),
        (
            "\0{\"type\":\"list_users\"}",
            "El mensaje no es JSON válido",
        ),
        (
            "{\"type\":\"list\0_users\"}",
            "El mensaje no es JSON válido",
        ),
        (
            r#"{"type":"broadcast","content":"\ud83e"}"#,
            "El mensaje no es JSON válido",
        ),
        (
            r#"{"type":"broadcast","content":"x","y":["\udd80"]}"#,
            "El mensaje no es JSON válido",
        ),
        (
            r#"{"type":"broadcast","content":"x","y":1e999}"#,
            "El mensaje no es JSON válido",
        ),
        (
            r#"{"type":"broadcast","content":NaN}"#,
            "El mensaje no es JSON válido",
        ),
        (
            r#"{"type":"broadcast","content":"\x41"}"#,
            "El mensaje no es JSON válido",
        ),
        (
            "{\"type\":\"broadcast\",\"content\":\"a\nb\"}",
            "El mensaje no es JSON válido",
        ),
        (&"[".repeat(60_000), "El mensaje no es JSON válido"),
        ("null", "El mensaje no es un objeto JSON"),
        ("[]", "El mensaje no es un objeto JSON"),
        (r#""list_users""#, "El mensaje no es un objeto JSON"),
        (
            r#"[{"type":"list_users"}]"#,
            "El mensaje no es un objeto JSON",
        ),
        (&deep, "El mensaje tiene demasiados niveles"),
        (&very_deep, "El mensaje tiene demasiados niveles"),
        (
            r#"{"type":"broadcast","content":"a","content":"b"}"#,
            "El mensaje repite un campo",
        ),
        (
            r#"{"type":"list_users","typ\u0065":"broadcast"}"#,
            "El mensaje repite un campo",
        ),
        (
            r#"{"type":"list_users","x":[{"y":1,"y":2}]}"#,
            "El mensaje repite un campo",
        ),
        ("{}", "Falta el campo type"),
        (&long_key, "Falta el campo type"),
        (&bomb, "Falta el campo type"),
        (r#"{"type":null}"#, "Falta el campo type"),
        (r#"{"type":5}"#, "El campo type es de otro tipo"),
        (r#"{"type":["broadcast"]}"#, "El campo type es de otro tipo"),
        (r#"{"type":"BROADCAST"}"#, "El tipo de mensaje no existe"),
        (
            r#"{"type":"status_update"}"#,
            "El tipo de mensaje no existe",
        ),
        (r#"{"type":"broadcast"}"#, "Falta el campo content"),
        (
            r#"{"type":"broadcast","content":true}"#,
            "El campo content es de otro tipo",
        ),
        (
            r#"{"type":"broadcast","content":{"a":1}}"#,
            "El campo content es de otro tipo",
        ),
        (
            r#"{"type":"broadcast","content":""}"#,
            "El mensaje está vacío",
        ),
        (
            r#"{"type":"broadcast","sender":"bo","content":"x"}"#,
            "El campo sender no es el nombre registrado",
        ),
        (
            r#"{"type":"broadcast","sender":["ana"],"content":"x"}"#,
            "El campo sender es de otro tipo",
        ),
        (
            r#"{"type":"private","content":"x"}"#,
            "Falta el campo target",
        ),
        (
            r#"{"type":"private","target":7,"content":"x"}"#,
            "El campo target es de otro tipo",
        ),
        (
            r#"{"type":"private","target":"nadie","content":"x"}"#,
            "El destinatario no está conectado",
        ),
        (
            r#"{"type":"user_info","target":"nadie"}"#,
            "Usuario no encontrado",
        ),
        (
            r#"{"type":"change_status","content":"DESCONECTADO"}"#,
            "El estado es inválido",
        ),
        (
            r#"{"type":"change_status","content":2}"#,
            "El campo content es de otro tipo",
        ),
        (
            r#"{"type":"history","after":-1}"#,
            "El campo after es de otro tipo",
        ),
        (
            r#"{"type":"history","after":"1"}"#,
            "El campo after es de otro tipo",
        ),
        (
            r#"{"type":"register","sender":"other"}"#,
            "Ya hay un registro en esta conexión",
        ),
    ] {
        let shown: String = message.chars().take(60).collect();
        let answer = ana.says(message).text();
        let told =
            format!(r#"{{"type":"error","sender":"server","content":"{sentence}","timestamp""#);
        assert!(answer.starts_with(&told), "{shown}: {answer}");
    }
    let binary = ana.says(br#"{"type":"list_users"}"#.as_slice()).text();
    assert!(binary.contains("El mensaje no es de texto"), "{binary}");
    bo.hears_nothing();
    // Both are still there, and what follows a NUL does not count.
    ana.says("{\"type\":\"broadcast\",\"content\":\"sigo\"}\0{\"type\":\"disconnect\"}");
    for guest in [&mut ana, &mut bo] {
        assert!(guest.text().contains(r#""content":"sigo""#));
    }
}

#[test]
fn the_binary_chat_ignores_what_is_no_message_and_refuses_what_cannot_be() {
    let server = server();
    let mut bo = Guest::connect(&server, "/?name=bo");
    let mut ana = Guest::connect(&server, "/?name=ana");
    assert_eq!(bo.bytes(), b"\x35\x03ana\x01");
    // Whole messages, and each of them cut at every byte: only the whole one says something.
    let to_bo = b"\x04\x02bo\x05hola!";
    for whole in [&to_bo[..], b"\x02\x02bo", b"\x03\x03ana\x02", b"\x05\x02bo"] {
        for end in 0..whole.len() {
            ana.says(&whole[..end]);
        }
    }
    for nonsense in [
        &b""[..],
        b"\x00",
        b"\x06",
        b"\x33\x00",
        b"\xff\xff\xff",
        b"\x02\xffbo",
        b"\x04\x02bo\xffhola",
        b"\x04\xffbo\x05hola!",
        b"{\"type\":\"list_users\"}",
    ] {
        ana.says(nonsense);
    }
    ana.says("\u{4}");
    for (message, code) in [
        (&b"\x02\x00"[..], 1),
        (b"\x02\x05nadie", 1),
        (b"\x02\x01~", 1),
        (b"\x02\x02\xff\xfe", 1),
        (b"\x05\x00", 1),
        (b"\x05\x05nadie", 1),
        (b"\x03\x03ana\x04", 2),
        (b"\x03\x03ana\xff", 2),
        (b"\x03\x02bo\x02", 2),
        (b"\x03\x05nadie\x02", 1),
        (b"\x03\x00\x01", 1),
        (b"\x04\x02bo\x00", 3),
        (b"\x04\x05nadie\x00", 3),
        (b"\x04\x05nadie\x01x", 4),
        (b"\x04\x00\x01x", 4),
    ] {
        assert_eq!(ana.says(message).bytes(), [50, code], "{message:?}");
    }
    bo.hears_nothing();
    // What follows the last field does not count, and text is as good as bytes.
    ana.says([to_bo.as_slice(), &[0xff; 300]].concat());
    for guest in [&mut ana, &mut bo] {
        assert_eq!(guest.bytes(), b"\x37\x03ana\x05hola!");
    }
    ana.says("\u{1}");
    assert_eq!(ana.bytes(), b"\x33\x02\x03ana\x01\x02bo\x01");
}

const HELLO: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
const METHODS: [&str; 7] = [
    "VerEstadoActual",
    "CrearHospital",
    "EliminarHospital",
    "CrearCama",
    "EliminarCama",
    "OcuparCama",
    "DesocuparCama",
];

fn viewer(server: &ServerProcess) -> Guest {
    let mut guest = Guest::connect(server, "/socket");
    assert_eq!(guest.says(HELLO).text(), "{}\u{1e}");
    guest
}

fn invocation(id: &str, target: &str, arguments: &str) -> String {
    format!(
        "{{\"type\":1,\"invocationId\":{id},\"target\":\"{target}\",\"arguments\":{arguments}}}\u{1e}"
    )
}

#[test]
fn the_hub_completes_a_call_that_cannot_be_with_an_error_and_goes_on() {
    let server = server();
    let mut ben = viewer(&server);
    let mut ana = viewer(&server);
    let (unknown, wrong) = (
        "There is no such method.",
        "The method takes other arguments.",
    );
    let mut calls = vec![
        ("Nada".to_owned(), "[]".to_owned(), unknown),
        (String::new(), "[]".to_owned(), unknown),
        ("constructor".to_owned(), "[]".to_owned(), unknown),
        ("__proto__".to_owned(), "[]".to_owned(), unknown),
        ("CamaCreada".to_owned(), "[0]".to_owned(), unknown),
        ("CrearCama\\u0000".to_owned(), "[1]".to_owned(), unknown),
    ];
    for method in METHODS {
        for arguments in [
            "[1,2]", "[null]", "[[1]]", "[{}]", "[true]", "[1.5]", "{}", "\"1\"", "7",
        ] {
            calls.push((method.to_owned(), arguments.to_owned(), wrong));
        }
    }
    for method in &METHODS[1..] {
        calls.push(((*method).to_owned(), "[]".to_owned(), wrong));
    }
    for method in &METHODS[2..] {
        for argument in [
            "\"1\"",
            "2147483648",
            "-2147483649",
            "1e0",
            "99999999999999999999",
        ] {
            calls.push(((*method).to_owned(), format!("[{argument}]"), wrong));
        }
    }
    calls.push(("CrearHospital".to_owned(), "[5]".to_owned(), wrong));
    calls.push(("VerEstadoActual".to_owned(), "[\"x\"]".to_owned(), wrong));
    for (n, (method, arguments, error)) in calls.iter().enumerate() {
        let answer = ana
            .says(invocation(&format!("\"{n}\""), method, arguments))
            .text();
        let expected =
            format!("{{\"type\":3,\"invocationId\":\"{n}\",\"error\":\"{error}\"}}\u{1e}");
        assert_eq!(answer, expected, "{method}({arguments})");
        // Without an id there is no answer.
        ana.says(invocation("null", method, arguments));
    }
    let twice = invocation("\"twice\"", "CrearHospital", "[\"a\"]");
    ana.says(twice.clone() + &twice);
    let heard = [ana.text(), ana.text(), ana.text()].concat();
    assert!(
        heard.contains("HospitalCreado") && heard.contains("was used before"),
        "{heard}"
    );
    assert!(ben.text().contains("HospitalCreado"));
    ben.hears_nothing();
}

#[test]
fn the_hub_tells_who_sends_no_records_and_closes_and_nobody_else_minds() {
    let server = server();
    let mut ben = viewer(&server);
    let deep = format!("{{\"type\":6,\"x\":{}}}", nested(40));
    let very_deep = nested(30_000);
    let bomb = format!(
        "{{\"type\":1,\"arguments\":[{{\"$serde_json::private::RawValue\":\"{}\"}}]}}",
        "[".repeat(50_000)
    );
    for record in [
        "hola",
        "{",
        "{}",
        "[]",
        "null",
        "{\"type\":\"1\"}",
        "{\"type\":1.5}",
        "{\"type\":6} {}",
        "{\"type\":6}{\"type\":6}",
        "\u{feff}{\"type\":6}",
        "\0{\"type\":6}",
        "{\"type\":6}\0",
        "{\"type\":6,\"type\":6}",
        "{\"type\":6,\"x\":{\"y\":1,\"y\":1}}",
        "{\"type\":6,\"x\":1e999}",
        "{\"type\":6,\"x\":\"\\ud800\"}",
        "{\"type\":1,\"invocationId\":7,\"target\":\"x\"}",
        &deep,
        &very_deep,
    ] {
        let shown: String = record.chars().take(60).collect();
        let mut ana = viewer(&server);
        ana.says(format!(
            "{record}\u{1e}{}",
            invocation("\"1\"", "CrearHospital", "[\"a\"]")
        ));
        let last = ana.text();
        assert!(
            last.starts_with("{\"type\":7,\"error\":"),
            "{shown}: {last}"
        );
        ana.is_closed(1007);
    }
    // Not a record that means anything, and none that costs anything.
    let mut ana = viewer(&server);
    ana.says(format!("{bomb}\u{1e}"));
    ana.says(invocation("\"1\"", "VerEstadoActual", "[]"));
    assert!(ana.text().contains("EstadoRecibido"));
    // A record whose separator does not come is waited for, up to the limit.
    let mut ana = viewer(&server);
    ana.says("{\"type\":1,\"invocationId\":\"1\",")
        .hears_nothing();
    ana.says("\"target\":\"Nada\"}").hears_nothing();
    assert!(ana.says("\u{1e}").text().contains("no such method"));
    ana.says(" ".repeat(60_000)).says(" ".repeat(60_000));
    assert!(ana.text().starts_with("{\"type\":7,\"error\":"));
    ana.is_closed(1009);
    // Before the handshake there is less of everything.
    for (first, code) in [
        ("hola\u{1e}".to_owned(), 1007),
        (invocation("\"1\"", "VerEstadoActual", "[]"), 1007),
        (
            "{\"protocol\":\"messagepack\",\"version\":1}\u{1e}".to_owned(),
            1003,
        ),
        (
            "{\"protocol\":\"json\",\"version\":2}\u{1e}".to_owned(),
            1003,
        ),
    ] {
        let mut stranger = Guest::connect(&server, "/socket");
        assert!(
            stranger
                .says(first.as_str())
                .text()
                .starts_with("{\"error\":"),
            "{first}"
        );
        stranger.is_closed(code);
    }
    ben.hears_nothing();
    ben.says(invocation("\"1\"", "CrearHospital", "[\"a\"]"));
    assert!(ben.text().contains("HospitalCreado"));
}
