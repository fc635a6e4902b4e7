//! What is no compressed message, or stands where none may: the connection fails, nothing is heard after it, and what
//! inflated is gone.

use enchufe::protocol::{CloseCode, Decompressor, MessageLimits, ProtocolError, Role};

use super::words::{
    BINARY, BINARY_BEGINS, Dice, HELLO, LAST, TEXT, TEXT_BEGINS, compressed, deflated, ear,
    ear_with,
};
use crate::support::frames::{Ear, ROLES, Said, from_peer_of, text};

const INVALID: Said = Said::Failed(ProtocolError::InvalidDeflate);
const RESERVED: Said = Said::Failed(ProtocolError::ReservedBit);

#[test]
fn what_cannot_be_inflated_is_1007() {
    assert_eq!(
        ProtocolError::InvalidDeflate.close_code(),
        CloseCode::InvalidFramePayloadData
    );
    for (what, payload) in [
        ("a block of the reserved type", &[0x06][..]),
        (
            "a length and its complement that do not fit",
            &[0x00, 0x05, 0x00, 0x00, 0x00],
        ),
        (
            "a reference to before the first octet",
            &[0xf2, 0x00, 0x11, 0x00, 0x00],
        ),
        (
            "text behind a whole message",
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, b'x'],
        ),
        (
            "a zlib header",
            &[0x78, 0x9c, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        ),
        (
            "the octets that are to be left out",
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00],
        ),
    ] {
        for role in ROLES {
            let mut ear = ear(role);
            let wire = compressed(role, BINARY, payload);
            ear.feed(&wire).feed(&compressed(role, TEXT, &HELLO));
            assert_eq!(ear.said, [INVALID], "{role:?}: {what}");
            assert!(format!("{:?}", ear.receiver).contains("decompressor: None"));
        }
    }
}

/// Whatever a message is cut off in: a table, a code, a length, bytes as they are.
#[test]
fn a_message_that_is_cut_off_is_found_out() {
    let numbers: String = (0..2000).map(|i| format!("{} ", i * i % 7919)).collect();
    let messages = [
        b"Hello, hello, hello!".to_vec(),
        numbers.clone().into_bytes(),
        Dice(7).octets(3000),
        [Dice(8).octets(300), numbers.into_bytes()].concat(),
        vec![b'a'; 100_000],
    ];
    for message in messages {
        let whole = deflated(&message);
        // One byte of a block without compression is an empty message, and rightly so.
        for cut in (2..whole.len()).step_by(whole.len() / 500 + 1) {
            let mut ear = ear(Role::Client);
            ear.feed(&compressed(Role::Client, BINARY, &whole[..cut]));
            assert_eq!(ear.said, [INVALID], "{cut} of {}", whole.len());
        }
    }
}

#[test]
fn garbage_is_bounded_and_never_panics() {
    let mut dice = Dice(1);
    let mut failed = 0;
    for _ in 0..3000 {
        let mut ear = ear_with(Role::Server, Decompressor::new(), 10_000);
        let length = dice.roll(200);
        let mut payload = dice.octets(length);
        if dice.roll(2) == 0 {
            // Something good with one byte changed goes deeper.
            payload = deflated(&b"good morning, good evening and good night. ".repeat(9));
            let at = dice.roll(payload.len());
            payload[at] ^= 1 << dice.roll(8);
        }
        let middle = dice.roll(payload.len() + 1);
        ear.feed(&compressed(Role::Server, BINARY_BEGINS, &payload[..middle]))
            .feed(&compressed(Role::Server, LAST, &payload[middle..]));
        match &ear.said[..] {
            [Said::Binary(payload)] => assert!(payload.len() <= 10_000),
            [Said::Failed(error)] => {
                assert!(matches!(
                    error,
                    ProtocolError::InvalidDeflate | ProtocolError::MessageTooBig
                ));
                failed += 1;
            }
            said => panic!("{said:?}"),
        }
    }
    assert!(failed > 1500, "{failed}");
}

#[test]
fn what_must_be_utf8_is_what_comes_out() {
    for (message, whole) in [
        ("aé€😀z".as_bytes(), true),
        ("aé€😀".as_bytes().split_at(9).0, false),
    ] {
        let payload = deflated(message);
        for middle in 0..=payload.len() {
            for observed in [false, true] {
                let mut ear = ear(Role::Server);
                ear.receiver.observe_frames(observed);
                ear.feed(&compressed(Role::Server, TEXT_BEGINS, &payload[..middle]))
                    .feed(&compressed(Role::Server, LAST, &payload[middle..]));
                let expected = match whole {
                    true => Said::Text(message.to_vec()),
                    false => Said::Failed(ProtocolError::InvalidUtf8),
                };
                assert_eq!(ear.said.last(), Some(&expected), "cut at {middle}");
            }
        }
    }
    // Binary, or any text: nobody asks.
    let wrong = deflated(b"\xff\xfe");
    let mut ear = ear(Role::Client);
    ear.feed(&compressed(Role::Client, BINARY, &wrong));
    ear.receiver.set_check_utf8(false);
    ear.feed(&compressed(Role::Client, TEXT, &wrong));
    let octets = b"\xff\xfe".to_vec();
    assert_eq!(ear.said, [Said::Binary(octets.clone()), Said::Text(octets)]);
}

#[test]
fn the_first_impossible_octet_fails_before_the_message_is_whole() {
    let payload = deflated(&[b"\xff".to_vec(), Dice(3).octets(50_000)].concat());
    let mut ear = ear(Role::Client);
    let wire = compressed(Role::Client, TEXT, &payload);
    ear.feed(&wire[..20_000]);
    assert_eq!(ear.said, [Said::Failed(ProtocolError::InvalidUtf8)]);
}

/// [RFC 7692, 6](https://www.rfc-editor.org/rfc/rfc7692#section-6).
#[test]
fn rsv1_is_legal_on_the_first_frame_of_a_message_only() {
    for role in ROLES {
        let first = || compressed(role, TEXT_BEGINS, &HELLO[..3]);
        let plain = || from_peer_of(role, "0 000 0001", b"Hel");
        for (what, wire) in [
            (
                "a continuation",
                [first(), compressed(role, "1 100 0000", &HELLO[3..])].concat(),
            ),
            (
                "of a plain one",
                [plain(), compressed(role, "1 100 0000", b"lo")].concat(),
            ),
            ("a Ping", compressed(role, "1 100 1001", b"")),
            (
                "a Ping between",
                [first(), compressed(role, "1 100 1001", b"")].concat(),
            ),
            ("a Pong", compressed(role, "1 100 1010", b"")),
            ("a Close", compressed(role, "1 100 1000", b"")),
            ("RSV2 too", compressed(role, "1 110 0001", &HELLO)),
            ("RSV3 too", compressed(role, "1 101 0001", &HELLO)),
        ] {
            let mut ear = ear(role);
            ear.feed(&wire);
            assert_eq!(ear.said, [RESERVED], "{role:?}: {what}");
            assert_eq!(
                ProtocolError::ReservedBit.close_code(),
                CloseCode::ProtocolError
            );
        }
        let mut never_agreed = Ear::new(role);
        never_agreed.feed(&compressed(role, TEXT, &HELLO));
        assert_eq!(never_agreed.said, [RESERVED]);
    }
}

#[test]
fn one_compressed_message_says_nothing_about_the_next() {
    for role in ROLES {
        let mut ear = ear(role);
        for _ in 0..2 {
            ear.feed(&compressed(role, TEXT, &HELLO))
                .feed(&from_peer_of(role, "1 000 0001", b"plain"))
                .feed(&compressed(role, TEXT_BEGINS, &HELLO[..2]))
                .feed(&compressed(role, LAST, &HELLO[2..]))
                .feed(&from_peer_of(role, "0 000 0001", b"pl"))
                .feed(&from_peer_of(role, "1 000 0000", b"ain"));
        }
        let expected = ["Hello", "plain", "Hello", "plain"].map(text);
        assert_eq!(ear.said, [expected.clone(), expected].concat());
    }
}

#[test]
fn fragments_of_a_compressed_message_are_counted_as_any() {
    let limits = MessageLimits {
        max_fragments: 5,
        max_empty_run: 2,
        ..MessageLimits::default()
    };
    let begin = |payload| {
        let mut ear = Ear::with_limits(Role::Client, limits.clone());
        ear.receiver.set_decompressor(Decompressor::new());
        ear.feed(&compressed(Role::Client, TEXT_BEGINS, payload));
        ear
    };
    let more = |payload| from_peer_of(Role::Client, "0 000 0000", payload);
    let mut ear = begin(&HELLO[..1]);
    for octet in 1..6 {
        ear.feed(&more(&HELLO[octet..=octet]));
    }
    let too_many = ProtocolError::TooManyFragments;
    assert_eq!(ear.said, [Said::Failed(too_many)]);
    let mut ear = begin(b"");
    ear.feed(&more(b"")).feed(&more(b""));
    let too_empty = ProtocolError::TooManyEmptyFragments;
    assert_eq!(ear.said, [Said::Failed(too_empty)]);
}
