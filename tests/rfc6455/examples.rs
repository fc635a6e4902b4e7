//! [RFC 6455, 5.7](https://www.rfc-editor.org/rfc/rfc6455#section-5.7): the examples, byte by byte, in both directions.

use enchufe::protocol::{Encoder, MaskKey, MessageKind, Role};

use crate::support::frames::{KEY, Said, heard, text};

const MASK: Option<MaskKey> = Some(MaskKey(KEY));

/// What a sender of this role appends.
fn sent(role: Role, say: impl FnOnce(&mut Encoder, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    say(&mut Encoder::new(role), &mut out);
    out
}

/// "A single-frame unmasked text message".
#[test]
fn an_unmasked_text_message_says_hello() {
    let wire = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(heard(Role::Client, &wire), [text("Hello")]);
    let ours = sent(Role::Server, |sender, out| {
        assert_eq!(
            sender.message(MessageKind::Text, b"Hello", None, out),
            Ok(())
        );
    });
    assert_eq!(ours, wire);
}

/// "A single-frame masked text message".
#[test]
fn a_masked_text_message_says_hello() {
    let wire = [
        0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    assert_eq!(heard(Role::Server, &wire), [text("Hello")]);
    let ours = sent(Role::Client, |sender, out| {
        assert_eq!(
            sender.message(MessageKind::Text, b"Hello", MASK, out),
            Ok(())
        );
    });
    assert_eq!(ours, wire);
}

/// "A fragmented unmasked text message".
#[test]
fn a_fragmented_text_message_says_hello_once() {
    let wire = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f];
    assert_eq!(heard(Role::Client, &wire), [text("Hello")]);
    let ours = sent(Role::Server, |sender, out| {
        assert_eq!(
            sender.fragment(MessageKind::Text, false, b"Hel", None, out),
            Ok(())
        );
        assert_eq!(
            sender.fragment(MessageKind::Text, true, b"lo", None, out),
            Ok(())
        );
    });
    assert_eq!(ours, wire);
}

/// "Unmasked Ping request and masked Ping response".
#[test]
fn a_ping_and_its_pong_carry_the_same_payload() {
    let ping = [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    let pong = [
        0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    assert_eq!(heard(Role::Client, &ping), [Said::Ping(b"Hello".to_vec())]);
    assert_eq!(heard(Role::Server, &pong), [Said::Pong(b"Hello".to_vec())]);
    let pinged = sent(Role::Server, |sender, out| {
        assert_eq!(sender.ping(b"Hello", None, out), Ok(()));
    });
    let ponged = sent(Role::Client, |sender, out| {
        assert_eq!(sender.pong(b"Hello", MASK, out), Ok(()));
    });
    assert_eq!((pinged, ponged), (ping.to_vec(), pong.to_vec()));
}

/// "256 bytes binary message in a single unmasked frame" and "64KiB binary message in a single unmasked frame".
#[test]
fn longer_messages_have_longer_lengths() {
    let table: [(usize, &[u8]); 2] = [
        (256, &[0x82, 0x7e, 0x01, 0x00]),
        (
            65536,
            &[0x82, 0x7f, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00],
        ),
    ];
    for (length, header) in table {
        let payload: Vec<u8> = (0..length).map(|i| i as u8).collect();
        let wire = [header, &payload].concat();
        assert_eq!(heard(Role::Client, &wire), [Said::Binary(payload.clone())]);
        let ours = sent(Role::Server, |sender, out| {
            assert_eq!(
                sender.message(MessageKind::Binary, &payload, None, out),
                Ok(())
            );
        });
        assert_eq!(ours, wire);
        let alone = Encoder::new(Role::Server).header(MessageKind::Binary, length, None);
        assert_eq!(alone.unwrap().as_ref(), header);
    }
}
