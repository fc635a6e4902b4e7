//! [RFC 7692, 7.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.1): what offers a server accepts and how, what answers a
//! client accepts, and what an answer means to both.

use enchufe::handshake::{
    DeflateParams, ExtensionOffer, HandshakeError, check_request, upgrade_response,
};
use enchufe::http::{HeadLimits, RequestParser};

const ANY: DeflateParams = DeflateParams {
    server_no_context_takeover: false,
    client_no_context_takeover: false,
    server_max_window_bits: 15,
    client_max_window_bits: 15,
};
/// As little memory as there is.
const SMALL: DeflateParams = DeflateParams {
    server_no_context_takeover: true,
    client_no_context_takeover: true,
    server_max_window_bits: 9,
    client_max_window_bits: 9,
};

/// The extensions of a request with this field.
fn extensions(value: &str) -> Vec<ExtensionOffer> {
    let request = format!(
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: {value}\r\n\r\n"
    );
    let mut parser = RequestParser::new(HeadLimits::default());
    let (request, _) = parser.feed(request.as_bytes()).unwrap().unwrap();
    check_request(&request).expect("a valid list").extensions
}

/// What a server with these wishes answers; `""` when it declines.
fn answer(wishes: DeflateParams, offers: &str) -> String {
    wishes
        .accept(&extensions(offers))
        .map(|(_, answer)| answer.to_string())
        .unwrap_or_default()
}

#[test]
fn a_server_accepts_the_first_offer_that_it_can_keep_to() {
    for (offers, any, small) in [
        (
            "permessage-deflate",
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9",
        ),
        (
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9",
        ),
        (
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9",
        ),
        (
            "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9",
        ),
        (
            "permessage-deflate; server_max_window_bits=15; client_max_window_bits=15",
            "permessage-deflate; server_max_window_bits=15",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9",
        ),
        (
            "permessage-deflate; server_max_window_bits=\"10\"; client_max_window_bits=9",
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9",
        ),
        // The client will use 8 whatever we say, and we inflate that; we never answer it.
        (
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9",
        ),
        // What is bad is passed over, and what is unknown.
        (
            "permessage-deflate; server_max_window_bits=8, foo, permessage-deflate; server_max_window_bits=11",
            "permessage-deflate; server_max_window_bits=11",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9",
        ),
        ("x-webkit-deflate-frame, permessage-bzip2", "", ""),
        ("Permessage-Deflate, constructor, __proto__", "", ""),
    ] {
        assert_eq!(answer(ANY, offers), any, "{offers}");
        assert_eq!(answer(SMALL, offers), small, "{offers}");
    }
}

/// Parameters that no offer and no answer may have.
const BAD: [&str; 22] = [
    "unknown",
    "server_no_context_takeover=1",
    "client_no_context_takeover=true",
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits=9; server_max_window_bits=9",
    "client_max_window_bits=9; client_max_window_bits=10",
    "server_max_window_bits",
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=0",
    "server_max_window_bits=09",
    "server_max_window_bits=015",
    "server_max_window_bits=15x",
    "server_max_window_bits=+9",
    "server_max_window_bits=-9",
    "server_max_window_bits=265",
    "client_max_window_bits=7",
    "client_max_window_bits=16",
    "client_max_window_bits=15x",
    "client_max_window_bits=1e1",
    "Server_Max_Window_Bits=9",
];

#[test]
fn a_server_declines_what_it_does_not_understand_and_the_handshake_goes_on() {
    for bad in BAD.into_iter().chain(["server_max_window_bits=8"]) {
        for wishes in [ANY, SMALL] {
            let offer = format!("permessage-deflate; {bad}");
            assert_eq!(answer(wishes, &offer), "", "{bad}");
            let fallback = format!("{offer}, permessage-deflate");
            assert_ne!(answer(wishes, &fallback), "", "{bad}");
        }
    }
    assert_eq!(ANY.accept(&[]), None);
}

#[test]
fn what_client_and_server_make_of_an_offer_is_the_same_for_all_wishes() {
    let some = |mask: u8, bits: [u8; 2]| DeflateParams {
        server_no_context_takeover: mask & 1 != 0,
        client_no_context_takeover: mask & 2 != 0,
        server_max_window_bits: bits[0],
        client_max_window_bits: bits[1],
    };
    let bits = [8, 9, 12, 15, 99];
    for client in 0..4 {
        for server in 0..4 {
            for at in 0..625 {
                let pick = |step: usize| bits[at / step % 5];
                let client = some(client, [pick(1), pick(5)]);
                let server = some(server, [pick(25), pick(125)]);
                let (ours, answer) = server.accept(&[client.offer()]).expect("a good offer");
                let theirs = client
                    .check(std::slice::from_ref(&answer))
                    .unwrap()
                    .unwrap();
                assert!(!answer.to_string().contains("=8"));
                // The client may take a smaller window for itself than it was told.
                assert!(theirs.client_max_window_bits <= ours.client_max_window_bits);
                let theirs = DeflateParams {
                    client_max_window_bits: ours.client_max_window_bits,
                    ..theirs
                };
                assert_eq!(theirs, ours, "{client:?} {server:?}");
                assert!((9..=15).contains(&ours.server_max_window_bits));
            }
        }
    }
}

#[test]
fn an_offer_says_what_it_wants_and_that_the_server_may_choose() {
    assert_eq!(
        ANY.offer().to_string(),
        "permessage-deflate; client_max_window_bits"
    );
    assert_eq!(
        SMALL.offer().to_string(),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9"
    );
}

/// What a client with these wishes makes of an answer.
fn agreed(wishes: DeflateParams, answer: &str) -> Result<Option<DeflateParams>, HandshakeError> {
    wishes.check(&extensions(answer))
}

#[test]
fn a_client_keeps_to_what_the_server_answers() {
    assert_eq!(ANY.check(&[]), Ok(None));
    assert_eq!(agreed(ANY, "permessage-deflate"), Ok(Some(ANY)));
    for (answer, expected) in [
        (
            "server_no_context_takeover",
            DeflateParams {
                server_no_context_takeover: true,
                ..ANY
            },
        ),
        (
            "client_no_context_takeover",
            DeflateParams {
                client_no_context_takeover: true,
                ..ANY
            },
        ),
        (
            "server_max_window_bits=12",
            DeflateParams {
                server_max_window_bits: 12,
                ..ANY
            },
        ),
        (
            "client_max_window_bits=12",
            DeflateParams {
                client_max_window_bits: 12,
                ..ANY
            },
        ),
        // What the server sends with such a window any decompressor inflates.
        (
            "server_max_window_bits=8",
            DeflateParams {
                server_max_window_bits: 8,
                ..ANY
            },
        ),
    ] {
        assert_eq!(
            agreed(ANY, &format!("permessage-deflate; {answer}")),
            Ok(Some(expected)),
            "{answer}"
        );
    }
    // The least of both for itself.
    let small = "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=15";
    assert_eq!(agreed(SMALL, small), Ok(Some(SMALL)));
}

#[test]
fn a_client_fails_on_an_answer_that_it_cannot_keep_to_or_never_offered() {
    let more = [
        // An answer without a value sets nothing, and no peer compresses with 8.
        "client_max_window_bits",
        "client_max_window_bits=8",
    ];
    for bad in BAD.into_iter().chain(more) {
        let answer = format!("permessage-deflate; {bad}");
        assert_eq!(
            agreed(ANY, &answer),
            Err(HandshakeError::UnacceptableExtension),
            "{bad}"
        );
    }
    for ignoring in [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits=9",
        "permessage-deflate, permessage-deflate",
    ] {
        assert_eq!(
            agreed(SMALL, ignoring),
            Err(HandshakeError::UnacceptableExtension),
            "{ignoring}"
        );
    }
}

#[test]
fn an_answer_stays_below_254_bytes_unless_every_parameter_is_named() {
    let request =
        extensions("permessage-deflate; client_max_window_bits; server_no_context_takeover");
    let (_, answer) = ANY.accept(&request).unwrap();
    let offer = enchufe::handshake::Offer {
        key: "dGhlIHNhbXBsZSBub25jZQ==".into(),
        subprotocols: vec!["chat.v1.json".into()],
        extensions: request,
        origin: None,
    };
    let head = upgrade_response(&offer, Some("chat.v1.json"), Some(&answer.to_string()), &[]);
    let head = head.expect("an answer that can be sent");
    assert!(head.len() < 254, "{}", head.len());
}
