//! [RFC 7692, 7.2.3](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.3): the examples, byte by byte, in every split and in
//! both roles.

use enchufe::protocol::{Compressor, Role};

use super::words::{HELLO, LAST, TEXT, TEXT_BEGINS, compressed, ear, sender, sent};
use crate::support::frames::{Ear, ROLES, Said, frame, from_peer_of, text};

/// Both roles hear these messages in the frames that `wire` makes for a role, however they are cut in two.
#[track_caller]
fn heard(wire: impl Fn(Role) -> Vec<u8>, messages: &[Said]) {
    for role in ROLES {
        let wire = wire(role);
        for cut in 0..=wire.len() {
            let mut ear = ear(role);
            ear.feed(&wire[..cut]).feed(&wire[cut..]);
            assert_eq!(ear.said, messages, "{role:?}, cut at {cut}");
            assert_eq!(ear.waiting(), 0);
        }
        let octet_by_octet = |ear: &mut Ear| {
            for octet in &wire {
                ear.feed(&[*octet]);
            }
            std::mem::take(&mut ear.said)
        };
        assert_eq!(octet_by_octet(&mut ear(role)), messages);
        let mut observing = ear(role);
        observing.receiver.observe_frames(true);
        let meant: Vec<Said> = octet_by_octet(&mut observing)
            .into_iter()
            .filter(|said| !matches!(said, Said::Frame(..)))
            .collect();
        assert_eq!(meant, messages, "{role:?}, every frame observed");
    }
}

/// 7.2.3.1, with the bits of its frame.
#[test]
fn a_message_in_one_block() {
    assert_eq!(
        frame(TEXT, &HELLO),
        [0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]
    );
    heard(|role| compressed(role, TEXT, &HELLO), &[text("Hello")]);
}

/// 7.2.3.1: "the first fragment 0x41 0x03 0xf2 0x48 0xcd, the second 0x80 0x04 0xc9 0xc9 0x07 0x00".
#[test]
fn a_message_in_one_block_and_two_fragments() {
    assert_eq!(
        frame(TEXT_BEGINS, &HELLO[..3]),
        [0x41, 0x03, 0xf2, 0x48, 0xcd]
    );
    assert_eq!(
        frame(LAST, &HELLO[3..]),
        [0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00]
    );
    heard(
        |role| {
            let control = from_peer_of(role, "1 000 1010", b"between");
            let first = compressed(role, TEXT_BEGINS, &HELLO[..3]);
            let last = compressed(role, LAST, &HELLO[3..]);
            [first, control, last].concat()
        },
        &[Said::Pong(b"between".to_vec()), text("Hello")],
    );
}

/// 7.2.3.2: the second "Hello" refers to the first.
#[test]
fn a_message_that_shares_the_window_of_the_one_before() {
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    heard(
        |role| {
            [
                compressed(role, TEXT, &HELLO),
                compressed(role, TEXT, &again),
            ]
            .concat()
        },
        &[text("Hello"), text("Hello")],
    );
    // What goes out between them uncompressed is in no window.
    heard(
        |role| {
            let plain = from_peer_of(role, "1 000 0001", b"plain");
            let (first, second) = (
                compressed(role, TEXT, &HELLO),
                compressed(role, TEXT, &again),
            );
            [first, plain, second].concat()
        },
        &[text("Hello"), text("plain"), text("Hello")],
    );
}

/// 7.2.3.3.
#[test]
fn a_message_in_a_block_without_compression() {
    let stored = [
        0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
    ];
    heard(|role| compressed(role, TEXT, &stored), &[text("Hello")]);
}

/// 7.2.3.4: after a final block another one begins, in this message and in the next.
#[test]
fn a_message_in_a_final_block() {
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    heard(
        |role| {
            [
                compressed(role, TEXT, &last),
                compressed(role, TEXT, &HELLO),
                compressed(role, TEXT, &[&last[..7], &last[..7], &HELLO].concat()),
                // Without the empty block behind it, which the RFC asks for: there is nothing else that it could mean.
                compressed(role, TEXT, &last[..7]),
                compressed(role, TEXT, &HELLO),
            ]
            .concat()
        },
        &["Hello", "Hello", "HelloHelloHello", "Hello", "Hello"].map(text),
    );
}

/// 7.2.3.5.
#[test]
fn a_message_in_two_blocks() {
    let two = [
        0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
    ];
    heard(|role| compressed(role, TEXT, &two), &[text("Hello")]);
}

/// 7.2.3.6: one byte is an empty message; so are none, which some compressors make of a second one.
#[test]
fn an_empty_message() {
    heard(
        |role| {
            [
                compressed(role, TEXT, &[0x00]),
                compressed(role, TEXT, &[]),
                compressed(role, TEXT_BEGINS, &[]),
                compressed(role, LAST, &[0x00]),
                compressed(role, TEXT, &HELLO),
            ]
            .concat()
        },
        &["", "", "", "Hello"].map(text),
    );
}

#[test]
fn we_say_hello_and_nothing_in_the_octets_of_the_rfc() {
    let mut sender = sender(Compressor::new(15));
    assert_eq!(sent(&mut sender, b"Hello"), (0xc2, HELLO.to_vec()));
    assert_eq!(sent(&mut sender, b""), (0xc2, vec![0x00]));
    assert_eq!(sent(&mut sender, b""), (0xc2, vec![0x00]));
    let (first, again) = sent(&mut sender, b"Hello");
    assert!(first == 0xc2 && again.len() <= HELLO.len());
}
