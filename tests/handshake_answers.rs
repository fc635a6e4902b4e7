//! Answers of malicious and broken servers, and what the client makes of each
//! ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1), second list). Each one is given whole and again
//! one byte at a time, and the verdict has to be the same.

use enchufe::handshake::{ClientHandshake, ExtensionOffer, HandshakeError, Negotiated, Url};
use enchufe::http::{HeadLimits, HttpError, ResponseParser};

/// A row: verdict, what is special about the answer, bytes. `Ok(None)`: the head is not complete.
type Case = (
    Result<Option<Negotiated>, HandshakeError>,
    &'static str,
    Vec<u8>,
);

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    use HandshakeError::*;
    use HttpError::*;
    let plus = |line: &str| answer("", line);
    let upgrade = |lines: &str| answer("Upgrade", lines);
    let connection = |lines: &str| answer("Connection", lines);
    let accept = |lines: &str| answer("Sec-WebSocket-Accept", lines);
    let status_line = |line: &str| plus("").replace("HTTP/1.1 101 Switching Protocols", line);
    let good = |subprotocol: Option<&str>, extensions: &[&str]| {
        let extensions = extensions.iter().map(|name| ExtensionOffer { name: name.to_string(), params: vec![] }).collect();
        Ok(Some(Negotiated { subprotocol: subprotocol.map(str::to_owned), extensions }))
    };
    let bad = |error: HandshakeError| Err(error);
    let http = |error: HttpError| Err(Http(error));
    let rows: Vec<(_, _, String)> = vec![
        // What is fine.
        (good(None, &[]), "the least answer", plus("")),
        (good(None, &[]), "names and values in another case", plus("").replace("Upgrade", "UPGRADE").replace("websocket", "WebSocket")),
        (good(None, &[]), "no reason", status_line("HTTP/1.1 101 ")),
        (good(None, &[]), "another reason", status_line("HTTP/1.1 101 Web Socket Protocol Handshake")),
        (good(None, &[]), "Connection with more options", connection("Connection: keep-alive, Upgrade\r\n")),
        (good(None, &[]), "white space around the accept", accept("Sec-WebSocket-Accept: \t s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \t\r\n")),
        (good(None, &[]), "a folded line", plus("X: a\r\n b\r\n")),
        (good(None, &[]), "frames behind the head", plus("") + "\u{1}\u{0}"),
        (good(Some("superchat"), &[]), "an offered subprotocol", plus("Sec-WebSocket-Protocol: superchat\r\n")),
        (good(None, &["offered"]), "an offered extension", plus("Sec-WebSocket-Extensions: offered\r\n")),

        // 1: the status.
        (bad(UnexpectedStatus(200)), "200", status_line("HTTP/1.1 200 OK")),
        (bad(UnexpectedStatus(100)), "100, which the caller skips", status_line("HTTP/1.1 100 Continue")),
        (bad(UnexpectedStatus(401)), "401", status_line("HTTP/1.1 401 Unauthorized")),
        (bad(UnexpectedStatus(302)), "a redirect", status_line("HTTP/1.1 302 Found")),
        (bad(UnexpectedStatus(426)), "426", status_line("HTTP/1.1 426 Upgrade Required")),
        (bad(VersionTooOld), "HTTP/1.0", status_line("HTTP/1.0 101 Switching Protocols")),
        (http(VersionNotSupported), "HTTP/2.0", status_line("HTTP/2.0 101 Switching Protocols")),
        (http(InvalidStatusLine), "another protocol", status_line("ICY 200 OK")),
        (http(InvalidStatusLine), "a frame instead of an answer", "\u{1}\u{5}Hello".into()),
        (http(InvalidStatusLine), "http in lower case", status_line("http/1.1 101 Switching Protocols")),
        (http(InvalidStatusLine), "no status", status_line("HTTP/1.1")),
        (http(InvalidStatusLine), "a status of two digits", status_line("HTTP/1.1 10 Switching")),
        (http(InvalidStatusLine), "a status of four digits", status_line("HTTP/1.1 1010 Switching")),
        (http(InvalidStatusLine), "a status that is no number", status_line("HTTP/1.1 OK 101")),
        (http(InvalidStatusLine), "status 000", status_line("HTTP/1.1 000 X")),
        (http(InvalidStatusLine), "status 999", status_line("HTTP/1.1 999 X")),
        (http(InvalidStatusLine), "two spaces", status_line("HTTP/1.1  101 Switching Protocols")),
        (http(InvalidStatusLine), "an escape sequence as reason", status_line("HTTP/1.1 101 \x1b[2J")),
        (http(InvalidStatusLine), "an empty line before", "\r\n".to_owned() + &plus("")),
        (http(InvalidStatusLine), "a reason without end", format!("HTTP/1.1 101 {}", "a".repeat(1 << 20))),
        (http(InvalidStatusLine), "a reason of 9 KiB", status_line(&format!("HTTP/1.1 101 {}", "a".repeat(9 << 10)))),
        (http(BareLineFeed), "lines that end in LF", plus("").replace("\r\n", "\n")),
        (Ok(None), "nothing", String::new()),
        (Ok(None), "a head without its end", plus("").trim_end().to_owned()),

        // 2: Upgrade.
        (bad(MissingUpgrade), "no Upgrade", upgrade("")),
        (bad(MissingUpgrade), "an empty Upgrade", upgrade("Upgrade:\r\n")),
        (bad(MissingUpgrade), "another protocol", upgrade("Upgrade: h2c\r\n")),
        (bad(MissingUpgrade), "a list of protocols", upgrade("Upgrade: websocket, h2c\r\n")),
        (bad(DuplicateHeader("Upgrade")), "two Upgrade lines", plus("Upgrade: websocket\r\n")),

        // 3: Connection.
        (bad(MissingConnectionUpgrade), "no Connection", connection("")),
        (bad(MissingConnectionUpgrade), "another option", connection("Connection: keep-alive\r\n")),
        (bad(MissingConnectionUpgrade), "a part of the word", connection("Connection: Upgraded\r\n")),

        // 4: Sec-WebSocket-Accept.
        (bad(MissingHeader("Sec-WebSocket-Accept")), "no accept", accept("")),
        (bad(WrongAccept), "an empty accept", accept("Sec-WebSocket-Accept:\r\n")),
        (bad(WrongAccept), "the accept of another key", accept("Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\n")),
        (bad(WrongAccept), "the key itself", accept("Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ==\r\n")),
        (bad(WrongAccept), "the accept in another case", accept("Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO=\r\n")),
        (bad(WrongAccept), "the accept and more", accept("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, x\r\n")),
        (bad(DuplicateHeader("Sec-WebSocket-Accept")), "two accepts", plus("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")),

        // 5: extensions.
        (bad(UnofferedExtension), "an extension that was not offered", plus("Sec-WebSocket-Extensions: permessage-deflate\r\n")),
        (bad(UnofferedExtension), "one that was offered and one that was not", plus("Sec-WebSocket-Extensions: offered, other\r\n")),
        (bad(UnofferedExtension), "the extension in another case", plus("Sec-WebSocket-Extensions: Offered\r\n")),
        (bad(InvalidExtensions), "an empty list of extensions", plus("Sec-WebSocket-Extensions:\r\n")),
        (bad(InvalidExtensions), "malformed extensions", plus("Sec-WebSocket-Extensions: offered; a=\"\r\n")),
        (bad(DuplicateHeader("Sec-WebSocket-Extensions")), "two extension lines", plus("Sec-WebSocket-Extensions: offered\r\nSec-WebSocket-Extensions: offered\r\n")),

        // 6: the subprotocol.
        (bad(UnofferedSubprotocol), "a subprotocol that was not offered", plus("Sec-WebSocket-Protocol: other\r\n")),
        (bad(UnofferedSubprotocol), "the subprotocol in another case", plus("Sec-WebSocket-Protocol: Chat\r\n")),
        (bad(UnofferedSubprotocol), "an empty subprotocol", plus("Sec-WebSocket-Protocol:\r\n")),
        (bad(UnofferedSubprotocol), "two subprotocols in a list", plus("Sec-WebSocket-Protocol: chat, superchat\r\n")),
        (bad(DuplicateHeader("Sec-WebSocket-Protocol")), "two subprotocol lines", plus("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n")),

        // The header block.
        (http(InvalidFieldName), "a space before a colon", plus("X : a\r\n")),
        (http(InvalidFieldName), "a line without a colon", plus("X\r\n")),
        (http(InvalidFieldValue), "a NUL in a value", plus("X: \0\r\n")),
        (http(InvalidFieldValue), "a CR in a value", plus("X: a\rb\r\n")),
        (http(InvalidFieldValue), "an escape sequence in a value", plus("X: \x1b]52;c;\x07\r\n")),
        (http(InvalidFieldValue), "a control character in a folded line", plus("X: a\r\n \x1b\r\n")),
        (http(HeadTooLarge), "a header without end", plus("").trim_end().to_owned() + "\r\nX: " + &"a".repeat(1 << 20)),
        (http(HeadTooLarge), "folded lines without end", plus(&format!("X: a\r\n{}", " a\r\n".repeat(1 << 16)))),
        (http(TooManyHeaders), "2,000 headers", plus(&"X: a\r\n".repeat(2000))),
    ];
    rows.into_iter().map(|(verdict, name, raw)| (verdict, name, raw.into_bytes())).collect()
}

/// The least answer to the key of RFC 6455, without the line `leave_out` and with `more` lines.
fn answer(leave_out: &str, more: &str) -> String {
    let mut raw = "HTTP/1.1 101 Switching Protocols\r\n".to_owned();
    for (name, value) in [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ] {
        if name != leave_out {
            raw += &format!("{name}: {value}\r\n");
        }
    }
    raw + more + "\r\n"
}

fn handshake() -> ClientHandshake {
    let url = Url::parse("ws://server.example.com/chat").unwrap();
    let subprotocols = ["chat".to_owned(), "superchat".to_owned()];
    ClientHandshake::new(&url, *b"the sample nonce", &subprotocols, &[])
        .and_then(|it| {
            it.offer(ExtensionOffer {
                name: "offered".into(),
                params: Vec::new(),
            })
        })
        .unwrap()
}

/// What the client makes of the first `end` bytes.
fn verdict(parser: &mut ResponseParser, raw: &[u8]) -> Result<Option<Negotiated>, HandshakeError> {
    match parser.feed(raw)? {
        Some((head, _)) => handshake().check(&head).map(Some),
        None => Ok(None),
    }
}

#[test]
fn every_answer_gets_its_verdict_whole_and_byte_by_byte() {
    let cases = cases();
    assert!(cases.len() >= 65, "{}", cases.len());
    for (expected, name, raw) in cases {
        assert_eq!(
            verdict(&mut ResponseParser::new(HeadLimits::default()), &raw),
            expected,
            "{name}"
        );
        let mut parser = ResponseParser::new(HeadLimits::default());
        let slow = (0..=raw.len())
            .map(|end| verdict(&mut parser, &raw[..end]))
            .find(|verdict| *verdict != Ok(None))
            .unwrap_or(Ok(None));
        assert_eq!(slow, expected, "{name}, byte by byte");
    }
}

#[test]
fn interim_answers_are_told_from_the_real_one() {
    let raw = format!(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n{}",
        answer("", "")
    );
    let mut parser = ResponseParser::new(HeadLimits::default());
    let mut rest = raw.as_bytes();
    for status in [100, 103] {
        let (head, used) = parser.feed(rest).unwrap().unwrap();
        assert_eq!((head.status, head.is_interim()), (status, true));
        rest = &rest[used..];
    }
    let (head, used) = parser.feed(rest).unwrap().unwrap();
    assert!(!head.is_interim() && used == rest.len());
    assert!(handshake().check(&head).is_ok());
}

#[test]
fn client_and_server_understand_each_other() {
    use enchufe::handshake::{check_request, upgrade_response};
    use enchufe::http::RequestParser;
    let client = handshake();
    let (request, _) = RequestParser::new(HeadLimits::default())
        .feed(&client.request())
        .unwrap()
        .unwrap();
    let offer = check_request(&request).unwrap();
    assert_eq!(offer.subprotocols, ["chat", "superchat"]);
    let raw = upgrade_response(&offer, offer.choose(&["superchat"]), Some("offered"), &[]).unwrap();
    let (head, _) = ResponseParser::new(HeadLimits::default())
        .feed(&raw)
        .unwrap()
        .unwrap();
    let agreed = client.check(&head).unwrap();
    assert_eq!(agreed.subprotocol.as_deref(), Some("superchat"));
    assert_eq!(agreed.extensions, offer.extensions);
}
