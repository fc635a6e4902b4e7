//! What holds for any input: cuts change nothing, decoding undoes encoding, and another implementation that was written by
//! other people for the same RFC understands the same.

mod support;

use std::io::{self, Cursor, Read, Write};

use enchufe::handshake::Origin;
use enchufe::handshake::Url;
use enchufe::http::{
    Authority, HeadLimits, HttpError, RequestParser, ResponseParser, percent_decode,
};
use enchufe::protocol::{
    CloseCode, CloseReason, Encoder, Header, MaskKey, MessageKind, MessageLimits, Opcode, Role,
    Utf8Validator,
};
use enchufe::{Message, connect};
use proptest::collection::vec;
use proptest::prelude::*;
use tungstenite::protocol::Role as TheirRole;

use support::frames::{Ear, Said};
use support::server::{TestServer, limits};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// One thing that is said on a connection, by the book.
#[derive(Debug, Clone)]
enum Saying {
    /// A message in so many fragments, some of them perhaps empty, with Pings between them.
    Message {
        text: bool,
        payload: Vec<u8>,
        cuts: Vec<usize>,
        pings: bool,
    },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

fn saying() -> impl Strategy<Value = Saying> {
    let payload = prop_oneof![
        4 => vec(any::<u8>(), 0..40),
        2 => vec(any::<u8>(), 120..130),
        1 => (0usize..70_000).prop_map(|length| (0..length).map(|n| n as u8).collect()),
    ];
    let text = prop_oneof![4 => ".{0,40}", 1 => ".{120,130}"].prop_map(String::into_bytes);
    let cuts = vec(0usize..100, 0..4);
    prop_oneof![
        3 => (payload, cuts.clone(), any::<bool>())
            .prop_map(|(payload, cuts, pings)| Saying::Message { text: false, payload, cuts, pings }),
        3 => (text, cuts, any::<bool>())
            .prop_map(|(payload, cuts, pings)| Saying::Message { text: true, payload, cuts, pings }),
        1 => vec(any::<u8>(), 0..=125).prop_map(Saying::Ping),
        1 => vec(any::<u8>(), 0..=125).prop_map(Saying::Pong),
    ]
}

fn a_close() -> impl Strategy<Value = Option<CloseReason>> {
    let code = prop_oneof![
        Just(CloseCode::NormalClosure),
        Just(CloseCode::PolicyViolation),
        (3000u16..4000).prop_map(CloseCode::Registered),
        (4000u16..5000).prop_map(CloseCode::Private),
    ];
    proptest::option::of(
        (code, ".{0,30}").prop_map(|(code, reason)| CloseReason::new(code, reason)),
    )
}

/// Says it all, as `role`, with mask keys that change.
fn wire(role: Role, sayings: &[Saying], close: Option<&Option<CloseReason>>) -> Vec<u8> {
    let mut sender = Encoder::new(role);
    let mut out = Vec::new();
    let mut key = 0u32;
    let mut mask = || {
        key = key.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        role.masks().then(|| MaskKey(key.to_be_bytes()))
    };
    for saying in sayings {
        match saying {
            Saying::Ping(payload) => sender.ping(payload, mask(), &mut out).expect("a ping"),
            Saying::Pong(payload) => sender.pong(payload, mask(), &mut out).expect("a pong"),
            Saying::Message {
                text,
                payload,
                cuts,
                pings,
            } => {
                let kind = if *text {
                    MessageKind::Text
                } else {
                    MessageKind::Binary
                };
                let mut cuts: Vec<usize> =
                    cuts.iter().map(|cut| payload.len() * cut / 100).collect();
                cuts.sort_unstable();
                let mut from = 0;
                for cut in cuts {
                    let piece = &payload[from..cut];
                    sender
                        .fragment(kind, false, piece, mask(), &mut out)
                        .expect("a fragment");
                    if *pings {
                        sender.ping(b"between", mask(), &mut out).expect("a ping");
                    }
                    from = cut;
                }
                sender
                    .fragment(kind, true, &payload[from..], mask(), &mut out)
                    .expect("the last");
            }
        }
    }
    if let Some(reason) = close {
        sender
            .close(reason.as_ref(), mask(), &mut out)
            .expect("a close");
    }
    out
}

/// What the other side is to hear of it.
fn meant(sayings: &[Saying], close: Option<&Option<CloseReason>>) -> Vec<Said> {
    let mut said = Vec::new();
    for saying in sayings {
        match saying.clone() {
            Saying::Ping(payload) => said.push(Said::Ping(payload)),
            Saying::Pong(payload) => said.push(Said::Pong(payload)),
            Saying::Message {
                text,
                payload,
                cuts,
                pings,
            } => {
                if pings {
                    said.extend(cuts.iter().map(|_| Said::Ping(b"between".to_vec())));
                }
                said.push(if text {
                    Said::Text(payload)
                } else {
                    Said::Binary(payload)
                });
            }
        }
    }
    said.extend(close.map(|reason| {
        Said::Close(
            reason
                .as_ref()
                .map(|it| (it.code.into(), it.reason.clone())),
        )
    }));
    said
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Client), Just(Role::Server)]
}

/// Bytes near the book: good streams with a few of them changed, cut off or put in.
fn damaged(role: Role) -> impl Strategy<Value = Vec<u8>> {
    let damage = vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 0..4);
    (vec(saying(), 0..6), proptest::option::of(a_close()), damage).prop_map(
        move |(sayings, close, damage)| {
            let mut wire = wire(role, &sayings, close.as_ref());
            for (at, octet, how) in damage {
                if wire.is_empty() {
                    break;
                }
                let at = at.index(wire.len());
                match how {
                    0 => wire[at] = octet,
                    1 => wire.insert(at, octet),
                    _ => wire.truncate(at),
                }
            }
            wire
        },
    )
}

/// What `role` hears when it comes in pieces of these sizes, again and again.
fn heard(role: Role, observe: bool, wire: &[u8], sizes: &[usize]) -> Vec<Said> {
    let limits = MessageLimits {
        max_message: 66_000,
        max_fragments: 6,
        max_empty_run: 3,
    };
    let mut ear = Ear::with_limits(role, limits);
    ear.receiver.observe_frames(observe);
    let mut rest = wire;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, left) = rest.split_at((*size).min(rest.len()));
        ear.feed(piece);
        rest = left;
    }
    ear.said
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn any_cuts_of_any_octets_change_nothing(
        (role, wire) in role().prop_flat_map(|role| (Just(role), prop_oneof![
            4 => damaged(role.peer()),
            1 => vec(any::<u8>(), 0..300),
        ])),
        sizes in vec(1usize..2_000, 1..5),
        observe in any::<bool>(),
    ) {
        let whole = heard(role, observe, &wire, &[usize::MAX]);
        prop_assert_eq!(&heard(role, observe, &wire, &sizes), &whole);
        if wire.len() < 2_000 {
            prop_assert_eq!(&heard(role, observe, &wire, &[1]), &whole);
        }
    }

    #[test]
    fn what_one_side_says_is_what_the_other_hears(
        role in role(),
        sayings in vec(saying(), 0..8),
        close in proptest::option::of(a_close()),
        sizes in vec(1usize..70_000, 1..4),
    ) {
        let wire = wire(role, &sayings, close.as_ref());
        let mut ear = Ear::new(role.peer());
        let mut rest = &wire[..];
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, left) = rest.split_at((*size).min(rest.len()));
            ear.feed(piece);
            rest = left;
        }
        prop_assert_eq!(ear.said, meant(&sayings, close.as_ref()));
    }

    #[test]
    fn a_header_is_read_as_it_was_written_and_needs_all_its_octets(
        bits in any::<[bool; 4]>(),
        opcode in prop_oneof![Just(Opcode::Continuation), Just(Opcode::Text), Just(Opcode::Binary), Just(Opcode::Close), Just(Opcode::Ping), Just(Opcode::Pong)],
        mask in proptest::option::of(any::<[u8; 4]>().prop_map(MaskKey)),
        length in prop_oneof![0u64..200, 65_000u64..66_000, 0u64..1 << 63],
        behind in vec(any::<u8>(), 0..4),
    ) {
        let [fin, rsv1, rsv2, rsv3] = bits;
        let header = Header { fin, rsv1, rsv2, rsv3, opcode, mask, length };
        let bytes = header.to_bytes().as_ref().to_vec();
        prop_assert_eq!(Header::decode(&[&bytes[..], &behind].concat()), Ok(Some((header, bytes.len()))));
        for end in 0..bytes.len() {
            prop_assert_eq!(Header::decode(&bytes[..end]), Ok(None));
        }
    }

    /// Whatever header bytes are accepted, they are the ones we would write: there is one form for each.
    #[test]
    fn a_header_that_is_accepted_is_in_its_only_form(bytes in vec(any::<u8>(), 0..14)) {
        if let Ok(Some((header, used))) = Header::decode(&bytes) {
            let written = header.to_bytes();
            prop_assert_eq!(written.as_ref(), &bytes[..used]);
        }
    }

    #[test]
    fn masking_twice_is_nothing_and_parts_are_as_the_whole(
        key in any::<[u8; 4]>(), data in vec(any::<u8>(), 0..200), offset in 0usize..9, cut in any::<prop::sample::Index>()
    ) {
        let mut whole = data.clone();
        MaskKey(key).apply(offset, &mut whole);
        let mut parts = data.clone();
        let cut = cut.index(data.len() + 1);
        MaskKey(key).apply(offset, &mut parts[..cut]);
        MaskKey(key).apply(offset + cut, &mut parts[cut..]);
        prop_assert_eq!(&parts, &whole);
        MaskKey(key).apply(offset, &mut whole);
        prop_assert_eq!(whole, data);
    }

    #[test]
    fn a_close_reason_is_read_as_it_was_written(reason in a_close()) {
        let mut payload = Vec::new();
        if let Some(reason) = &reason {
            reason.encode(&mut payload);
        }
        prop_assert_eq!(CloseReason::parse(&payload), Ok(reason));
    }

    #[test]
    fn text_in_pieces_is_judged_as_std_judges_the_whole(
        pieces in vec(prop_oneof![2 => ".{0,5}".prop_map(String::into_bytes), 1 => vec(any::<u8>(), 0..4)], 0..6),
        size in 1usize..5,
    ) {
        let whole = pieces.concat();
        let mut validator = Utf8Validator::new();
        let fed = whole.chunks(size).try_for_each(|piece| validator.feed(piece));
        prop_assert_eq!(fed.is_ok() && validator.is_complete(), std::str::from_utf8(&whole).is_ok());
        if fed.is_err() {
            // Impossible, not only unfinished.
            let error = std::str::from_utf8(&whole).expect_err("std agrees");
            prop_assert!(error.error_len().is_some());
        }
    }
}

// --- Another implementation -----------------------------------------------------------------------------------------

/// A stream of bytes that are all there, for tungstenite to read; what it writes is kept.
struct Tape {
    input: Cursor<Vec<u8>>,
    output: Vec<u8>,
}

impl Read for Tape {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.input.read(into)
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn theirs(role: Role, wire: &[u8]) -> tungstenite::WebSocket<Tape> {
    let tape = Tape {
        input: Cursor::new(wire.to_vec()),
        output: Vec::new(),
    };
    let role = match role {
        Role::Client => TheirRole::Client,
        Role::Server => TheirRole::Server,
    };
    tungstenite::WebSocket::from_raw_socket(tape, role, None)
}

/// What tungstenite hears, and whether it found anything wrong before the bytes ended.
fn heard_by_them(role: Role, wire: &[u8]) -> (Vec<Said>, bool) {
    use tungstenite::error::{Error, ProtocolError};
    let mut socket = theirs(role, wire);
    let mut said = Vec::new();
    loop {
        said.push(match socket.read() {
            Ok(tungstenite::Message::Text(text)) => Said::Text(text.as_bytes().to_vec()),
            Ok(tungstenite::Message::Binary(bytes)) => Said::Binary(bytes.to_vec()),
            Ok(tungstenite::Message::Ping(bytes)) => Said::Ping(bytes.to_vec()),
            Ok(tungstenite::Message::Pong(bytes)) => Said::Pong(bytes.to_vec()),
            Ok(tungstenite::Message::Close(frame)) => {
                said.push(Said::Close(
                    frame.map(|it| (it.code.into(), it.reason.to_string())),
                ));
                return (said, true);
            }
            Ok(other) => panic!("{other:?}"),
            Err(
                Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
                | Error::ConnectionClosed,
            ) => return (said, true),
            Err(_) => return (said, false),
        });
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn tungstenite_hears_the_same_in_every_good_stream(
        role in role(),
        sayings in vec(saying(), 0..8),
        close in proptest::option::of(a_close()),
    ) {
        let wire = wire(role.peer(), &sayings, close.as_ref());
        let meant = meant(&sayings, close.as_ref());
        prop_assert_eq!(heard_by_them(role, &wire), (meant.clone(), true));
        let mut ear = Ear::new(role);
        prop_assert_eq!(&ear.feed(&wire).said, &meant);
    }

    /// We are the stricter: what we accept of a damaged stream, they accept, and hear the same in it.
    #[test]
    fn what_we_accept_of_a_damaged_stream_tungstenite_hears_too(
        (role, wire) in role().prop_flat_map(|role| (Just(role), damaged(role.peer())))
    ) {
        let mut ear = Ear::new(role);
        let ours = std::mem::take(&mut ear.feed(&wire).said);
        let failed = matches!(ours.last(), Some(Said::Failed(_)));
        let (theirs, sound) = heard_by_them(role, &wire);
        if failed {
            let sound_part = &ours[..ours.len() - 1];
            prop_assert!(theirs.starts_with(sound_part), "ours {ours:?}, theirs {theirs:?}");
        } else if sound {
            prop_assert_eq!(ours, theirs);
        } else {
            // They may notice at once what has not had its last byte for us; nobody heard anything else before it.
            prop_assert!(ours.starts_with(&theirs), "ours {ours:?}, theirs {theirs:?}");
            prop_assert!(ear.receiver.in_message(), "we saw nothing wrong with it");
        }
    }

    /// Unmasked frames have one encoding each, so both sides write the same bytes.
    #[test]
    fn a_server_writes_the_octets_that_tungstenite_writes(
        sayings in vec(saying(), 0..8), close in proptest::option::of(a_close())
    ) {
        let whole: Vec<Saying> = sayings
            .into_iter()
            .map(|saying| match saying {
                Saying::Message { text, payload, .. } => Saying::Message { text, payload, cuts: Vec::new(), pings: false },
                other => other,
            })
            .collect();
        let mut socket = theirs(Role::Server, b"");
        for saying in &whole {
            let message = match saying.clone() {
                Saying::Ping(payload) => tungstenite::Message::Ping(payload.into()),
                Saying::Pong(payload) => tungstenite::Message::Pong(payload.into()),
                Saying::Message { text: false, payload, .. } => tungstenite::Message::Binary(payload.into()),
                Saying::Message { payload, .. } => {
                    tungstenite::Message::Text(String::from_utf8(payload).expect("a text").into())
                }
            };
            socket.send(message).expect("a stream without an end");
        }
        if let Some(reason) = &close {
            let frame = reason.as_ref().map(|it| tungstenite::protocol::CloseFrame {
                code: u16::from(it.code).into(),
                reason: it.reason.clone().into(),
            });
            let _ = socket.close(frame); // says that it is closed now
        }
        prop_assert_eq!(&socket.get_ref().output, &wire(Role::Server, &whole, close.as_ref()));
    }
}

// --- HTTP and names -------------------------------------------------------------------------------------------------

/// Heads near the book, and what is far from it.
fn head() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just("Host: example.org".to_owned()),
        Just("Connection: keep-alive, Upgrade".to_owned()),
        Just("Upgrade: websocket".to_owned()),
        Just("Content-Length: 0".to_owned()),
        "[A-Za-z-]{1,12}: ?[ -~]{0,30}",
        "[ -~]{0,20}",
    ];
    let first = prop_oneof![
        Just("GET /chat?name=a HTTP/1.1".to_owned()),
        Just("GET /".to_owned()),
        Just("HTTP/1.1 101 Switching Protocols".to_owned()),
        "[A-Z]{1,8} [!-~]{1,30} HTTP/1\\.[01]",
        "HTTP/1\\.[01] [0-9]{3} [ -~]{0,10}",
        "[ -~]{0,30}",
    ];
    let end = prop_oneof![8 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r")];
    (
        first,
        vec((line, end), 0..8),
        vec((any::<prop::sample::Index>(), any::<u8>()), 0..2),
    )
        .prop_map(|(first, lines, damage)| {
            let mut head = format!("{first}\r\n").into_bytes();
            for (line, end) in lines {
                head.extend(line.bytes().chain(end.bytes()));
            }
            head.extend(b"\r\nbehind");
            for (at, octet) in damage {
                let at = at.index(head.len());
                head[at] = octet;
            }
            head
        })
}

/// The first answer of a parser that is shown more and more of the bytes.
fn parsed<T>(
    wire: &[u8],
    sizes: &[usize],
    mut feed: impl FnMut(&[u8]) -> Result<Option<T>, HttpError>,
) -> Result<Option<T>, HttpError> {
    let mut end = 0;
    for size in sizes.iter().cycle() {
        end = (end + size).min(wire.len());
        match feed(&wire[..end]) {
            Ok(None) if end < wire.len() => {}
            outcome => return outcome,
        }
    }
    Ok(None)
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn any_cuts_of_any_head_change_nothing(wire in head(), sizes in vec(1usize..50, 1..4)) {
        let mut whole = RequestParser::new(HeadLimits::default());
        let mut parts = RequestParser::new(HeadLimits::default());
        let ours = parsed(&wire, &sizes, |input| parts.feed(input));
        let expected = whole.feed(&wire);
        // A refusal may come earlier than a whole reading would have come to it, and then for the earlier reason.
        prop_assert_eq!(ours.is_err(), expected.is_err(), "{:?} and {:?}", ours, expected);
        if expected.is_ok() {
            prop_assert_eq!(ours, expected);
        }
        let mut whole = ResponseParser::new(HeadLimits::default());
        let mut parts = ResponseParser::new(HeadLimits::default());
        let ours = parsed(&wire, &sizes, |input| parts.feed(input));
        let expected = whole.feed(&wire);
        prop_assert_eq!(ours.is_err(), expected.is_err(), "{:?} and {:?}", ours, expected);
        if expected.is_ok() {
            prop_assert_eq!(ours, expected);
        }
    }

    #[test]
    fn a_name_that_is_accepted_prints_as_what_it_means(text in prop_oneof![
        "wss?://[a-z0-9.:\\[\\]-]{0,20}/?[!-~]{0,20}", "https?://[!-~]{0,20}", "[!-~]{0,30}", ".{0,20}",
    ]) {
        if let Ok(url) = Url::parse(&text) {
            prop_assert_eq!(Url::parse(&url.to_string()), Ok(url));
        }
        if let Some(origin) = Origin::parse(&text) {
            prop_assert_eq!(Origin::parse(&origin.to_string()), Some(origin));
        }
        let _ = Authority::parse(&text); // must not panic
        if let Ok(decoded) = percent_decode(&text) {
            prop_assert!(decoded.len() <= text.len());
        }
    }

    #[test]
    fn percent_decoding_undoes_percent_encoding(bytes in vec(any::<u8>(), 0..50)) {
        let encoded: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
        prop_assert_eq!(percent_decode(&encoded), Ok(bytes));
    }
}

// --- Pooled buffers -------------------------------------------------------------------------------------------------

proptest! {
    #![proptest_config(config(20))]

    /// Row 26: large messages share buffers, and none sees what another left in them. Two connections in turn.
    #[test]
    fn octets_that_come_back_are_those_that_went_out(
        messages in vec((any::<bool>(), prop_oneof![3 => 0usize..5_000, 1 => 60_000usize..140_000, 1 => 0usize..600_000], any::<u8>()), 1..12)
    ) {
        let server = TestServer::echo(limits());
        let client = || connect(&server.url("/")).expect("a connection");
        let mut ends = [client(), client()];
        for (which, length, seed) in messages {
            let payload: Vec<u8> = (0..length).map(|n| (n as u8).wrapping_mul(31).wrapping_add(seed)).collect();
            let end = &mut ends[usize::from(which)];
            end.send(&payload).expect("it is open");
            let Some(Message::Binary(echo)) = end.read().expect("an echo") else {
                panic!("no binary message");
            };
            prop_assert!(echo == payload, "{length} octets came back changed");
        }
    }
}
