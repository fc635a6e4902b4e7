//! Row 46: what a length tells. Compressed beside what a stranger chose, a secret shows in how short the message gets, to
//! an observer who sees only lengths. So nothing is compressed until a program asks for it, and what must not be is sent as it is.

use enchufe::net::{Reply, RequestContext, Upgrade};
use enchufe::{DeflateOptions, Error, WebSocket};
use flate2::Decompress;

use super::connection::COMPRESSED_TEXT;
use super::words::inflate;
#[cfg(all(unix, feature = "cli"))]
use crate::support::peer::{BINARY, field};
use crate::support::peer::{Frame, TEXT, masked, request};
use crate::support::server::{TestServer, limits};
#[cfg(all(unix, feature = "cli"))]
use crate::support::server_process::ServerProcess;

const SECRET: &str = "7531902468";
/// The same bytes, so that no code is shorter for one than for the other, and none of its threes is in the secret.
const WRONG: &str = "8642091357";

/// Says a secret and what the client chose, in one message or two, and in four ways.
fn talkative() -> TestServer {
    TestServer::with(limits(), |call: &RequestContext<'_>| {
        let path = call.request.path().to_owned();
        let session = move |mut ws: WebSocket| -> Result<(), Error> {
            while let Some(message) = ws.read()? {
                let guess = message.text().unwrap_or_default();
                let secret = format!(
                    "a secret for you alone: {SECRET}; let nobody else ever know of it, please"
                );
                let repeated = format!(
                    "from somebody whom you may know: {guess}; what do you say to that, friend?"
                );
                match path.as_str() {
                    "/one" => ws.send(format!("{secret}; {repeated}"))?,
                    "/two" => ws.send(secret).and_then(|()| ws.send(repeated))?,
                    "/one-as-it-is" => ws.send_uncompressed(format!("{secret}; {repeated}"))?,
                    "/two-as-it-is" => ws
                        .send_uncompressed(secret)
                        .and_then(|()| ws.sender().send(repeated))?,
                    _ => ws.send(format!("{secret}; {repeated}"))?,
                }
            }
            Ok(())
        };
        let upgrade = Upgrade::new(session).deflate(DeflateOptions::default());
        Reply::Upgrade(match call.request.path() {
            "/never" => upgrade.without_deflate(),
            _ => upgrade,
        })
    })
}

/// What comes back for a guess on a connection of its own.
fn frames_for(server: &TestServer, path: &str, guess: &str) -> Vec<Frame> {
    let mut peer = server.connect();
    peer.send(request(
        path,
        "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    ));
    peer.head();
    peer.send(masked(TEXT, guess));
    let count = if path.starts_with("/two") { 2 } else { 1 };
    (0..count).map(|_| peer.frame()).collect()
}

fn length(frames: &[Frame]) -> usize {
    frames.iter().map(|frame| frame.payload.len()).sum()
}

fn contains(octets: &[u8], text: &str) -> bool {
    octets.windows(text.len()).any(|it| it == text.as_bytes())
}

#[test]
fn a_length_gives_a_secret_away_unless_it_goes_uncompressed() {
    let server = talkative();
    for (path, told) in [
        ("/one", true),
        ("/two", true),
        ("/one-as-it-is", false),
        ("/two-as-it-is", false),
        ("/never", false),
    ] {
        let right = length(&frames_for(&server, path, SECRET));
        let wrong = length(&frames_for(&server, path, WRONG));
        assert_eq!(right < wrong, told, "{path}: {right} and {wrong}");
        assert_eq!(right != wrong, told, "{path}: {right} and {wrong}");
    }
}

#[test]
fn what_is_sent_uncompressed_is_no_part_of_the_window() {
    let server = talkative();
    let frames = frames_for(&server, "/two-as-it-is", SECRET);
    assert_eq!(frames[0].first, TEXT);
    assert!(contains(&frames[0].payload, SECRET));
    // The next is compressed, and can be read by who never saw the first.
    assert_eq!(frames[1].first, COMPRESSED_TEXT);
    let text = inflate(&mut Decompress::new(false), &frames[1].payload, 1000);
    assert!(contains(&text, SECRET));
}

/// Chat and hub write each message once for everybody, whatever was agreed on with each: what some say is never compressed
/// beside what others said. Only the echoes compress, and there everybody hears but himself.
#[cfg(all(unix, feature = "cli"))]
#[test]
fn of_the_services_only_echoes_compress() {
    let server = ServerProcess::start(&["--deflate"]);
    let raw = |path: &str| {
        let mut peer = server.connect();
        let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
        let head = peer.send(request(path, offer)).head();
        let agreed = field(&head, "Sec-WebSocket-Extensions").expect("an agreement");
        assert!(agreed.starts_with("permessage-deflate"), "{head}");
        peer
    };
    let long = "hola ".repeat(40);

    let mut echo = raw("/echo");
    echo.send(masked(TEXT, &long));
    assert_eq!(echo.frame().first, COMPRESSED_TEXT);

    let mut ana = raw("/?name=ana");
    let say = [
        b"\x04\x01~".as_slice(),
        &[long.len() as u8],
        long.as_bytes(),
    ]
    .concat();
    ana.send(masked(BINARY, say))
        .send(masked(BINARY, b"\x05\x01~"));
    let mut heard = 0;
    while heard < 2 {
        let frame = ana.frame();
        assert_eq!(frame.first, BINARY);
        heard += usize::from(contains(&frame.payload, &long));
    }

    {
        let mut eva = raw("/chat");
        eva.send(masked(TEXT, r#"{"type":"register","sender":"eva"}"#));
        let broadcast = format!(r#"{{"type":"broadcast","content":"{long}"}}"#);
        eva.send(masked(TEXT, broadcast));
        loop {
            let frame = eva.frame();
            assert_eq!(frame.first, TEXT);
            if frame
                .payload
                .windows(long.len())
                .any(|it| it == long.as_bytes())
            {
                break;
            }
        }
    }
}
