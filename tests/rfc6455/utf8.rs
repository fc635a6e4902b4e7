//! [RFC 6455, 8.1](https://www.rfc-editor.org/rfc/rfc6455#section-8.1): a text is UTF-8, or the connection fails, with 1007
//! and at the first byte that cannot be right.

use enchufe::protocol::{CloseCode, ProtocolError, Role};

use crate::support::frames::{
    Ear, ROLES, Said, fails, from_peer_of, header_from_peer_of, heard, masked, text,
};

/// A text that is not UTF-8, and how many of its bytes could still become one.
const IMPOSSIBLE: [(&str, &[u8], usize); 16] = [
    ("above 0x10ffff", b"\xf4\x90\x80\x80", 1),
    (
        "above 0x10ffff, after words",
        b"hola \xf4\x90\x80\x80 adios",
        6,
    ),
    ("a head of five octets", b"\xf8\x88\x80\x80\x80", 0),
    ("a head of six octets", b"\xfc\x84\x80\x80\x80\x80", 0),
    ("the first surrogate", b"\xed\xa0\x80", 1),
    ("the last surrogate", b"\xed\xbf\xbf", 1),
    ("a pair of surrogates", b"\xed\xa0\x80\xed\xb0\x80", 1),
    ("overlong in two", b"\xc0\xaf", 0),
    ("overlong in three", b"\xe0\x9f\xbf", 1),
    ("overlong in four", b"\xf0\x8f\xbf\xbf", 1),
    ("a lone tail", b"a\x80", 1),
    ("0xfe", b"\xfe", 0),
    ("0xff", b"abc\xff", 3),
    ("two of three, then a letter", b"\xe2\x82a", 2),
    ("a head and a head", b"\xce\xce", 1),
    ("three of four, then a letter", b"\xf0\x9f\x98a", 3),
];

const EDGES: &str =
    "\0\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{fffd}\u{ffff}\u{10000}\u{10ffff}κόσμε";

#[test]
fn the_edges_of_utf8_are_text_and_so_is_a_nul() {
    for role in ROLES {
        let wire = from_peer_of(role, "1 000 0001", EDGES.as_bytes());
        assert_eq!(heard(role, &wire), [text(EDGES)]);
    }
}

/// "... that endpoint MUST _Fail the WebSocket Connection_."
#[test]
fn both_fail_1007_on_a_text_that_is_not_utf8() {
    for role in ROLES {
        for (_, octets, _) in IMPOSSIBLE {
            let wire = from_peer_of(role, "1 000 0001", octets);
            let code = CloseCode::InvalidFramePayloadData;
            fails(role, &wire, ProtocolError::InvalidUtf8, code);
        }
    }
}

/// The frame promises more, and does not get to send it.
#[test]
fn the_first_impossible_octet_fails_in_the_middle_of_a_frame() {
    for role in ROLES {
        for (name, octets, possible) in IMPOSSIBLE {
            let mut promising = octets.to_vec();
            promising.resize(1000, b'x');
            let wire = from_peer_of(role, "1 000 0001", &promising);
            let header = wire.len() - 1000;
            let mut ear = Ear::new(role);
            ear.feed(&wire[..header + possible]);
            assert_eq!(ear.said, [], "{name}");
            ear.feed(&wire[header + possible..header + possible + 1]);
            assert_eq!(
                ear.said,
                [Said::Failed(ProtocolError::InvalidUtf8)],
                "{name}"
            );
        }
    }
}

#[test]
fn the_first_impossible_octet_fails_in_the_middle_of_a_later_fragment() {
    for role in ROLES {
        for (name, octets, possible) in IMPOSSIBLE {
            let mut ear = Ear::new(role);
            let (before, after) = octets.split_at(possible);
            ear.feed(&from_peer_of(role, "0 000 0001", before));
            ear.feed(&from_peer_of(role, "0 000 0000", b""));
            assert_eq!(ear.said, [], "{name}");
            let mut promising = after.to_vec();
            promising.resize(1000, b'x');
            let wire = from_peer_of(role, "0 000 0000", &promising);
            ear.feed(&wire[..wire.len() - 999]);
            assert_eq!(
                ear.said,
                [Said::Failed(ProtocolError::InvalidUtf8)],
                "{name}"
            );
        }
    }
}

/// A fragment may end inside a character; the message may not.
#[test]
fn a_character_may_be_cut_by_fragments_after_each_of_its_octets() {
    for role in ROLES {
        let octets = EDGES.as_bytes();
        for cut in 0..=octets.len() {
            let (before, after) = octets.split_at(cut);
            let first = from_peer_of(role, "0 000 0001", before);
            let ping = from_peer_of(role, "1 000 1001", b"\xff");
            let last = from_peer_of(role, "1 000 0000", after);
            let wire = [first, ping, last].concat();
            assert_eq!(heard(role, &wire), [Said::Ping(vec![0xff]), text(EDGES)]);
        }
        let one_by_one: Vec<u8> = octets
            .iter()
            .enumerate()
            .flat_map(|(i, octet)| {
                let first = if i == 0 { "0 000 0001" } else { "0 000 0000" };
                from_peer_of(role, first, &[*octet])
            })
            .chain(from_peer_of(role, "1 000 0000", b""))
            .collect();
        assert_eq!(heard(role, &one_by_one), [text(EDGES)]);
    }
}

#[test]
fn a_message_that_ends_inside_a_character_fails_1007() {
    for role in ROLES {
        for cut in ["\u{e9}", "€", "😀"] {
            for end in 1..cut.len() {
                let part = &cut.as_bytes()[..end];
                let code = CloseCode::InvalidFramePayloadData;
                let whole = from_peer_of(role, "1 000 0001", part);
                fails(role, &whole, ProtocolError::InvalidUtf8, code);
                let first = from_peer_of(role, "0 000 0001", part);
                let last = from_peer_of(role, "1 000 0000", b"");
                fails(
                    role,
                    &[first, last].concat(),
                    ProtocolError::InvalidUtf8,
                    code,
                );
            }
        }
    }
}

#[test]
fn a_character_cut_at_the_end_of_one_message_is_nothing_to_the_next() {
    let mut ear = Ear::new(Role::Server);
    ear.feed(&masked("0 000 0001", b"\xe2"));
    // From here on nobody asks whether the character was finished.
    ear.receiver.set_check_utf8(false);
    ear.feed(&masked("1 000 0000", b"\x82"));
    ear.receiver.set_check_utf8(true);
    ear.feed(&masked("0 000 0001", b"a"))
        .feed(&masked("1 000 0000", b"b"));
    assert_eq!(ear.said, [Said::Text(b"\xe2\x82".to_vec()), text("ab")]);
}

#[test]
fn a_binary_message_may_be_any_octets() {
    for role in ROLES {
        for (_, octets, _) in IMPOSSIBLE {
            let wire = from_peer_of(role, "1 000 0010", octets);
            assert_eq!(heard(role, &wire), [Said::Binary(octets.to_vec())]);
            let mut parts = from_peer_of(role, "0 000 0010", octets);
            parts.extend(from_peer_of(role, "1 000 0000", b""));
            assert_eq!(heard(role, &parts), [Said::Binary(octets.to_vec())]);
        }
    }
}

#[test]
fn a_service_may_take_texts_that_are_no_text() {
    for role in ROLES {
        let mut ear = Ear::new(role);
        ear.receiver.set_check_utf8(false);
        for (_, octets, _) in IMPOSSIBLE {
            ear.said.clear();
            ear.feed(&from_peer_of(role, "1 000 0001", octets));
            ear.feed(&from_peer_of(role, "0 000 0001", octets));
            ear.feed(&from_peer_of(role, "1 000 0000", octets));
            assert_eq!(
                ear.said,
                [Said::Text(octets.to_vec()), Said::Text(octets.repeat(2))]
            );
        }
    }
}

#[test]
fn a_text_that_fails_does_so_before_its_frame_would_be_whole_however_much_was_promised() {
    let mut ear = Ear::new(Role::Server);
    ear.feed(&header_from_peer_of(Role::Server, "1 000 0001", 1 << 20));
    assert_eq!(ear.receiver.bytes_needed(), (1 << 20) + 14);
    // Masked with the first byte of the key.
    ear.feed(&[0xff ^ 0x37]);
    assert_eq!(ear.said, [Said::Failed(ProtocolError::InvalidUtf8)]);
}
